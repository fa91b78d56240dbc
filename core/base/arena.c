/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas as chained pages with a bump pointer.  The struct itself is in its
 * first page, so an arena that stays small needs one allocation, or none:
 * freed pages of the two usual sizes are kept for the next arena.  Pieces that
 * would waste much of a page get a malloc of their own, and are chained to the
 * arena.  In the emulated variant every piece does.
 *
 * Invariant: [at, end) is free room in the newest page, the first of pages.
 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/base/check.h"

enum {
    PAGE_DEFAULT = 5120, /* with most of what a proxied request needs        */
    PAGE_MIN = 512,
    PAGE_NEXT = 768, /* further ones, at least                              */
    ALIGN = alignof(max_align_t),
};

#define LIMIT_DEFAULT ((size_t) 16 << 20)

/* Rounds an address up to the alignment that fits any type. */
#define ALIGNED(p) (((uintptr_t) (p) + ALIGN - 1) & ~(uintptr_t) (ALIGN - 1))

struct page {
    struct page *next;
    size_t       size; /* with this header */
};

/* A piece with a malloc of its own. */
struct large {
    alignas(max_align_t) struct large *next;
    struct large *prev;
    size_t        n;
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    char            *at, *end; /* room in the newest page                    */
    struct page     *pages;    /* newest first; this struct is in the last   */
    struct large    *large;    /* newest first                               */
    struct deferred *deferred; /* last first                                 */
    size_t           page;     /* size of further pages, at most             */
    size_t           filled;   /* bytes in older pages and large pieces      */
    size_t           tried;    /* bytes that arena_try gave                  */
    size_t           limit;
    struct region   *region; /* takes its memory from there; or NULL       */
};

static _Thread_local struct arena_use use;

/* Freed pages of PAGE_DEFAULT and of PAGE_NEXT bytes, for the next arena. */
static _Thread_local struct spare {
    struct page *first;
    unsigned     n, most;
} spare_default = { .most = 64 }, spare_next = { .most = 256 };


/* Between two pieces, where ASan is told of it: what is written there is an
 * overrun. */
#ifdef WEIR_POISON_ARENA
#include <sanitizer/asan_interface.h>
enum { GAP = 16 };
const char arena_kind[] = "arenas with guarded room";
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void) (p), (void) (n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void) (p), (void) (n))
enum { GAP = 0 };
#endif


/* Room that belongs to no piece, or not any more. */
static void
poison(void *p, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(p, n);
#ifdef WEIR_DEBUG
    memset(p, 0xA5, n);
#endif
    ASAN_POISON_MEMORY_REGION(p, n);
}


static inline void *
piece(void *p, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return p;
}


/* The room of a page is from at to end. */
static void
guard(char *at, const char *end)
{
    ASAN_POISON_MEMORY_REGION(at, (size_t) (end - at));
}


void
region_renewed(void *at, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(at, n);
}


/* NULL: it is used up. */
static void *
region_take(struct region *r, size_t n)
{
    char *p = (char *) ALIGNED(r->at);

    if (p > r->end || n > (size_t) (r->end - p)) {
        r->is_short = true;
        return NULL;
    }
    r->at = p + n;
    return p;
}


/* n bytes from the region, where there is one, or from malloc; or NULL. */
static void *
memory_take(struct region *r, size_t n)
{
    void *p = r ? region_take(r, n) : NULL;

    if (p)
        return p;
    p = malloc(n);
    if (p)
        use.held += n;
    return p;
}


static bool
is_within(const struct region *r, const void *p)
{
    return r && (const char *) p >= r->start && (const char *) p < r->at;
}


static void
memory_drop(const struct region *r, void *p, size_t n)
{
    if (is_within(r, p))
        return;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    free(p);
    use.held -= n;
    use.freed += n;
}


const struct arena_use *
arena_use(void)
{
    return &use;
}


/* NULL: pages of that size are not kept. */
static struct spare *
spare_of(size_t size)
{
    if (size == PAGE_DEFAULT)
        return &spare_default;
    return size == PAGE_NEXT ? &spare_next : NULL;
}


static struct page *
page_take(struct region *r, size_t size)
{
    struct spare *s = r ? NULL : spare_of(size);
    struct page  *page;

    if (s && s->first) {
        page = s->first;
        s->first = page->next;
        s->n--;
    } else {
        page = memory_take(r, size);
        if (!page)
            return NULL;
    }
    piece(page, size);
    page->size = size;
    return page;
}


static void
page_drop(const struct region *r, struct page *page)
{
    struct spare *s = r ? NULL : spare_of(page->size);

    poison(page + 1, page->size - sizeof(*page));
#ifdef WEIR_EMULATE_ARENA
    s = NULL;
#endif
    if (!s || s->n == s->most) {
        memory_drop(r, page, page->size);
        return;
    }
    page->next = s->first;
    s->first = page;
    s->n++;
}


/* The end of the arena's own struct: the free room of its page begins there. */
static char *
first_room(const struct arena *a)
{
    return (char *) ALIGNED(a + 1);
}


/* The start of the used bytes in the newest page. */
static char *
newest_room(const struct arena *a)
{
    return a->pages->next ? (char *) (a->pages + 1) : first_room(a);
}


struct arena *
arena_new_in(struct region *r, size_t size)
{
    struct page  *page;
    struct arena *a;

    if (size == 0)
        size = PAGE_DEFAULT;
    if (size < PAGE_MIN)
        size = PAGE_MIN;

    page = page_take(r, size);
    if (!page)
        check_memory(size);
    page->next = NULL;

    a = (struct arena *) ALIGNED(page + 1);
    *a = (struct arena){
        .pages = page,
        .page = size,
        .limit = LIMIT_DEFAULT,
        .end = (char *) page + size,
        .region = r,
    };
    a->at = first_room(a);
    guard(a->at, a->end);
    return a;
}


struct arena *
arena_new(size_t size)
{
    return arena_new_in(NULL, size);
}


/* Runs the deferred calls and frees all but the first page. */
static void
empty(struct arena *a)
{
    struct deferred *d;
    struct large    *l;
    struct page     *page;

    while ((d = a->deferred)) {
        a->deferred = d->next;
        d->fn(d->arg);
    }
    while ((l = a->large)) {
        a->large = l->next;
        poison(l + 1, l->n);
        memory_drop(a->region, l, sizeof(*l) + l->n);
    }
    while ((page = a->pages)->next) {
        a->pages = page->next;
        page_drop(a->region, page);
    }
}


void
arena_free(struct arena *a)
{
    if (!a)
        return;
    empty(a);
    page_drop(a->region, a->pages);
}


void
arena_reset(struct arena *a)
{
    empty(a);
    a->at = first_room(a);
    a->end = (char *) a->pages + a->pages->size;
    a->filled = a->tried = 0;
    poison(a->at, (size_t) (a->end - a->at));
}


void
arena_limit(struct arena *a, size_t bytes)
{
    a->limit = bytes;
}


size_t
arena_used(const struct arena *a)
{
    return a->filled + (size_t) (a->at - newest_room(a));
}


static void *
take_large(struct arena *a, size_t n)
{
    struct large *l;

    if (n > SIZE_MAX - sizeof(*l))
        return NULL;
    l = memory_take(a->region, sizeof(*l) + n);
    if (!l)
        return NULL;

    l->n = n;
    l->prev = NULL;
    l->next = a->large;
    if (l->next)
        l->next->prev = l;
    a->large = l;
    a->filled += n;
    return l + 1;
}


/* The size of one more page: a fraction of what is there, since what a request
 * needs beyond its first page is often little, and held for as long as the
 * request is. */
static size_t
further_page(const struct arena *a, size_t n)
{
    size_t size = arena_used(a) / 16, least = n + sizeof(struct page) + ALIGN;

    if (size < least + GAP)
        size = least + GAP;
    if (size < PAGE_NEXT)
        size = PAGE_NEXT;
    return size < a->page ? size : a->page;
}


/* A piece that does not fit into the newest page; NULL without memory. */
static __attribute__((noinline)) void *
take_slow(struct arena *a, size_t n)
{
    struct page *page;
    char        *p;

#ifdef WEIR_EMULATE_ARENA
    return take_large(a, n);
#endif
    if (n > a->page / 4)
        return take_large(a, n);

    page = page_take(a->region, further_page(a, n));
    if (!page)
        return NULL;

    a->filled += (size_t) (a->at - newest_room(a));
    page->next = a->pages;
    a->pages = page;
    p = (char *) ALIGNED(page + 1);
    a->at = p + n + GAP;
    a->end = (char *) page + page->size;
    guard(p, a->end);
    return piece(p, n);
}


/* Takes n bytes at p, which is a->at or the next aligned address. */
static inline void *
take(struct arena *a, uintptr_t p, size_t n)
{
#ifndef WEIR_EMULATE_ARENA
    uintptr_t end = (uintptr_t) a->end;

    if (p <= end && n <= SIZE_MAX - GAP && n + GAP <= end - p) {
        a->at = (char *) p + n + GAP;
        return piece((char *) p, n);
    }
#else
    (void) p;
#endif
    return take_slow(a, n);
}


void *
arena_alloc(struct arena *a, size_t n)
{
    void *p = take(a, ALIGNED(a->at), n);

    if (__builtin_expect(!p, 0))
        check_memory(n);
    return p;
}


void *
arena_zalloc(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}


char *
arena_bytes(struct arena *a, size_t n)
{
    char *p = take(a, (uintptr_t) a->at, n);

    if (__builtin_expect(!p, 0))
        check_memory(n);
    return p;
}


void *
arena_try(struct arena *a, size_t n)
{
    void *p;

    if (a->tried > a->limit || n > a->limit - a->tried)
        return NULL;
    p = take(a, ALIGNED(a->at), n);
    if (p)
        a->tried += n;
    return p;
}


static void
large_drop(struct arena *a, struct large *l)
{
    if (l->prev)
        l->prev->next = l->next;
    else
        a->large = l->next;
    if (l->next)
        l->next->prev = l->prev;
    poison(l + 1, l->n);
    memory_drop(a->region, l, sizeof(*l) + l->n);
}


/* Frees the newest large piece (in the emulated variant any piece) early, so
 * that a vec that doubles many times leaves no old copies. */
static void
drop_old(struct arena *a, void *old)
{
#ifdef WEIR_EMULATE_ARENA
    large_drop(a, (struct large *) old - 1);
#else
    struct large *l = a->large ? a->large->next : NULL;

    if (l && (void *) (l + 1) == old)
        large_drop(a, l);
#endif
}


void *
arena_grow(struct arena *a, void *old, size_t n, size_t wanted)
{
    void *p;

    if (!old)
        return arena_alloc(a, wanted);
    if (wanted <= n)
        return old;

#ifndef WEIR_EMULATE_ARENA
    if (GAP == 0 && (char *) old + n == a->at
        && wanted - n <= (size_t) (a->end - a->at))
    {
        a->at += wanted - n;
        return old;
    }
#endif
    p = arena_alloc(a, wanted);
    memcpy(p, old, n);
    drop_old(a, old);
    return p;
}


void
arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct deferred *d = arena_alloc(a, sizeof(*d));

    *d = (struct deferred){ a->deferred, fn, arg };
    a->deferred = d;
}
