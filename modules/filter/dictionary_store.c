/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One list, which is searched from its front: it is short, because of
 * SEEN_MOST, and what is used is in front.
 */
#include "modules/filter/dictionary_store.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#include "core/base/check.h"
#include "core/os/clock.h"

enum {
    SEEN_MOST = 256,
    LONG_MS = 20, /* what takes longer to make ready may not be done at once */
    SHARE = 10,   /* ... again: it gets a tenth of the processor's time      */
};

/* A dictionary of libzstd begins with this, and is none of raw bytes. */
#define MAGIC STR("\x37\xa4\x30\xec")

struct dictionary_tables {
    struct dictionary_tables *next;
    ZSTD_CDict               *made;
    int                       level;
};

/* One for each process. */
static struct {
    struct list list;
    unsigned    n, serial;
    size_t      bytes;
    size_t      reserved; /* by those that are being collected               */
    msec_t      rest_until; /* so many were made ready that it has to wait   */
} store = { .list = { &store.list, &store.list } };


bool
dictionary_is_fit(str_t data)
{
    return data.n >= DICTIONARY_LEAST && data.n <= DICTIONARY_MOST
           && !str_starts(data, MAGIC);
}


void
dictionary_hash(str_t data, unsigned char hash[DICTIONARY_HASH])
{
    CHECK(EVP_Digest(data.p, data.n, hash, NULL, EVP_sha256(), NULL) == 1);
}


/* --- references ---------------------------------------------------------- */

struct dictionary *
dictionary_get(struct dictionary *d)
{
    d->refs++;
    return d;
}


static void
destroy(struct dictionary *d)
{
    struct dictionary_tables *t;

    while ((t = d->tables) != NULL) {
        d->tables = t->next;
        ZSTD_freeCDict(t->made);
        free(t);
    }
    free((char *) d->origin.p);
    free((char *) d->name.p);
    free((char *) d->data.p);
    free(d);
}


void
dictionary_put(struct dictionary *d)
{
    if (--d->refs == 0)
        destroy(d);
}


static void
put_with(struct coder_with *w)
{
    dictionary_put(container_of(w, struct dictionary, with));
}


/* --- the list ------------------------------------------------------------- */

static void
leave(struct dictionary *d)
{
    list_remove(&d->link);
    store.n--;
    store.bytes -= d->bytes;
    dictionary_put(d);
}


/* The one in front stays, however large it is. */
static void
make_room(size_t memory)
{
    while (store.list.next != store.list.prev
           && (store.bytes > memory || store.n > SEEN_MOST))
        leave(list_entry(store.list.prev, struct dictionary, link));
}


static void
move_to_front(struct dictionary *d)
{
    list_remove(&d->link);
    list_insert(&store.list, &d->link);
}


struct dictionary *
dictionary_find(str_t origin, const unsigned char *hash)
{
    struct dictionary *d;

    LIST_EACH(&store.list, l) {
        d = list_entry(l, struct dictionary, link);
        if (memcmp(d->hash, hash, sizeof(d->hash)) == 0
            && str_eq(d->origin, origin)) {
            move_to_front(d);
            return d;
        }
    }
    return NULL;
}


bool
dictionary_is_seen(str_t origin, str_t name)
{
    struct dictionary *d;

    LIST_EACH(&store.list, l) {
        d = list_entry(l, struct dictionary, link);
        if (d->name.n != 0 && str_eq(d->name, name)
            && str_eq(d->origin, origin)) {
            move_to_front(d);
            return true;
        }
    }
    return false;
}


static bool
copy(str_t *to, str_t from)
{
    char *p = malloc(from.n + !from.n);

    if (p == NULL)
        return false;
    if (from.n != 0)
        memcpy(p, from.p, from.n);
    *to = (str_t){ p, from.n };
    return true;
}


static struct dictionary *
make(str_t origin, str_t name, str_t data)
{
    struct dictionary *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    d->refs = 1;
    if (copy(&d->origin, origin) && copy(&d->name, name)
        && copy(&d->data, data)) {
        d->with = (struct coder_with){ ++store.serial, put_with };
        d->bytes = sizeof(*d) + origin.n + name.n + data.n;
        return d;
    }
    destroy(d);
    return NULL;
}


static void
enter(struct dictionary *d, const unsigned char *hash)
{
    memcpy(d->hash, hash, sizeof(d->hash));
    list_insert(&store.list, &d->link);
    store.n++;
    store.bytes += d->bytes;
}


struct dictionary *
dictionary_add(str_t origin, const unsigned char *hash)
{
    struct dictionary *d = make(origin, STR(""), STR(""));

    if (d != NULL)
        enter(d, hash);
    return d;
}


/* The same bytes under another name replace those before. */
void
dictionary_see(str_t origin, str_t name, str_t data, size_t memory)
{
    unsigned char      hash[DICTIONARY_HASH];
    struct dictionary *d;

    if (!dictionary_is_fit(data))
        return;
    dictionary_hash(data, hash);
    d = dictionary_find(origin, hash);
    if (d != NULL && str_eq(d->name, name))
        return;
    if (d != NULL)
        leave(d);
    d = make(origin, name, data);
    if (d == NULL)
        return;
    enter(d, hash);
    make_room(memory);
}


/* --- tables --------------------------------------------------------------- */

const struct ZSTD_CDict_s *
dictionary_at(const struct dictionary *d, int level)
{
    const struct dictionary_tables *t = d->tables;

    while (t != NULL && t->level != level)
        t = t->next;
    return t != NULL ? t->made : NULL;
}


static msec_t
processor_ms(void)
{
    struct timespec t;

    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    return (msec_t) t.tv_sec * 1000 + (msec_t) t.tv_nsec / 1000000;
}


/* Clients choose among the dictionaries, and could have them pushed out by each
 * other, and made ready again and again.  NULL: no memory, or no time. */
static struct dictionary_tables *
make_tables(str_t data, int level)
{
    msec_t                    took = processor_ms();
    struct dictionary_tables *t;

    if (clock_ms() < store.rest_until)
        return NULL;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->level = level;
    t->made = ZSTD_createCDict(data.p, data.n, level);
    if (t->made == NULL) {
        free(t);
        return NULL;
    }
    took = processor_ms() - took;
    if (took > LONG_MS)
        store.rest_until = clock_ms() + SHARE * took;
    return t;
}


bool
dictionary_prepare(struct dictionary *d, str_t data, int level, size_t memory)
{
    struct dictionary_tables *t;
    size_t                    n;

    if (dictionary_at(d, level) != NULL)
        return true;
    t = make_tables(data, level);
    if (t == NULL)
        return false;
    t->next = d->tables;
    d->tables = t;
    n = sizeof(*t) + ZSTD_sizeof_CDict(t->made);
    d->bytes += n;
    store.bytes += n;
    make_room(memory);
    return true;
}


/* --- memory ---------------------------------------------------------------- */

bool
dictionary_reserve(size_t n, size_t memory)
{
    if (n > memory || store.reserved > memory - n)
        return false;
    store.reserved += n;
    return true;
}


void
dictionary_release(size_t n)
{
    store.reserved -= n;
}


void
dictionaries_free(void)
{
    while (!list_empty(&store.list))
        leave(list_entry(store.list.next, struct dictionary, link));
}
