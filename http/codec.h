/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface between a version of HTTP and the pipeline.  h1/ is the first
 * one; h2 and h3 are to be added beside it.  The codec owns the connection and
 * creates requests (http_request_new); the pipeline calls it to write to the
 * wire, and never does so itself.
 *
 * A codec may have many requests on a connection at the same time.  Then
 * - each function is about r alone, and leaves the others as they are;
 * - what all of them queue in a turn goes out with one write, behind all else:
 *   flush only notes that r has something, and says FLUSH_WAIT;
 * - a request is woken (task_wake) when bytes of it were taken, when a part of
 *   its body has come, or when its client is gone (client_gone): its task is
 *   never run from within that of another, nor from a handler of events;
 * - what is queued may point into r's memory: either the codec copies it, or it
 *   calls http_request_free only when all of it is out;
 * - a connection that breaks ends each of them with http_terminate;
 * - conn->lines stays the connection's own log.
 * t/unit/many.c has such a codec.
 */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

struct http_codec {
    const char *name;

    /* Queues the head of r->out, which no longer changes. */
    enum step (*send_head)(struct http_request *r);
    /* Queues an interim head. */
    void (*send_interim)(struct http_request *r, unsigned status,
                         const struct fields *fields);
    /* Frames and queues a part of the body (consuming it); last ends the
     * message. */
    void (*send_body)(struct http_request *r, struct chain *in, bool last);
    /* The number of bytes that the client has been sent for r, without interim
     * heads, and that are queued and not sent yet. */
    uint64_t (*sent)(const struct http_request *r);
    uint64_t (*queued)(const struct http_request *r);
    /* How many bytes of the body the client would take besides what is queued; 0:
     * its task is woken when there are some.  NULL: that is known nowhere but at
     * the socket. */
    uint64_t (*room)(struct http_request *r);
    /* Whether it reads files that it is given itself, without sendfile.  NULL:
     * it does not. */
    bool (*reads_files)(const struct http_request *r);
    /* Sends what is queued, at most limit bytes (0: all).  late: only once, at
     * the end of the loop turn. */
    enum flush (*flush)(struct http_request *r, size_t limit, bool late);

    /* Drops what is queued: the client will not take it. */
    void (*drop)(struct http_request *r);

    /* Appends decoded body bytes that have arrived to out (at most about max
     * bytes).  STEP_NEXT: some; STEP_WAIT: none now, r's task is woken when
     * there are; STEP_DONE: the body is complete; STEP_FAIL: r->out is
     * unchanged, r->error_status has the reason. */
    enum step (*read_body)(struct http_request *r, struct chain *out,
                           size_t max);

    /* Another server or location is in force: the connection follows its
     * settings, as far as r may say so. */
    void (*enter)(struct http_request *r);
    /* The request has been logged: keeps the connection or closes it, and
     * frees the request afterwards. */
    void (*finish)(struct http_request *r);
    /* Without a response, or without the rest of it (444, send error): closes
     * the connection at once, or r's part of it. */
    void (*abort)(struct http_request *r);
    /* Turns the connection, or r's part of it as a connection inside of it
     * (conn_init_inner), into a tunnel, once the head of the response has been
     * sent: unread bytes are moved to early, and the caller gets the
     * connection's events, but for on_flushed, which wakes r.  NULL, with nothing changed: r does not own it (a
     * subrequest), or the request's body is still to come on it. */
    struct conn *(*hijack)(struct http_request *r, struct chain *early);
};
