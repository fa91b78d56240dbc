/* SPDX-License-Identifier: BSD-2-Clause */
/* How the C library's allocator deals with freed memory. */
#pragma once

/* Some of it stays with the process, so that what the requests of one turn of
 * the loop took is not fetched from the system again in the next.  To be
 * called before memory is wanted. */
void memory_init(void);
