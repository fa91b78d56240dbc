/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots lie in one range of addresses, which is reserved when the first one is
 * taken: so many as there can be connections.  Those that are free are warm, with
 * their pages, or cold.
 *
 * What goes into a slot is told by the place in OpenSSL that allocates it, and by
 * the call that it does that in: only what has a connection as its one owner, whose
 * pointer is in no other object that lives longer.  A session is none of that: it
 * may be in a cache, too.
 */
#include "core/tls/slot.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/sparse.h"
#include "core/net/conn.h"
#include "core/os/range.h"

enum {
    SIZE = 16384,    /* of a slot; what is not used takes no memory           */
    MADE = 64,       /* at a time                                             */
    LEAST = 1024,    /* slots, without worker_connections                     */
    MAIN_MIN = 1024, /* struct SSL is larger                                 */
    PART_MIN = 96,
    TRIMMED = 256, /* slots, at once                                        */
};

struct packed {
    struct slot  *slot;
    uint32_t      n;   /* bytes, here                                        */
    uint32_t      top; /* ... and there                                      */
    unsigned char bytes[];
};

/* Of the process; of its loop's thread. */
static struct {
    char        *at;    /* NULL: there are none                              */
    size_t       bytes; /* of the whole range                                */
    size_t       n_made;
    struct list *warm; /* those that were used last first                  */
    size_t       n_warm, least_warm; /* ... since slot_trim               */
    uint32_t    *cold;
    size_t       n_cold;
    bool         is_on, was_tried;
} slots;

static _Thread_local struct {
    struct slot *slot;
    bool         is_new; /* within SSL_new                                   */
} used;


/* --- what belongs into a slot --------------------------------------------------- */

static bool
is_from(const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');

    return strcmp(slash != NULL ? slash + 1 : file, name) == 0;
}


/* Whether a piece is the connection's own. */
static bool
is_own(const struct slot *s, size_t n, const char *file)
{
    if (n < PART_MIN || s->top + n > SIZE || file == NULL)
        return false;
    if (used.is_new && s->n_cells == 0)
        return n >= MAIN_MIN;
    if (used.is_new)
        return is_from(file, "ssl_cert.c") || is_from(file, "x509_vpm.c");
    return is_from(file, "cipher_aes_gcm.c")
           || is_from(file, "cipher_chacha20_poly1305.c");
}


static void *
place(struct slot *s, size_t n)
{
    n = (n + 15) & ~(size_t) 15;
    for (unsigned i = 0; i < s->n_cells; i++)
        if (!s->cells[i].is_used && s->cells[i].n == n) {
            s->cells[i].is_used = true;
            s->n_used++;
            return (char *) s + s->cells[i].at;
        }
    if (s->n_cells == SLOT_CELLS || s->top + n > SIZE)
        return NULL;
    s->cells[s->n_cells].at = s->top;
    s->cells[s->n_cells].n = (uint16_t) n;
    s->cells[s->n_cells++].is_used = true;
    s->n_used++;
    s->top = (uint16_t) (s->top + n);
    return (char *) s + s->top - n;
}


/* --- slots that are free ---------------------------------------------------------- */

static bool
reserve(void)
{
    const size_t chunk = (size_t) MADE * SIZE;
    size_t       n = conns.max > LEAST ? conns.max : LEAST;
    size_t       bytes = (n + MADE - 1) / MADE * chunk;

    slots.was_tried = true;
    if (!slots.is_on || SIZE % sysconf(_SC_PAGESIZE) != 0)
        return false;
    slots.at = range_reserve(&bytes, chunk);
    if (slots.at == NULL)
        return false;
    slots.bytes = bytes / chunk * chunk;
    slots.cold = calloc(slots.bytes / SIZE, sizeof(*slots.cold));
    if (slots.cold == NULL)
        check_memory(slots.bytes / SIZE * sizeof(*slots.cold));
    return true;
}


static bool
make_slots(void)
{
    char *at = slots.at + slots.n_made * SIZE;

    if (slots.n_made * SIZE == slots.bytes
        || mprotect(at, (size_t) MADE * SIZE, PROT_READ | PROT_WRITE) == -1)
        return false;
    (void) madvise(at, (size_t) MADE * SIZE, MADV_NOHUGEPAGE);
    for (unsigned i = 0; i < MADE; i++)
        slots.cold[slots.n_cold++] = (uint32_t) slots.n_made++;
    return true;
}


static struct slot *
pop_warm(void)
{
    struct slot *s = container_of(slots.warm, struct slot, link);

    slots.warm = s->link.next;
    if (--slots.n_warm < slots.least_warm)
        slots.least_warm = slots.n_warm;
    return s;
}


static struct slot *
take(void)
{
    struct slot *s;

    if (slots.n_warm != 0)
        s = pop_warm();
    else if (!slots.was_tried && !reserve())
        return NULL;
    else if (slots.at == NULL || (slots.n_cold == 0 && !make_slots()))
        return NULL;
    else
        s = (struct slot *) (void *) (slots.at
                                      + slots.cold[--slots.n_cold]
                                            * (size_t) SIZE);
    memset(s, 0, sizeof(*s));
    s->top = (sizeof(*s) + 15) & ~15U;
    return s;
}


static void
give_back(struct slot *s)
{
    s->link.next = slots.warm;
    slots.warm = &s->link;
    slots.n_warm++;
}


/* Of a slot, as of new memory: zeroes, and none of it taken.  What was there is
 * wiped before the system has it. */
static void
forget(struct slot *s)
{
    OPENSSL_cleanse(s, s->top);
    (void) madvise(s, SIZE, MADV_DONTNEED);
}


void
slot_trim(void)
{
    size_t       n = slots.least_warm < TRIMMED ? slots.least_warm : TRIMMED;
    struct slot *s;

    while (n-- != 0) {
        s = pop_warm();
        forget(s);
        slots.cold[slots.n_cold++]
            = (uint32_t) ((size_t) ((char *) s - slots.at) / SIZE);
    }
    slots.least_warm = slots.n_warm;
}


bool
slot_can_trim(void)
{
    return slots.n_warm != 0;
}


/* --- what OpenSSL calls ------------------------------------------------------------ */

static struct slot *
slot_at(const void *p)
{
    size_t at = (size_t) ((uintptr_t) p - (uintptr_t) slots.at);

    if (at >= slots.bytes)
        return NULL;
    return (struct slot *) (void *) (slots.at + at / SIZE * SIZE);
}


static unsigned
cell_of(const struct slot *s, const void *p)
{
    unsigned i = 0;

    while ((const char *) s + s->cells[i].at != p)
        CHECK(++i < s->n_cells);
    return i;
}


static __attribute__((noinline)) void *
get_own(size_t n, const char *file)
{
    void *p = is_own(used.slot, n, file) ? place(used.slot, n) : NULL;

    return p != NULL || n == 0 ? p : malloc(n);
}


/* These are called often, mostly for something else, and free for nothing. */
static void *
get(size_t n, const char *file, int line)
{
    (void) line;
    if (used.slot != NULL)
        return get_own(n, file);
    return n != 0 ? malloc(n) : NULL;
}


static __attribute__((noinline)) void
put_own(void *p)
{
    struct slot *s = slot_at(p);

    s->cells[cell_of(s, p)].is_used = false;
    if (--s->n_used == 0)
        give_back(s);
}


static void
put(void *p, const char *file, int line)
{
    (void) file;
    (void) line;
    if (p == NULL)
        return;
    if ((uintptr_t) p - (uintptr_t) slots.at < slots.bytes)
        put_own(p);
    else
        free(p);
}


static void *
resize(void *p, size_t n, const char *file, int line)
{
    const struct slot *s = slot_at(p);
    void              *to;
    size_t             had;

    if (p == NULL)
        return get(n, file, line);
    if (n == 0) {
        put(p, file, line);
        return NULL;
    }
    if (s == NULL)
        return realloc(p, n);
    to = malloc(n);
    if (to == NULL)
        return NULL;
    had = s->cells[cell_of(s, p)].n;
    memcpy(to, p, n < had ? n : had);
    put(p, file, line);
    return to;
}


void
slot_init(void)
{
    slots.is_on = CRYPTO_set_mem_functions(get, resize, put) == 1;
}


/* --- in use ------------------------------------------------------------------------- */

SSL *
slot_ssl_new(SSL_CTX *context)
{
    struct slot *s = take(), *before = slot_use(s);
    SSL         *ssl;

    used.is_new = true;
    ssl = SSL_new(context);
    used.is_new = false;
    (void) slot_use(before);
    if (s != NULL && s->n_cells == 0)
        give_back(s);
    return ssl;
}


struct slot *
slot_of(const SSL *ssl)
{
    return slot_at(ssl);
}


struct slot *
slot_use(struct slot *s)
{
    struct slot *before = used.slot;

    used.slot = s;
    return before;
}


/* --- packed -------------------------------------------------------------------------- */

struct packed *
slot_pack(struct slot *s)
{
    static unsigned char scratch[SPARSE_MOST(SIZE)];
    size_t         n = sparse_pack((const unsigned char *) s, s->top, scratch);
    struct packed *p = malloc(sizeof(*p) + n);

    if (p == NULL)
        check_memory(sizeof(*p) + n);
    p->slot = s;
    p->n = (uint32_t) n;
    p->top = s->top;
    memcpy(p->bytes, scratch, n);
    OPENSSL_cleanse(scratch, n);
    forget(s);
#ifdef WEIR_DEBUG
    CHECK(mprotect(s, SIZE, PROT_NONE) == 0);
#endif
    return p;
}


void
slot_unpack(struct packed *p)
{
#ifdef WEIR_DEBUG
    CHECK(mprotect(p->slot, SIZE, PROT_READ | PROT_WRITE) == 0);
#endif
    sparse_unpack(p->bytes, (unsigned char *) p->slot, p->top);
    OPENSSL_cleanse(p, sizeof(*p) + p->n);
    free(p);
}
