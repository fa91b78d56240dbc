/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * realip: takes the client's address from a trusted proxy, which sends it in a
 * request header or in the PROXY header.  It becomes the address of the
 * request (task.peer), so that rules, limits, variables and logs all see it;
 * the connection keeps its own.
 *
 *     set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For;
 */
#include "core/os/resolve.h"
#include "http/conn.h"
#include "http/forwarded.h"
#include "http/variables.h"
#include "modules/module.h"

struct realip_conf {
    struct cidrs from;
    struct source {
        enum { SOURCE_FIELD, SOURCE_FORWARDED, SOURCE_PROXY } kind;
        str_t name;
    } source;
    bool is_recursive;
};

extern struct module realip_module;


/* The address that the proxy sent, or STR_NONE. */
static str_t
given_address(struct http_request *r, const struct source *source)
{
    const struct proxy_protocol *proxy;
    const struct field          *f;

    switch (source->kind) {
    case SOURCE_FIELD:
        f = fields_find(&r->in, source->name);
        return f ? f->value : STR_NONE;
    case SOURCE_FORWARDED:
        return fields_joined(r->task.arena, &r->in, STR("x_forwarded_for"),
                             ", ");
    case SOURCE_PROXY:
        proxy = http_conn_of(r->main)->proxy;
        return proxy ? proxy->src_addr : STR_NONE;
    }
    return STR_NONE;
}


static void
trace_peer(const struct http_request *r, const struct addr_any *at)
{
    const struct conf_block *b = r->location ? r->location->block
                                             : r->server->block;
    const struct setting    *s = setting_in_force(b, "set_real_ip_from", NULL);
    char                     text[ADDR_TEXT];
    int                      n = (int) addr_text(text, &at->sa, at->len, false);

    trace_tell(&r->main->task, TRACE_CLIENT, "taken to be", s ? s->file : NULL,
               s ? s->line : 0, "by realip: the sender is trusted", "%.*s", n,
               text);
}


static enum step
replace_address(struct task *t)
{
    const struct realip_conf *c = conf_of(t, &realip_module);
    struct http_request      *r = http_of(t);
    struct addr              *found;
    struct addr_any           at = { .len = 0 };
    str_t                     value;

    if (c->from.list.n == 0 || r->main->task.peer != &t->conn->peer)
        return STEP_NEXT;
    value = given_address(r, &c->source);
    memcpy(&at.sa, &t->peer->sa, sizeof(*t->peer));
    if (value.p == NULL
        || !forwarded_addr(&at, value, &c->from, c->is_recursive))
        return STEP_NEXT;
    if (c->source.kind == SOURCE_PROXY)
        addr_set_port(&at.sa, http_conn_of(r->main)->proxy->src_port);
    found = arena_make(r->main->task.arena, struct addr);
    memcpy(&found->sa, &at.sa, sizeof(*found));
    for (; r != NULL; r = r->parent)
        r->task.peer = found;
    if (task_is_dry(t))
        trace_peer(http_of(t), &at);
    return STEP_NEXT;
}


/* --- variables ---------------------------------------------------------------- */

static str_t
own_address(struct task *t, uintptr_t arg)
{
    char *p = arena_bytes(t->arena, ADDR_TEXT);

    (void) arg;
    return (str_t){ p, addr_text(p, &t->conn->peer.sa, sizeof(t->conn->peer),
                                 false) };
}


static str_t
own_port(struct task *t, uintptr_t arg)
{
    unsigned port = addr_port(&t->conn->peer.sa);

    (void) arg;
    return port ? arena_number(t->arena, port) : STR("");
}


/* --- reading ------------------------------------------------------------------ */

static const char *
add_host(struct conf *cf, struct cidrs *from, str_t host)
{
    union resolved *found;
    size_t          n = resolve_host(cf->arena, host, 0, &found);

    if (n == 0)
        return conf_error(cf,
                          "host not found in set_real_ip_from \"" STR_F "\"",
                          STR_A(host));
    for (size_t i = 0; i < n; i++)
        *vec_push(cf->arena, &from->list) = cidr_of(&found[i].sa);
    return NULL;
}


static const char *
parse_from(struct conf *cf, void *field)
{
    struct cidrs *from = field;
    struct cidr   net;
    str_t         text = cf->args[1];

    if (!conf_cidr(cf, text, &net))
        return add_host(cf, from, text);
    *vec_push(cf->arena, &from->list) = net;
    return NULL;
}


static const char *
parse_source(struct conf *cf, void *field)
{
    struct source *source = field;
    str_t          name = cf->args[1];

    source->kind = SOURCE_FIELD;
    source->name = name;
    if (str_is(name, "X-Forwarded-For"))
        source->kind = SOURCE_FORWARDED;
    else if (str_is(name, "proxy_protocol"))
        source->kind = SOURCE_PROXY;
    return NULL;
}


static const struct conf_type from_type = {
    .name = "networks",
    .size = sizeof(struct cidrs),
    .parse = parse_from,
};

static const struct conf_type source_type = {
    .name = "field",
    .size = sizeof(struct source),
    .parse = parse_source,
};

static const struct directive directives[] = {
    { "set_real_ip_from", IN_WEB | ROW_MANY, ARGS_1, &from_type,
      FIELD(struct realip_conf, from, struct cidrs), NULL, NULL,
      "address | CIDR | unix: | host",
      "Addresses of proxies that are trusted to give the client's address." },
    { "real_ip_header", IN_WEB, ARGS_1, &source_type,
      FIELD(struct realip_conf, source, struct source), "X-Real-IP", NULL,
      "field | X-Forwarded-For | proxy_protocol",
      "Where a trusted proxy gives the client's address: a header of the "
      "request, or the PROXY header of the connection." },
    FLAG("real_ip_recursive", IN_WEB, struct realip_conf, is_recursive, "off",
         "Of several addresses, uses the last one that is not trusted, "
         "instead of the last one."),
    { .name = NULL },
};

static const struct variable variables[] = {
    { "realip_remote_addr", own_address, 0, 0, NULL,
      "the address that the connection came from, before realip changed it" },
    { "realip_remote_port", own_port, 0, 0, NULL,
      "the port that the connection came from, before realip changed it" },
    { .name = NULL },
};

struct module realip_module = {
    .name = "realip",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct realip_conf),
    .phase = { [PHASE_POST_READ] = replace_address,
               [PHASE_PREACCESS] = replace_address },
};
