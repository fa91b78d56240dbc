/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many processors this process may use.
 */
#pragma once

#include <stdbool.h>

/* Those that the scheduler allows, limited by the CPU quota of the cgroup; at
 * least 1. */
unsigned cpu_count(void);

/* The quota alone, rounded up; 0: there is none.  groups is the text file
 * /proc/self/cgroup, mount the folder /sys/fs/cgroup. */
unsigned cpu_quota(const char *groups, const char *mount);
