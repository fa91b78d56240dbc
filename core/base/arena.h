/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that goes all at once.  Arenas nest by life: generation >
 * connection > task > scratch; a pointer into a shorter one never stands in
 * a longer one (str_copy what crosses).
 *
 * arena_alloc does not fail: exhausted memory ends the process with a
 * message, and the master starts another worker.  What the network sizes is
 * asked for with arena_try, against the arena's limit, and answered with an
 * error status.
 *
 * Built with WEIR_EMULATE_ARENA (make asan) each piece is its own malloc, so
 * that ASan sees overruns and uses after the end.
 */
#pragma once

#include <stdarg.h>

#include "core/base/str.h"

#if defined(__SANITIZE_ADDRESS__) && !defined(WEIR_EMULATE_ARENA)
#define WEIR_EMULATE_ARENA 1
#elif defined(__has_feature) && !defined(WEIR_EMULATE_ARENA)
#if __has_feature(address_sanitizer)
#define WEIR_EMULATE_ARENA 1
#endif
#endif

struct arena;

/* A new arena whose blocks have about block bytes (0: the default of one
 * page).  Freed blocks of the default size are kept in a small free list of
 * the process, so that an arena per request costs no malloc. */
struct arena *arena_new(size_t block);

/* Runs what was deferred, last first, and frees everything. */
void arena_free(struct arena *a);

/* Runs what was deferred and empties the arena for another use, keeping its
 * first block. */
void arena_reset(struct arena *a);

/* The most that arena_try may have taken in all, in bytes (default 16 MiB). */
void arena_limit(struct arena *a, size_t bytes);

/* Bytes handed out so far, by both ways. */
size_t arena_used(const struct arena *a);

/* n bytes, aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc));

/* The same, zeroed. */
void *arena_zalloc(struct arena *a, size_t n) __attribute__((malloc));

/* n unaligned bytes, for text. */
char *arena_bytes(struct arena *a, size_t n) __attribute__((malloc));

/* n bytes aligned for any type, or NULL past the limit or without memory. */
void *arena_try(struct arena *a, size_t n) __attribute__((malloc));

/* A larger piece in place of the old one (NULL: none yet), whose n bytes are
 * copied; grows in place where old was the last piece handed out.  The old
 * piece is not to be used again. */
void *arena_grow(struct arena *a, void *old, size_t n, size_t wanted);

#define arena_make(a, type) ((type *) arena_zalloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *) arena_zalloc(a, sizeof(type) * (n)))

/* Calls fn(arg) when the arena ends or is reset; the last deferred is called
 * first.  Ties descriptors and library objects to the arena. */
void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);

/* Takes one such call back without making it; nothing happens when there is
 * none. */
void arena_undefer(struct arena *a, void (*fn)(void *arg), void *arg);

/* A copy of s in a, with a NUL behind it that does not count. */
str_t str_copy(struct arena *a, str_t s);
char *str_z(struct arena *a, str_t s);

/* a, b (and c) one behind the other, with a NUL that does not count. */
str_t str_join(struct arena *a, str_t x, str_t y);
str_t str_join3(struct arena *a, str_t x, str_t y, str_t z);

/* printf into the arena; the text ends with a NUL that does not count. */
str_t arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
str_t arena_vprintf(struct arena *a, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
