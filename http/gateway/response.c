/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the head of an upstream's response to ours: which fields are passed on,
 * which control us (X-Accel-...), and whether the response is used at all, or
 * replaced by that of another peer, an error page or another location.
 */
#include "core/base/date.h"
#include "core/base/escape.h"
#include "http/error_page.h"
#include "http/gateway/cache_rfc.h"
#include "http/gateway/cache_tell.h"
#include "http/gateway/exchange.h"
#include "http/response.h"
#include "http/uri.h"


/* Whether a field of that name is kept across an internal redirect. */
static bool
survives_redirect(const struct field *f)
{
    switch ((int) f->id) {
    case FIELD_CONTENT_TYPE:
    case FIELD_SET_COOKIE:
    case FIELD_CACHE_CONTROL:
    case FIELD_EXPIRES:
    case FIELD_ACCEPT_RANGES:
        return true;
    default:
        return str_ieq(f->name, STR("Content-Disposition"));
    }
}


/* The known fields that are not passed on, as bits. */
static uint64_t
hidden_of(const struct gateway *g)
{
    return g->conf->hidden | (g->protocol->hidden & ~g->conf->passed);
}


bool
gateway_hides(const struct gateway *g, const struct field *f)
{
    if (f->id != FIELD_UNKNOWN)
        return (hidden_of(g) & FIELD_BIT(f->id)) != 0;
    if (g->conf->fields) {
        uintptr_t kind = (uintptr_t) hash_get(g->conf->fields, f->name);

        if (kind)
            return kind == FIELD_LIST_HIDE;
    }
    return g->protocol->hides && g->protocol->hides(f->name);
}


/* A rewritten URL that points to this server is completed like that of a
 * redirect. */
static void
pass_rewritten(struct gateway *g, const struct field *f)
{
    struct http_request *r = g->r;
    str_t                value = f->value;

    if (g->protocol->rewrite && g->protocol->rewrite(g, f->id, &value)
        && f->id == FIELD_LOCATION)
        r->out.is_own_location = true;
    fields_add(r->task.arena, &r->out.fields, f->name, value);
}


/* Lists of types compare what precedes a charset; other parameters are part of
 * the type. */
static void
pass_type(struct http_request *r, str_t value)
{
    str_t       rest = value;
    const char *semicolon;

    r->out.content_type = value;
    while ((semicolon = str_chr(rest, ';')) != NULL) {
        rest = str_trim(str_span(semicolon + 1, value.p + value.n));
        if (!str_istarts(rest, STR("charset=")))
            continue;
        r->out.content_type = str_span(value.p, semicolon);
        r->out.type_tail = str_span(semicolon, value.p + value.n);
        return;
    }
}


/* A valid date becomes last_modified, so that conditions can be checked. */
static void
pass_modified(struct http_request *r, const struct field *f)
{
    time_t at = date_parse(f->value);

    if (at != -1 && date_is_exact(f->value, at))
        r->out.last_modified = at;
    else
        fields_add_known(r->task.arena, &r->out.fields, f->id, f->name,
                         f->value);
}


static void
pass_field(struct gateway *g, const struct field *f)
{
    struct http_request *r = g->r;

    switch ((int) f->id) {
    case FIELD_CONTENT_TYPE:
        pass_type(r, f->value);
        return;
    case FIELD_LAST_MODIFIED:
        pass_modified(r, f);
        return;
    case FIELD_LOCATION:
    case FIELD_REFRESH:
    case FIELD_SET_COOKIE:
        pass_rewritten(g, f);
        return;
    case FIELD_ACCEPT_RANGES:
        if (g->conf->force_ranges)
            return;
        if (!g->x->is_stored && !gateway_cache_is_filling(g))
            break;
        r->out.allows_ranges = true;
        r->out.is_single_part = !g->x->is_stored || g->x->is_growing;
        return;
    default:
        break;
    }
    fields_add_known(r->task.arena, &r->out.fields, f->id, f->name, f->value);
}


/* Those about the connection and the framing, which are ours. */
static const uint64_t of_connection = FIELD_BIT(FIELD_CONNECTION)
                                      | FIELD_BIT(FIELD_KEEP_ALIVE)
                                      | FIELD_BIT(FIELD_TRANSFER_ENCODING)
                                      | FIELD_BIT(FIELD_CONTENT_LENGTH);


static void
pass_fields(struct gateway *g, bool is_redirect)
{
    uint64_t hidden = hidden_of(g);

    VEC_EACH(&g->x->fields.list, f) {
        uint64_t bit = FIELD_BIT(f->id);

        if (f->is_hidden || (of_connection & bit)
            || (is_redirect && !survives_redirect(f)))
            continue;
        if (f->id == FIELD_UNKNOWN ? gateway_hides(g, f)
                                   : (hidden & bit) && !cache_rfc_keeps(g, f))
            continue;
        pass_field(g, f);
    }
}


/* Do not add a field of ours if the upstream's would be passed on, but it sent
 * none. */
static bool
lacks_own(const struct gateway *g, enum field_id id)
{
    return g->protocol->has_own_date && (hidden_of(g) & FIELD_BIT(id)) == 0
           && fields_get(&g->x->fields, id) == NULL;
}


/* The value of a field that controls us, unless it is to be ignored. */
static str_t
order(const struct gateway *g, enum field_id id, unsigned ignored)
{
    if (g->conf->ignore & ignored)
        return STR_NONE;
    return fields_value(&g->x->fields, id);
}


static void
obey(struct gateway *g)
{
    struct http_request *r = g->r;
    str_t                v;
    uint64_t             rate;

    v = order(g, FIELD_X_ACCEL_BUFFERING, IGNORE_ACCEL_BUFFERING);
    if (str_ieq(v, STR("no")))
        g->buffers = false;
    else if (str_ieq(v, STR("yes")))
        g->buffers = true;
    r->out.other_charset
        = order(g, FIELD_X_ACCEL_CHARSET, IGNORE_ACCEL_CHARSET);
    v = order(g, FIELD_X_ACCEL_LIMIT_RATE, IGNORE_ACCEL_LIMIT_RATE);
    if (v.p && number_parse(v, INT64_MAX, &rate)) {
        r->limit_rate = rate;
        r->has_limit_rate = true;
    }
}


/* X-Accel-Redirect: another location answers, with the Content-Type of this
 * response. */
static enum step
redirect(struct gateway *g, str_t to)
{
    struct http_request *r = g->r;
    str_t                path, args, type;
    enum step            s;

    pass_fields(g, true);
    type = r->out.content_type;
    gateway_end(g, PEER_OK);
    if (to.n && to.p[0] == '@') {
        s = http_named_location(r, to);
    } else if (uri_split_unsafe(to, &path, &args)) {
        if (r->method != HTTP_HEAD) {
            r->method = HTTP_GET;
            r->method_name = STR("GET");
        }
        path = unescape_uri(r->task.arena, path);
        s = http_internal_redirect(r, path, args);
    } else {
        log_error(r->task.log, "unsafe URI \"" STR_F "\" was detected",
                  STR_A(to));
        return http_fail(r, 404);
    }
    r->out.content_type = type;
    return s;
}


/* proxy_intercept_errors, or a 404 that is ours anyway. */
static bool
is_intercepted(struct gateway *g)
{
    struct http_request *r = g->r;
    struct exchange     *x = g->x;

    if (x->code == 404 && g->protocol->has_own_404)
        return true;
    if (!g->conf->intercept_errors || !http_has_error_page(r, x->code))
        return false;
    if (x->code == 401) {
        const struct field *f = fields_get(&x->fields, FIELD_WWW_AUTHENTICATE);

        for (; f; f = fields_next(&x->fields, f))
            fields_add(r->task.arena, &r->out.fields, f->name, f->value);
    }
    return true;
}


/* The end of a response whose body is not passed on: if it has come, the
 * connection can be reused. */
static void
read_end(struct gateway *g)
{
    if (g->x->link)
        (void) gateway_decode(g);
}


static enum step
send_head(struct gateway *g)
{
    struct http_request  *r = g->r;
    struct exchange      *x = g->x;
    struct http_response *out = &r->out;
    enum step             s;

    if (task_is_dry(&r->task))
        cache_explain_response(g);
    else if (!x->is_stored)
        gateway_cache_open(g);
    pass_fields(g, false);
    cache_rfc_pass(g);
    out->hides_server = lacks_own(g, FIELD_SERVER);
    out->hides_date = lacks_own(g, FIELD_DATE)
                      && fields_get(&out->fields, FIELD_DATE) == NULL;
    out->status = x->code;
    out->reason = x->reason;
    out->length = x->length;
    out->is_upstreams = true;
    out->checks_conditions = x->is_stored || gateway_cache_is_filling(g);
    out->is_live = !g->buffers;
    if (r->has_own_tag && x->code == 304) /* the client has the weak one */
        http_weaken_etag(r);
    if (g->conf->force_ranges) {
        out->allows_ranges = true;
        out->is_single_part = !x->is_stored || x->is_growing;
    }
    if (x->is_headless) {
        r->version = HTTP_09;
        r->keeps_alive = false;
    }
    if (!task_is_dry(&r->task))
        gateway_store_open(g);

    if (x->is_upgrade && !r->is_post_action) {
        x->is_passed_on = true;
        g->state = GATEWAY_TUNNEL;
        return STEP_NEXT;
    }
    s = http_send_head(r);
    if (s == STEP_NEXT
        || (s == STEP_FAIL && r->out.is_head_sent && http_lose_client(r)))
    {
        x->is_passed_on = true;
        g->state = GATEWAY_RELAY;
        return STEP_NEXT;
    }
    if (s == STEP_DONE && gateway_cache_is_filling(g)) {
        g->state = GATEWAY_RELAY;
        return STEP_NEXT;
    }
    if (s == STEP_DONE)
        read_end(g);
    gateway_end(g, PEER_OK);
    return s;
}


enum step
gateway_respond(struct gateway *g)
{
    struct exchange *x = g->x;
    str_t            to;

    cache_rfc_invalidate(g);
    if (x->code >= 300 && !x->is_stored) {
        if (gateway_retry_status(g, x->code) == STEP_NEXT)
            return STEP_NEXT;
        if (x->code == 304 && gateway_cache_revalidates(g))
            return gateway_cache_confirms(g) ? exchange_answered(g->x)
                                             : gateway_repeat(g);
        if (is_intercepted(g)) {
            read_end(g);
            gateway_cache_intercepted(g);
            return gateway_fail(g, x->code);
        }
    }
    if (!x->is_stored)
        pick_answered(&g->pick, false);
    if (x->is_upgrade && !g->r->is_post_action && !gateway_tunnel_open(g))
        return gateway_fail(g, 502);
    obey(g);
    to = order(g, FIELD_X_ACCEL_REDIRECT, IGNORE_ACCEL_REDIRECT);
    if (to.p && !x->is_upgrade)
        return redirect(g, to);
    return send_head(g);
}
