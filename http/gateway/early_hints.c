/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interim responses of upstreams.  100 is passed to a client that has not been
 * sent one yet, 103 if early_hints allows it; others are dropped.
 */
#include "http/gateway/exchange.h"
#include "http/response.h"

struct early_hints_conf {
    struct expr_list conditions;
};


static bool
is_wanted(struct task *t)
{
    const struct early_hints_conf *c = conf_of(t, &early_hints_module);

    VEC_EACH(&c->conditions.list, e) {
        if (expr_is_true(expr_eval(*e, t)))
            return true;
    }
    return false;
}


static bool
is_of_connection(enum field_id id)
{
    return id == FIELD_CONNECTION || id == FIELD_KEEP_ALIVE
           || id == FIELD_TRANSFER_ENCODING || id == FIELD_CONTENT_LENGTH;
}


static void
pass_hints(struct exchange *x)
{
    struct http_request *r = x->gateway->r;
    struct fields        out = { .first = { 0 } };

    VEC_EACH(&x->fields.list, f) {
        if (!is_of_connection(f->id) && !gateway_hides(x->gateway, f))
            fields_add(r->task.arena, &out, f->name, f->value);
    }
    http_send_interim(r, 103, &out);
}


void
exchange_interim(struct exchange *x)
{
    struct http_request *r = x->gateway->r;

    if (x->code == 100 && r->version >= HTTP_11
        && !fields_get(&r->in, FIELD_EXPECT))
        http_send_interim(r, 100, NULL);
    else if (x->code == 103 && is_wanted(&r->task))
        pass_hints(x);
    if (x->link != NULL) {
        x->head_from = x->link->in.read;
        gateway_cache_forget(x->gateway);
    }
    x->code = 0;
    x->reason = STR_NONE;
    memset(&x->fields, 0, sizeof(x->fields));
}


static const struct directive directives[] = {
    EXPR_LIST("early_hints", IN_WEB, struct early_hints_conf, conditions,
              "string ...",
              "Passes 103 responses of upstreams on to the client where a "
              "value is neither empty nor 0."),
    { .name = NULL },
};


struct module early_hints_module = {
    .name = "early_hints",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct early_hints_conf),
};
