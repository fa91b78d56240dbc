/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory is one piece of its zone, cut into blocks.  A thing has as many as
 * it needs, linked by their numbers; its first one is in a bucket's list and in
 * the list of use.  Number 0 is nobody.
 */
#include "core/tls/kept.h"

#include "core/base/check.h"
#include "core/shm/registry.h"

/* LAYOUT changes with the structures. */
enum { BLOCK = 256, LAYOUT = 2 };

/* The first block of a thing. */
struct first {
    uint32_t next;         /* block of it; in the list of free ones: the next */
    uint32_t chain;        /* in the bucket                                   */
    uint32_t newer, older; /* in the list of use                              */
    int64_t  until;
    uint16_t n; /* bytes                                           */
    uint8_t  id_n;
    uint8_t  id[TLS_KEPT_ID];
    char     data[BLOCK - 64];
};

struct rest {
    uint32_t next;
    char     data[BLOCK - 4];
};

union kept_block {
    struct first first;
    struct rest  rest;
};
_Static_assert(sizeof(union kept_block) == BLOCK, "no holes");

struct tls_kept {
    uint32_t n_blocks;
    uint32_t n_buckets; /* a power of two                                    */
    uint32_t free;  /* the first one in their list, or 0                     */
    uint32_t fresh; /* behind the last one that was ever taken: memory that
                       nobody needs so far is not touched                    */
    uint32_t n_free;
    uint32_t newest, oldest;
    uint32_t buckets[];
};


static union kept_block *
block_at(struct tls_kept *s, uint32_t i)
{
    return (union kept_block *) (void *) ((char *) s + (size_t) i * BLOCK);
}


/* Empties it. */
static void
clear(struct tls_kept *s)
{
    size_t head;

    s->n_buckets = 16;
    while (s->n_buckets < s->n_blocks / 2)
        s->n_buckets *= 2;
    head = sizeof(*s) + s->n_buckets * sizeof(s->buckets[0]);
    memset(s->buckets, 0, s->n_buckets * sizeof(s->buckets[0]));
    s->free = s->newest = s->oldest = 0;
    s->fresh = (uint32_t) (head / BLOCK) + 1;
    s->n_free = s->n_blocks - s->fresh;
}


/* The largest piece that there is. */
static bool
init(struct zone *z)
{
    size_t           n = zone_size(z) / ZONE_PAGE * ZONE_PAGE;
    struct tls_kept *s = NULL;

    while (s == NULL && n > ZONE_PAGE) {
        n -= ZONE_PAGE;
        s = zone_alloc(z, n);
    }
    if (s == NULL)
        return false;
    s->n_blocks = (uint32_t) (n / BLOCK);
    clear(s);
    zone_set_root(z, s);
    return true;
}


const struct zone_use tls_kept_sessions
    = { .name = "ssl_session_cache", .version = LAYOUT, .init = init };
const struct zone_use tls_kept_statuses
    = { .name = "ssl_ocsp_cache", .version = LAYOUT, .init = init };
const struct zone_use tls_kept_staples
    = { .name = "ssl_stapling", .version = LAYOUT, .init = init };


/* What a process was changing when it died is given up. */
static struct tls_kept *
lock(struct zone *z)
{
    struct tls_kept *s = zone_root(z);

    if (!zone_lock(z))
        clear(s);
    return s;
}


/* Ids are random bytes, ours; a client may choose others, which are not
 * found. */
static uint32_t *
bucket_of(struct tls_kept *s, str_t id)
{
    uint32_t h = 0;

    memcpy(&h, id.p, id.n < sizeof(h) ? id.n : sizeof(h));
    return &s->buckets[h & (s->n_buckets - 1)];
}


static uint32_t
find(struct tls_kept *s, str_t id)
{
    uint32_t i = *bucket_of(s, id);

    while (i != 0) {
        const struct first *f = &block_at(s, i)->first;

        if (f->id_n == id.n && memcmp(f->id, id.p, id.n) == 0)
            break;
        i = f->chain;
    }
    return i;
}


static void
leave_use(struct tls_kept *s, const struct first *f)
{
    if (f->newer != 0)
        block_at(s, f->newer)->first.older = f->older;
    else
        s->newest = f->older;
    if (f->older != 0)
        block_at(s, f->older)->first.newer = f->newer;
    else
        s->oldest = f->newer;
}


static void
enter_use(struct tls_kept *s, uint32_t i)
{
    struct first *f = &block_at(s, i)->first;

    f->newer = 0;
    f->older = s->newest;
    if (s->newest != 0)
        block_at(s, s->newest)->first.newer = i;
    else
        s->oldest = i;
    s->newest = i;
}


static void
drop(struct tls_kept *s, uint32_t i)
{
    struct first *f = &block_at(s, i)->first;
    uint32_t     *at = bucket_of(s, (str_t){ (char *) f->id, f->id_n }), next;

    while (*at != i)
        at = &block_at(s, *at)->first.chain;
    *at = f->chain;
    leave_use(s, f);
    for (; i != 0; i = next) {
        next = block_at(s, i)->rest.next;
        block_at(s, i)->rest.next = s->free;
        s->free = i;
        s->n_free++;
    }
}


static uint32_t
take_block(struct tls_kept *s)
{
    uint32_t i = s->free;

    if (i != 0)
        s->free = block_at(s, i)->rest.next;
    else
        i = s->fresh++;
    s->n_free--;
    block_at(s, i)->rest.next = 0;
    return i;
}


static uint32_t
blocks_for(size_t n)
{
    const size_t own = sizeof(((struct first *) 0)->data);
    const size_t more = sizeof(((struct rest *) 0)->data);

    return n <= own ? 1 : (uint32_t) (1 + (n - own + more - 1) / more);
}


/* Copies between the blocks of a thing and p. */
static void
copy(struct tls_kept *s, uint32_t i, char *p, size_t n, bool is_out)
{
    struct first *f = &block_at(s, i)->first;
    char         *at = f->data;
    size_t        room = sizeof(f->data), part;

    for (;;) {
        part = n < room ? n : room;
        if (is_out)
            memcpy(p, at, part);
        else
            memcpy(at, p, part);
        p += part;
        n -= part;
        if (n == 0)
            return;
        i = block_at(s, i)->rest.next;
        CHECK(i != 0);
        at = block_at(s, i)->rest.data;
        room = sizeof(block_at(s, i)->rest.data);
    }
}


static void
store(struct tls_kept *s, str_t id, str_t bytes, time_t until)
{
    uint32_t      first = take_block(s), last = first;
    uint32_t     *bucket = bucket_of(s, id);
    struct first *f = &block_at(s, first)->first;

    for (uint32_t k = 1; k < blocks_for(bytes.n); k++) {
        uint32_t next = take_block(s);

        block_at(s, last)->rest.next = next;
        last = next;
    }
    f->until = until;
    f->n = (uint16_t) bytes.n;
    f->id_n = (uint8_t) id.n;
    memcpy(f->id, id.p, id.n);
    f->chain = *bucket;
    *bucket = first;
    enter_use(s, first);
    copy(s, first, (char *) (uintptr_t) bytes.p, bytes.n, false);
}


/* With the lock held.  False: there is no room. */
static bool
put(struct tls_kept *s, str_t id, str_t bytes, time_t until)
{
    uint32_t old = find(s, id);

    if (old != 0)
        drop(s, old);
    while (s->n_free < blocks_for(bytes.n) && s->oldest != 0)
        drop(s, s->oldest);
    if (s->n_free < blocks_for(bytes.n))
        return false;
    store(s, id, bytes, until);
    return true;
}


static bool
is_id(str_t id)
{
    return id.n != 0 && id.n <= TLS_KEPT_ID;
}


bool
tls_kept_put(struct zone *z, str_t id, str_t bytes, time_t until)
{
    struct tls_kept *s;
    bool             fits;

    if (bytes.n > TLS_KEPT_MAX || !is_id(id))
        return false;
    s = lock(z);
    fits = put(s, id, bytes, until);
    zone_unlock(z);
    return fits;
}


bool
tls_kept_claim(struct zone *z, str_t id, time_t now, time_t *until)
{
    struct tls_kept *s = lock(z);
    uint32_t         i = find(s, id);
    bool             is_ours;

    is_ours = i == 0 || block_at(s, i)->first.until <= now;
    if (!is_ours)
        *until = block_at(s, i)->first.until;
    else
        is_ours = put(s, id, STR(""), *until);
    zone_unlock(z);
    return is_ours;
}


size_t
tls_kept_get(struct zone *z, str_t id, time_t now, char *out, size_t room)
{
    struct tls_kept *s;
    struct first    *f;
    uint32_t         i;
    size_t           n = 0;

    if (!is_id(id))
        return 0;
    s = lock(z);
    i = find(s, id);
    if (i != 0) {
        f = &block_at(s, i)->first;
        if (f->until < now) {
            drop(s, i);
        } else if (f->n <= room) {
            n = f->n;
            copy(s, i, out, n, true);
            leave_use(s, f);
            enter_use(s, i);
        }
    }
    zone_unlock(z);
    return n;
}


void
tls_kept_drop(struct zone *z, str_t id)
{
    struct tls_kept *s;
    uint32_t         i;

    if (!is_id(id))
        return;
    s = lock(z);
    i = find(s, id);
    if (i != 0)
        drop(s, i);
    zone_unlock(z);
}
