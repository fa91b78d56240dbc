/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place is in use from the store of its "until" on, which is the last one when
 * it is filled, and the first one when it is emptied: a worker may die in
 * between.
 */
#include "modules/content/dav_lock.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/os/clock.h"
#include "core/os/random.h"

enum { PLACES_MAX = 4096, TEXT_MAX = 944, LAYOUT = 1, SEEN_MAX = 16 };

struct place {
    uint64_t until; /* seconds; 0: free                                      */
    char     token[DAV_TOKEN];
    uint8_t  is_shared, is_deep;
    uint16_t path_n, uri_n, owner_n;
    char     text[TEXT_MAX]; /* path, NUL, URI, owner                        */
};

struct table {
    uint32_t     n;
    struct place places[];
};


static bool
init(struct zone *z)
{
    size_t        room = zone_size(z) / sizeof(struct place);
    struct table *t = NULL;

    if (room > PLACES_MAX)
        room = PLACES_MAX;
    for (; room != 0 && t == NULL; room--)
        t = zone_alloc(z, sizeof(*t) + room * sizeof(struct place));
    if (t == NULL)
        return false;
    t->n = (uint32_t) room + 1;
    for (uint32_t i = 0; i < t->n; i++)
        t->places[i].until = 0;
    zone_set_root(z, t);
    return true;
}


const struct zone_use dav_lock_use
    = { .name = "dav_ext_lock", .version = LAYOUT, .init = init };


/* --- one place -------------------------------------------------------------------- */

static bool
is_inside(str_t outer, str_t inner)
{
    return inner.n > outer.n && str_starts(inner, outer)
           && inner.p[outer.n] == '/';
}


static str_t
parent_of(str_t path)
{
    const char *slash = str_rchr(path, '/');

    return slash != NULL ? str_span(path.p, slash) : STR_NONE;
}


static bool
holds_for(const struct dav_lock *l, str_t path)
{
    return str_eq(l->path, path) || (l->is_deep && is_inside(l->path, path));
}


static bool
is_reached(const struct dav_lock *l, str_t path, unsigned reach)
{
    return ((reach & DAV_ON) && holds_for(l, path))
           || ((reach & DAV_INSIDE) && is_inside(path, l->path))
           || ((reach & DAV_ABOVE) && holds_for(l, parent_of(path)));
}


static void
show(const struct place *p, uint64_t now, struct dav_lock *out)
{
    memcpy(out->token, p->token, DAV_TOKEN);
    out->is_shared = p->is_shared;
    out->is_deep = p->is_deep;
    out->seconds = p->until - now;
    out->path = (str_t){ p->text, p->path_n };
    out->uri = (str_t){ p->text + p->path_n + 1, p->uri_n };
    out->owner = (str_t){ out->uri.p + p->uri_n, p->owner_n };
}


static struct table *
enter(struct zone *z)
{
    (void) zone_lock(z); /* each place is whole, whoever has died            */
    return zone_root(z);
}


/* --- locks on what is gone -------------------------------------------------------- */

/* Copied, because the disk is asked without the zone's lock. */
struct seen {
    struct place *place;
    char          token[DAV_TOKEN];
    char          path[TEXT_MAX];
};


/* The next locks that are reached, from place *i on: some at most. */
static unsigned
look_for(struct zone *z, str_t path, unsigned reach, uint32_t *i,
         struct seen *out, unsigned some)
{
    uint64_t        now = (uint64_t) clock_seconds();
    struct table   *t = enter(z);
    unsigned        n = 0;
    struct dav_lock l;

    for (; *i < t->n && n < some; ++*i) {
        struct place *p = &t->places[*i];

        if (p->until <= now)
            continue;
        show(p, now, &l);
        if (!is_reached(&l, path, reach))
            continue;
        out[n].place = p;
        memcpy(out[n].token, p->token, DAV_TOKEN);
        memcpy(out[n++].path, p->text, (size_t) p->path_n + 1);
    }
    zone_unlock(z);
    return n;
}


static bool
is_gone(const char *path)
{
    struct stat st;

    return lstat(path, &st) == -1 && (errno == ENOENT || errno == ENOTDIR);
}


/* Frees the places of locks on what is not there any more.  False: no lock is
 * reached. */
static bool
forget_gone(struct zone *z, str_t path, unsigned reach)
{
    struct seen seen[SEEN_MAX];
    uint32_t    i = 0;
    unsigned    n;
    bool        has_any = false;

    do {
        n = look_for(z, path, reach, &i, seen, SEEN_MAX);
        has_any = has_any || n != 0;
        for (unsigned k = 0; k < n; k++) {
            if (!is_gone(seen[k].path))
                continue;
            (void) enter(z);
            if (memcmp(seen[k].place->token, seen[k].token, DAV_TOKEN) == 0)
                seen[k].place->until = 0;
            zone_unlock(z);
        }
    } while (n == SEEN_MAX);
    return has_any;
}


/* --- all --------------------------------------------------------------------------- */

void
dav_lock_each(struct zone *z, str_t path, unsigned reach, dav_lock_fn fn,
              void *arg)
{
    uint64_t        now = (uint64_t) clock_seconds();
    struct table   *t;
    struct dav_lock l;

    if (!forget_gone(z, path, reach))
        return;
    t = enter(z);
    for (uint32_t i = 0; i < t->n; i++) {
        struct place *p = &t->places[i];

        if (p->until <= now)
            continue;
        show(p, now, &l);
        if (is_reached(&l, path, reach) && !fn(&l, arg))
            break;
    }
    zone_unlock(z);
}


static void
make_token(char token[DAV_TOKEN])
{
    static const char form[] = "urn:uuid:xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
    unsigned char     random[DAV_TOKEN];

    random_fill(random, sizeof(random));
    for (size_t i = 0; i < DAV_TOKEN; i++)
        token[i] = i >= sizeof("urn:uuid:") - 1 && form[i] == 'x'
                       ? "0123456789abcdef"[random[i] & 15]
                       : form[i];
}


static void
fill(struct place *p, const struct dav_lock *l, uint64_t now)
{
    memcpy(p->token, l->token, DAV_TOKEN);
    p->is_shared = l->is_shared;
    p->is_deep = l->is_deep;
    p->path_n = (uint16_t) l->path.n;
    p->uri_n = (uint16_t) l->uri.n;
    p->owner_n = (uint16_t) l->owner.n;
    memcpy(p->text, l->path.p, l->path.n);
    p->text[l->path.n] = '\0';
    memcpy(p->text + l->path.n + 1, l->uri.p, l->uri.n);
    if (l->owner.n != 0)
        memcpy(p->text + l->path.n + 1 + l->uri.n, l->owner.p, l->owner.n);
    IN_ORDER();
    p->until = now + l->seconds;
}


enum dav_locked
dav_lock_add(struct zone *z, struct dav_lock *l)
{
    unsigned        reach = DAV_ON | (l->is_deep ? DAV_INSIDE : 0);
    uint64_t        now = (uint64_t) clock_seconds();
    enum dav_locked how = DAV_LOCKED;
    struct place   *free = NULL;
    struct table   *t;
    struct dav_lock other;

    if (l->path.n + l->uri.n + 1 > TEXT_MAX)
        return DAV_NO_ROOM;
    if (l->path.n + l->uri.n + 1 + l->owner.n > TEXT_MAX)
        l->owner = STR_NONE;
    make_token(l->token);
    (void) forget_gone(z, l->path, reach);
    t = enter(z);
    for (uint32_t i = 0; i < t->n && how == DAV_LOCKED; i++) {
        struct place *p = &t->places[i];

        if (p->until > now) {
            show(p, now, &other);
            if (is_reached(&other, l->path, reach)
                && (!l->is_shared || !other.is_shared))
                how = DAV_IS_LOCKED;
        }
        if (p->until <= now)
            free = p;
    }
    if (how == DAV_LOCKED && free == NULL)
        how = DAV_NO_ROOM;
    if (how == DAV_LOCKED)
        fill(free, l, now);
    zone_unlock(z);
    return how;
}


/* The place of the lock with that token that holds for path; NULL: there is
 * none. */
static struct place *
find(struct table *t, str_t path, str_t token, uint64_t now)
{
    struct dav_lock l;

    for (uint32_t i = 0; i < t->n && token.n == DAV_TOKEN; i++) {
        struct place *p = &t->places[i];

        if (p->until <= now || memcmp(p->token, token.p, DAV_TOKEN) != 0)
            continue;
        show(p, now, &l);
        return holds_for(&l, path) ? p : NULL;
    }
    return NULL;
}


bool
dav_lock_renew(struct zone *z, struct arena *a, str_t path, str_t token,
               uint64_t seconds, struct dav_lock *out)
{
    uint64_t      now = (uint64_t) clock_seconds();
    struct place *p;

    (void) forget_gone(z, path, DAV_ON);
    p = find(enter(z), path, token, now);
    if (p != NULL) {
        p->until = now + seconds;
        show(p, now, out);
        out->path = str_copy(a, out->path);
        out->uri = str_copy(a, out->uri);
        out->owner = str_copy(a, out->owner);
    }
    zone_unlock(z);
    return p != NULL;
}


bool
dav_lock_remove(struct zone *z, str_t path, str_t token)
{
    struct place *p = find(enter(z), path, token, (uint64_t) clock_seconds());

    if (p != NULL)
        p->until = 0;
    zone_unlock(z);
    return p != NULL;
}
