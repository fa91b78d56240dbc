/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface of a gateway protocol to the engine: an encoder of requests
 * and a decoder of responses.  The engine (gateway.h) connects, retries,
 * buffers, times out and logs; a protocol knows bytes and the facts of one
 * exchange, but no connections.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/chain.h"
#include "core/base/step.h"
#include "http/request.h"

struct exchange;
struct gateway;

struct gateway_protocol {
    const char *prefix;     /* "proxy": for directives, variables, messages  */
    const char *scheme;     /* "http": for logs, upstream: "http://..."      */
    unsigned    port;       /* if the address has none                       */
    size_t      state_size; /* of its parser: one per exchange, zeroed       */

    /* The request's body is in g->body (or is streaming).  Prepares the
     * request once for all tries, and sets g->uri.  STEP_NEXT or STEP_FAIL.
     * May be NULL. */
    enum step (*prepare)(struct gateway *g);
    /* Appends the request's head to out.  Called for each try. */
    enum step (*encode_head)(struct exchange *x, struct chain *out);
    /* Frames a part of the request's body: moves in to out.  NULL: no
     * framing. */
    enum step (*encode_body)(struct exchange *x, struct chain *in,
                             struct chain *out, bool last);
    /* Takes bytes from in->read on, and reports what they contain with the
     * functions below.  STEP_WAIT: more bytes are needed; STEP_NEXT: the head
     * is complete (once; the rest remains in in); STEP_DONE: the response is
     * complete; STEP_FAIL: invalid, logged. */
    enum step (*decode)(struct exchange *x, struct buf *in);
    /* The peer has closed: STEP_DONE if that ends the response, STEP_FAIL if
     * it was too early. */
    enum step (*decode_eof)(struct exchange *x);
    /* Whether a response field is not passed on by default. */
    bool (*hides)(enum field_id id, str_t name);
    /* Rewrites a field that contains URLs of the peer (Location, Refresh,
     * Set-Cookie): true, with *value changed.  May be NULL. */
    bool (*rewrite)(struct gateway *g, enum field_id id, str_t *value);
};

/* The reports of a decoder.  Strings are copied, except for bodies.  False:
 * too many fields, logged; give up the response. */
void exchange_status(struct exchange *x, unsigned status, str_t reason);
bool exchange_field(struct exchange *x, str_t name, str_t value);
/* A field that was reported before, or NULL. */
struct field *exchange_find(const struct exchange *x, str_t name);
void exchange_length(struct exchange *x, int64_t length); /* of the body     */
void exchange_body(struct exchange *x, str_t data); /* points into in        */
bool exchange_trailer(struct exchange *x, str_t name, str_t value);
/* The connection can be reused when this exchange is complete. */
void exchange_reusable(struct exchange *x, bool is_reusable);
/* The connection becomes a tunnel (101). */
void exchange_upgrade(struct exchange *x);
/* All following bytes are the response, without a head (HTTP/0.9). */
void exchange_headless(struct exchange *x);
/* An interim response is complete, with the status and the fields so far: it
 * is passed on if that is wanted, and forgotten. */
void exchange_interim(struct exchange *x);

struct http_request *exchange_request(const struct exchange *x);
struct gateway      *exchange_gateway(const struct exchange *x);
void                *exchange_state(const struct exchange *x);
