/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API: upstreams that have a zone, and their peers; deleting what was
 * counted.
 */
#include "modules/content/api.h"

#include "core/os/clock.h"
#include "core/shm/registry.h"
#include "core/upstream/build.h"
#include "core/upstream/health.h"
#include "core/upstream/queue.h"
#include "core/upstream/shared.h"

/* A peer, as it is at one moment. */
struct seen {
    const struct peer  *peer;
    struct peer_state   state;
    struct health_facts health;
};

struct seen_list {
    struct seen *at;
    unsigned     n, zombies;
};


/* The states do not change while they are copied. */
static struct seen_list
look(struct api *a, struct upstream_group *g)
{
    const struct peer_set *set = g->set;
    struct seen_list       l = { .n = 0 };

    l.n = set->n_peers;
    l.at = arena_array(a->r->task.arena, struct seen, l.n + 1);
    shared_lock(set);
    for (unsigned i = 0; i < l.n; i++)
        l.at[i] = (struct seen){ .peer = &set->peers[i],
                                 .state = *set->peers[i].state };
    l.zombies = shared_zombies(set, g->name);
    shared_unlock(set);
    for (unsigned i = 0; i < l.n; i++)
        health_tell(&set->peers[i], &l.at[i].health);
    return l;
}


static bool
has_failed(const struct seen *s)
{
    const struct upstream_server *server = s->peer->server;

    return server->max_fails != 0 && s->state.fails >= server->max_fails
           && pick_now() - s->state.checked_at <= (time_t) server->fail_timeout;
}


static const char *
state_of(const struct seen *s)
{
    if (s->peer->server->is_down)
        return "down";
    if (s->peer->server->is_drain)
        return "draining";
    if (s->health.is_unhealthy)
        return "unhealthy";
    if (s->health.is_checking)
        return "checking";
    return has_failed(s) ? "unavail" : "up";
}


/* When it was, by the calendar. */
static uint64_t
wall_of(msec_t at)
{
    uint64_t now = (uint64_t) clock_seconds() * 1000 + clock_millisecond();

    return now - (clock_ms() - at);
}


static uint64_t
down_ms(const struct seen *s)
{
    const struct peer_tally *t = &s->state.tally;

    return t->down_ms + (t->down_since != 0 ? clock_ms() - t->down_since : 0);
}


/* --- the commercial edition's --------------------------------------------------- */

static void
put_responses(struct json_text *o, const struct peer_tally *t)
{
    static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx" };
    uint64_t                 total = 0;

    json_open(o, "responses", '{');
    for (unsigned i = 0; i < countof(classes); i++) {
        json_put_number(o, classes[i], t->responses[i]);
        total += t->responses[i];
    }
    json_put_number(o, "total", total);
    json_close(o, '}');
}


static void
put_checks(struct json_text *o, const struct health_facts *h)
{
    json_open(o, "health_checks", '{');
    json_put_number(o, "checks", h->checks);
    json_put_number(o, "fails", h->fails);
    json_put_number(o, "unhealthy", h->unhealthy);
    if (h->is_checked)
        json_put_bool(o, "last_passed", h->last_passed);
    json_close(o, '}');
}


static void
put_peer(struct json_text *o, const struct upstream_group *g,
         const struct seen *s)
{
    const struct upstream_server *server = s->peer->server;
    const struct peer_tally      *t = &s->state.tally;

    json_open(o, NULL, '{');
    json_put_number(o, "id", live_id(s->peer));
    json_put(o, "server", s->peer->name);
    json_put(o, "name", live_line(g, s->peer)->text);
    if (server->service.n != 0)
        json_put(o, "service", server->service);
    json_put_bool(o, "backup", server->is_backup);
    json_put_number(o, "weight", server->weight);
    json_put(o, "state", str_of(state_of(s)));
    json_put_number(o, "active", s->state.conns);
    if (server->max_conns != 0)
        json_put_number(o, "max_conns", server->max_conns);
    json_put_number(o, "requests", t->requests);
    if (t->header_time != 0)
        json_put_number(o, "header_time", peer_mean_ms(t->header_time));
    if (t->response_time != 0)
        json_put_number(o, "response_time", peer_mean_ms(t->response_time));
    put_responses(o, t);
    json_put_number(o, "sent", t->sent);
    json_put_number(o, "received", t->received);
    json_put_number(o, "fails", t->fails);
    json_put_number(o, "unavail", t->unavail);
    put_checks(o, &s->health);
    json_put_number(o, "downtime", down_ms(s));
    if (t->down_since != 0)
        api_put_time(o, "downstart", wall_of(t->down_since));
    if (t->selected_at != 0)
        api_put_time(o, "selected", (uint64_t) t->selected_at * 1000);
    json_close(o, '}');
}


static void
put_queue(struct json_text *o, const struct upstream_queue *q)
{
    uint64_t n, refused;

    queue_count(q, &n, &refused);
    json_open(o, "queue", '{');
    json_put_number(o, "size", n);
    json_put_number(o, "max_size", q->most);
    json_put_number(o, "overflows", refused);
    json_close(o, '}');
}


static void
put_group(struct api *a, struct upstream_group *g, const char *name)
{
    struct seen_list  l = look(a, g);
    struct json_text *o = &a->out;

    json_open(o, name, '{');
    if (api_wants(a, "peers")) {
        json_open(o, "peers", '[');
        for (unsigned i = 0; i < l.n; i++)
            put_peer(o, g, &l.at[i]);
        json_close(o, ']');
    }
    if (api_wants(a, "keepalive"))
        json_put_number(o, "keepalive", idle_count(g));
    if (api_wants(a, "zombies"))
        json_put_number(o, "zombies", l.zombies);
    if (api_wants(a, "zone"))
        json_put(o, "zone", zone_name(g->zone->zone));
    if (g->queue != NULL && api_wants(a, "queue"))
        put_queue(o, g->queue);
    json_close(o, '}');
}


/* --- Angie's ---------------------------------------------------------------------- */

static void
put_selected(struct json_text *o, const struct seen *s)
{
    json_open(o, "selected", '{');
    json_put_number(o, "current", s->state.conns);
    json_put_number(o, "total", s->state.tally.requests);
    if (s->state.tally.selected_at != 0)
        api_put_time(o, "last", (uint64_t) s->state.tally.selected_at * 1000);
    json_close(o, '}');
}


static void
put_health(struct json_text *o, const struct seen *s)
{
    const struct peer_tally *t = &s->state.tally;

    json_open(o, "health", '{');
    json_put_number(o, "fails", t->fails);
    json_put_number(o, "unavailable", t->unavail);
    json_put_number(o, "downtime", down_ms(s));
    if (t->down_since != 0)
        api_put_time(o, "downstart", wall_of(t->down_since));
    if (t->header_time != 0)
        json_put_number(o, "header_time", peer_mean_ms(t->header_time));
    if (t->response_time != 0)
        json_put_number(o, "response_time", peer_mean_ms(t->response_time));
    json_close(o, '}');
}


static void
put_angie_peer(struct api *a, const struct upstream_group *g,
               const struct seen *s)
{
    const struct upstream_server *server = s->peer->server;
    struct json_text             *o = &a->out;

    json_open(o, str_z(a->r->task.arena, s->peer->name), '{');
    json_put(o, "server", live_line(g, s->peer)->text);
    if (server->service.n != 0)
        json_put(o, "service", server->service);
    json_put_bool(o, "backup", server->is_backup);
    json_put_number(o, "weight", server->weight);
    json_put(o, "state",
             has_failed(s) ? STR("unavailable") : str_of(state_of(s)));
    put_selected(o, s);
    if (server->max_conns != 0)
        json_put_number(o, "max_conns", server->max_conns);
    json_open(o, "data", '{');
    json_put_number(o, "sent", s->state.tally.sent);
    json_put_number(o, "received", s->state.tally.received);
    json_close(o, '}');
    put_health(o, s);
    if (s->peer->id.n != 0)
        json_put(o, "sid", s->peer->id);
    json_close(o, '}');
}


static void
put_angie_group(struct api *a, struct upstream_group *g, const char *name)
{
    struct seen_list  l = look(a, g);
    struct json_text *o = &a->out;

    json_open(o, name, '{');
    json_open(o, "peers", '{');
    for (unsigned i = 0; i < l.n; i++)
        put_angie_peer(a, g, &l.at[i]);
    json_close(o, '}');
    json_put_number(o, "keepalive", idle_count(g));
    json_put_number(o, "zombies", l.zombies);
    json_put(o, "zone", zone_name(g->zone->zone));
    json_close(o, '}');
}


/* --- paths ------------------------------------------------------------------------ */

static bool
is_shown(const struct upstream_group *g)
{
    return g->kind == CONF_HTTP && g->live != NULL;
}


static void
put_any(struct api *a, struct upstream_group *g, const char *name)
{
    if (a->version == 0)
        put_angie_group(a, g, name);
    else
        put_group(a, g, name);
}


static enum step
reply_all(struct api *a)
{
    const struct upstreams *u
        = generation_main(a->r->task.gen, upstream_module.slot);
    bool is_names = a->has_fields && a->fields.n == 0;

    if (!(a->r->method & (HTTP_GET | HTTP_HEAD)))
        return api_read_only(a);
    json_open(&a->out, NULL, is_names ? '[' : '{');
    VEC_EACH(&u->all, g) {
        if (!is_shown(*g))
            continue;
        if (live_is_behind(*g))
            live_follow(*g);
        if (is_names)
            json_put(&a->out, NULL, (*g)->name);
        else
            put_any(a, *g, str_z(a->r->task.arena, (*g)->name));
    }
    json_close(&a->out, is_names ? ']' : '}');
    return api_reply(a, 200);
}


/* What the peers have done is forgotten; how they are is not. */
static enum step
reset(struct api *a, struct upstream_group *g)
{
    if (!a->may_write)
        return api_read_only(a);
    shared_lock(g->set);
    for (unsigned i = 0; i < g->set->n_peers; i++)
        g->set->peers[i].state->tally = (struct peer_tally){
            .down_since = g->set->peers[i].state->tally.down_since,
            .selected_at = g->set->peers[i].state->tally.selected_at,
        };
    shared_unlock(g->set);
    return http_reply(a->r, 204, STR(""), STR(""));
}


static enum step
serve_group(struct api *a, struct upstream_group *g)
{
    if (a->r->method & (HTTP_GET | HTTP_HEAD)) {
        put_any(a, g, NULL);
        return api_reply(a, 200);
    }
    if (a->version != 0 && a->r->method == HTTP_DELETE)
        return reset(a, g);
    return api_read_only(a);
}


static struct upstream_group *
find(const struct api *a, str_t name)
{
    const struct endpoint  at = { .host = name, .no_port = true };
    struct upstream_group *g = upstream_lookup(a->r->task.gen, CONF_HTTP, &at);

    if (g == NULL || !g->is_explicit)
        return NULL;
    if (live_is_behind(g))
        live_follow(g);
    return g;
}


/* Angie names single members: "peers", "peers/ADDRESS". */
static enum step
serve_angie_part(struct api *a, struct upstream_group *g)
{
    struct seen_list l;

    if (!str_is(api_part(a), "peers"))
        return api_not_found(a);
    l = look(a, g);
    json_open(&a->out, NULL, '{');
    for (unsigned i = 0; i < l.n; i++)
        if (a->path.n == 0 || str_eq(a->path, l.at[i].peer->name))
            put_angie_peer(a, g, &l.at[i]);
    json_close(&a->out, '}');
    return api_reply(a, 200);
}


enum step
api_upstreams(struct api *a)
{
    str_t                  name = api_part(a);
    struct upstream_group *g;

    if (name.n == 0)
        return reply_all(a);
    g = find(a, name);
    if (g == NULL)
        return api_error(a, 404, "upstream not found", "UpstreamNotFound");
    if (!is_shown(g))
        return api_error(a, 400, "upstream is static", "UpstreamStatic");
    if (a->path.n == 0)
        return serve_group(a, g);
    if (a->version == 0)
        return serve_angie_part(a, g);
    if (!str_is(api_part(a), "servers"))
        return api_not_found(a);
    return api_servers(a, g);
}
