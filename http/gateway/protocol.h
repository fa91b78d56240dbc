/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a gateway protocol gives to the engine: an encoder of requests and a
 * decoder of responses.  Connecting, retrying, buffering, timing out, logging
 * are the engine's (gateway.h); a protocol knows bytes and the facts of one
 * exchange, and nothing of connections.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/chain.h"
#include "core/base/step.h"
#include "http/request.h"

struct exchange;
struct gateway;

struct gateway_protocol {
    const char *prefix;     /* "proxy": of directives, variables, messages   */
    const char *scheme;     /* "http": in logs, upstream: "http://..."       */
    unsigned    port;       /* when the address names none                   */
    size_t      state_size; /* of its parser, one per exchange, zeroed       */

    /* The request's body is in g->body (or streaming): what is to be asked,
     * once for all tries; sets g->uri.  STEP_NEXT or STEP_FAIL; or NULL. */
    enum step (*prepare)(struct gateway *g);
    /* Appends the request's head to out.  Called again for each try. */
    enum step (*encode_head)(struct exchange *x, struct chain *out);
    /* Frames a piece of the request's body: moves in to out.  NULL: bytes go
     * as they are. */
    enum step (*encode_body)(struct exchange *x, struct chain *in,
                             struct chain *out, bool last);
    /* Takes bytes from in->read on and reports what they say by the
     * functions below.  STEP_WAIT: more bytes are needed; STEP_NEXT: the head
     * is complete (once; the rest stays in in); STEP_DONE: the response is
     * complete; STEP_FAIL: not this protocol, logged. */
    enum step (*decode)(struct exchange *x, struct buf *in);
    /* The peer has closed: was that the end (STEP_DONE) or too early
     * (STEP_FAIL)? */
    enum step (*decode_eof)(struct exchange *x);
    /* Whether a field of the response is not passed on unless configuration
     * says so. */
    bool (*hides)(enum field_id id, str_t name);
    /* Rewrites a field that names places at the peer (Location, Refresh,
     * Set-Cookie): true, with *value changed; or NULL. */
    bool (*rewrite)(struct gateway *g, enum field_id id, str_t *value);
};

/* What a decoder reports.  Texts are copied, but for bodies.  False: too many
 * fields, logged; the response is to be given up. */
void exchange_status(struct exchange *x, unsigned status, str_t reason);
bool exchange_field(struct exchange *x, str_t name, str_t value);
/* One that was reported before, or NULL. */
struct field *exchange_find(const struct exchange *x, str_t name);
void exchange_length(struct exchange *x, int64_t length); /* of the body     */
void exchange_body(struct exchange *x, str_t data); /* inside of in          */
bool exchange_trailer(struct exchange *x, str_t name, str_t value);
/* The connection may serve another exchange when this one is complete. */
void exchange_reusable(struct exchange *x, bool is_reusable);
/* The connection becomes a tunnel (101). */
void exchange_upgrade(struct exchange *x);
/* Bytes that follow are the response, without a head (HTTP/0.9). */
void exchange_headless(struct exchange *x);
/* An interim response was read whole: status and fields so far are it; they
 * are passed on where that is wanted, and forgotten. */
void exchange_interim(struct exchange *x);

struct http_request *exchange_request(const struct exchange *x);
struct gateway      *exchange_gateway(const struct exchange *x);
void                *exchange_state(const struct exchange *x);
