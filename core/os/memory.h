/* SPDX-License-Identifier: BSD-2-Clause */
/* How the C library's allocator treats freed memory. */
#pragma once

/* Keeps some freed memory in the process, so that each turn of the loop does
 * not have to get it from the system again.  Call this before any
 * allocation. */
void memory_init(void);

/* Returns what else is free, in the middle of the heap, too: pages between those
 * that are in use.  It takes about as long as to free them one by one. */
void memory_trim(void);
