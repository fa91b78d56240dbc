/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The events {} block.
 */
#include "core/proc/settings.h"

#include <config.h>
#include <limits.h>

#include "core/conf/lint.h"
#include "core/conf/types.h"


static const char *
parse_connections(struct conf *cf, void *field)
{
    if (!number_parse(cf->args[1], INT_MAX, field))
        return conf_error(cf, "invalid number \"" STR_F "\"",
                          STR_A(cf->args[1]));
    return NULL;
}


static const char *
parse_method(struct conf *cf, void *field)
{
    static const char *const words[] = { "epoll", NULL };

    (void) field;
    if (str_is(cf->args[1], "epoll"))
        return NULL;
    conf_suggest(cf, cf->args[1], words);
    return conf_error(cf, "invalid event type \"" STR_F "\"",
                      STR_A(cf->args[1]));
}


static const char *
parse_debug(struct conf *cf, void *field)
{
    struct debug_list *d = field;
    struct endpoint    e = { .n = 0 };
    struct cidr        c;

    if (conf_cidr(cf, cf->args[1], &c))
        *vec_push(cf->arena, &d->list) = c;
    else if (endpoint_parse(cf->arena, cf->args[1], 0, ENDPOINT_RESOLVE, &e))
        return conf_error(cf,
                          "host not found in debug_connection \"" STR_F "\"",
                          STR_A(cf->args[1]));
    for (size_t i = 0; i < e.n; i++)
        *vec_push(cf->arena, &d->list) = cidr_of(&e.at[i].sa);
#ifndef WEIR_DEBUG
    conf_warn(cf,
              "\"debug_connection\" is ignored, you need to rebuild %s "
              "using --with-debug option to enable it",
              log_program);
#endif
    return NULL;
}


static const struct conf_type connections_type = { .name = "number",
                                                   .size = sizeof(uint64_t),
                                                   .parse = parse_connections };
static const struct conf_type method_type = { .name = "event method",
                                              .size = sizeof(unsigned),
                                              .parse = parse_method };
static const struct conf_type debug_type = { .name = "networks",
                                             .size = sizeof(struct debug_list),
                                             .parse = parse_debug };

static const struct conf_range epoll_range = { 1, 65536 };

static const struct conf_opener opener = { .inside = IN_EVENTS, .once = true };

static const struct directive directives[] = {
    BLOCK("events", IN_MAIN, ARGS_0, &opener, "",
          "Holds the settings of the event loop of each worker."),
    { "worker_connections", IN_EVENTS, ARGS_1, &connections_type,
      FIELD(struct events_conf, connections, uint64_t), "512", NULL, "number",
      "How many connections a worker holds at a time, those to "
      "upstreams among them. A new one beyond that ends an idle "
      "kept-alive one, or is refused." },
    FLAG("multi_accept", IN_EVENTS, struct events_conf, multi_accept, "off",
         "Accepts all connections that wait in one turn of the loop, "
         "rather than one a turn."),
    FLAG("accept_mutex", IN_EVENTS, struct events_conf, accept_mutex, "off",
         "Accepted without effect: the kernel wakes one worker for each "
         "connection."),
    MSEC("accept_mutex_delay", IN_EVENTS, struct events_conf,
         accept_mutex_delay, "500ms",
         "Accepted without effect, as accept_mutex is."),
    CUSTOM("use", IN_EVENTS, ARGS_1, method_type, struct events_conf, method,
           unsigned, "epoll",
           "Names the way to learn of events; epoll is the only one there "
           "is."),
    CUSTOM("debug_connection", IN_EVENTS | ROW_MANY, ARGS_1, debug_type,
           struct events_conf, debug, struct debug_list,
           "address | CIDR | unix: | host",
           "Logs at level debug what concerns clients of that address or "
           "network, whatever error_log says. Only builds made "
           "--with-debug do."),
    NUMBER("epoll_events", IN_EVENTS, struct events_conf, epoll_events, "512",
           &epoll_range,
           "How many events are taken from the kernel at a time."),
    NUMBER("worker_aio_requests", IN_EVENTS, struct events_conf, aio_requests,
           "32", NULL, "Accepted without effect: files are read by threads."),
    { .name = NULL },
};


const struct events_conf *
events_conf_of(const struct generation *g)
{
    const struct conf_block *b;

    for (b = g->root->first; b != NULL; b = b->next)
        if (b->kind == IN_EVENTS)
            return confs_get(b->conf, &events_module);
    return NULL;
}


/* Each worker holds all listening sockets, which count as connections. */
static void
check_connections(struct lint *l)
{
    const struct conf_block *b = l->gen->root->first;
    const struct setting    *s;
    size_t                   n = l->gen->listeners.n;
    uint64_t                 connections;

    while (b != NULL && b->kind != IN_EVENTS)
        b = b->next;
    s = b != NULL ? setting_named(b, "worker_connections") : NULL;
    if (s == NULL)
        return;
    connections = events_conf_of(l->gen)->connections;
    if (connections > n)
        return;
    lint_at(l, b, s,
            STR("raise it: a request takes one, or two with an upstream"),
            "%ju are not enough: %zu listening sockets leave no connection for "
            "clients",
            (uintmax_t) connections, n);
}


static const struct lint_rule lint_rules[] = {
    { "few-connections", check_connections },
    { NULL, NULL },
};


struct module events_module = {
    .name = "events",
    .lint = lint_rules,
    .directives = directives,
    .conf_size = sizeof(struct events_conf),
};
