/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a version of HTTP gives to the pipeline.  h1/ is the first; h2 and h3
 * are to stand beside it.  The codec owns the connection and makes requests;
 * the pipeline calls it for what is written on the wire.
 */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

struct http_codec {
    const char *name;

    /* Queues the head of r->out (final) on the connection. */
    enum step (*send_head)(struct http_request *r);
    /* Queues an interim head. */
    void (*send_interim)(struct http_request *r, unsigned status,
                         const struct fields *fields);
    /* Frames a piece of body (consuming it) and queues it; last ends the
     * message. */
    void (*send_body)(struct http_request *r, struct chain *in, bool last);
    /* Bytes queued and not yet out. */
    uint64_t (*queued)(const struct http_request *r);
    /* Sends what is queued, at most limit bytes (0: all); late: once at the
     * end of the loop turn. */
    enum flush (*flush)(struct http_request *r, size_t limit, bool late);

    /* Forgets what is queued: the client will not take it. */
    void (*drop)(struct http_request *r);

    /* Takes decoded body bytes that have come, appended to out (at most about
     * max bytes).  STEP_NEXT: some; STEP_WAIT: none now, r's task is woken
     * when there are; STEP_DONE: the body is complete; STEP_FAIL: r->out
     * untouched, r->error_status says why. */
    enum step (*read_body)(struct http_request *r, struct chain *out,
                           size_t max);

    /* The request has been logged: keep the connection or close it, and free
     * the request at the tail. */
    void (*finish)(struct http_request *r);
    /* Breaks off at once, without a response (444, send error). */
    void (*abort)(struct http_request *r);
    /* Turns the connection into a tunnel, when the head of the response is
     * out: bytes unread so far are moved to early, and the connection's events
     * are the caller's.  NULL, with nothing changed: it is not r's to give
     * (a subrequest), or the body of the request is still to come on it. */
    struct conn *(*hijack)(struct http_request *r, struct chain *early);
};

extern const struct http_codec h1_codec;
