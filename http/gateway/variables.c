/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is told of the tries of a request: ", " stands between tries, " : "
 * where an internal redirect led to another gateway, "-" where there is
 * nothing to tell.  And the upstream's part of log lines.
 */
#include <stdio.h>

#include "http/gateway/exchange.h"


/* Writes what one try has to say, at most LONGEST bytes; 0: "-". */
typedef size_t put_fn(const struct exchange *x, char *out, size_t room);

enum { LONGEST = 24 };


static size_t
put_addr(const struct exchange *x, char *out, size_t room)
{
    size_t n = x->name.n < room ? x->name.n : room;

    memcpy(out, x->name.p, n);
    return n;
}


static size_t
put_status(const struct exchange *x, char *out, size_t room)
{
    if (x->status == 0)
        return 0;
    return (size_t) snprintf(out, room, "%u", x->status);
}


static size_t
put_time(int64_t ms, char *out, size_t room)
{
    if (ms < 0)
        return 0;
    return (size_t) snprintf(out, room, "%lld.%03lld", (long long) (ms / 1000),
                             (long long) (ms % 1000));
}


static size_t
put_response_time(const struct exchange *x, char *out, size_t room)
{
    return put_time(x->response_ms, out, room);
}


static size_t
put_header_time(const struct exchange *x, char *out, size_t room)
{
    return put_time(x->header_ms, out, room);
}


static size_t
put_connect_time(const struct exchange *x, char *out, size_t room)
{
    return put_time(x->connect_ms, out, room);
}


static size_t
put_number(uint64_t n, char *out, size_t room)
{
    return (size_t) snprintf(out, room, "%llu", (unsigned long long) n);
}


static uint64_t
received(const struct exchange *x)
{
    const struct uplink *u = x->link;

    return u ? u->idle.conn.received - u->received_before : x->received;
}


/* With the frames of the protocol, as they came. */
static size_t
put_length(const struct exchange *x, char *out, size_t room)
{
    return put_number(x->has_head ? received(x) - x->head_bytes : 0, out, room);
}


static size_t
put_sent(const struct exchange *x, char *out, size_t room)
{
    const struct uplink *u = x->link;

    return put_number(u ? u->idle.conn.sent - u->sent_before : x->sent, out,
                      room);
}


static size_t
put_received(const struct exchange *x, char *out, size_t room)
{
    return put_number(received(x), out, room);
}


enum told {
    ADDR,
    STATUS,
    RESPONSE_TIME,
    HEADER_TIME,
    CONNECT_TIME,
    LENGTH,
    SENT,
    RECEIVED
};

static put_fn *const putters[] = {
    [ADDR] = put_addr,
    [STATUS] = put_status,
    [RESPONSE_TIME] = put_response_time,
    [HEADER_TIME] = put_header_time,
    [CONNECT_TIME] = put_connect_time,
    [LENGTH] = put_length,
    [SENT] = put_sent,
    [RECEIVED] = put_received,
};


static str_t
get_told(struct task *t, uintptr_t what)
{
    const struct http_request *r = http_of(t);
    const struct exchange     *x;
    size_t                     room = 0, n = 0;
    char                      *out;

    if (!r->exchanges || !r->exchanges->first)
        return STR_NONE;
    for (x = r->exchanges->first; x; x = x->next)
        room += x->name.n + LONGEST + sizeof(" : ");
    out = arena_bytes(t->arena, room);
    for (x = r->exchanges->first; x; x = x->next) {
        size_t wrote;

        if (n) {
            str_t sep = x->is_first_of_run ? STR(" : ") : STR(", ");

            memcpy(out + n, sep.p, sep.n);
            n += sep.n;
        }
        wrote = putters[what](x, out + n, room - n);
        if (wrote == 0)
            out[n++] = '-';
        n += wrote;
    }
    return (str_t){ out, n };
}


/* The try whose response stands. */
static const struct exchange *
last(struct task *t)
{
    const struct http_request *r = http_of(t);

    return r->exchanges ? r->exchanges->last : NULL;
}


static str_t
get_field(struct task *t, uintptr_t name)
{
    const struct exchange *x = last(t);

    if (!x)
        return STR_NONE;
    return fields_joined(t->arena, &x->fields, *(const str_t *) name, ", ");
}


static str_t
get_trailer(struct task *t, uintptr_t name)
{
    const struct exchange *x = last(t);

    if (!x)
        return STR_NONE;
    return fields_joined(t->arena, &x->trailers, *(const str_t *) name, ", ");
}


static str_t
get_cookie(struct task *t, uintptr_t name)
{
    const struct exchange *x = last(t);
    const struct field *f = x ? fields_get(&x->fields, FIELD_SET_COOKIE) : NULL;

    for (; f; f = fields_next(&x->fields, f)) {
        str_t rest = f->value;
        str_t pair = str_cut(&rest, ';');
        str_t value = pair;
        str_t key = str_trim(str_cut(&value, '='));

        if (value.p && str_ieq(key, *(const str_t *) name))
            return str_trim(value);
    }
    return STR_NONE;
}


/* There is no cache in this build: nothing to tell, ever. */
static str_t
get_nothing(struct task *t, uintptr_t arg)
{
    (void) t;
    (void) arg;
    return STR_NONE;
}


static const struct variable variables[] = {
    { "upstream_addr", get_told, ADDR, VAR_VOLATILE, NULL,
      "the addresses of the servers that were asked: behind commas "
      "those tried because one failed, behind colons those of "
      "another group after a redirect inside" },
    { "upstream_status", get_told, STATUS, VAR_VOLATILE, NULL,
      "the status codes of the upstream's responses, as many as "
      "$upstream_addr has servers; 502 or 504 where there was none" },
    { "upstream_response_time", get_told, RESPONSE_TIME, VAR_VOLATILE, NULL,
      "the seconds from connecting to the end of the upstream's "
      "response, for each server that was asked" },
    { "upstream_header_time", get_told, HEADER_TIME, VAR_VOLATILE, NULL,
      "the seconds from connecting to the head of the upstream's "
      "response, for each server that was asked" },
    { "upstream_connect_time", get_told, CONNECT_TIME, VAR_VOLATILE, NULL,
      "the seconds that connecting took, for each server that was "
      "asked" },
    { "upstream_response_length", get_told, LENGTH, VAR_VOLATILE, NULL,
      "the bytes of the body of the upstream's response, for each "
      "server that was asked" },
    { "upstream_bytes_sent", get_told, SENT, VAR_VOLATILE, NULL,
      "the bytes that were sent to each server that was asked" },
    { "upstream_bytes_received", get_told, RECEIVED, VAR_VOLATILE, NULL,
      "the bytes that came from each server that was asked" },
    { "upstream_cache_status", get_nothing, 0, VAR_VOLATILE, NULL,
      "how a cache answered; nothing in this build, which has none" },
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
    return r->exchanges && r->exchanges->last ? &r->exchanges->last->fields
                                              : NULL;
}


void
gateway_log(const struct http_request *r, struct log_record *l)
{
    const struct exchange *x = r->exchanges ? r->exchanges->last : NULL;
    const struct gateway  *g;

    if (!x)
        return;
    g = x->gateway;
    log_part_quoted(l, "upstream", "%s://" STR_F "%s" STR_F,
                    g->protocol->scheme, STR_A(x->name),
                    str_starts(x->name, STR("unix:")) ? ":" : "",
                    STR_A(g->uri));
}


struct module gateway_module = {
    .name = "gateway",
    .serves = FOR_HTTP,
    .variables = variables,
};
