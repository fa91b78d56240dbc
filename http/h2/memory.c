/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of nghttp2's sessions.  Two parts of a session are large, and of use
 * only while something goes on: a buffer of 16 kB for frames that are being made,
 * and a table of streams, which is all zeroes when there are none.  They lie on
 * pages of their own: what is not used of them takes no memory, whatever was freed
 * before, and what an idle connection has used goes back to the system.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/pieces.h"
#include "http/h2/conn.h"

enum {
    LARGE = 16384, /* so large is the buffer at least                      */
    PAGE = 4096,
    FRAMES = 5 * PAGE, /* ... and at most                                    */
    SLOTS = 64,        /* made at a time                                     */
};

/* Slots that are free: each begins with the next one. */
static union slot {
    union slot *next;
    struct {
        char frames[FRAMES];
        char table[PAGE];
    } part;
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


/* That of h; NULL: it cannot have one. */
static union slot *
take_slot(struct h2 *h)
{
    union slot *s = h->slot;

    if (s != NULL || (spare == NULL && !make_slots()))
        return s;
    s = spare;
    spare = s->next;
    h->slot = s;
    return s;
}


static void *
get(size_t n, void *user)
{
    struct h2 *h = user;

    if (n < LARGE || n > FRAMES || h->has_frames || take_slot(h) == NULL)
        return pieces_get(n);
    h->has_frames = true;
    return h->slot->part.frames;
}


/* Of a slot, as of new memory: zeroes, and none of it taken. */
static void
forget(char *p, size_t n)
{
    (void) madvise(p, n, MADV_DONTNEED);
}


static void
put_slot(struct h2 *h)
{
    union slot *s = h->slot;

    if (h->has_frames || h->has_table)
        return;
    h->slot = NULL;
    forget(s->part.frames + PAGE, sizeof(*s) - PAGE);
    s->next = spare;
    spare = s;
}


static void
put(void *p, void *user)
{
    struct h2  *h = user;
    union slot *s = h->slot;

    if (p == NULL)
        return;
    if (s != NULL && p == s->part.frames) {
        h->has_frames = false;
        put_slot(h);
    } else if (s != NULL && p == s->part.table) {
        h->has_table = false;
        forget(s->part.table, PAGE);
        put_slot(h);
    } else {
        pieces_put(p);
    }
}


static void *
get_zeroed(size_t n, size_t size, void *user)
{
    struct h2 *h = user;

    if (n > PAGE || n * size != PAGE || h->has_table || take_slot(h) == NULL)
        return calloc(n, size);
    h->has_table = true;
    return h->slot->part.table;
}


static void *
resize(void *p, size_t n, void *user)
{
    const struct h2  *h = user;
    const union slot *s = h->slot;
    void             *to;
    size_t            had;

    if (p == NULL)
        return get(n, user);
    if (s == NULL || (p != s->part.frames && p != s->part.table))
        return realloc(p, n);
    had = p == s->part.frames ? FRAMES : PAGE;
    to = malloc(n);
    if (to == NULL)
        return NULL;
    memcpy(to, p, n < had ? n : had);
    put(p, user);
    return to;
}


nghttp2_mem
h2_memory(struct h2 *h)
{
    return (nghttp2_mem){ h, get, put, get_zeroed, resize };
}


void
h2_memory_rest(struct h2 *h)
{
    static const char zeroes[PAGE];
    union slot       *s = h->slot;

    if (s == NULL)
        return;
    if (h->has_frames)
        forget(s->part.frames, FRAMES);
    if (h->has_table && memcmp(s->part.table, zeroes, PAGE) == 0)
        forget(s->part.table, PAGE);
}
