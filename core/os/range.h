/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of addresses that are kept free for later.  Reserved before a fork,
 * a range is free in every process of the family, so that what one of them
 * maps there has the same address in all of them.  It costs no memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Reserves *size bytes, or half of it as often as the system refuses, but at
 * least so many.  Of addresses that are limited (RLIMIT_AS), an eighth at most
 * is taken, since everything else needs some, too.  The address, with *size
 * set; NULL with errno: not even those.  Sizes are multiples of pages. */
void *range_reserve(size_t *size, size_t least);
/* The same at that address; false with errno: it is not free. */
bool range_reserve_at(void *at, size_t size);
/* Gives the addresses up. */
void range_release(void *at, size_t size);

/* A file in memory of that size, which may be mapped, but not executed; its
 * size and what is in it can be sealed (fcntl(2)).  -1 with errno. */
int range_file(const char *name, size_t size);
/* Maps what a file has from its start on to a part of a range, readable and
 * writable; how is MAP_SHARED or MAP_PRIVATE.  False with errno. */
bool range_map(void *at, size_t size, int fd, int how);
/* Unmaps it: the part is free again, and still reserved. */
bool range_unmap(void *at, size_t size);
