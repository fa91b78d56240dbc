/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of nghttp2's sessions.  Each has a buffer of 16 kB for frames, of
 * which the beginning is all that is used as a rule: it lies on pages of its own,
 * so that the rest takes no memory, whatever was freed before.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/pieces.h"
#include "http/h2/conn.h"

enum {
    LARGE = 16384, /* so large is that buffer at least                     */
    PAGE = 4096,
    SLOT = 5 * PAGE, /* ... and at most                                      */
    SLOTS = 64,      /* made at a time                                       */
};

/* Slots that are free: each begins with the next one. */
static union slot {
    union slot *next;
    char        bytes[SLOT];
} * spare;


static bool
make_slots(void)
{
    union slot *all;

    if (sysconf(_SC_PAGESIZE) != PAGE)
        return false;
    all = mmap(NULL, sizeof(*all) * SLOTS, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return false;
    (void) madvise(all, sizeof(*all) * SLOTS, MADV_NOHUGEPAGE);
    for (unsigned i = 0; i < SLOTS; i++) {
        all[i].next = spare;
        spare = &all[i];
    }
    return true;
}


static void *
get(size_t n, void *user)
{
    struct h2  *h = user;
    union slot *s;

    if (n < LARGE || n > SLOT || h->frames != NULL
        || (spare == NULL && !make_slots()))
        return pieces_get(n);
    s = spare;
    spare = s->next;
    h->frames = s;
    return s;
}


static void
put(void *p, void *user)
{
    struct h2  *h = user;
    union slot *s = p;

    if (p == NULL || p != h->frames) {
        pieces_put(p);
        return;
    }
    h->frames = NULL;
    (void) madvise(s->bytes + PAGE, SLOT - PAGE, MADV_DONTNEED);
    s->next = spare;
    spare = s;
}


static void *
get_zeroed(size_t n, size_t size, void *user)
{
    (void) user;
    return calloc(n, size);
}


static void *
resize(void *p, size_t n, void *user)
{
    const struct h2 *h = user;
    void            *to;

    if (p == NULL)
        return get(n, user);
    if (p != h->frames)
        return realloc(p, n);
    to = malloc(n);
    if (to == NULL)
        return NULL;
    memcpy(to, p, n < SLOT ? n : SLOT);
    put(p, user);
    return to;
}


nghttp2_mem
h2_memory(struct h2 *h)
{
    return (nghttp2_mem){ h, get, put, get_zeroed, resize };
}
