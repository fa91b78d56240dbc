/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API: the servers of an upstream, which can be read, added, changed and
 * removed.  A change is made to a copy of all servers, and stored if they have
 * not changed meanwhile; else it is made again.
 */
#include "core/base/hash.h"
#include "modules/content/api.h"
#include "modules/content/api_body.h"

enum { ATTEMPTS = 100 };


/* A line, or one address of it. */
static void
put_server(struct json_text *o, const struct upstream_server *s,
           const struct peer *peer)
{
    struct arena *a = o->arena;

    json_open(o, NULL, '{');
    json_put_number(o, "id", peer != NULL ? live_id(peer) : s->id);
    json_put(o, "server", peer != NULL ? peer->name : s->text);
    json_put_number(o, "weight", s->weight);
    json_put_number(o, "max_conns", s->max_conns);
    json_put_number(o, "max_fails", s->max_fails);
    json_put(o, "fail_timeout",
             arena_printf(a, "%llus", (unsigned long long) s->fail_timeout));
    json_put(o, "slow_start",
             arena_printf(a, s->slow_start % 1000 == 0 ? "%llus" : "%llums",
                          (unsigned long long) (s->slow_start % 1000 == 0
                                                    ? s->slow_start / 1000
                                                    : s->slow_start)));
    json_put(o, "route", s->route.n != 0 ? s->route : STR(""));
    json_put_bool(o, "backup", s->is_backup);
    json_put_bool(o, "down", s->is_down);
    if (s->is_drain)
        json_put_bool(o, "drain", true);
    if (s->service.n != 0)
        json_put(o, "service", s->service);
    if (peer != NULL) {
        json_put(o, "parent", arena_printf(a, "%u", s->id));
        json_put(o, "host", s->at.host);
    }
    json_close(o, '}');
}


static str_t
key_of(const struct upstream_server *s)
{
    return (str_t){ (const char *) &s->id, sizeof(s->id) };
}


/* An address of a line that is a name. */
struct address {
    const struct peer *peer;
    struct address    *next; /* of the same line                             */
};


/* The first address of each line. */
static struct hash *
index_addresses(struct arena *a, const struct peer_set *set)
{
    struct hash    *first = hash_new(a, set->n_peers, HASH_EXACT);
    struct address *all = arena_array(a, struct address, set->n_peers);

    for (unsigned i = set->n_peers; i-- != 0;) {
        all[i].peer = &set->peers[i];
        if (set->peers[i].server->name != NULL)
            all[i].next
                = hash_set(first, key_of(set->peers[i].server), &all[i]);
    }
    return first;
}


/* Lines, and behind those that are names, their addresses of now. */
static void
put_all(struct json_text *o, const struct upstream_group *g,
        const struct live_servers *s)
{
    struct hash *first = index_addresses(o->arena, g->set);

    json_open(o, NULL, '[');
    VEC_EACH(&s->list, it) {
        put_server(o, it, NULL);
        for (const struct address *at = hash_get(first, key_of(it)); at != NULL;
             at = at->next)
            put_server(o, at->peer->server, at->peer);
    }
    json_close(o, ']');
}


static struct upstream_server *
find(const struct live_servers *s, uint64_t id)
{
    VEC_EACH(&s->list, it)
        if (it->id == id)
            return it;
    return NULL;
}


/* An address of a name; NULL: there is none. */
static const struct peer *
find_address(const struct upstream_group *g, uint64_t id)
{
    for (unsigned i = 0; i < g->set->n_peers; i++)
        if (g->set->peers[i].server->name != NULL
            && live_id(&g->set->peers[i]) == id)
            return &g->set->peers[i];
    return NULL;
}


static enum step
no_server(struct api *a)
{
    return api_error(a, 404, "server not found", "UpstreamServerNotFound");
}


static str_t
without_slash(str_t s)
{
    while (s.n != 0 && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}


/* --- changes ---------------------------------------------------------------------- */

/* What is to be done to a copy; id is that of a server where there is one. */
enum change { CHANGE_ADD, CHANGE_PATCH, CHANGE_REMOVE };


static void
take_out(struct live_servers *s, const struct upstream_server *it)
{
    size_t at = (size_t) (it - s->list.at);

    for (size_t i = at; i + 1 < s->list.n; i++)
        s->list.at[i] = s->list.at[i + 1];
    s->list.n--;
}


/* STEP_NEXT: the copy is what it should be, and *id the server's; else an error
 * was sent. */
static enum step
change(struct api *a, struct upstream_group *g, enum change what, uint64_t *id,
       struct live_servers *s, enum step *answer)
{
    struct arena           *arena = a->r->task.arena;
    struct upstream_server *it = NULL;
    struct api_fault        fault = { .code = NULL };

    if (what == CHANGE_ADD) {
        it = vec_push(arena, &s->list);
        *it = (struct upstream_server){
            .weight = 1, .max_fails = 1, .fail_timeout = 10, .id = s->next_id++
        };
        *id = it->id;
    } else {
        it = find(s, *id);
    }
    if (it == NULL) {
        *answer = find_address(g, *id) == NULL
                      ? no_server(a)
                      : api_error(a, 400, "server address is immutable",
                                  "UpstreamServerImmutable");
        return STEP_FAIL;
    }
    if (what == CHANGE_REMOVE) {
        take_out(s, it);
        return STEP_NEXT;
    }
    if (api_body_apply(a->r, g, it, &fault))
        return STEP_NEXT;
    *answer = api_error(a, fault.status, fault.text, fault.code);
    return STEP_FAIL;
}


static enum step
store(struct api *a, struct upstream_group *g, enum change what, uint64_t id)
{
    struct live_servers s;
    enum live_verdict   v = LIVE_AGAIN;
    enum step           answer = STEP_FAIL;

    if (!live_is_possible(g))
        return api_error(a, 400, "upstream is static", "UpstreamStatic");
    for (unsigned i = 0; v == LIVE_AGAIN && i < ATTEMPTS; i++) {
        live_load(g, a->r->task.arena, &s);
        if (change(a, g, what, &id, &s, &answer) != STEP_NEXT)
            return answer;
        v = live_store(g, &s, a->r->task.log);
    }
    if (v != LIVE_DONE)
        return api_error(a, v == LIVE_FULL ? 400 : 500,
                         v == LIVE_FULL ? "upstream memory exhausted"
                                        : "upstream is being changed",
                         "UpstreamOutOfMemory");
    if (what == CHANGE_REMOVE)
        put_all(&a->out, g, &s);
    else
        put_server(&a->out, find(&s, id), NULL);
    if (what == CHANGE_ADD)
        fields_add_id(a->r->task.arena, &a->r->out.fields, FIELD_LOCATION,
                      arena_printf(a->r->task.arena, STR_F "/%llu",
                                   STR_A(without_slash(a->r->uri)),
                                   (unsigned long long) id));
    return api_reply(a, what == CHANGE_ADD ? 201 : 200);
}


/* --- paths ------------------------------------------------------------------------ */

static enum step
write_servers(struct api *a, struct upstream_group *g, enum change what,
              uint64_t id)
{
    enum step s;

    if (!a->may_write)
        return api_read_only(a);
    if (what != CHANGE_REMOVE) {
        s = http_body_read(a->r);
        if (s != STEP_NEXT)
            return s;
    }
    return store(a, g, what, id);
}


static enum step
serve_one(struct api *a, struct upstream_group *g, uint64_t id)
{
    struct live_servers           s;
    const struct upstream_server *it;
    const struct peer            *peer;

    if (a->r->method == HTTP_PATCH)
        return write_servers(a, g, CHANGE_PATCH, id);
    if (a->r->method == HTTP_DELETE)
        return write_servers(a, g, CHANGE_REMOVE, id);
    if (!(a->r->method & (HTTP_GET | HTTP_HEAD)))
        return api_read_only(a);
    live_load(g, a->r->task.arena, &s);
    it = find(&s, id);
    peer = it == NULL ? find_address(g, id) : NULL;
    if (it == NULL && peer == NULL)
        return no_server(a);
    put_server(&a->out, it != NULL ? it : peer->server, peer);
    return api_reply(a, 200);
}


enum step
api_servers(struct api *a, struct upstream_group *g)
{
    str_t               part = api_part(a);
    struct live_servers s;
    uint64_t            id;

    if (a->path.n != 0)
        return api_not_found(a);
    if (part.n != 0 && !number_parse(part, UINT32_MAX, &id))
        return api_error(a, 400, "invalid server id", "UpstreamBadServerId");
    if (g->live == NULL)
        return api_error(a, 400, "upstream is static", "UpstreamStatic");
    if (part.n != 0)
        return serve_one(a, g, id);
    if (a->r->method == HTTP_POST)
        return write_servers(a, g, CHANGE_ADD, 0);
    if (!(a->r->method & (HTTP_GET | HTTP_HEAD)))
        return api_read_only(a);
    live_load(g, a->r->task.arena, &s);
    put_all(&a->out, g, &s);
    return api_reply(a, 200);
}
