/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * not_modified: conditional requests (RFC 9110 section 13).  Answers 304 when
 * the client's copy is current, and 412 when a precondition is not met.
 */
#include "http/etag.h"
#include "http/files.h"
#include "modules/module.h"


static bool
is_listed(const struct http_request *r, const struct field *f, bool is_weak)
{
    const struct field *etag = fields_get(&r->out.fields, FIELD_ETAG);

    if (str_is(f->value, "*"))
        return true;
    return etag != NULL && etag_is_listed(f->value, etag->value, is_weak);
}


/* Whether the preconditions If-Unmodified-Since and If-Match are met. */
static bool
holds(const struct http_request *r)
{
    const struct field *f;

    f = fields_get(&r->in, FIELD_IF_UNMODIFIED_SINCE);
    if (f != NULL
        && (r->out.last_modified == -1
            || date_parse(f->value) < r->out.last_modified))
        return false;
    f = fields_get(&r->in, FIELD_IF_MATCH);
    return f == NULL || is_listed(r, f, false);
}


static bool
is_modified_since(const struct http_request *r, str_t date)
{
    unsigned how = validate_conf(&r->task)->if_modified_since;
    time_t   since;

    if (r->out.last_modified == -1 || how == MODIFIED_OFF)
        return true;
    since = date_parse(date);
    if (since == r->out.last_modified)
        return false;
    return how == MODIFIED_EXACT || since < r->out.last_modified;
}


/* Whether the client's copy is current. */
static bool
has_copy(const struct http_request *r)
{
    const struct field *since = fields_get(&r->in, FIELD_IF_MODIFIED_SINCE);
    const struct field *none = fields_get(&r->in, FIELD_IF_NONE_MATCH);

    if (since == NULL && none == NULL)
        return false;
    if (since != NULL && !(none != NULL && r->out.tag_decides)
        && is_modified_since(r, since->value))
        return false;
    return none == NULL || is_listed(r, none, true);
}


static enum step
check(struct http_request *r, void *state)
{
    (void) state;
    if (r->out.status != 200 || r != r->main
        || (r->out.is_upstreams && !r->out.checks_conditions))
        return STEP_NEXT;
    if (!holds(r)) { /* nothing of what is there belongs to the page */
        memset(&r->out.fields, 0, sizeof(r->out.fields));
        return http_fail(r, 412);
    }
    if (!has_copy(r))
        return STEP_NEXT;
    if (r->has_own_tag) /* the client has the weak one */
        http_weaken_etag(r);
    r->out.status = 304;
    r->out.reason = STR_NONE;
    r->out.content_type = STR_NONE;
    r->out.type_tail = STR_NONE;
    r->out.length = -1;
    r->out.allows_ranges = false;
    fields_hide(&r->out.fields, FIELD_ACCEPT_RANGES);
    fields_hide(&r->out.fields, FIELD_CONTENT_ENCODING);
    return STEP_NEXT;
}


static const struct http_filter filter
    = { .name = "not_modified", .head = check };

struct module not_modified_module = {
    .name = "http_not_modified_filter",
    .serves = FOR_HTTP,
    .filter = &filter,
};
