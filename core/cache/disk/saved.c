/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records are written in the order of the index, a few with each lock, to another
 * file, which is renamed when it is complete.
 */
#include "core/cache/disk/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/crc32.h"
#include "core/cache/disk/cache.h"
#include "core/log/log.h"
#include "core/os/clock.h"

enum {
    VERSION = 1,
    HEAD = 40,
    RECORD = 28,
    BLOCK = 4096,  /* sizes are of so many bytes                           */
    AT_ONCE = 512, /* with one lock                                        */
    RECORDS_MAX = 1u << 28,
    NAME_ROOM = DISK_PATH_MAX + 64,
};

static const char mark[8] = "weirdex\n";

/* What precedes the records. */
struct head {
    char     mark[sizeof(mark)];
    uint32_t version, n;
    uint64_t folder;
    int64_t  saved_at;
    uint32_t crc; /* of the records                                          */
    uint32_t head_crc; /* of all before it                                   */
};
_Static_assert(sizeof(struct head) == HEAD, "the head of a saved index");


/* --- reading -------------------------------------------------------------------- */

static uint32_t
head_crc(const struct head *h)
{
    return crc32_of(
        (str_t){ (const char *) h, offsetof(struct head, head_crc) });
}


bool
disk_saved_read(struct disk_saved *s, str_t file, uint64_t folder)
{
    struct head h;

    if (file.n < HEAD)
        return false;
    memcpy(&h, file.p, HEAD);
    if (memcmp(h.mark, mark, sizeof(mark)) != 0 || h.version != VERSION
        || h.head_crc != head_crc(&h) || h.folder != folder || h.n > RECORDS_MAX
        || file.n - HEAD != (size_t) h.n * RECORD)
        return false;
    file = str_from(file, HEAD);
    if (crc32_of(file) != h.crc)
        return false;
    *s = (struct disk_saved){ file.p, h.n, h.saved_at };
    return true;
}


bool
disk_saved_get(const struct disk_saved *s, uint32_t i, struct disk_record *out)
{
    const char *p = s->records + (size_t) i * RECORD;
    uint32_t    numbers[3];

    memcpy(out->key.b, p, DISK_KEY_N);
    memcpy(numbers, p + DISK_KEY_N, sizeof(numbers));
    out->used_at = numbers[0];
    out->uses = numbers[1];
    out->bytes = (uint64_t) numbers[2] * BLOCK;
    return out->bytes != 0;
}


/* --- loading -------------------------------------------------------------------- */

static int
compare_uses(const void *a, const void *b)
{
    uint32_t x = ((const struct disk_record *) a)->used_at;
    uint32_t y = ((const struct disk_record *) b)->used_at;

    return x < y ? 1 : x > y ? -1 : 0;
}


/* The last used first.  The time that nobody was there does not count. */
static struct disk_record *
sort(const struct disk_saved *s, uint32_t *n)
{
    struct disk_record *all = malloc(((size_t) s->n + 1) * sizeof(*all));
    int64_t             now = clock_seconds(), gap = now - s->saved_at;

    *n = 0;
    if (all == NULL)
        return NULL;
    for (uint32_t i = 0; i < s->n; i++) {
        struct disk_record *r = &all[*n];
        int64_t             at;

        if (!disk_saved_get(s, i, r))
            continue;
        at = (int64_t) r->used_at + (gap > 0 ? gap : 0);
        r->used_at = (uint32_t) (at < now ? at : now);
        ++*n;
    }
    qsort(all, *n, sizeof(*all), compare_uses);
    return all;
}


static uint32_t
add_all(const struct disk_cache *c, const struct disk_saved *s)
{
    uint32_t            n, added = 0;
    struct disk_record *all = sort(s, &n);
    struct zone        *z = c->in->zone;

    for (uint32_t i = 0; all != NULL && i < n; i += AT_ONCE) {
        disk_index_lock(z);
        for (uint32_t k = i; k < n && k < i + AT_ONCE; k++)
            added += disk_index_restore(z, &all[k]);
        disk_index_unlock(z);
    }
    free(all);
    return added;
}


static void
put_name(char out[NAME_ROOM], const struct disk_cache *c, const char *suffix)
{
    (void) snprintf(out, NAME_ROOM, STR_F "/" DISK_SAVED_NAME "%s",
                    STR_A(c->path), suffix);
}


static bool
read_all(int fd, char *p, size_t n)
{
    while (n != 0) {
        ssize_t did = read(fd, p, n);

        if (did == -1 && errno == EINTR)
            continue;
        if (did <= 0)
            return false;
        p += did;
        n -= (size_t) did;
    }
    return true;
}


uint32_t
disk_saved_load(const struct disk_cache *c, const struct log *log)
{
    char              name[NAME_ROOM];
    struct disk_saved s;
    struct stat       st;
    uint32_t          n = 0;
    char             *p = NULL;
    int               fd;

    put_name(name, c, "");
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -1)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        p = malloc((size_t) st.st_size);
    if (p == NULL) {
        (void) close(fd);
        return 0;
    }
    if (read_all(fd, p, (size_t) st.st_size)
        && disk_saved_read(&s, (str_t){ p, (size_t) st.st_size }, c->folder))
        n = add_all(c, &s);
    else
        log_at(log, LEVEL_NOTICE, 0,
               "saved index \"%s\" is damaged, or of another cache", name);
    free(p);
    (void) close(fd);
    return n;
}


/* --- writing -------------------------------------------------------------------- */

/* A file that is being written. */
struct writing {
    int         fd;
    struct head head;
    char        bytes[AT_ONCE * RECORD];
    bool        is_broken;
};


static void
put_record(char *p, const struct disk_record *r)
{
    uint64_t blocks = r->bytes / BLOCK;
    uint32_t numbers[3]
        = { r->used_at, r->uses,
            (uint32_t) (blocks < UINT32_MAX ? blocks : UINT32_MAX) };

    memcpy(p, r->key.b, DISK_KEY_N);
    memcpy(p + DISK_KEY_N, numbers, sizeof(numbers));
}


static bool
write_all(int fd, const char *p, size_t n)
{
    while (n != 0) {
        ssize_t did = write(fd, p, n);

        if (did == -1 && errno == EINTR)
            continue;
        if (did <= 0)
            return false;
        p += did;
        n -= (size_t) did;
    }
    return true;
}


/* False: it is not complete. */
static bool
write_records(struct writing *w, struct zone *z)
{
    struct disk_record all[AT_ONCE];
    uint32_t           n, at = 0;
    bool               goes_on = true;

    w->head.crc = CRC32_START;
    while (goes_on) {
        disk_index_lock(z);
        goes_on = disk_index_copy(z, &at, all, AT_ONCE, &n);
        disk_index_unlock(z);
        for (uint32_t i = 0; i < n; i++)
            put_record(w->bytes + (size_t) i * RECORD, &all[i]);
        w->head.crc
            = crc32_more(w->head.crc, (str_t){ w->bytes, (size_t) n * RECORD });
        w->head.n += n;
        if (!write_all(w->fd, w->bytes, (size_t) n * RECORD))
            return false;
    }
    w->head.crc = crc32_end(w->head.crc);
    w->head.head_crc = head_crc(&w->head);
    return pwrite(w->fd, &w->head, HEAD, 0) == HEAD;
}


bool
disk_saved_write(const struct disk_cache *c, const struct log *log)
{
    char           name[NAME_ROOM], temp[NAME_ROOM];
    struct writing w = { .head = { .version = VERSION,
                                   .folder = c->folder,
                                   .saved_at = clock_seconds() } };
    bool           ok;

    put_name(name, c, "");
    put_name(temp, c, ".new");
    memcpy(w.head.mark, mark, sizeof(mark));
    w.fd
        = open(temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w.fd == -1) {
        if (errno != ENOENT)
            log_at(log, LEVEL_INFO, errno, "open() \"%s\" failed", temp);
        return false;
    }
    ok = write_all(w.fd, (const char *) &w.head, HEAD)
         && write_records(&w, c->in->zone);
    (void) close(w.fd);
    ok = ok && rename(temp, name) == 0;
    if (!ok) {
        log_at(log, LEVEL_INFO, errno, "the index \"%s\" cannot be saved",
               name);
        (void) unlink(temp);
    }
    return ok;
}
