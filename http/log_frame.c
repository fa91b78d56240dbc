/* SPDX-License-Identifier: BSD-2-Clause */
/* The request's part of a line in the error log. */
#include "http/log_frame.h"

#include "http/gateway/gateway.h"
#include "http/limit_hint.h"
#include "http/server.h"
#include "http/variables.h"


static void
write_request(const struct log_frame *frame, struct log_record *l)
{
    const struct http_request *r
        = container_of(frame, struct http_request, log_frame);
    const struct http_request *m = r->main;
    char                       peer[ADDR_TEXT];
    size_t                     n;
    str_t                      v;

    n = addr_text(peer, &r->task.peer->sa, sizeof(*r->task.peer), false);
    log_part(l, "client", "%.*s", (int) n, peer);
    if (r->server != NULL)
        log_part(l, "server", STR_F, STR_A(r->server->name));
    if (log_is_object(l)) {
        v = http_request_id(r->main);
        log_part(l, "request_id", STR_F, STR_A(v));
    }
    if (m->line.p != NULL)
        log_part_quoted(l, "request", STR_F, STR_A(m->line));
    if (r != m)
        log_part_quoted(l, "subrequest", STR_F, STR_A(r->uri));
    if (r->exchanges != NULL)
        gateway_log(r, l);
    v = fields_value(&m->in, FIELD_HOST);
    if (v.p != NULL)
        log_part_quoted(l, "host", STR_F, STR_A(v));
    v = fields_value(&m->in, FIELD_REFERER);
    if (v.p != NULL)
        log_part_quoted(l, "referrer", STR_F, STR_A(v));
    limit_hint_write(r, l);
}


void
http_log_push(struct http_request *r)
{
    r->log_frame.write = write_request;
    r->log_frame.up = NULL;
    r->task.log->frames = &r->log_frame;
}
