/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status_zone: what a server, or a location, has been asked for and has answered,
 * for the API.
 *
 *     server   { status_zone shop;
 *                location /cart/ { status_zone cart; } }
 *
 * A server counts requests as they begin; a location, those that end there.
 */
#include "modules/log/status_zone.h"

#include "core/conf/types.h"
#include "core/net/counters.h"
#include "http/codec.h"

/* Of a location; that of a server stands in its root location. */
struct status_conf {
    str_t server, location; /* names; empty: none                            */
};

/* Of a request that a server counts as being processed. */
struct status_state {
    unsigned counter; /* 0: it is not                                        */
};


/* --- counting -------------------------------------------------------------------- */

static void
leave(void *arg)
{
    struct status_state *s = arg;

    if (s->counter != 0)
        counter_add(s->counter, -1);
    s->counter = 0;
}


static enum step
begin(struct task *t)
{
    struct http_request      *r = http_of(t);
    const struct status_conf *c
        = confs_get(r->server->root->conf, &status_zone_module);
    struct status_state *s;
    struct tally        *tally;

    if (c->server.n == 0 || r != r->main || task_is_dry(t))
        return STEP_NEXT;
    s = http_state_of(r, &status_zone_module);
    tally = s->counter == 0 ? tally_of(TALLY_SERVER, 0, c->server) : NULL;
    if (tally == NULL)
        return STEP_NEXT;
    tally_add(tally, STATUS_REQUESTS, 1);
    s->counter = counters_place(tally_number(tally));
    counter_add(s->counter, 1);
    arena_defer(t->arena, leave, s);
    return STEP_NEXT;
}


static void
count(struct http_request *r, enum tally_kind kind, str_t zone)
{
    struct tally *t = tally_of(kind, 0, zone), *codes;
    unsigned      status = r->out.status;

    if (status >= 100 && status <= STATUS_LAST && r->out.is_head_sent) {
        tally_add(t, STATUS_1XX + status / 100 - 1, 1);
        codes = tally_of(kind, 1 + status / TALLY_COUNTS, zone);
        tally_add(codes, status % TALLY_COUNTS, 1);
    } else {
        tally_add(t, STATUS_DISCARDED, 1);
    }
    tally_add(t, STATUS_RECEIVED, r->head_bytes + r->body_bytes);
    tally_add(t, STATUS_SENT, r->codec->sent(r));
    if (kind == TALLY_LOCATION)
        tally_add(t, STATUS_REQUESTS, 1);
}


static enum step
end(struct task *t)
{
    struct http_request      *r = http_of(t);
    struct status_state      *s = http_state_if(r, &status_zone_module);
    const struct status_conf *c = conf_of(t, &status_zone_module);
    const struct status_conf *server
        = confs_get(r->server->root->conf, &status_zone_module);

    if (r != r->main || task_is_dry(t))
        return STEP_NEXT;
    if (s != NULL && s->counter != 0) {
        count(r, TALLY_SERVER, server->server);
        leave(s);
    }
    if (c->location.n != 0)
        count(r, TALLY_LOCATION, c->location);
    return STEP_NEXT;
}


/* --- the directive ---------------------------------------------------------------- */

static void
note(struct conf *cf, enum tally_kind kind, str_t name)
{
    struct status_zones *all = conf_main(cf, &status_zone_module);

    VEC_EACH(&all->list, it)
        if (it->kind == kind && str_eq(it->name, name))
            return;
    *vec_push(cf->arena, &all->list) = (struct status_zone){ kind, name };
}


static const char *
parse(struct conf *cf, void *field)
{
    struct status_conf *c = field;
    bool                is_server = cf->block->kind == IN_SERVER;
    str_t               name = cf->args[1];

    if (name.n == 0)
        return conf_error(cf, "invalid zone name \"" STR_F "\"", STR_A(name));
    if (!is_server && str_is(name, "off")) {
        c->location = STR("");
        return NULL;
    }
    if (is_server)
        c->server = name;
    else
        c->location = name;
    note(cf, is_server ? TALLY_SERVER : TALLY_LOCATION, name);
    return NULL;
}


static const struct conf_type type = {
    .name = "zone",
    .size = sizeof(struct status_conf),
    .parse = parse,
};

struct whole {
    struct status_conf all;
};

static const struct directive directives[] = {
    CUSTOM("status_zone", IN_SERVER | IN_LOCATION | IN_IF, ARGS_1, type,
           struct whole, all, struct status_conf, "zone",
           "Counts the requests of a server, or those that end in a location "
           "(off: not those of inner ones), for the API: "
           "/http/server_zones/zone, /http/location_zones/zone."),
    { .name = NULL },
};


struct module status_zone_module = {
    .name = "http_api",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct status_conf),
    .main_size = sizeof(struct status_zones),
    .state_size = sizeof(struct status_state),
    .keeps_state = true,
    .phase = { [PHASE_POST_READ] = begin, [PHASE_LOG] = end },
};
