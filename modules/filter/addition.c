/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addition: inserts the responses of other URIs before and after a body.
 *
 *     add_before_body /before;
 *     add_after_body  /after;
 *     addition_types  text/plain;
 */
#include "http/subrequest.h"
#include "http/types.h"
#include "modules/module.h"

struct addition_conf {
    str_t            before, after; /* URIs; empty: none                     */
    struct mime_set *types;
};

struct addition_state {
    bool has_begun;
};

static const struct addition_conf *conf_at(const struct http_request *r);


static enum step
join(struct http_request *r, void *state)
{
    const struct addition_conf *c = conf_at(r);

    (void) state;
    if ((c->before.n == 0 && c->after.n == 0) || r->out.status != 200
        || r != r->main || !mime_set_has(c->types, r->out.content_type))
        return STEP_NEXT;
    r->out.length = -1;
    r->out.allows_ranges = false;
    r->out.has_parts = true;
    fields_hide(&r->out.fields, FIELD_ACCEPT_RANGES);
    http_weaken_etag(r);
    return STEP_ACCEPT;
}


static enum step
add(struct http_request *r, void *state, struct chain *in, struct chain *out,
    bool last)
{
    const struct addition_conf *c = conf_at(r);
    struct addition_state      *s = state;

    if (!s->has_begun && !r->out.is_head_only && c->before.n != 0
        && http_include(r, out, c->before, STR("")) == STEP_FAIL)
        return STEP_FAIL;
    s->has_begun = true;
    chain_move(out, in);
    if (last && !r->out.is_head_only && c->after.n != 0)
        return http_include(r, out, c->after, STR(""));
    return STEP_NEXT;
}


static const struct directive rows[] = {
    TEXT("add_before_body", IN_WEB, struct addition_conf, before, NULL, "uri",
         "Sends the response of this URI before the body."),
    TEXT("add_after_body", IN_WEB, struct addition_conf, after, NULL, "uri",
         "Sends the response of this URI after the body."),
    MIME_SET("addition_types", IN_WEB, struct addition_conf, types, NULL,
             "The media types to which add_before_body and add_after_body "
             "apply, besides text/html; * is any."),
    { .name = NULL },
};

static const struct http_filter filter
    = { .name = "addition",
        .state_size = sizeof(struct addition_state),
        .head = join,
        .body = add };

struct module addition_module = {
    .name = "http_addition",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct addition_conf),
    .filter = &filter,
};


static const struct addition_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &addition_module);
}
