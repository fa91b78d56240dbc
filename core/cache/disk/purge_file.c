/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of purges in a cache's folder: a line for each, added with one write.
 *
 *     k h 1764518400 0123456789abcdef      a key, by its digest; h: hard
 *     t s 1764518400 0123456789abcdef      a tag; s: soft
 *     p h 1764518400 2f696d672f            a prefix, in hexadecimal digits
 *
 * When it has become large, it is written anew with the rules that there are.
 * Without it a purge holds until the zone is made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/cache/disk/purge_rules.h"
#include "core/log/log.h"
#include "core/os/clock.h"

enum {
    ROOM = 2 * PREFIX_ROOM + 64,
    FILE_LEAST = 65536,  /* it is not written anew below                  */
    FILE_MAX = 16 << 20, /* of what is read                               */
    MARK_BYTES = 40,     /* of a line                                     */
};


static void
path_of(const struct disk_cache *c, char out[DISK_NAME_MAX], const char *tail)
{
    snprintf(out, DISK_NAME_MAX, STR_F "/%s%s", STR_A(c->path),
             DISK_PURGES_FILE, tail);
}


static int
open_to_add(const struct disk_cache *c)
{
    char name[DISK_NAME_MAX] UNSET;

    path_of(c, name, "");
    return open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                0600);
}


static size_t
put_mark(char *out, char sort, bool soft, int64_t at, uint64_t hash)
{
    return (size_t) snprintf(out, ROOM, "%c %c %" PRId64 " %016" PRIx64 "\n",
                             sort, soft ? 's' : 'h', at, hash);
}


static size_t
put_prefix(char *out, str_t prefix, bool soft, int64_t at)
{
    size_t n = (size_t) snprintf(out, ROOM, "p %c %" PRId64 " ",
                                 soft ? 's' : 'h', at);
    char  *p = out + n;

    for (size_t i = 0; i < prefix.n && i < PREFIX_ROOM; i++)
        p = number_put_byte(p, prefix.p[i], false);
    *p++ = '\n';
    return (size_t) (p - out);
}


/* --- reading ------------------------------------------------------------------ */

static bool
parse_prefix(str_t hex, struct purge_line *out)
{
    int byte;

    if (hex.n % 2 != 0 || hex.n / 2 > PREFIX_ROOM)
        return false;
    for (out->n = 0; out->n < hex.n / 2; out->n++) {
        byte = number_hex_byte(hex.p + 2 * out->n);
        if (byte == -1)
            return false;
        out->text[out->n] = (char) byte;
    }
    return true;
}


bool
purge_line_parse(str_t line, struct purge_line *out)
{
    str_t    sort = str_cut(&line, ' '), how = str_cut(&line, ' ');
    str_t    at = str_cut(&line, ' ');
    uint64_t seconds;

    if (sort.n != 1 || memchr("ktpfg", sort.p[0], 5) == NULL || how.n != 1
        || (how.p[0] != 's' && how.p[0] != 'h')
        || !number_parse(at, UINT32_MAX, &seconds))
        return false;
    out->sort = sort.p[0];
    out->is_soft = how.p[0] == 's';
    out->at = (uint32_t) seconds;
    if (out->sort == 'p')
        return parse_prefix(line, out);
    return number_hex(line, UINT64_MAX, &out->hash);
}


static void
take_forgotten(struct purge_table *t, bool soft, struct purge_when when)
{
    *(soft ? &t->soft : &t->hard) = when;
}


static void
take_line(const struct disk_cache *c, struct disk_purges *p,
          const struct purge_line *l)
{
    struct purge_when when = purge_rules_next(c, p, l->at);

    if (l->sort == 'p')
        purge_rules_prefix(p, (str_t){ l->text, l->n }, l->is_soft, when);
    else if (l->sort == 'k' || l->sort == 't')
        purge_rules_mark(l->sort == 'k' ? &p->keys : &p->tags, l->hash,
                         l->is_soft, when);
    else
        take_forgotten(l->sort == 'f' ? &p->keys : &p->tags, l->is_soft, when);
    purge_rules_publish(p, when);
}


static void
take_lines(const struct disk_cache *c, struct disk_purges *p, str_t all)
{
    struct purge_line l;

    while (all.n != 0)
        if (purge_line_parse(str_cut(&all, '\n'), &l))
            take_line(c, p, &l);
}


/* --- writing anew ------------------------------------------------------------- */

static void
write_table(FILE *f, const struct purge_table *t, char sort, char forgotten,
            size_t n)
{
    char line[ROOM];

    if (t->hard.number != 0)
        (void) fwrite(line, 1, put_mark(line, forgotten, false, t->hard.at, 0),
                      f);
    if (t->soft.number != 0)
        (void) fwrite(line, 1, put_mark(line, forgotten, true, t->soft.at, 0),
                      f);
    for (const struct purge_mark *m = t->marks; m < t->marks + n; m++) {
        if (m->hard.number != 0)
            (void) fwrite(line, 1,
                          put_mark(line, sort, false, m->hard.at, m->hash), f);
        if (m->soft.number != 0)
            (void) fwrite(line, 1,
                          put_mark(line, sort, true, m->soft.at, m->hash), f);
    }
}


static void
write_rules(FILE *f, const struct disk_purges *p)
{
    char line[ROOM];

    write_table(f, &p->keys, 'k', 'f', (size_t) p->keys.sets * PURGE_WAYS);
    write_table(f, &p->tags, 't', 'g', (size_t) p->tags.sets * PURGE_WAYS);
    for (const struct purge_prefix *it = p->prefixes;
         it < p->prefixes + p->room; it++)
        if (it->when.number != 0)
            (void) fwrite(line, 1,
                          put_prefix(line, (str_t){ it->text, it->n },
                                     it->is_soft, it->when.at),
                          f);
}


static void
write_anew(const struct disk_cache *c, struct disk_purges *p)
{
    char  name[DISK_NAME_MAX] UNSET, temp[DISK_NAME_MAX] UNSET;
    FILE *f;
    int   fd;
    bool  is_good;

    path_of(c, name, "");
    path_of(c, temp, ".new");
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
              0600);
    f = fd != -1 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        if (fd != -1)
            (void) close(fd);
        return;
    }
    write_rules(f, p);
    is_good = ferror(f) == 0;
    p->bytes = (uint64_t) ftell(f);
    is_good = fclose(f) == 0 && is_good;
    if (!is_good || rename(temp, name) == -1)
        (void) unlink(temp);
}


/* --- adding ------------------------------------------------------------------- */

static uint64_t
limit_of(const struct disk_purges *p)
{
    uint64_t marks = ((uint64_t) p->keys.sets + p->tags.sets) * PURGE_WAYS;

    return FILE_LEAST + 2 * marks * MARK_BYTES;
}


static void
add(const struct disk_cache *c, struct disk_purges *p, const char *line,
    size_t n)
{
    int fd = open_to_add(c);

    if (fd == -1)
        return;
    if (write(fd, line, n) == (ssize_t) n)
        p->bytes += n;
    (void) close(fd);
    if (p->bytes > limit_of(p))
        write_anew(c, p);
}


void
purge_file_add_mark(const struct disk_cache *c, struct disk_purges *p,
                    char sort, uint64_t hash, bool soft)
{
    char line[ROOM];

    add(c, p, line, put_mark(line, sort, soft, clock_seconds(), hash));
}


void
purge_file_add_prefix(const struct disk_cache *c, struct disk_purges *p,
                      str_t prefix, bool soft)
{
    char line[ROOM];

    add(c, p, line, put_prefix(line, prefix, soft, clock_seconds()));
}


void
disk_purges_load(const struct disk_cache *c)
{
    struct disk_purges *p = purge_rules_of(c);
    char                name[DISK_NAME_MAX] UNSET, *bytes;
    size_t              n;
    FILE               *f;
    int                 fd;

    purge_rules_clear(p);
    path_of(c, name, "");
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    f = fd != -1 ? fdopen(fd, "r") : NULL;
    bytes = f != NULL ? malloc(FILE_MAX) : NULL;
    if (bytes != NULL) {
        n = fread(bytes, 1, FILE_MAX, f);
        take_lines(c, p, (str_t){ bytes, n });
        p->bytes = n;
    }
    free(bytes);
    if (f != NULL)
        (void) fclose(f);
    else if (fd != -1)
        (void) close(fd);
}
