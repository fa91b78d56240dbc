/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that the real engine answers, without a client: a codec that sends
 * nothing and keeps the beginning of the body.
 */
#pragma once

#include "core/base/check.h"
#include "core/net/conn.h"
#include "http/codec.h"
#include "http/main.h"

/* What became of the last request. */
static struct {
    char   body[64 * 1024];
    size_t n; /* bytes of the body, which may be more                        */
    bool   is_over;
} silent;

static struct log_targets quiet_targets = { .level = LEVEL_EMERG };
static struct log         quiet = { .targets = &quiet_targets };


static enum step
silent_send_head(struct http_request *r)
{
    CHECK(r->out.status <= 999);
    r->out.is_chunked = false;
    return STEP_NEXT;
}


static void
silent_send_interim(struct http_request *r, unsigned status,
                    const struct fields *fields)
{
    (void) r, (void) status, (void) fields;
}


static void
silent_send_body(struct http_request *r, struct chain *in, bool last)
{
    (void) r, (void) last;
    if (silent.n < sizeof(silent.body))
        (void) chain_peek(in, silent.body + silent.n,
                          sizeof(silent.body) - silent.n);
    silent.n += in->n;
    chain_clear(in);
}


static uint64_t
silent_queued(const struct http_request *r)
{
    (void) r;
    return 0;
}


static enum flush
silent_flush(struct http_request *r, size_t limit, bool late)
{
    (void) r, (void) limit, (void) late;
    return FLUSH_DONE;
}


static void
silent_drop(struct http_request *r)
{
    (void) r;
}


static enum step
silent_read_body(struct http_request *r, struct chain *out, size_t max)
{
    (void) r, (void) out, (void) max;
    return STEP_DONE;
}


static void
silent_finish(struct http_request *r)
{
    (void) r;
    silent.is_over = true;
}


static const struct http_codec silent_codec = {
    .name = "none",
    .send_head = silent_send_head,
    .send_interim = silent_send_interim,
    .send_body = silent_send_body,
    .sent = silent_queued,
    .queued = silent_queued,
    .flush = silent_flush,
    .drop = silent_drop,
    .read_body = silent_read_body,
    .enter = silent_drop,
    .finish = silent_finish,
    .abort = silent_finish,
};


/* GET for the first server; target, uri and args are to be set. */
static inline struct http_request *
silent_request(struct arena *a, struct generation *g)
{
    struct http_request *r = arena_make(a, struct http_request);
    struct conn         *c = arena_make(a, struct conn);

    chain_init(&c->out, a);
    c->log = quiet;
    c->event.fd = -1;
    r->task.arena = a;
    r->task.log = &c->log;
    r->task.conn = c;
    r->task.peer = &c->peer;
    r->task.gen = g;
    http_request_init(r);
    r->codec = &silent_codec;
    r->method = HTTP_GET;
    r->method_name = STR("GET");
    r->version = HTTP_11;
    r->protocol = STR("HTTP/1.1");
    r->scheme = STR("http");
    r->host = STR("h.test");
    r->has_host = r->is_uri_as_sent = true;
    r->server = http_main_of(g)->servers.at[0];
    return r;
}


/* Runs it to its end; its memory stays until its arena is freed. */
static inline void
silent_run(struct http_request *r)
{
    silent.n = 0;
    silent.is_over = false;
    http_enter(r, r->server->root);
    http_run(&r->task);
    CHECK(silent.is_over && r->state == HTTP_END);
}
