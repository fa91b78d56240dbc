/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The upstream {} block, and finding groups by name.  A name may be used
 * before its block stands in the file: then the group is made when it is first
 * named, and becomes explicit when the block comes.  Groups of one name differ
 * by port, and an explicit one stands alone.
 */
#include "core/upstream/build.h"

#include "core/base/hash.h"
#include "core/conf/types.h"
#include "core/net/worker.h"
#include "core/upstream/health.h"
#include "core/upstream/live.h"
#include "core/upstream/names.h"
#include "core/upstream/queue.h"
#include "core/upstream/shared.h"


static struct upstreams *
upstreams_of(struct conf *cf)
{
    return conf_main(cf, &upstream_module);
}


/* The first group of that name. */
static struct upstream_group *
find_name(struct conf *cf, str_t name)
{
    struct hash *h = upstreams_of(cf)->by_name[cf->kind];

    return h == NULL ? NULL : hash_get(h, name);
}


void
upstream_suggest(struct conf *cf, str_t name)
{
    struct upstreams *u = upstreams_of(cf);
    VEC(const char *) names = { 0 };

    VEC_EACH(&u->all, g)
        if ((*g)->is_explicit)
            *vec_push(cf->arena, &names) = str_z(cf->arena, (*g)->name);
    *vec_push(cf->arena, &names) = NULL;
    conf_suggest(cf, name, names.at);
}


/* The outermost block, below the whole, that a directive stands in. */
static struct conf_block *
top_block(struct conf *cf)
{
    struct conf_block *b = cf->block;

    while (b != NULL && b->up != NULL && b->up->up != NULL)
        b = b->up;
    return b;
}


static struct upstream_group *
add_group(struct conf *cf, str_t name)
{
    struct upstreams      *u = upstreams_of(cf);
    struct upstream_group *g = arena_make(cf->arena, struct upstream_group);

    group_init(g, str_copy(cf->arena, name));
    g->kind = cf->kind;
    g->file = cf->file;
    g->line = cf->line;
    g->block = top_block(cf);
    if (u->by_name[cf->kind] == NULL)
        u->by_name[cf->kind] = hash_new(cf->arena, 16, HASH_NOCASE);
    g->next = hash_set(u->by_name[cf->kind], g->name, g);
    *vec_push(cf->arena, &u->all) = g;
    return g;
}


static const char *
open_group(struct conf *cf, struct conf_block *b)
{
    str_t                  name = cf->args[1];
    struct upstream_group *g = find_name(cf, name), *other;

    if (g != NULL && g->is_explicit) {
        b->owner = arena_make(cf->arena, struct upstream_group);
        group_init(b->owner, name);
        return conf_error(cf, "duplicate upstream \"" STR_F "\"", STR_A(name));
    }
    for (other = g; other != NULL; other = other->next) {
        if (!other->no_port && other->port != 0) {
            conf_error_at(cf, other->file, other->line,
                          "upstream \"" STR_F "\" may not have port %u",
                          STR_A(name), other->port);
            break;
        }
    }
    if (g == NULL || other != NULL)
        g = add_group(cf, name);

    g->is_explicit = true;
    g->port = 0;
    g->no_port = true;
    g->file = cf->file;
    g->line = cf->line;
    g->block = b;
    b->owner = g;
    return NULL;
}


static const char *
close_group(struct conf *cf, struct conf_block *b)
{
    struct upstream_group *g = b->owner;
    const char            *wrong;

    if (g->state.n != 0 && g->servers.n != 0)
        return conf_error(cf, "\"server\" and \"state\" are incompatible");
    if (g->state.n != 0 && g->zone == NULL)
        return conf_error(cf, "\"state\" requires \"zone\"");
    wrong = g->state.n != 0 ? live_read_state(cf, g) : NULL;
    if (wrong != NULL)
        return wrong;
    for (unsigned i = 0; i < g->servers.n; i++)
        g->servers.at[i].id = i;
    if (g->state.n == 0 && g->servers.n == 0 && cf->errors == b->errors)
        return conf_error(cf, "no servers are inside upstream");
    return NULL;
}


/* The group of that name and port; one with an upstream {} has no port. */
static struct upstream_group *
find_port(struct conf *cf, const struct endpoint *e, const char **error)
{
    struct upstream_group *g;

    for (g = find_name(cf, e->host); g != NULL; g = g->next) {
        if (g->is_explicit && !e->no_port && !e->is_unix) {
            *error = conf_error(cf,
                                "upstream \"" STR_F "\" may not have "
                                "port %u",
                                STR_A(e->host), e->port);
            return NULL;
        }
        if (g->is_explicit || g->port == e->port)
            return g;
    }
    return NULL;
}


struct upstream_group *
upstream_add(struct conf *cf, str_t url, unsigned default_port, str_t *uri,
             const char **error)
{
    struct endpoint         e = { .port = 0 };
    struct upstream_group  *g;
    struct upstream_server *s;
    const char             *wrong;

    url = str_copy(cf->arena, url);
    wrong = endpoint_parse(cf->arena, url, default_port, uri ? ENDPOINT_URI : 0,
                           &e);
    if (wrong != NULL) {
        *error
            = conf_error(cf, "%s in upstream \"" STR_F "\"", wrong, STR_A(url));
        return NULL;
    }
    if (uri != NULL)
        *uri = e.uri;
    if (e.is_unix)
        e.host = str_span(url.p, e.host.p + e.host.n);

    *error = NULL;
    g = find_port(cf, &e, error);
    if (g != NULL && g->user == NULL)
        g->user = cf->block;
    if (g != NULL || *error != NULL)
        return g;

    g = add_group(cf, e.host);
    g->user = cf->block;
    g->port = e.port;
    g->no_port = e.no_port;
    s = vec_push(cf->arena, &g->servers);
    *s = (struct upstream_server){
        .text = url, .at = e, .weight = 1, .max_fails = 1, .fail_timeout = 10
    };
    return g;
}


struct upstream_group *
upstream_lookup(const struct generation *gen, enum serves_kind kind,
                const struct endpoint *at)
{
    const struct upstreams *u = generation_main(gen, upstream_module.slot);
    struct upstream_group  *g;

    if (u == NULL || u->by_name[kind] == NULL)
        return NULL;
    g = hash_get(u->by_name[kind], at->host);
    while (g != NULL && !(g->is_explicit ? at->no_port : g->port == at->port))
        g = g->next;
    return g;
}


struct upstream_group *
upstream_at_hand(struct conf *cf)
{
    return cf->block->owner;
}


const char *
upstream_use(struct conf *cf, const struct balancer *b, void *balance)
{
    struct upstream_group *g = upstream_at_hand(cf);

    if (g->balancer != &round_robin)
        conf_warn(cf, "load balancing method redefined");
    g->balancer = b;
    g->balance = balance;
    return NULL;
}


static const char *
parse_keepalive(struct conf *cf, void *field)
{
    struct upstream_group *g = upstream_at_hand(cf);

    (void) field;
    if (!number_parse(cf->args[1], UINT32_MAX, &g->keepalive))
        return conf_error(
            cf, "invalid value \"" STR_F "\" in \"" STR_F "\" directive",
            STR_A(cf->args[1]), STR_A(cf->args[0]));
    if (cf->n_args > 2 && !str_is(cf->args[2], "local"))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[2]));
    g->keepalive_local = cf->n_args > 2;
    g->keepalive_is_set = true;
    return NULL;
}


static const char *
parse_requests(struct conf *cf, void *field)
{
    (void) field;
    return conf_number.parse(cf, &upstream_at_hand(cf)->keepalive_requests);
}


static const char *
parse_time(struct conf *cf, void *field)
{
    (void) field;
    return conf_msec.parse(cf, &upstream_at_hand(cf)->keepalive_time);
}


static const char *
parse_timeout(struct conf *cf, void *field)
{
    (void) field;
    return conf_msec.parse(cf, &upstream_at_hand(cf)->keepalive_timeout);
}


static const struct conf_type keepalive_type = {
    .name = "keepalive",
    .parse = parse_keepalive,
    .unset = "32 local",
};
static const struct conf_type requests_type = {
    .name = "number",
    .parse = parse_requests,
    .unset = "1000",
};
static const struct conf_type time_type = {
    .name = "time",
    .parse = parse_time,
    .unset = "1h",
};
static const struct conf_type timeout_type = {
    .name = "time",
    .parse = parse_timeout,
    .unset = "60s",
};

static const struct conf_opener http_opener
    = { .inside = IN_UPSTREAM, .open = open_group, .close = close_group };
static const struct conf_opener stream_opener = { .inside = IN_STREAM_UPSTREAM,
                                                  .open = open_group,
                                                  .close = close_group };

static const struct directive directives[] = {
    BLOCK("upstream", IN_HTTP, ARGS_1, &http_opener, "name",
          "A group of servers under a name that takes a host's place, as "
          "in proxy_pass http://name. They are used in turn, by weight, "
          "unless a balancing method stands there."),
    BLOCK("upstream", IN_STREAM, ARGS_1, &stream_opener, "name",
          "A group of servers under a name that takes a host's place, as "
          "in proxy_pass name. They are used in turn, by weight, unless a "
          "balancing method stands there."),
    { "server", IN_UPSTREAM | IN_STREAM_UPSTREAM | ROW_MANY, ARGS_1_OR_MORE,
      &upstream_server_type, 0, NULL, NULL,
      "address | @upstream [weight=number] [max_conns=number] "
      "[max_fails=number]\n"
      " [fail_timeout=time] [backup] [down]\n"
      " [slow_start=time] [route=string] [drain]\n"
      " [resolve[=off]] [service=name]",
      "A server of the group; a name that has several addresses "
      "makes several servers. One that fails max_fails times (1) "
      "within fail_timeout (10s) is left alone for as long, and then gets its "
      "share back over slow_start. With sticky, clients are bound to it by "
      "route; with drain, only those that are come to it. A name is looked "
      "up again by its TTL and when a connection failed: by the system, with "
      "resolve by the resolver; with resolve=off it keeps its first addresses. "
      "service asks for SRV records, which have the ports and weights. @NAME "
      "stands for the upstream of that name, whose servers share its weight." },
    { "state", IN_UPSTREAM, ARGS_1, &upstream_state_type, 0, NULL, NULL, "file",
      "Where the servers of the group are kept, which the API changes, instead of "
      "server directives: relative to the prefix, in a folder that the workers "
      "may write to. Needs zone." },
    { "zone", IN_UPSTREAM | IN_STREAM_UPSTREAM | ROW_MANY, ARGS_1 | ARGS_2,
      &upstream_zone_type, 0, NULL, NULL, "name [size]",
      "Shares the state of the group's servers (failures, "
      "connections, weights) between the workers, and keeps it over "
      "reloads while the size stays." },
    { "queue", IN_UPSTREAM, ARGS_1 | ARGS_2, &upstream_queue_type, 0, NULL,
      NULL, "number [timeout=time]",
      "Requests that find no server which may be asked (max_conns, failures) "
      "wait for one: at most number of them, in their order, for 60s at most. "
      "Then, and when the queue is full, they get 502. Without zone, each worker "
      "has a queue of its own." },
    { "keepalive", IN_UPSTREAM, ARGS_1 | ARGS_2, &keepalive_type, 0, NULL, NULL,
      "connections [local]",
      "How many idle connections to the group's servers each worker "
      "keeps; 0: none. With local they are used again only from the "
      "location that opened them. Without the directive: 32 local." },
    { "keepalive_requests", IN_UPSTREAM, ARGS_1, &requests_type, 0, NULL, NULL,
      "number",
      "How many requests go over one connection to a server of the "
      "group before it is closed; 1000 unless set." },
    { "keepalive_time", IN_UPSTREAM, ARGS_1, &time_type, 0, NULL, NULL, "time",
      "How long a connection to a server of the group is used, after "
      "which it is closed at the end of a request; 1h unless set." },
    { "keepalive_timeout", IN_UPSTREAM, ARGS_1, &timeout_type, 0, NULL, NULL,
      "time",
      "How long a connection to a server of the group is kept idle; "
      "60s unless set." },
    { .name = NULL },
};


static const char *
build_all(struct conf *cf, void *main)
{
    struct upstreams *u = main;

    groups_link(cf, u);
    VEC_EACH(&u->all, g)
        group_build(cf, *g);
    return NULL;
}


/* Writes to those groups only that have a pool: of the memory that a worker has
 * from the master, each page that is written to has to be copied, even at the
 * end. */
static void
put_pools(void *arg)
{
    const struct upstreams *u = arg;

    VEC_EACH(&u->all, g) {
        if ((*g)->idle == NULL)
            continue;
        idle_pool_put((*g)->idle);
        (*g)->idle = NULL;
    }
}


static void
stop_names(void *arg)
{
    const struct upstreams *u = arg;

    VEC_EACH(&u->all, g) {
        health_stop(*g);
        if ((*g)->names != NULL)
            names_stop((*g)->names);
    }
}


/* The count of a set that ends with the arena alone does not matter any more. */
static void
put_sets(void *arg)
{
    const struct upstreams *u = arg;

    VEC_EACH(&u->all, g) {
        if ((*g)->set != NULL && peer_set_has_more((*g)->set))
            peer_set_put((*g)->set);
        if ((*g)->lines_arena != NULL)
            arena_free((*g)->lines_arena);
    }
}


/* In a dry run there are no zones. */
static bool
share(struct upstream_group *g)
{
    return g->zone != NULL && g->zone->zone != NULL
           && group_share(g, g->set, g->zone->zone);
}


/* Nothing has to be remembered of a single address without an upstream {}: it
 * never fails, and has no limit.  There may be very many of these. */
static bool
has_states_to_keep(const struct upstream_group *g)
{
    return g->set != NULL
           && (g->is_explicit || !g->set->is_single || g->names != NULL);
}


static bool
adopt(struct worker *w, struct generation *gen)
{
    struct upstreams *u = generation_main(gen, upstream_module.slot);
    const struct log  own = { .targets = gen->log };

    VEC_EACH(&u->all, g) {
        if ((*g)->keepalive != 0)
            (*g)->idle = idle_pool_get(*g, (*g)->kind);
        if (has_states_to_keep(*g) && !share(*g))
            own_state_join((*g)->set, *g);
        if ((*g)->names != NULL && w->trace == NULL)
            names_start((*g)->names, w->loop, &own);
        if ((*g)->checks != NULL && (*g)->set != NULL) {
            health_attach(gen->arena, *g, (*g)->set);
            health_start(*g, gen, w->loop);
        }
        live_join(*g);
        queue_join(*g);
    }
    arena_defer(gen->arena, stop_names, u);
    arena_defer(gen->arena, put_pools, u);
    arena_defer(gen->arena, put_sets, u);
    return true;
}


/* Idle connections are watched by the loop, and names have timers in it: they
 * end before it does. */
static void
stop(struct worker *w)
{
    stop_names(generation_main(w->gen, upstream_module.slot));
    put_pools(generation_main(w->gen, upstream_module.slot));
}


struct module upstream_module = {
    .name = "upstream",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
    .main_size = sizeof(struct upstreams),
    .main_ready = build_all,
    .adopt = adopt,
    .process_stop = stop,
};
