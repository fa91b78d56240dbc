/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why tries fail, for $upstream_error, logs and Proxy-Status (RFC 9209).
 */
#include <errno.h>

#include "core/conf/types.h"
#include "core/upstream/names.h"
#include "http/filter.h"
#include "http/gateway/exchange.h"
#include "http/limit_hint.h"
#include "http/error_page.h"

static const struct {
    str_t word, type;
} names[] = {
#define X(name, word, type) { STR_INIT(word), STR_INIT(type) },
    GATEWAY_FAULTS(X)
#undef X
};


void
gateway_blame(struct gateway *g, enum gateway_fault why)
{
    struct exchange_list *list = g->r->exchanges;

    if (g->x == NULL)
        list->untried = why;
    else if (g->x->fault == GATEWAY_FAULT_NONE)
        g->x->fault = why;
}


void
gateway_ask_again(struct gateway *g)
{
    const struct link *l = g->x->link;
    struct name       *name = g->pick.peer->server->name;

    if (name != NULL && !l->is_untried && !l->is_connected)
        upstream_ask_again(pick_group(&g->pick), name);
}


void
gateway_blame_connect(struct gateway *g)
{
    const struct link *l = g->x->link;

    gateway_ask_again(g);

    if (l->is_untried)
        gateway_blame(g, GATEWAY_FAULT_LOCAL_LIMIT);
    else if (l->is_connected)
        gateway_blame(g, GATEWAY_FAULT_TLS);
    else if (l->error == ECONNREFUSED)
        gateway_blame(g, GATEWAY_FAULT_REFUSED);
    else if (l->error == ETIMEDOUT)
        gateway_blame(g, GATEWAY_FAULT_CONNECT_TIMEOUT);
    else
        gateway_blame(g, GATEWAY_FAULT_UNREACHABLE);
}


void
gateway_timed_out(struct gateway *g)
{
    const struct gateway_conf *c = g->conf;
    const struct link         *l = g->x->link;
    const char                *directive = "read_timeout";
    msec_t                     ms = c->read_timeout;
    enum gateway_fault         why = GATEWAY_FAULT_READ_TIMEOUT;

    if (g->state == GATEWAY_CONNECT) {
        directive = "connect_timeout";
        ms = c->connect_timeout;
        why = GATEWAY_FAULT_CONNECT_TIMEOUT;
    } else if (l->is_send_late) {
        directive = "send_timeout";
        ms = c->send_timeout;
        why = GATEWAY_FAULT_SEND_TIMEOUT;
    } else if (g->state == GATEWAY_TUNNEL && c->upgrade_timeout != 0) {
        directive = "upgrade_timeout";
        ms = c->upgrade_timeout;
    }
    gateway_blame(g, why);
    limit_hint_ms(g->r, g->protocol->prefix, directive, ms);
    log_errno(g->r->task.log, ETIMEDOUT, "upstream timed out");
    limit_hint_end(g->r);
}


str_t
gateway_fault_word(const struct exchange *x)
{
    return names[x->fault].word;
}


str_t
gateway_untried(const struct http_request *r)
{
    return r->exchanges ? names[r->exchanges->untried].word : STR("");
}


/* --- proxy_status --------------------------------------------------------- */

struct proxy_status_conf {
    bool is_on;
};


/* As in Server, without a version. */
str_t
gateway_name_of(const struct http_request *r)
{
    str_t       name = str_of(http_server_token(r));
    const char *slash = str_chr(name, '/');

    return slash ? str_span(name.p, slash) : name;
}


/* Behind what proxies before this one have said (RFC 9209, 2). */
static void
add_status(struct http_request *r)
{
    const struct exchange *x = r->exchanges->last;
    struct arena          *a = r->task.arena;
    enum gateway_fault     why = r->exchanges->untried;
    str_t                  value = gateway_name_of(r);

    if (x != NULL && why == GATEWAY_FAULT_NONE) {
        why = x->fault;
        if (x->has_head)
            value = arena_printf(a, STR_F "; received-status=%u", STR_A(value),
                                 x->code);
    }
    if (why != GATEWAY_FAULT_NONE)
        value = str_join3(a, value, STR("; error="), names[why].type);
    fields_add(a, &r->out.fields, STR("Proxy-Status"), value);
}


static enum step
tell_status(struct http_request *r, void *state)
{
    const struct proxy_status_conf *c = conf_of(&r->task, &proxy_status_module);

    (void) state;
    if (c->is_on && r == r->main && r->exchanges != NULL)
        add_status(r);
    return STEP_NEXT;
}


static const struct directive directives[] = {
    FLAG("proxy_status", IN_WEB, struct proxy_status_conf, is_on, "off",
         "Adds Proxy-Status (RFC 9209) to responses of upstreams, and to those "
         "given in their place: the status that was received, and what went "
         "wrong."),
    { .name = NULL },
};

static const struct http_filter filter
    = { .name = "proxy_status", .head = tell_status };


struct module proxy_status_module = {
    .name = "proxy_status",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct proxy_status_conf),
    .filter = &filter,
};
