/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading files through memory (mmap).  Who cuts such a file off takes pages
 * away under its reader, and the kernel answers the next read with SIGBUS.
 * Behind mapped_try that is a failure like others; anywhere else it ends the
 * process, as before.
 */
#pragma once

#include <stdbool.h>

/* Calls read(arg), which reads mapped memory; false: some of it is no longer
 * there, and read was left in the middle.  So read holds nothing that has to
 * be given back while it reads.  In any thread; calls do not nest. */
bool mapped_try(void (*read)(void *arg), void *arg);

/* Makes it so: once, before the first call, and before a fork. */
void mapped_init(void);
