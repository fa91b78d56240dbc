/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of nghttp2's sessions.  Two parts of a session are large, and of use
 * only while something goes on: a buffer of 16 kB for frames that are being made,
 * and a table of streams, which is all zeroes when there are none.  They lie on
 * pages of their own: what is not used of them takes no memory, whatever was freed
 * before, and what an idle connection has used goes back to the system.
 *
 * The session itself and the indexes of its two tables of HPACK lie there, too: they
 * are mostly zeroes, and packed while the connection sleeps.  Nothing but nghttp2
 * uses any of it, with a session that h2_session has given.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/pieces.h"
#include "core/base/sparse.h"
#include "http/h2/conn.h"

enum {
    LARGE = 16384, /* so large is the buffer at least                      */
    PAGE = 4096,
    FRAMES = 5 * PAGE, /* ... and at most                                    */
    OWN = 2 * PAGE,    /* the session and its parts                          */
    OWN_LEAST = 512,   /* ... which are as large                             */
    SLOTS = 64,        /* made at a time                                     */
};

struct h2_slot {
    char frames[FRAMES];
    char table[PAGE];
    char own[OWN];
};

/* Of the process: slots that are free; room for all that were made. */
static struct {
    struct h2_slot **at;
    size_t           n, n_made;
} spare;


static bool
make_slots(void)
{
    struct h2_slot *all, **at;

    if (sysconf(_SC_PAGESIZE) != PAGE)
        return false;
    all = mmap(NULL, sizeof(*all) * SLOTS, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return false;
    at = realloc(spare.at, sizeof(struct h2_slot *) * (spare.n_made + SLOTS));
    if (at == NULL)
        check_memory(sizeof(struct h2_slot *) * (spare.n_made + SLOTS));
    (void) madvise(all, sizeof(*all) * SLOTS, MADV_NOHUGEPAGE);
    spare.at = at;
    spare.n_made += SLOTS;
    for (unsigned i = 0; i < SLOTS; i++)
        spare.at[spare.n++] = &all[i];
    return true;
}


/* That of h; NULL: it cannot have one. */
static struct h2_slot *
take_slot(struct h2 *h)
{
    struct h2_slot *s = h->slot;

    if (s != NULL || (spare.n == 0 && !make_slots()))
        return s;
    h->slot = spare.at[--spare.n];
    return h->slot;
}


/* What nghttp2 asks for while it makes the session stays as long as that.  NULL:
 * it is none of these parts. */
static void *
get_own(struct h2 *h, size_t n)
{
    char *p;

    n = (n + 15) & ~(size_t) 15;
    if (h->session != NULL || n < OWN_LEAST || n > OWN - h->n_own
        || take_slot(h) == NULL)
        return NULL;
    p = h->slot->own + h->n_own;
    h->n_own += (uint32_t) n;
    h->n_parts++;
    return p;
}


static void *
get(size_t n, void *user)
{
    struct h2 *h = user;
    void      *own = get_own(h, n);

    if (own != NULL)
        return own;
    if (n < LARGE || n > FRAMES || h->has_frames || take_slot(h) == NULL)
        return pieces_get(n);
    h->has_frames = true;
    return h->slot->frames;
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
    struct h2_slot *s = h->slot;

    if (h->has_frames || h->has_table || h->n_parts != 0)
        return;
    h->slot = NULL;
    forget(s->frames, sizeof(*s));
    spare.at[spare.n++] = s;
}


static bool
is_own(const struct h2_slot *s, const void *p)
{
    return (uintptr_t) p - (uintptr_t) s->own < OWN;
}


static void
put(void *p, void *user)
{
    struct h2      *h = user;
    struct h2_slot *s = h->slot;

    if (p == NULL)
        return;
    if (s != NULL && is_own(s, p)) {
        if (--h->n_parts == 0)
            h->n_own = 0;
        put_slot(h);
    } else if (s != NULL && p == s->frames) {
        h->has_frames = false;
        put_slot(h);
    } else if (s != NULL && p == s->table) {
        h->has_table = false;
        forget(s->table, PAGE);
        put_slot(h);
    } else {
        pieces_put(p);
    }
}


static void *
get_zeroed(size_t n, size_t size, void *user)
{
    struct h2 *h = user;

    void *own = n == 1 ? get_own(h, size) : NULL;

    if (own != NULL)
        return memset(own, 0, size);
    if (n > PAGE || n * size != PAGE || h->has_table || take_slot(h) == NULL)
        return calloc(n, size);
    h->has_table = true;
    return h->slot->table;
}


static void *
resize(void *p, size_t n, void *user)
{
    const struct h2      *h = user;
    const struct h2_slot *s = h->slot;
    void                 *to;
    size_t                had;

    if (p == NULL)
        return get(n, user);
    if (s == NULL || (p != s->frames && p != s->table && !is_own(s, p)))
        return realloc(p, n);
    if (is_own(s, p))
        had = (size_t) (s->own + OWN - (char *) p);
    else
        had = p == s->frames ? FRAMES : PAGE;
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


static void
pack(struct h2 *h)
{
    static unsigned char scratch[SPARSE_MOST(OWN)];
    unsigned char       *from = (unsigned char *) h->slot->own;
    size_t               n = sparse_pack(from, h->n_own, scratch);

    h->packed = malloc(n);
    if (h->packed == NULL)
        check_memory(n);
    memcpy(h->packed, scratch, n);
    forget(h->slot->own, OWN);
#ifdef WEIR_DEBUG
    CHECK(mprotect(h->slot->own, OWN, PROT_NONE) == 0);
#endif
}


void
h2_memory_wake(struct h2 *h)
{
#ifdef WEIR_DEBUG
    CHECK(mprotect(h->slot->own, OWN, PROT_READ | PROT_WRITE) == 0);
#endif
    sparse_unpack(h->packed, (unsigned char *) h->slot->own, h->n_own);
    free(h->packed);
    h->packed = NULL;
}


void
h2_memory_rest(struct h2 *h)
{
    static const char zeroes[PAGE];
    struct h2_slot   *s = h->slot;

    if (s == NULL)
        return;
    if (h->has_frames)
        forget(s->frames, FRAMES);
    if (h->has_table && memcmp(s->table, zeroes, PAGE) == 0)
        forget(s->table, PAGE);
    if (h->n_own != 0 && h->packed == NULL)
        pack(h);
}
