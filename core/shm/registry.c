/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process has a list of its mappings.  Addresses are handed out by the master
 * in turns, so that one is used again as late as possible: workers may have
 * mappings of generations that the master has forgotten.
 */
#include "core/shm/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/number.h"
#include "core/os/random.h"
#include "core/os/range.h"

#define GIB ((size_t) 1 << 30)
#define RANGE_SIZE (256 * GIB)
#define RANGE_LEAST (GIB / 4)
/* Far from everything else that a process has; where exactly is random. */
#define RANGE_FIRST ((uintptr_t) 1 << 45)
#define RANGE_SPREAD ((uintptr_t) 1 << 44)

enum { TRIES = 4, NAME_MOST = 4096 };

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct zone_mapping {
    struct list  link;
    struct zone *zone;
    size_t       size;
    uint64_t     serial;
    unsigned     refs;
    int          fd; /* -1: not kept in this process                         */
    char         tag[ZONE_TAG]; /* in the master: as the zone was made       */
    char        *name;
    size_t       name_n;
};

static struct {
    char       *base; /* of the range; NULL: there is none                   */
    size_t      size;
    size_t      next; /* offset of the address to try first                  */
    uint64_t    serials;
    struct list mappings;
    struct list inherited; /* mappings without a use so far                  */
} registry = {
    .mappings = { &registry.mappings, &registry.mappings },
    .inherited = { &registry.inherited, &registry.inherited },
};


struct zone_conf *
zone_find(const struct generation *g, str_t name)
{
    struct zone_conf *z = g != NULL ? g->zones : NULL;

    while (z != NULL && !str_eq(z->name, name))
        z = z->next;
    return z;
}


/* --- addresses ------------------------------------------------------------- */

/* Before the first fork. */
static void
reserve(void)
{
    uintptr_t at;

    for (unsigned i = 0; i < TRIES && registry.base == NULL; i++) {
        random_fill(&at, sizeof(at));
        at = RANGE_FIRST + at % RANGE_SPREAD / GIB * GIB;
        if (range_reserve_at((void *) at, RANGE_SIZE)) {
            registry.base = (char *) at;
            registry.size = RANGE_SIZE;
        }
    }
    if (registry.base != NULL)
        return;
    registry.size = RANGE_SIZE;
    registry.base = range_reserve(&registry.size, RANGE_LEAST);
}


static bool
is_in_range(const void *at, size_t size)
{
    size_t offset = (size_t) ((const char *) at - registry.base);

    return registry.base != NULL && offset % ZONE_PAGE == 0
           && size <= registry.size && offset <= registry.size - size;
}


static struct zone_mapping *
find_overlap(const struct list *in, const void *at, size_t size)
{
    LIST_EACH(in, l) {
        struct zone_mapping *m = list_entry(l, struct zone_mapping, link);
        const char          *from = (const char *) m->zone;

        if (from < (const char *) at + size
            && (const char *) at < from + m->size)
            return m;
    }
    return NULL;
}


/* A free address from registry.next on; NULL: there is none. */
static void *
find_from_next(size_t size)
{
    while (is_in_range(registry.base + registry.next, size)) {
        char                *at = registry.base + registry.next;
        struct zone_mapping *m = find_overlap(&registry.mappings, at, size);

        if (m == NULL)
            m = find_overlap(&registry.inherited, at, size);
        if (m == NULL) {
            registry.next += size;
            return at;
        }
        registry.next = (size_t) ((char *) m->zone - registry.base) + m->size;
    }
    return NULL;
}


static void *
find_address(size_t size)
{
    void *at;

    if (registry.base == NULL)
        reserve();
    if (registry.base == NULL)
        return NULL;
    at = find_from_next(size);
    if (at != NULL)
        return at;
    registry.next = 0;
    return find_from_next(size);
}


/* --- mappings -------------------------------------------------------------- */

static struct zone_mapping *
note_mapping(struct list *in, void *at, size_t size, int fd)
{
    struct zone_mapping *m = calloc(1, sizeof(*m));

    CHECK(m != NULL);
    m->zone = at;
    m->size = size;
    m->fd = fd;
    m->refs = 1;
    m->serial = ++registry.serials;
    list_append(in, &m->link);
    return m;
}


/* Not read in the zone later, where workers can change it. */
static void
note_identity(struct zone_mapping *m, str_t name, const char *tag)
{
    m->name = malloc(name.n + 1);
    CHECK(m->name != NULL);
    memcpy(m->name, name.p, name.n);
    m->name_n = name.n;
    (void) snprintf(m->tag, sizeof(m->tag), "%s", tag);
}


static void
put_mapping(struct zone_mapping *m)
{
    if (--m->refs != 0)
        return;
    list_remove(&m->link);
    if (is_in_range(m->zone, m->size))
        CHECK(range_unmap(m->zone, m->size));
    else
        munmap(m->zone, m->size);
    if (m->fd != -1)
        close(m->fd);
    free(m->name);
    free(m);
}


/* A file of that size in memory, which nobody can make another size. */
static int
make_file(const char *name, size_t size)
{
    char text[64];
    int  fd;

    (void) snprintf(text, sizeof(text), "weir zone %s", name);
    fd = range_file(text, size);
    if (fd == -1 || fcntl(fd, F_ADD_SEALS, SEALS) == 0)
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}


/* Without a range it is mapped anywhere, for this process and its children. */
static void *
map_file(int fd, size_t size)
{
    void *at = find_address(size);

    if (at != NULL)
        return range_map(at, size, fd, MAP_SHARED) ? at : MAP_FAILED;
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}


/* Where files in memory are refused (RLIMIT_FSIZE, seccomp), a zone is shared
 * with children only. */
static struct zone_mapping *
new_shared(const char *name, size_t size)
{
    int   fd = make_file(name, size), error;
    void *at = fd != -1 ? map_file(fd, size)
                        : mmap(NULL, size, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (at != MAP_FAILED)
        return note_mapping(&registry.mappings, at, size, fd);
    error = errno;
    if (fd != -1)
        close(fd);
    errno = error;
    return NULL;
}


/* --- opening --------------------------------------------------------------- */

/* What is the same for zones that can take each other's place. */
static void
make_tag(char out[ZONE_TAG], const struct zone_use *use)
{
    int n = snprintf(out, ZONE_TAG, "%s/%u", use->name, use->version);

    CHECK(n > 0 && n < ZONE_TAG);
}


static size_t
round_up(uint64_t size)
{
    uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE);

    return (size_t) ((size + page - 1) / page * page);
}


static void
tell(const struct zone_conf *z, const struct log *log, const char *why)
{
    log_at(log, LEVEL_WARN, 0,
           "shared memory zone \"" STR_F "\" begins anew: %s", STR_A(z->name),
           why);
}


/* Whether a zone can be used as z says; if not, it is said why. */
static bool
fits(const struct zone_conf *z, const struct zone_mapping *m,
     const struct log *log)
{
    char tag[ZONE_TAG], why[96];

    make_tag(tag, z->use);
    if (strcmp(m->tag, tag) != 0) {
        tell(z, log, "it was used for something else, or by another version");
        return false;
    }
    if (m->size != round_up(z->size)) {
        (void) snprintf(why, sizeof(why), "its size was %zu and is %zu",
                        m->size, round_up(z->size));
        tell(z, log, why);
        return false;
    }
    return true;
}


static struct zone_mapping *
take_old(const struct zone_conf *z, const struct generation *old,
         const struct log *log)
{
    const struct zone_conf *was = zone_find(old, z->name);

    if (was == NULL || was->mapping == NULL || !fits(z, was->mapping, log))
        return NULL;
    was->mapping->refs++;
    return was->mapping;
}


static struct zone_mapping *
take_inherited(const struct zone_conf *z, const struct log *log)
{
    LIST_EACH(&registry.inherited, l) {
        struct zone_mapping *m = list_entry(l, struct zone_mapping, link);

        if (!str_eq((str_t){ m->name, m->name_n }, z->name) || !fits(z, m, log))
            continue;
        list_remove(&m->link);
        list_append(&registry.mappings, &m->link);
        return m;
    }
    return NULL;
}


/* False: it is too small. */
static bool
init_zone(struct zone *at, const struct zone_conf *z)
{
    char tag[ZONE_TAG];

    make_tag(tag, z->use);
    return zone_init(at, round_up(z->size), z->name, tag) && z->use->init(at);
}


static struct zone_mapping *
make(const struct zone_conf *z, const struct log *log)
{
    size_t               size = round_up(z->size);
    struct zone_mapping *m = new_shared(z->name.p, size);
    char                 tag[ZONE_TAG];

    if (m == NULL) {
        log_at(log, LEVEL_EMERG, errno,
               "mmap(%zu) of zone \"" STR_F "\" failed", size, STR_A(z->name));
        return NULL;
    }
    if (!init_zone(m->zone, z)) {
        log_at(log, LEVEL_EMERG, 0, "zone \"" STR_F "\" is too small",
               STR_A(z->name));
        put_mapping(m);
        return NULL;
    }
    make_tag(tag, z->use);
    note_identity(m, z->name, tag);
    return m;
}


/* Tries it in memory of this process, most of which is never touched. */
static bool
check(const struct generation *g, const struct zone_conf *z,
      const struct log *log)
{
    size_t size = round_up(z->size);
    void  *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool   is_good = true;

    if (at == MAP_FAILED) {
        log_at(log, LEVEL_EMERG, errno,
               "mmap(%zu) of zone \"" STR_F "\" failed", size, STR_A(z->name));
        return false;
    }
    if (!init_zone(at, z)) {
        log_at(log, LEVEL_EMERG, 0, "zone \"" STR_F "\" is too small",
               STR_A(z->name));
        is_good = false;
    } else if (z->use->check != NULL) {
        is_good = z->use->check(g, z, at, log);
    }
    munmap(at, size);
    return is_good;
}


/* The generation ends in this process. */
static void
put_zone(void *arg)
{
    struct zone_conf *z = arg;

    if (z->mapping != NULL)
        put_mapping(z->mapping);
    z->mapping = NULL;
}


static bool
open_zone(struct zone_conf *z, const struct generation *old,
          const struct log *log)
{
    struct zone_mapping *m = take_old(z, old, log);

    if (m == NULL)
        m = take_inherited(z, log);
    if (m == NULL)
        m = make(z, log);
    if (m == NULL)
        return false;
    z->mapping = m;
    z->zone = m->zone;
    z->mapped = m->size;
    z->serial = m->serial;
    z->fd = m->fd;
    return true;
}


bool
zones_open(struct generation *g, const struct generation *old, bool is_test,
           const struct log *log)
{
    for (struct zone_conf *z = g->zones; z != NULL; z = z->next) {
        if (z->size == 0) {
            log_at(log, LEVEL_EMERG, 0,
                   "zero size shared memory zone \"" STR_F "\"",
                   STR_A(z->name));
            return false;
        }
        if (!check(g, z, log))
            return false;
        if (is_test)
            continue;
        if (!open_zone(z, old, log))
            return false;
        arena_defer(g->arena, put_zone, z);
    }
    return true;
}


struct zone *
zone_own(const char *name, size_t size, const struct zone_use *use,
         const struct log *log)
{
    struct zone_conf z = { .name = str_of(name), .size = size, .use = use };

    return open_zone(&z, NULL, log) ? z.zone : NULL;
}


enum { OBJECT_OVERHEAD = 64 * ZONE_PAGE };


struct zone *
zone_own_object(const char *name, size_t size, const struct zone_use *use,
                const struct log *log, void **root)
{
    size_t       whole = size + OBJECT_OVERHEAD;
    struct zone *z = zone_own(name, whole, use, log);
    uintptr_t    at = z != NULL ? (uintptr_t) zone_root(z) : 0;

    if (z == NULL)
        return NULL;
    if (at - (uintptr_t) z > OBJECT_OVERHEAD || at % sizeof(uint64_t) != 0) {
        log_at(log, LEVEL_EMERG, 0, "the shared memory \"%s\" is damaged",
               name);
        return NULL;
    }
    *root = (void *) at;
    return z;
}


bool
zone_make_object(struct zone *z, size_t size)
{
    void *root = zone_alloc(z, size);

    zone_set_root(z, root);
    return root != NULL;
}


/* --- other processes ------------------------------------------------------- */

void
zones_forget(struct generation *g)
{
    for (struct zone_conf *z = g->zones; z != NULL; z = z->next)
        z->mapping = NULL;
}


static bool
map_zone(struct zone_conf *z)
{
    struct zone_mapping *m
        = find_overlap(&registry.mappings, z->zone, z->mapped);

    if (m != NULL && m->serial == z->serial) {
        m->refs++;
        z->mapping = m;
        return true;
    }
    if (m != NULL || !is_in_range(z->zone, z->mapped)) {
        errno = EADDRINUSE;
        return false;
    }
    if (!range_map(z->zone, z->mapped, z->fd, MAP_SHARED))
        return false;
    z->mapping = note_mapping(&registry.mappings, z->zone, z->mapped, -1);
    z->mapping->serial = z->serial;
    return true;
}


bool
zones_map(struct generation *g)
{
    bool is_good = true;
    int  error = 0;

    for (struct zone_conf *z = g->zones; z != NULL; z = z->next) {
        if (is_good && !map_zone(z)) {
            is_good = false;
            error = errno;
        }
        if (z->fd != -1)
            close(z->fd);
        z->fd = -1;
    }
    errno = error;
    return is_good;
}


str_t
zones_export(struct arena *a)
{
    str_t text = arena_printf(a, "WEIR_ZONES=%" PRIuPTR ";%zu;",
                              (uintptr_t) registry.base, registry.size);

    LIST_EACH(&registry.mappings, l) {
        struct zone_mapping *m = list_entry(l, struct zone_mapping, link);

        if (m->fd == -1 || !is_in_range(m->zone, m->size))
            continue;
        fcntl(m->fd, F_SETFD, 0);
        text = arena_printf(a, STR_F "%d;", STR_A(text), m->fd);
    }
    return text;
}


static bool
cut_number(str_t *rest, uint64_t max, uint64_t *out)
{
    return rest->n != 0 && number_parse(str_cut(rest, ';'), max, out);
}


/* What a zone begins with, copied, since whoever has it can change it. */
struct head {
    char bytes[ZONE_PAGE] __attribute__((aligned(16)));
    char name[NAME_MOST + 1];
};


/* Whether the descriptor is that of a zone that can be mapped. */
static bool
ask_zone(int fd, struct head *h)
{
    const struct zone *z = (const void *) h->bytes;
    struct stat        s;
    ssize_t            got = pread(fd, h->bytes, sizeof(h->bytes), 0);
    int                seals = fcntl(fd, F_GET_SEALS);
    str_t              name;

    if (got != sizeof(h->bytes) || seals == -1 || (seals & SEALS) != SEALS
        || fstat(fd, &s) == -1 || !zone_is_one(h->bytes, sizeof(h->bytes))
        || zone_size(z) != (size_t) s.st_size
        || !is_in_range(zone_address(z), zone_size(z))
        || find_overlap(&registry.inherited, zone_address(z), zone_size(z)))
        return false;
    name = zone_name(z);
    return name.n <= NAME_MOST
           && pread(fd, h->name, name.n,
                    (off_t) ((uintptr_t) name.p - (uintptr_t) zone_address(z)))
                  == (ssize_t) name.n;
}


static void
inherit(int fd, const struct log *log)
{
    struct head          h;
    const struct zone   *z = (const void *) h.bytes;
    struct zone_mapping *m;

    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (ask_zone(fd, &h)
        && range_map(zone_address(z), zone_size(z), fd, MAP_SHARED))
    {
        m = note_mapping(&registry.inherited, zone_address(z), zone_size(z),
                         fd);
        note_identity(m, (str_t){ h.name, zone_name(z).n }, zone_tag(z).p);
        return;
    }
    log_at(log, LEVEL_WARN, 0,
           "the inherited shared memory #%d cannot be used, it begins anew",
           fd);
    close(fd);
}


void
zones_inherit(const char *text, const struct log *log)
{
    str_t    rest = str_of(text);
    uint64_t base, size, fd;

    if (!cut_number(&rest, UINTPTR_MAX, &base)
        || !cut_number(&rest, SIZE_MAX, &size) || base == 0 || size == 0)
        return;
    if (range_reserve_at((void *) (uintptr_t) base, size)) {
        registry.base = (char *) (uintptr_t) base;
        registry.size = size;
    }
    while (cut_number(&rest, INT32_MAX, &fd))
        inherit((int) fd, log);
}


void
zones_close_unused(void)
{
    while (!list_empty(&registry.inherited))
        put_mapping(
            list_entry(registry.inherited.next, struct zone_mapping, link));
}
