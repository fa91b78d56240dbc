/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening as root what somebody else may have had a hand in.
 */
#pragma once

#include <sys/types.h>

/* open(), which follows no link that stands in a folder of that user (uid) or
 * below one: there it could lead to anything.  -1 with errno, ELOOP or ENOTDIR
 * for such a link.  Of root nothing is suspected. */
int wary_open(const char *path, int flags, mode_t mode, uid_t user);
