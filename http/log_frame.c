/* SPDX-License-Identifier: BSD-2-Clause */
/* The request's part of a line in the error log. */
#include "http/log_frame.h"

#include <stdarg.h>
#include <stdio.h>

#include "http/gateway/gateway.h"
#include "http/server.h"

struct line {
    char  *out;
    size_t room, n;
};

static void __attribute__((format(printf, 2, 3)))
print(struct line *l, const char *fmt, ...)
{
    va_list args;
    int     n;

    if (l->n >= l->room)
        return;
    va_start(args, fmt);
    n = vsnprintf(l->out + l->n, l->room - l->n, fmt, args);
    va_end(args);
    if (n > 0)
        l->n = (size_t) n < l->room - l->n ? l->n + (size_t) n : l->room;
}

static size_t
write_request(const struct log_frame *frame, char *out, size_t room)
{
    const struct http_request *r
        = container_of(frame, struct http_request, log_frame);
    const struct http_request *m = r->main;
    struct line                l = { out, room, 0 };
    str_t                      v;

    if (r->server != NULL)
        print(&l, ", server: " STR_F, STR_A(r->server->name));
    if (m->line.p != NULL)
        print(&l, ", request: \"" STR_F "\"", STR_A(m->line));
    if (r != m)
        print(&l, ", subrequest: \"" STR_F "\"", STR_A(r->uri));
    if (r->exchanges != NULL && l.n < room)
        l.n += gateway_log(r, out + l.n, room - l.n);
    v = fields_value(&m->in, FIELD_HOST);
    if (v.p != NULL)
        print(&l, ", host: \"" STR_F "\"", STR_A(v));
    v = fields_value(&m->in, FIELD_REFERER);
    if (v.p != NULL)
        print(&l, ", referrer: \"" STR_F "\"", STR_A(v));
    return l.n;
}

void
http_log_push(struct http_request *r)
{
    r->log_frame.write = write_request;
    log_push(r->task.log, &r->log_frame);
}
