/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zone begins with its head and a table of pages; the pages follow.  A page
 * is free, or divided into slots of one size, or belongs to a run of pages.
 *
 * That and the bits of slots in use are the truth.  Each change of it takes
 * effect with a single store, before and after which all is well.  Lists of
 * pages with free slots and the number of free pages follow from it: they are
 * made anew when somebody died in the middle (mend).
 */
#include "core/shm/zone.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/check.h"

/* Changes with the layout of what follows. */
#define MAGIC "weir z2"

enum page_kind { PAGE_FREE, PAGE_SLOTS, PAGE_RUN, PAGE_REST };
enum { SLOTS_MAX = ZONE_PAGE / 32, NONE = UINT32_MAX };

static const uint16_t sizes[]
    = { 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1360, 2048 };

struct page {
    uint64_t used[SLOTS_MAX / 64]; /* a bit per slot                         */
    uint32_t run;        /* of PAGE_RUN: pages, this one included            */
    uint32_t next, prev; /* with the same size of slots, some of them free   */
    uint8_t  kind, size; /* enum page_kind; index into sizes                 */
};

struct zone {
    char            magic[8];
    char            tag[ZONE_TAG];
    uint64_t        size;    /* of all                                       */
    struct zone    *address; /* of itself                                    */
    uint32_t        head;    /* sizeof(struct zone): differs where that of a
                                lock does                                    */
    uint32_t        name_n;
    char           *name;
    void           *root;
    pthread_mutex_t mutex;
    char           *start; /* of the first page                            */
    uint32_t        n_pages, n_free;
    uint32_t        first_free; /* no page before it is free                 */
    uint32_t        open[countof(sizes)]; /* lists; NONE: empty              */
    uint64_t        reqs[countof(sizes)], fails[countof(sizes)];
    struct page     pages[];
};


/* The first n bits. */
static uint64_t
bits(unsigned n)
{
    return n < 64 ? ((uint64_t) 1 << n) - 1 : UINT64_MAX;
}


static bool
is_full(const struct page *p)
{
    unsigned n = ZONE_PAGE / sizes[p->size];

    return p->used[0] == bits(n) && p->used[1] == (n > 64 ? bits(n - 64) : 0);
}


static bool
is_empty(const struct page *p)
{
    return p->used[0] == 0 && p->used[1] == 0;
}


static void
link_page(struct zone *z, struct page *p)
{
    uint32_t *first = &z->open[p->size], i = (uint32_t) (p - z->pages);

    p->prev = NONE;
    p->next = *first;
    if (*first != NONE)
        z->pages[*first].prev = i;
    *first = i;
}


static void
unlink_page(struct zone *z, struct page *p)
{
    if (p->prev != NONE)
        z->pages[p->prev].next = p->next;
    else
        z->open[p->size] = p->next;
    if (p->next != NONE)
        z->pages[p->next].prev = p->prev;
}


/* --- making, and mending -------------------------------------------------- */

static void
forget_lists(struct zone *z)
{
    for (unsigned i = 0; i < countof(sizes); i++)
        z->open[i] = NONE;
    z->first_free = 0;
    z->n_free = 0;
}


static void
init_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t how;

    CHECK(pthread_mutexattr_init(&how) == 0);
    CHECK(pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(mutex, &how) == 0);
    pthread_mutexattr_destroy(&how);
}


/* Where the first page begins if there are so many. */
static char *
first_page(const struct zone *z, size_t n_pages, size_t name_n)
{
    uintptr_t end = (uintptr_t) &z->pages[n_pages] + name_n;

    return (char *) ((end + ZONE_PAGE - 1) / ZONE_PAGE * ZONE_PAGE);
}


bool
zone_init(struct zone *z, size_t size, str_t name, const char *tag)
{
    size_t n = size / (ZONE_PAGE + sizeof(z->pages[0]));
    char  *end = (char *) z + size;

    CHECK((uintptr_t) z % ZONE_PAGE == 0 && strlen(tag) < ZONE_TAG);
    if (n > NONE - 1)
        n = NONE - 1;
    while (n != 0 && first_page(z, n, name.n) + n * ZONE_PAGE > end)
        n--;
    if (n == 0)
        return false;
    z->n_pages = (uint32_t) n;
    z->start = first_page(z, n, name.n);
    z->size = size;
    z->address = z;
    z->head = sizeof(*z);
    z->name = (char *) &z->pages[n];
    z->name_n = (uint32_t) name.n;
    memcpy(z->name, name.p, name.n);
    strcpy(z->tag, tag);
    init_mutex(&z->mutex);
    forget_lists(z);
    z->n_free = (uint32_t) n;
    memcpy(z->magic, MAGIC, sizeof(z->magic));
    return true;
}


/* From the first page of a run; returns the page behind it. */
static uint32_t
mend_run(struct zone *z, uint32_t i)
{
    uint32_t n = z->pages[i].run;

    for (uint32_t k = 1; k < n; k++)
        z->pages[i + k].kind = PAGE_REST;
    return i + n;
}


static void
mend(struct zone *z)
{
    uint32_t i = 0;

    forget_lists(z);
    while (i < z->n_pages) {
        struct page *p = &z->pages[i];

        if (p->kind == PAGE_RUN) {
            i = mend_run(z, i);
            continue;
        }
        if (p->kind == PAGE_SLOTS && !is_empty(p)) {
            if (!is_full(p))
                link_page(z, p);
        } else {
            p->kind = PAGE_FREE;
            z->n_free++;
        }
        i++;
    }
}


bool
zone_lock(struct zone *z)
{
    int error = pthread_mutex_lock(&z->mutex);

    if (error == 0)
        return true;
    CHECK(error == EOWNERDEAD);
    mend(z);
    CHECK(pthread_mutex_consistent(&z->mutex) == 0);
    return false;
}


void
zone_unlock(struct zone *z)
{
    CHECK(pthread_mutex_unlock(&z->mutex) == 0);
}


/* --- pages ------------------------------------------------------------------ */

/* The first of n free pages in a row; NONE: there are none. */
static uint32_t
find_pages(const struct zone *z, uint32_t n)
{
    uint32_t found = 0;

    if (z->n_free < n)
        return NONE;
    for (uint32_t i = z->first_free; i < z->n_pages; i++) {
        found = z->pages[i].kind == PAGE_FREE ? found + 1 : 0;
        if (found == n)
            return i + 1 - n;
    }
    return NONE;
}


/* Notes that n pages are not free any more. */
static void
use_pages(struct zone *z, uint32_t i, uint32_t n)
{
    z->n_free -= n;
    if (i == z->first_free || n == 1)
        z->first_free = i + n; /* a single one is the first that is free */
}


static void
release_pages(struct zone *z, uint32_t i, uint32_t n)
{
    z->n_free += n;
    if (i < z->first_free)
        z->first_free = i;
}


static void *
take_run(struct zone *z, size_t size)
{
    size_t   n = size / ZONE_PAGE + (size % ZONE_PAGE != 0);
    uint32_t i = n <= z->n_pages ? find_pages(z, (uint32_t) n) : NONE;

    if (i == NONE)
        return NULL;
    for (uint32_t k = 1; k < n; k++)
        z->pages[i + k].kind = PAGE_REST;
    z->pages[i].run = (uint32_t) n;
    IN_ORDER();
    z->pages[i].kind = PAGE_RUN;
    use_pages(z, i, (uint32_t) n);
    return z->start + (size_t) i * ZONE_PAGE;
}


static void
free_run(struct zone *z, uint32_t i)
{
    uint32_t n = z->pages[i].run;

    z->pages[i].kind = PAGE_FREE;
    IN_ORDER();
    for (uint32_t k = 1; k < n; k++)
        z->pages[i + k].kind = PAGE_FREE;
    release_pages(z, i, n);
}


/* --- slots ------------------------------------------------------------------ */

static struct page *
add_page(struct zone *z, unsigned size)
{
    uint32_t     i = find_pages(z, 1);
    struct page *p;

    if (i == NONE)
        return NULL;
    p = &z->pages[i];
    p->used[0] = p->used[1] = 0;
    p->size = (uint8_t) size;
    IN_ORDER();
    p->kind = PAGE_SLOTS;
    use_pages(z, i, 1);
    link_page(z, p);
    return p;
}


static void *
take_slot(struct zone *z, struct page *p)
{
    unsigned word = p->used[0] == UINT64_MAX;
    unsigned bit = (unsigned) __builtin_ctzll(~p->used[word]);
    char    *page = z->start + (size_t) (p - z->pages) * ZONE_PAGE;

    p->used[word] |= (uint64_t) 1 << bit;
    if (is_full(p))
        unlink_page(z, p);
    return page + (word * 64 + bit) * sizes[p->size];
}


static void
free_slot(struct zone *z, struct page *p, size_t offset)
{
    size_t   slot = offset / sizes[p->size];
    uint64_t bit = (uint64_t) 1 << slot % 64;
    bool     was_full = is_full(p);

    CHECK(offset % sizes[p->size] == 0 && (p->used[slot / 64] & bit));
    p->used[slot / 64] &= ~bit;
    if (was_full)
        link_page(z, p);
    if (!is_empty(p))
        return;
    unlink_page(z, p);
    p->kind = PAGE_FREE;
    release_pages(z, (uint32_t) (p - z->pages), 1);
}


void *
zone_alloc(struct zone *z, size_t n)
{
    unsigned size = 0;

    if (n > ZONE_SLOT_MAX)
        return take_run(z, n);
    while (sizes[size] < n)
        size++;
    z->reqs[size]++;
    if (z->open[size] == NONE && add_page(z, size) == NULL) {
        z->fails[size]++;
        return NULL;
    }
    return take_slot(z, &z->pages[z->open[size]]);
}


void
zone_free(struct zone *z, void *p)
{
    size_t       at = (uintptr_t) p - (uintptr_t) z->start, i = at / ZONE_PAGE;
    struct page *page;

    if (p == NULL)
        return;
    CHECK(i < z->n_pages);
    page = &z->pages[i];
    if (page->kind == PAGE_SLOTS) {
        free_slot(z, page, at % ZONE_PAGE);
        return;
    }
    CHECK(page->kind == PAGE_RUN && at % ZONE_PAGE == 0);
    free_run(z, (uint32_t) i);
}


/* --- the head --------------------------------------------------------------- */

static unsigned
slots_used(const struct page *p)
{
    unsigned n = 0;

    for (size_t i = 0; i < countof(p->used); i++)
        n += (unsigned) __builtin_popcountll(p->used[i]);
    return n;
}


void
zone_tell(const struct zone *z, struct zone_usage *out)
{
    _Static_assert(countof(sizes) == ZONE_SIZES, "sizes of slots");
    *out = (struct zone_usage){ .pages_free = z->n_free,
                                .pages_used = z->n_pages - z->n_free };
    for (unsigned i = 0; i < ZONE_SIZES; i++) {
        out->slots[i].size = sizes[i];
        out->slots[i].reqs = z->reqs[i];
        out->slots[i].fails = z->fails[i];
    }
    for (uint32_t i = 0; i < z->n_pages; i++) {
        const struct page *p = &z->pages[i];
        unsigned           used = slots_used(p), most;

        if (p->kind != PAGE_SLOTS || p->size >= ZONE_SIZES)
            continue;
        most = ZONE_PAGE / sizes[p->size];
        out->slots[p->size].used += used < most ? used : most;
        out->slots[p->size].free += used < most ? most - used : 0;
    }
}


void
zone_forget_attempts(struct zone *z)
{
    for (unsigned i = 0; i < ZONE_SIZES; i++)
        z->reqs[i] = z->fails[i] = 0;
}


bool
zone_is_one(const void *bytes, size_t n)
{
    const struct zone *z = bytes;
    size_t             name;

    if (n < sizeof(*z) || memcmp(z->magic, MAGIC, sizeof(z->magic)) != 0
        || z->head != sizeof(*z) || memchr(z->tag, '\0', ZONE_TAG) == NULL)
        return false;
    name = (uintptr_t) z->name - (uintptr_t) z->address;
    return name < z->size && z->name_n <= z->size - name;
}


str_t
zone_name(const struct zone *z)
{
    return (str_t){ z->name, z->name_n };
}


str_t
zone_tag(const struct zone *z)
{
    return str_of(z->tag);
}


size_t
zone_size(const struct zone *z)
{
    return z->size;
}


struct zone *
zone_address(const struct zone *z)
{
    return z->address;
}


void *
zone_root(const struct zone *z)
{
    return z->root;
}


void
zone_set_root(struct zone *z, void *root)
{
    z->root = root;
}


bool
zone_table_make(struct zone *z, size_t bytes, size_t entry_size, uint32_t least,
                struct zone_table *out)
{
    size_t   n = bytes / (entry_size + sizeof(*out->buckets));
    uint32_t buckets = least;

    if (n > UINT32_MAX / 2)
        n = UINT32_MAX / 2;
    while (buckets * (size_t) 2 <= n)
        buckets *= 2;
    *out = (struct zone_table){ .mask = buckets - 1 };
    out->buckets = zone_alloc(z, buckets * sizeof(*out->buckets));
    for (; n >= least; n -= n / 32 + 1) {
        out->entries = zone_alloc(z, n * entry_size);
        if (out->entries != NULL)
            break;
    }
    out->room = (uint32_t) n;
    return out->buckets != NULL && out->entries != NULL;
}
