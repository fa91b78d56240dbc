/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failures of this server as gRPC has them, and the deadline of a call, which
 * is one of them.
 */
#include "http/response.h"
#include "modules/gateway/grpc.h"

/* https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
enum {
    CANCELLED = 1,
    UNKNOWN = 2,
    DEADLINE_EXCEEDED = 4,
    PERMISSION_DENIED = 7,
    RESOURCE_EXHAUSTED = 8,
    UNIMPLEMENTED = 12,
    INTERNAL = 13,
    UNAVAILABLE = 14,
    UNAUTHENTICATED = 16,
};


/* --- statuses ------------------------------------------------------------- */

/* As clients of gRPC map those of HTTP, except for what is known better here. */
static unsigned
grpc_status(unsigned status)
{
    switch (status) {
    case 400:
    case 494:
        return INTERNAL;
    case 401:
        return UNAUTHENTICATED;
    case 403:
        return PERMISSION_DENIED;
    case 404:
        return UNIMPLEMENTED;
    case 413:
        return RESOURCE_EXHAUSTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return UNAVAILABLE;
    case 499:
        return CANCELLED;
    default:
        return UNKNOWN;
    }
}


/* Whether the client of r speaks gRPC; *type is that of a response. */
static bool
is_grpc(const struct http_request *r, str_t *type)
{
    const struct grpc_conf *conf = conf_of(&r->task, &grpc_module);
    str_t asked = fields_value(&r->in, FIELD_CONTENT_TYPE), rest;

    *type = asked;
    return conf->has_errors
           && (grpc_is_type(asked, &rest)
               || (conf->has_web
                   && grpc_web_kind(asked, &rest) != GRPC_WEB_NONE));
}


static void
add_status(struct arena *a, struct fields *to, unsigned status, str_t text)
{
    fields_add(a, to, STR("grpc-status"), arena_number(a, status));
    fields_add(a, to, STR("grpc-message"), text);
}


/* What has been noted for r; NULL: nothing. */
static const struct grpc_state *
state_of(const struct http_request *r)
{
    return http_state_if(r, &grpc_pass_module);
}


bool
grpc_refuse(struct http_request *r, unsigned status)
{
    const struct grpc_state *s = state_of(r);
    struct arena            *a = r->task.arena;
    bool                     is_late = s != NULL && s->is_late;
    str_t                    type, text = http_reason(status);

    if (status < 400 || !is_grpc(r, &type))
        return false;
    r->out.status = r->error_status = 200;
    r->out.content_type = type;
    if (text.n == 0)
        text = arena_printf(a, "HTTP status %u", status);
    add_status(a, &r->out.fields,
               is_late ? DEADLINE_EXCEEDED : grpc_status(status),
               is_late ? STR("deadline exceeded") : text);
    return true;
}


bool
grpc_break_off(struct gateway *g)
{
    struct http_request *r = g->r;
    struct grpc_state   *s = g->data;
    struct arena        *a = r->task.arena;
    struct fields       *of_web = NULL, **to = &r->out.trailers;
    str_t                type;

    if (!is_grpc(r, &type) || r->out.length >= 0)
        return false;
    if (r->out.has_trailers || s->is_told)
        return true;
    if (s->web != GRPC_WEB_NONE)
        to = &of_web;
    if (s->is_late)
        add_status(a, fields_want(a, to), DEADLINE_EXCEEDED,
                   STR("deadline exceeded"));
    else
        add_status(a, fields_want(a, to), UNAVAILABLE, STR("upstream failed"));
    if (s->web != GRPC_WEB_NONE)
        return s->is_told = grpc_web_end(g->x, of_web);
    return r->out.has_trailers = true;
}


/* --- the deadline --------------------------------------------------------- */

/* The milliseconds of grpc-timeout, rounded up; false: it is invalid. */
static bool
parse_timeout(str_t text, msec_t *ms)
{
    static const struct {
        char     unit;
        uint64_t times, by;
    } units[] = { { 'H', 3600000, 1 }, { 'M', 60000, 1 }, { 'S', 1000, 1 },
                  { 'm', 1, 1 },       { 'u', 1, 1000 },  { 'n', 1, 1000000 } };
    uint64_t n;

    if (text.n < 2 || text.n > 9
        || !number_parse((str_t){ text.p, text.n - 1 }, 99999999, &n))
        return false;
    for (size_t i = 0; i < countof(units); i++)
        if (text.p[text.n - 1] == units[i].unit) {
            *ms = (n * units[i].times + units[i].by - 1) / units[i].by;
            return true;
        }
    return false;
}


static void
on_late(struct timer *t)
{
    struct grpc_state *s = container_of(t, struct grpc_state, deadline);
    struct task       *task = s->task;

    if (gateway_of(http_of(task)) == NULL)
        return;
    s->is_late = true;
    task_wake(task);
}


static void
stop(struct wait *w)
{
    timer_stop(&container_of(w, struct grpc_state, wait)->deadline);
}


void
grpc_forget_deadline(struct grpc_state *s)
{
    timer_stop(&s->deadline);
    wait_end(&s->wait);
}


void
grpc_await_deadline(struct http_request *r, struct grpc_state *s)
{
    const struct field *f = fields_find(&r->in, STR("grpc-timeout"));
    msec_t              ms;

    if (f == NULL || !parse_timeout(f->value, &ms) || task_is_dry(&r->task))
        return;
    s->task = &r->task;
    s->deadline.on_timeout = on_late;
    wait_start(&r->task, &s->wait, stop);
    timer_set(r->task.loop, &s->deadline, ms);
}
