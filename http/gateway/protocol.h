/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a gateway protocol gives to the engine: an encoder of requests and a
 * decoder of responses.  Connecting, retrying, buffering, timing out, logging
 * are the engine's (exchange.h); a protocol knows bytes and the facts of one
 * exchange, and nothing of connections.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/chain.h"
#include "core/base/step.h"
#include "http/request.h"

struct exchange;

struct gateway_protocol {
    const char *prefix;     /* "proxy": of directives, variables, messages   */
    const char *scheme;     /* "http": in logs, upstream: "http://..."       */
    unsigned    port;       /* when the address names none                   */
    size_t      state_size; /* of its parser, one per exchange, zeroed       */

    /* Appends the request's head to out.  Called again for each try. */
    enum step (*encode_head)(struct exchange *x, struct chain *out);
    /* Frames a piece of the request's body: moves in to out. */
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
};

/* What a decoder reports. */
void exchange_status(struct exchange *x, unsigned status, str_t reason);
void exchange_field(struct exchange *x, str_t name, str_t value);
void exchange_length(struct exchange *x, int64_t length); /* of the body     */
void exchange_body(struct exchange *x, str_t data); /* inside of in          */
void exchange_trailer(struct exchange *x, str_t name, str_t value);
/* The connection may serve another exchange when this one is complete. */
void exchange_reusable(struct exchange *x, bool is_reusable);
/* The connection becomes a tunnel (101). */
void exchange_upgrade(struct exchange *x);

struct http_request *exchange_request(const struct exchange *x);
void                *exchange_state(const struct exchange *x);
