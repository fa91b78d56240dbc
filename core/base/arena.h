/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is freed all at once.  Arenas nest by lifetime: generation >
 * connection > task > scratch.  A pointer to a shorter-lived arena is never
 * stored in a longer-lived one: use str_copy.
 *
 * arena_alloc does not fail: when memory is exhausted, the process ends with a
 * message, and the master starts another worker.  Where the network determines
 * the size, use arena_try, which respects the arena's limit, and answer a
 * failure with an error status.  Built with WEIR_EMULATE_ARENA (make asan)
 * each piece is a malloc of its own, so that ASan sees overruns and uses after
 * the end.  With WEIR_POISON_ARENA (make asan-arenas) pieces lie where they
 * always do, and ASan is told of the room between and behind them.
 */
#pragma once

#include <stdarg.h>

#include "core/base/str.h"

#if defined(WEIR_POISON_ARENA)
#elif defined(__SANITIZE_ADDRESS__) && !defined(WEIR_EMULATE_ARENA)
#define WEIR_EMULATE_ARENA 1
#elif defined(__has_feature) && !defined(WEIR_EMULATE_ARENA)
#if __has_feature(address_sanitizer)
#define WEIR_EMULATE_ARENA 1
#endif
#endif

struct arena;

/* Room at an address of its owner's choice (core/conf/image.h), from which an
 * arena takes its memory, so that all of it lies in one piece.  Nothing is
 * given back.  When at has reached end, malloc provides what is still needed,
 * and is_short says so; an owner that sets end to at has it so from then on. */
struct region {
    char *start, *at, *end;
    bool  is_short;
};

/* Other memory is at these addresses than before: with WEIR_POISON_ARENA, ASan
 * forgets what it knows of them. */
void region_renewed(void *at, size_t n);

/* A new arena whose blocks have about block bytes (0: the default of one
 * page).  Freed blocks of the default size are kept in a small free list of
 * the process, so that an arena per request costs no malloc. */
struct arena *arena_new(size_t block);
/* The same within a region, which itself lies in the region's memory, or lives
 * for longer; NULL: as arena_new.  Not with WEIR_EMULATE_ARENA. */
struct arena *arena_new_in(struct region *r, size_t block);

/* Runs the deferred calls, the last one first, and frees everything. */
void arena_free(struct arena *a);

/* Runs the deferred calls and empties the arena for reuse, keeping its first
 * block. */
void arena_reset(struct arena *a);

/* The limit for the sum of all arena_try, in bytes (default 16 MiB). */
void arena_limit(struct arena *a, size_t bytes);

/* Bytes allocated so far, by arena_alloc and arena_try. */
size_t arena_used(const struct arena *a);

/* Bytes that the arenas of the thread have of malloc, and that they have given
 * back to it so far. */
struct arena_use {
    size_t held, freed;
};

const struct arena_use *arena_use(void);

/* n bytes, aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc));

/* The same, zeroed. */
void *arena_zalloc(struct arena *a, size_t n) __attribute__((malloc));

/* n unaligned bytes, for text. */
char *arena_bytes(struct arena *a, size_t n) __attribute__((malloc));

/* n bytes aligned for any type, or NULL beyond the limit or without memory. */
void *arena_try(struct arena *a, size_t n) __attribute__((malloc));

/* A larger piece in place of the old one (NULL: none yet), whose n bytes are
 * copied; grows in place where old was the last piece handed out.  The old
 * piece is not to be used again. */
void *arena_grow(struct arena *a, void *old, size_t n, size_t wanted);

#define arena_make(a, type) ((type *) arena_zalloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *) arena_zalloc(a, sizeof(type) * (n)))

/* Calls fn(arg) when the arena is freed or reset; the last one deferred is
 * called first.  Used to tie descriptors and library objects to the arena. */
void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);

/* A copy of s in a, followed by a NUL that is not part of its length. */
str_t str_copy(struct arena *a, str_t s);
char *str_z(struct arena *a, str_t s);

/* a, b (and c) joined, followed by a NUL that is not part of the length. */
str_t str_join(struct arena *a, str_t x, str_t y);
str_t str_join3(struct arena *a, str_t x, str_t y, str_t z);

/* Decimal digits, followed by a NUL that is not part of the length. */
str_t arena_number(struct arena *a, uint64_t n);
/* printf into the arena, followed by a NUL that is not part of the length. */
str_t arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
str_t arena_vprintf(struct arena *a, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
