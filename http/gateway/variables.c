/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The variables about the tries of a request: ", " separates tries, " : "
 * marks an internal redirect to another gateway, "-" means no value.  Also the
 * upstream's part of log lines.
 */
#include <stdio.h>

#include "http/cookie.h"
#include "http/gateway/cache_tell.h"
#include "http/gateway/exchange.h"


static str_t
number(uint64_t n, char *room)
{
    return (str_t){ room, number_put(room, n) };
}


static str_t
seconds(int64_t ms, char *room)
{
    int n;

    if (ms < 0)
        return STR("");
    n = snprintf(room, TOLD_MAX, "%lld.%03lld", (long long) (ms / 1000),
                 (long long) (ms % 1000));
    return (str_t){ room, (size_t) n };
}


static uint64_t
received(const struct exchange *x)
{
    return x->link ? link_received(x->link) : x->received;
}


static uint64_t
sent(const struct exchange *x)
{
    return x->link ? link_sent(x->link) : x->sent;
}


str_t
gateway_told(const struct exchange *x, enum gateway_told what,
             char room[TOLD_MAX])
{
    switch (what) {
    case TOLD_ADDR:
        return x->name;
    case TOLD_STATUS:
        return x->status ? number(x->status, room) : STR("");
    case TOLD_RESPONSE_TIME:
        return seconds(x->response_ms, room);
    case TOLD_HEADER_TIME:
        return seconds(x->header_ms, room);
    case TOLD_CONNECT_TIME:
        return seconds(x->connect_ms, room);
    case TOLD_LENGTH: /* as received, including the protocol's framing */
        return number(
            x->is_passed_on ? received(x) - x->head_bytes - x->aside_bytes : 0,
            room);
    case TOLD_SENT:
        return number(sent(x), room);
    case TOLD_RECEIVED:
        return number(received(x), room);
    case TOLD_ERROR:
        return gateway_fault_word(x);
    case TOLD_QUEUE_TIME:
        return seconds(x->queue_ms, room);
    }
    return STR("");
}


const struct exchange *
gateway_try(const struct http_request *r, const struct exchange *x)
{
    if (x != NULL)
        return x->next;
    return r->exchanges ? r->exchanges->first : NULL;
}


static char *
copy(char *out, str_t s)
{
    memcpy(out, s.p, s.n);
    return out + s.n;
}


static str_t
get_told(struct task *t, uintptr_t what)
{
    const struct http_request *r = http_of(t);
    const struct exchange     *first = gateway_try(r, NULL), *x;
    size_t                     most = 0;
    char                       room[TOLD_MAX], *out, *p;
    str_t untried = what == TOLD_ERROR ? gateway_untried(r) : STR("");

    if (!first)
        return untried.n ? untried : STR_NONE;
    for (x = first; x; x = gateway_try(r, x))
        most += x->name.n + TOLD_MAX + sizeof(" : ");
    most += untried.n + sizeof(" : ");
    out = p = arena_bytes(t->arena, most);
    for (x = first; x; x = gateway_try(r, x)) {
        str_t s = gateway_told(x, (enum gateway_told) what, room);

        if (x != first)
            p = copy(p, x->is_first_of_run ? STR(" : ") : STR(", "));
        p = copy(p, s.n ? s : STR("-"));
    }
    if (untried.n)
        p = copy(copy(p, STR(" : ")), untried);
    return str_span(out, p);
}


/* The one whose response was used. */
static const struct exchange *
used(const struct http_request *r)
{
    return r->exchanges ? r->exchanges->used : NULL;
}


static str_t
get_field(struct task *t, uintptr_t name)
{
    const struct exchange *x = used(http_of(t));

    if (!x)
        return STR_NONE;
    return fields_joined(t->arena, &x->fields, *(const str_t *) name, ", ");
}


static str_t
get_trailer(struct task *t, uintptr_t name)
{
    const struct exchange *x = used(http_of(t));

    if (!x)
        return STR_NONE;
    return fields_joined(t->arena, x->trailers, *(const str_t *) name, ", ");
}


static str_t
get_cookie(struct task *t, uintptr_t name)
{
    const struct exchange *x = used(http_of(t));
    const struct field *f = x ? fields_get(&x->fields, FIELD_SET_COOKIE) : NULL;

    str_t value;

    for (; f; f = fields_next(&x->fields, f))
        if (cookie_is_set(f->value, *(const str_t *) name, &value))
            return value;
    return STR_NONE;
}


enum cache_told {
    CACHE_TOLD_STATUS,
    CACHE_TOLD_KEY,
    CACHE_TOLD_AGE,
    CACHE_TOLD_ETAG,
    CACHE_TOLD_MODIFIED,
    CACHE_TOLD_REASON
};


static str_t
get_cached(struct task *t, uintptr_t what)
{
    static const str_t statuses[] = {
        [CACHE_NONE] = { NULL, 0 },
        [CACHE_MISS] = { "MISS", 4 },
        [CACHE_BYPASS] = { "BYPASS", 6 },
        [CACHE_EXPIRED] = { "EXPIRED", 7 },
        [CACHE_STALE] = { "STALE", 5 },
        [CACHE_UPDATING] = { "UPDATING", 8 },
        [CACHE_REVALIDATED] = { "REVALIDATED", 11 },
        [CACHE_HIT] = { "HIT", 3 },
    };
    const struct exchange_list *list = http_of(t)->exchanges;
    const struct gateway       *g = list != NULL ? list->last_run : NULL;

    if (g == NULL)
        return STR_NONE;
    switch ((enum cache_told) what) {
    case CACHE_TOLD_STATUS:
        return statuses[gateway_cache_status(g)];
    case CACHE_TOLD_KEY:
        return gateway_cache_key(g);
    case CACHE_TOLD_AGE:
        return gateway_cache_age(g);
    case CACHE_TOLD_ETAG:
        return gateway_cache_etag(g);
    case CACHE_TOLD_MODIFIED:
        return gateway_cache_modified(g);
    case CACHE_TOLD_REASON:
        return gateway_cache_reason(g);
    }
    return STR_NONE;
}


static str_t
get_last_addr(struct task *t, uintptr_t arg)
{
    const struct exchange_list *list = http_of(t)->exchanges;

    (void) arg;
    return list && list->last ? list->last->name : STR_NONE;
}


static const struct variable variables[] = {
    { "upstream_addr", get_told, TOLD_ADDR, VAR_VOLATILE, NULL,
      "the addresses of the servers that were asked: behind commas "
      "those tried because one failed, behind colons those of "
      "another group after a redirect inside" },
    { "upstream_last_addr", get_last_addr, 0, VAR_VOLATILE, NULL,
      "the address of the server that was chosen last" },
    { "upstream_status", get_told, TOLD_STATUS, VAR_VOLATILE, NULL,
      "the status codes of the upstream's responses, as many as "
      "$upstream_addr has servers; 502 or 504 where there was none" },
    { "upstream_response_time", get_told, TOLD_RESPONSE_TIME, VAR_VOLATILE,
      NULL,
      "the seconds from connecting to the end of the upstream's "
      "response, for each server that was asked" },
    { "upstream_header_time", get_told, TOLD_HEADER_TIME, VAR_VOLATILE, NULL,
      "the seconds from connecting to the head of the upstream's "
      "response, for each server that was asked" },
    { "upstream_connect_time", get_told, TOLD_CONNECT_TIME, VAR_VOLATILE, NULL,
      "the seconds that connecting took, for each server that was "
      "asked" },
    { "upstream_queue_time", get_told, TOLD_QUEUE_TIME, VAR_VOLATILE, NULL,
      "the seconds for which the request waited in the queue of the group, for "
      "each server that was asked" },
    { "upstream_response_length", get_told, TOLD_LENGTH, VAR_VOLATILE, NULL,
      "the bytes of the body of the upstream's response, for each "
      "server that was asked" },
    { "upstream_bytes_sent", get_told, TOLD_SENT, VAR_VOLATILE, NULL,
      "the bytes that were sent to each server that was asked" },
    { "upstream_bytes_received", get_told, TOLD_RECEIVED, VAR_VOLATILE, NULL,
      "the bytes that came from each server that was asked" },
    { "upstream_error", get_told, TOLD_ERROR, VAR_VOLATILE, NULL,
      "why each server that was asked has failed: dns, refused, unreachable, "
      "connect_timeout, tls, tls_verify, reset, send_timeout, read_timeout, "
      "premature_close, header_invalid, header_too_big, body_invalid, "
      "no_live_upstreams, denied, local_limit or client_closed" },
    { "upstream_cache_etag", get_cached, CACHE_TOLD_ETAG, VAR_VOLATILE, NULL,
      "the ETag of a stored response that is being revalidated" },
    { "upstream_cache_last_modified", get_cached, CACHE_TOLD_MODIFIED,
      VAR_VOLATILE, NULL,
      "the Last-Modified of a stored response that is being revalidated" },
    { "upstream_cache_reason", get_cached, CACHE_TOLD_REASON, VAR_VOLATILE,
      NULL,
      "why $upstream_cache_status is what it is (fresh, new, variant, purged, "
      "expired, bypass, request ...), and what keeps the response from being "
      "stored" },
    { "upstream_cache_status", get_cached, CACHE_TOLD_STATUS, VAR_VOLATILE,
      NULL,
      "how the cache answered: MISS, BYPASS, EXPIRED, STALE, UPDATING, "
      "REVALIDATED or HIT" },
    { "upstream_cache_key", get_cached, CACHE_TOLD_KEY, VAR_VOLATILE, NULL,
      "the key by which the cache was asked" },
    { "upstream_cache_age", get_cached, CACHE_TOLD_AGE, VAR_VOLATILE, NULL,
      "for how many seconds the response has been in the cache" },
    { "upstream_http_", get_field, 0, VAR_PREFIX | VAR_VOLATILE, NULL,
      "a field of the upstream's response, in lower case with _ for "
      "-; of several responses the last one's" },
    { "upstream_trailer_", get_trailer, 0, VAR_PREFIX | VAR_VOLATILE, NULL,
      "a field behind the body of the upstream's response, in lower "
      "case with _ for -" },
    { "upstream_cookie_", get_cookie, 0, VAR_PREFIX | VAR_VOLATILE, NULL,
      "the value of a cookie that the upstream's response sets" },
    { .name = NULL },
};


const struct fields *
gateway_fields(const struct http_request *r)
{
    return used(r) ? &used(r)->fields : NULL;
}


void
gateway_log(const struct http_request *r, struct log_record *l)
{
    const struct exchange *x = r->exchanges ? r->exchanges->last : NULL;
    const struct gateway  *g;

    if (!x)
        return;
    g = x->gateway;
    log_part_quoted(l, "upstream", "%s://" STR_F "%s" STR_F, gateway_scheme(g),
                    STR_A(x->name),
                    str_starts(x->name, STR("unix:")) ? ":" : "",
                    STR_A(g->uri));
}


struct module gateway_module = {
    .name = "gateway",
    .serves = FOR_HTTP,
    .variables = variables,
};
