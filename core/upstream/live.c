/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers that change at run time: their text in the zone, and who has which
 * version of it.
 *
 * A text is replaced as a whole: it is written beside the old one, and then one
 * pointer changes.  So a process may be killed at any moment.
 */
#include "core/upstream/live.h"

#include "core/conf/types.h"
#include "core/upstream/build.h"
#include "core/upstream/live_state.h"
#include "core/upstream/names.h"
#include "core/upstream/shared.h"

/* Between the words of a line in the zone, as those may have blanks. */
enum { BLANK = 0x1f, ROOM_LEAST = 256 };

/* Ids that are derived have this bit, which those of lines never reach. */
enum { DERIVED = 1 << 30 };

struct live_text {
    uint64_t digest; /* of what was configured, in place of which it stands */
    unsigned next_id;
    size_t   n, room;
    char     at[]; /* lines: "ID ADDRESS PARAMETER ..."                   */
};

struct live {
    struct live      *next;
    uint64_t          group; /* digest of its name                         */
    _Atomic uint64_t  version;
    struct live_text *text;  /* NULL: as configured                        */
    struct live_text *spare; /* for the next text: servers can be removed when
                                the zone is full                             */
};


static struct zone *
zone_of(const struct upstream_group *g)
{
    return g->zone->zone;
}


/* --- text --------------------------------------------------------------------- */

/* Text that grows; a blank, or what stands for it, separates its words. */
struct line {
    struct arena *arena;
    str_t         text;
    char          blank;
};


static void
put_number(struct line *l, const char *name, uint64_t n, uint64_t preset,
           const char *unit)
{
    if (n != preset)
        l->text = arena_printf(l->arena, STR_F "%c%s=%llu%s", STR_A(l->text),
                               l->blank, name, (unsigned long long) n, unit);
}


static void
put_word(struct line *l, bool is_set, const char *word)
{
    if (is_set)
        l->text = arena_printf(l->arena, STR_F "%c%s", STR_A(l->text), l->blank,
                               word);
}


static void
put_text(struct line *l, const char *name, str_t value)
{
    if (value.n != 0)
        l->text = arena_printf(l->arena, STR_F "%c%s=" STR_F, STR_A(l->text),
                               l->blank, name, STR_A(value));
}


str_t
live_text(struct arena *a, const struct upstream_server *s, char blank)
{
    struct line l = { a, s->text, blank };

    put_number(&l, "weight", s->weight, 1, "");
    put_number(&l, "max_conns", s->max_conns, 0, "");
    put_number(&l, "max_fails", s->max_fails, 1, "");
    put_number(&l, "fail_timeout", s->fail_timeout, 10, "s");
    put_number(&l, "slow_start", s->slow_start, 0, "ms");
    put_text(&l, "route", s->route);
    put_word(&l, s->is_backup, "backup");
    put_word(&l, s->is_down, "down");
    put_word(&l, s->is_drain, "drain");
    put_word(&l, s->resolves, "resolve");
    put_word(&l, s->is_fixed, "resolve=off");
    put_text(&l, "service", s->service);
    return l.text;
}


const char *
live_parse(struct arena *a, const struct upstream_group *g, str_t line,
           char blank, struct upstream_server *out)
{
    const char *wrong = NULL;

    *out = (struct upstream_server){ .weight = 1,
                                     .max_fails = 1,
                                     .fail_timeout = 10 };
    out->text = str_cut(&line, blank);
    while (wrong == NULL && line.n != 0) {
        str_t arg = str_cut(&line, blank);

        if (arg.n != 0)
            wrong = upstream_server_take(g, out, arg);
    }
    if (wrong != NULL)
        return wrong;
    if (upstream_names_group(out->text))
        return NULL; /* found by the line of the configuration */
    return endpoint_parse(a, out->text, g->kind == CONF_HTTP ? 80 : 0, 0,
                          &out->at);
}


str_t
live_lines(struct arena *a, const struct live_servers *s, bool is_file)
{
    size_t n = s->list.n, all = 0;
    str_t *lines = arena_array(a, str_t, n + 1);
    char  *text, *p;

    for (size_t i = 0; i < n; i++) {
        const struct upstream_server *it = &s->list.at[i];
        str_t line = live_text(a, it, is_file ? ' ' : BLANK);

        lines[i] = is_file
                       ? arena_printf(a, "server " STR_F ";\n", STR_A(line))
                       : arena_printf(a, "%u " STR_F "\n", it->id, STR_A(line));
        all += lines[i].n;
    }
    p = text = arena_bytes(a, all + 1);
    for (size_t i = 0; i < n; i++) {
        memcpy(p, lines[i].p, lines[i].n);
        p += lines[i].n;
    }
    return str_span(text, p);
}


static uint64_t
digest_of(const struct upstream_group *g)
{
    struct arena       *a = arena_new(0);
    struct live_servers s = { .version = 0 };
    uint64_t            digest;

    VEC_EACH(&g->servers, it)
        *vec_push(a, &s.list) = *it;
    digest = g->state.n != 0 ? 1 : binding_key(live_lines(a, &s, false));
    arena_free(a);
    return digest;
}


static bool
is_line_of(const struct upstream_server *it, const struct upstream_server *s)
{
    return str_eq(it->text, s->text) && str_eq(it->service, s->service)
           && (!s->resolves || it->name != NULL);
}


/* What configured names have found is found by their line: mostly the one with
 * the same id, as those are their places. */
static void
take_name(const struct upstream_group *g, struct upstream_server *s)
{
    const struct upstream_server *it = NULL;

    if (s->id < g->servers.n && is_line_of(&g->servers.at[s->id], s))
        it = &g->servers.at[s->id];
    for (size_t i = 0; it == NULL && i < g->servers.n; i++)
        if (is_line_of(&g->servers.at[i], s))
            it = &g->servers.at[i];
    if (it == NULL)
        return;
    s->name = it->name;
    s->group = it->group;
    s->at = it->at;
}


/* Their ids rise: new lines come behind those that are there. */
const struct upstream_server *
live_line(const struct upstream_group *g, const struct peer *p)
{
    size_t low = 0, high = g->n_lines;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (g->lines[mid].id == p->server->id)
            return &g->lines[mid];
        if (g->lines[mid].id < p->server->id)
            low = mid + 1;
        else
            high = mid;
    }
    return p->server;
}


unsigned
live_id(const struct peer *p)
{
    if (p->server->name == NULL)
        return p->server->id;
    return DERIVED | (str_mix(p->server->id, p->name) & (DERIVED - 1));
}


/* --- the zone ------------------------------------------------------------------- */

bool
live_is_possible(const struct upstream_group *g)
{
    return g->live != NULL;
}


static struct live_text *
text_in(const struct upstream_group *g)
{
    struct live_text *t = g->live->text;

    return t != NULL && t->digest == g->digest ? t : NULL;
}


/* With the lock. */
static void
load(struct upstream_group *g, struct arena *a, struct live_servers *out)
{
    const struct live_text *t = text_in(g);
    str_t                   rest;
    uint64_t                id;

    *out = (struct live_servers){ .version = g->live->version,
                                  .next_id = (unsigned) g->servers.n };
    if (t == NULL) {
        VEC_EACH(&g->servers, it)
            *vec_push(a, &out->list) = *it;
        return;
    }
    out->next_id = t->next_id;
    rest = str_copy(a, (str_t){ t->at, t->n });
    while (rest.n != 0) {
        str_t                   line = str_cut(&rest, '\n');
        str_t                   word = str_cut(&line, ' ');
        struct upstream_server *s = vec_push(a, &out->list);

        if (!number_parse(word, UINT32_MAX, &id)
            || live_parse(a, g, line, BLANK, s) != NULL)
        {
            out->list.n--; /* another binary has written it */
            continue;
        }
        s->id = (unsigned) id;
        if (s->at.n == 0)
            take_name(g, s);
    }
}


void
live_load(struct upstream_group *g, struct arena *a, struct live_servers *out)
{
    shared_zone_lock(zone_of(g));
    load(g, a, out);
    zone_unlock(zone_of(g));
}


static struct live_text *
new_text(struct zone *z, size_t n)
{
    struct live_text *t;
    size_t            room = ROOM_LEAST;

    while (room < n)
        room *= 2;
    t = zone_alloc(z, sizeof(*t) + room);
    if (t != NULL)
        *t = (struct live_text){ .room = room };
    return t;
}


/* Room for a text, and for the one after it.  NULL: there is none. */
static struct live_text *
take_room(struct upstream_group *g, size_t n)
{
    struct zone      *z = zone_of(g);
    struct live_text *t = g->live->spare, *next, *before;

    if (t != NULL && t->room >= n) {
        g->live->spare = NULL;
        return t;
    }
    t = new_text(z, n);
    next = t != NULL ? new_text(z, n) : NULL;
    if (next == NULL) {
        zone_free(z, t);
        return NULL;
    }
    before = g->live->spare;
    g->live->spare = next;
    IN_ORDER();
    zone_free(z, before);
    return t;
}


static enum live_verdict
store(struct upstream_group *g, const struct live_servers *s, str_t text)
{
    struct live      *l = g->live;
    struct live_text *t, *before = l->text;

    if (l->version != s->version)
        return LIVE_AGAIN;
    t = take_room(g, text.n);
    if (t == NULL)
        return LIVE_FULL;
    t->digest = g->digest;
    t->next_id = s->next_id;
    t->n = text.n;
    memcpy(t->at, text.p, text.n);
    IN_ORDER();
    l->text = t;
    IN_ORDER();
    l->version++;
    if (l->spare == NULL)
        l->spare = before;
    else
        zone_free(zone_of(g), before);
    return LIVE_DONE;
}


/* Only the latest version takes the file's place. */
static void
save(struct upstream_group *g, const struct live_servers *s,
     const struct log *log)
{
    struct arena *a = arena_new(0);
    str_t         beside;

    if (g->state.n != 0 && live_state_write(a, g, s, &beside, log)) {
        shared_zone_lock(zone_of(g));
        live_state_keep(g, beside, g->live->version == s->version + 1, log);
        zone_unlock(zone_of(g));
    }
    arena_free(a);
}


/* Whose turn it was does not matter among others. */
static void
begin_anew(struct peer_set *set)
{
    shared_lock(set);
    for (unsigned i = 0; i < set->n_peers; i++)
        set->peers[i].state->current = 0;
    shared_unlock(set);
}


enum live_verdict
live_store(struct upstream_group *g, const struct live_servers *s,
           const struct log *log)
{
    struct arena     *a = arena_new(0);
    str_t             text = live_lines(a, s, false);
    enum live_verdict v;

    shared_zone_lock(zone_of(g));
    v = store(g, s, text);
    zone_unlock(zone_of(g));
    arena_free(a);
    if (v == LIVE_DONE) {
        save(g, s, log);
        live_follow(g);
        begin_anew(g->set);
    }
    return v;
}


/* --- following ------------------------------------------------------------------ */

bool
live_is_behind(const struct upstream_group *g)
{
    return g->live != NULL && g->live->version != g->live_version;
}


void
live_follow(struct upstream_group *g)
{
    struct arena       *a = arena_new(0), *before = g->lines_arena;
    struct live_servers s;

    shared_zone_lock(zone_of(g));
    load(g, a, &s);
    zone_unlock(zone_of(g));
    g->live_version = s.version;
    g->lines = s.list.at;
    g->n_lines = s.list.n;
    g->lines_arena = a;
    names_follow(g, s.list.at, s.list.n);
    upstream_rebuild(g);
    names_look(g);
    if (before != NULL)
        arena_free(before);
}


/* The states are locked.  NULL: there is no room. */
static struct live *
find(struct upstream_group *g)
{
    void       **first = shared_lives(zone_of(g));
    uint64_t     group = binding_key(g->name);
    struct live *l;

    for (l = *first; l != NULL; l = l->next)
        if (l->group == group)
            return l;
    l = zone_alloc(zone_of(g), sizeof(*l));
    if (l == NULL)
        return NULL;
    *l = (struct live){ .next = *first, .group = group };
    IN_ORDER();
    *first = l;
    return l;
}


/* What was stored in place of other servers than those that are configured now
 * is of no use any more. */
static void
drop_old(struct upstream_group *g)
{
    struct live_text *t = g->live->text;

    if (t == NULL || t->digest == g->digest)
        return;
    g->live->text = NULL;
    IN_ORDER();
    g->live->version++;
    zone_free(zone_of(g), t);
}


void
live_join(struct upstream_group *g)
{
    if (g->set->zone == NULL)
        return;
    g->digest = digest_of(g);
    shared_zone_lock(zone_of(g));
    g->live = find(g);
    if (g->live != NULL)
        drop_old(g);
    zone_unlock(zone_of(g));
    if (g->live == NULL)
        return;
    if (g->state.n != 0)
        live_state_sweep(g);
    if (text_in(g) != NULL)
        live_follow(g);
    else
        g->live_version = g->live->version;
}
