/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invariants.  CHECK is always on and meant for conditions that are cheap to
 * test; DCHECK only in builds --with-debug.  A failed check prints the place
 * and what check_context() knows (the task at hand), and aborts the process:
 * the master starts another worker.
 */
#pragma once

#include <stddef.h>

#define CHECK(cond)                                                            \
    do {                                                                       \
        if (__builtin_expect(!(cond), 0))                                      \
            check_failed(#cond, __FILE__, __LINE__);                           \
    } while (0)

#ifdef WEIR_DEBUG
#define DCHECK(cond) CHECK(cond)
#else
#define DCHECK(cond) ((void) sizeof(cond))
#endif

#define container_of(ptr, type, member)                                        \
    ((type *) (void *) ((char *) (ptr) - offsetof(type, member)))

/* Of a large array on a hot path that is written before it is read: the build
 * zeroes what stands on the stack, and that costs something there. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define UNSET __attribute__((uninitialized))
#else
#define UNSET
#endif

#define countof(a) (sizeof(a) / sizeof((a)[0]))

/* Called by a failed check before it aborts; prints what is being worked on
 * to descriptor 2 and the error log.  Set once by core/proc; may be NULL. */
extern void (*check_context)(const char *message);

_Noreturn void check_failed(const char *cond, const char *file, int line);

/* Ends the process with a message: so many bytes could not be allocated. */
_Noreturn void check_memory(size_t wanted);
