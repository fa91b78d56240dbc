/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dry run connects to nobody: it prints the request for the upstream, and
 * continues with an empty response.
 */
#include "http/gateway/exchange.h"
#include "http/server.h"


static str_t
text_of(struct arena *a, const struct chain *c)
{
    char *p = arena_bytes(a, (size_t) c->n);

    return (str_t){ p, chain_peek(c, p, (size_t) c->n) };
}


/* For a server in the handler's own directive.  Such groups are shared by all
 * directives with the same server, whatever their URIs. */
static void
tell_server(struct gateway *g)
{
    const struct http_location   *l = g->r->location;
    const struct upstream_server *server = g->pick.peer->server;
    const struct setting         *s;
    str_t                         text = g->pick.peer->name;

    if (g->group->file != NULL) {
        text = server->text;
        text.n -= server->at.uri.n;
        if (server->at.is_unix && server->at.uri.n != 0)
            text.n--;
    }
    s = l->content ? setting_in_force(l->block, l->content->name, NULL) : NULL;
    trace_tell(&g->r->task, TRACE_UPSTREAM, "asks", s ? s->file : NULL,
               s ? s->line : 0, NULL, "%s://" STR_F, gateway_scheme(g),
               STR_A(text));
}


static void
tell_peer(struct gateway *g)
{
    struct task                 *t = &g->r->task;
    const struct upstream_group *group = g->group;
    const struct peer           *peer = g->pick.peer;

    if (group == NULL || peer == NULL || peer->server == NULL)
        trace_tell(t, TRACE_UPSTREAM, "asks", NULL, 0,
                   "a name that is looked up when it is needed", "%s://" STR_F,
                   gateway_scheme(g), STR_A(g->host));
    else if (group->is_explicit)
        trace_tell(t, TRACE_UPSTREAM, "asks", group->file, group->line,
                   arena_printf(t->arena, "of upstream \"" STR_F "\"",
                                STR_A(group->name))
                       .p,
                   "%s://" STR_F, gateway_scheme(g), STR_A(peer->server->text));
    else
        tell_server(g);
}


/* proxy_allow_upstream, and what it comes to for the present peer. */
static bool
tell_allowed(struct gateway *g)
{
    struct task *t = &g->r->task;
    bool         may_ask = gateway_may_ask(g);
    str_t        name
        = arena_printf(t->arena, "%s_allow_upstream", g->protocol->prefix);
    str_t why = arena_printf(t->arena, "for " STR_F ": %s", STR_A(g->x->name),
                             may_ask ? "no value is empty or 0"
                                     : "a value is empty or 0");
    const struct setting *s
        = setting_in_force(g->r->location->block, name.p, NULL);

    if (s != NULL)
        trace_setting(t, TRACE_UPSTREAM, may_ask ? "allowed" : "refused", s,
                      why.p);
    return may_ask;
}


/* Fields that outer blocks set, and that are dropped because an inner block
 * sets fields of its own. */
static void
tell_dropped(struct gateway *g)
{
    struct task             *t = &g->r->task;
    const struct conf_block *b;
    const struct setting    *s;
    const char              *name = g->protocol->fields_row;

    if (name == NULL
        || setting_in_force(g->r->location->block, name, &b) == NULL)
        return;
    for (b = b->up; b != NULL; b = b->up)
        for (s = setting_named(b, name); s != NULL; s = setting_before(s))
            trace_setting(t, TRACE_UPSTREAM, "dropped", s,
                          "an inner block has such directives of its own");
}


/* Adds the fields that the first response is assumed to have. */
static void
give_fields(struct exchange *x, const struct http_request *r)
{
    struct http_trace *trace = http_trace_of(&r->task);
    str_t              rest;

    if (r != r->main)
        return;
    for (size_t i = 0; i < trace->n_answer; i++) {
        rest = trace->answer[i];
        str_t name = str_trim(str_cut(&rest, ':'));

        (void) exchange_field(x, name, str_trim(rest));
    }
    trace->n_answer = 0;
}


enum step
gateway_pretend(struct gateway *g, str_t name)
{
    struct exchange *x = exchange_new(g, name);
    struct task     *t = &g->r->task;
    unsigned         status = http_trace_of(t)->status;
    bool             has_head = g->protocol->opened == NULL;
    struct chain     head;
    enum step (*describe)(struct exchange *, struct chain *)
        = g->protocol->describe ? g->protocol->describe
                                : g->protocol->encode_head;

    if (!tell_allowed(g))
        return gateway_deny(g);
    chain_init(&head, t->arena);
    if (has_head && describe(x, &head) == STEP_FAIL)
        return gateway_fail(g, 500);
    tell_peer(g);
    if (has_head)
        trace_tell(t, TRACE_UPSTREAM, "request", NULL, 0, NULL, STR_F,
                   STR_A(text_of(t->arena, &head)));
    chain_clear(&head);
    tell_dropped(g);
    exchange_status(x, status, STR_NONE);
    give_fields(x, g->r);
    if (status != 204 && status != 304)
        exchange_length(x, 0);
    return exchange_answered(x);
}
