/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading files through memory (mmap).  When somebody truncates such a file,
 * its pages vanish, and the next access raises SIGBUS.  Inside mapped_try this
 * is an ordinary failure; elsewhere it ends the process, as usual.
 */
#pragma once

#include <stdbool.h>

/* Calls read(arg), which reads mapped memory.  False: some of the memory is
 * gone, and read was interrupted in the middle.  So read must not hold
 * anything that has to be released.  Works in any thread; calls do not
 * nest. */
bool mapped_try(void (*read)(void *arg), void *arg);

/* Installs the handler in this process: before the first call. */
void mapped_init(void);
