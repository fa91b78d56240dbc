/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock is that of the folder (flock), since the file is another one each
 * time.  Nothing is synchronized with the disk: what a power failure takes are
 * bans of the last seconds.
 */
#include "modules/gate/ban_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/gate/ban_state.h"

enum { NAME_KEPT = 60, MODE = 0600 };


/* --- names ------------------------------------------------------------------ */

static bool
is_plain(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-'
           || c == '_';
}


/* Of a zone: other bytes than letters, digits, "-" and "_" are escaped, so that
 * names are different, and none is a path. */
static const char *
name_of(struct arena *a, str_t zone, const char *suffix)
{
    size_t n = zone.n < NAME_KEPT ? zone.n : NAME_KEPT;
    char  *out = arena_bytes(a, 3 * n + 1), *p = out;

    for (size_t i = 0; i < n; i++) {
        char c = zone.p[i];

        if (is_plain(c)) {
            *p++ = c;
        } else {
            *p++ = '%';
            p = number_put_byte(p, c, true);
        }
    }
    if (n < zone.n)
        return str_z(a,
                     arena_printf(a, "%.*s~%016" PRIx64 "%s", (int) (p - out),
                                  out, str_mix(0, zone), suffix));
    return str_z(a, arena_printf(a, "%.*s%s", (int) (p - out), out, suffix));
}


/* --- reading ---------------------------------------------------------------- */

/* At most so many bytes of a regular file; STR_NONE with errno. */
static str_t
read_some(struct arena *a, int folder, const char *name, size_t most)
{
    int fd
        = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    str_t       out = STR_NONE;
    ssize_t     n;

    if (fd == -1)
        return STR_NONE;
    errno = EINVAL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if ((uint64_t) st.st_size < most)
            most = (size_t) st.st_size;
        out = (str_t){ arena_bytes(a, most + 1), 0 };
        while (
            out.n < most
            && (n = read(fd, (char *) (uintptr_t) out.p + out.n, most - out.n))
                   > 0)
            out.n += (size_t) n;
    }
    close(fd);
    return out;
}


/* 0: there is no file, or it is none of these. */
static uint64_t
epoch_there(struct arena *a, int folder, const char *name)
{
    str_t           text = read_some(a, folder, name, BAN_LINE_MAX);
    struct ban_head h;

    return ban_state_head(&text, &h) ? h.epoch : 0;
}


struct limit_entry *
ban_set(struct zone *z, struct limit_key *key, msec_t until)
{
    struct limit_entry *e = limit_find(z, key), lost;

    if (e == NULL)
        e = limit_add(z, key, &lost);
    e->at = until;
    e->count = BAN_MARK;
    limit_notes(z)->changes++;
    return e;
}


/* Returns how many lines are invalid. */
static unsigned
take_lines(struct zone *z, str_t rest, uint32_t kind)
{
    uint64_t        now = (uint64_t) clock_seconds(), left;
    unsigned        bad = 0;
    struct ban_line l;

    while (rest.n != 0) {
        if (!ban_state_line(&rest, &l)) {
            bad++;
            continue;
        }
        if (l.until <= now)
            continue;
        left = l.until - now;
        if (left > BAN_SECONDS_MAX)
            left = BAN_SECONDS_MAX;
        l.key.kind = kind;
        ban_set(z, &l.key, clock_ms() + left * 1000);
    }
    return bad;
}


/* With the lock of the zone. */
static void
take_file(struct arena *a, const struct limit_zone *z, const char *path,
          const struct log *log)
{
    struct zone    *zone = z->in->zone;
    struct ban_head h = { .epoch = 0 };
    str_t    rest = read_some(a, AT_FDCWD, path, 2 * zone_size(zone) + 4096);
    unsigned bad = 0;

    if (rest.p == NULL && errno != ENOENT)
        log_errno(log, errno, "open() \"%s\" failed", path);
    if (rest.n != 0 && !ban_state_head(&rest, &h))
        log_warn(log, "\"%s\" is no file of bans, it is not read", path);
    else if (h.kind == z->kind)
        bad = take_lines(zone, rest, z->kind);
    if (bad != 0)
        log_warn(log, "%u invalid lines in \"%s\"", bad, path);
    limit_notes(zone)->epoch = h.epoch + 1;
}


void
ban_file_load(const struct limit_zone *z, str_t folder, const struct log *log)
{
    struct zone  *zone = z->in->zone;
    struct arena *a = arena_new(0);
    str_t         path = arena_printf(a, STR_F "/%s", STR_A(folder),
                                      name_of(a, z->in->name, ".bans"));

    limit_lock(zone);
    if (limit_notes(zone)->epoch == 0)
        take_file(a, z, str_z(a, path), log);
    limit_unlock(zone);
    arena_free(a);
}


/* --- writing ---------------------------------------------------------------- */

struct snapshot {
    struct ban_head      head;
    uint64_t             changes;
    VEC(struct ban_line) lines;
};


/* False: there is nothing new. */
static bool
take_snapshot(struct arena *a, const struct limit_zone *z, struct snapshot *out)
{
    struct zone        *zone = z->in->zone;
    struct limit_entry *e = NULL;
    msec_t              now = clock_ms();
    uint64_t            second = (uint64_t) clock_seconds();
    struct ban_line    *l;
    bool                is_new;

    limit_lock(zone);
    *out = (struct snapshot){ .head = { limit_notes(zone)->epoch, z->kind },
                              .changes = limit_notes(zone)->changes };
    is_new = out->changes != limit_notes(zone)->saved;
    while (is_new && (e = limit_next(zone, e)) != NULL) {
        if (!ban_is_on(e, now) || limit_kind(zone, e) != z->kind)
            continue;
        l = vec_push(a, &out->lines);
        l->until = second + (e->at - now + 999) / 1000;
        l->key.n = e->n;
        memcpy(l->key.bytes, e->key, sizeof(e->key));
    }
    limit_unlock(zone);
    return is_new;
}


/* The oldest ones first, as they are to be made when they are read. */
static str_t
text_of(struct arena *a, const struct snapshot *s)
{
    char *text = arena_bytes(a, (s->lines.n + 1) * BAN_LINE_MAX);
    char *p = ban_state_put_head(text, &s->head);

    for (size_t i = s->lines.n; i-- != 0;)
        p = ban_state_put(p, &s->lines.at[i]);
    return str_span(text, p);
}


/* False: errno. */
static bool
write_file(int folder, const char *name, str_t text)
{
    int     fd;
    ssize_t n = 0;

    unlinkat(folder, name, 0);
    fd = openat(folder, name,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
    if (fd == -1)
        return false;
    while (text.n != 0 && (n = write(fd, text.p, text.n)) > 0)
        text = str_from(text, (size_t) n);
    if (n == 0)
        errno = ENOSPC;
    return close(fd) == 0 && text.n == 0;
}


static void
note_saved(struct zone *z, const struct snapshot *s)
{
    limit_lock(z);
    limit_notes(z)->saved = s->changes;
    limit_notes(z)->epoch = s->head.epoch;
    limit_unlock(z);
}


/* With the lock of the folder. */
static void
save(struct arena *a, int fd, const struct limit_zone *z, bool is_in_force,
     const struct log *log)
{
    const char *name = name_of(a, z->in->name, ".bans");
    const char *new = name_of(a, z->in->name, ".new");
    uint64_t        there = epoch_there(a, fd, name);
    struct snapshot s;

    if (!take_snapshot(a, z, &s))
        return;
    if (there > s.head.epoch) {
        if (!is_in_force)
            return;
        s.head.epoch = there + 1;
    }
    /* After a failure it is not tried before something else changes. */
    note_saved(z->in->zone, &s);
    if (!write_file(fd, new, text_of(a, &s))
        || renameat(fd, new, fd, name) == -1)
        log_errno(log, errno, "the bans of zone \"" STR_F "\" cannot be kept",
                  STR_A(z->in->name));
}


bool
ban_file_save(const struct limit_zone *z, str_t folder, unsigned how,
              const struct log *log)
{
    struct arena *a = arena_new(0);
    int  fd = open(str_z(a, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int  lock = how & BAN_SAVE_WAITS ? LOCK_EX : LOCK_EX | LOCK_NB;
    bool is_mine = fd != -1 && flock(fd, lock) == 0;
    bool is_busy = fd != -1 && !is_mine && errno == EWOULDBLOCK;

    if (is_mine)
        save(a, fd, z, how & BAN_SAVE_IN_FORCE, log);
    else if (!is_busy)
        log_errno(log, errno, "open() \"" STR_F "\" failed", STR_A(folder));
    if (fd != -1)
        close(fd);
    arena_free(a);
    return !is_busy;
}
