/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface of a gateway protocol to the engine: an encoder of requests
 * and a decoder of responses.  The engine (gateway.h) connects, retries,
 * buffers, times out and logs; a protocol knows bytes and the facts of one
 * exchange, but no connections.
 *
 * For each request the engine calls prepare once, and then for each try
 *
 *     encode_head > encode_body, until it has taken the last byte
 *                 > decode, whenever bytes have come  > decode_eof
 *
 * Sending and receiving overlap: a response may begin before the request has
 * been sent, and what is decoded (a larger window) may let more of the request
 * go.  A protocol has up to three states: of the request (g->data, which its
 * content handler sets), of a try (exchange_state), and of the connection
 * (exchange_link_state).  The last one outlives requests and generations.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/chain.h"
#include "core/base/step.h"
#include "core/upstream/link.h"
#include "http/request.h"

struct exchange;
struct gateway;

struct gateway_protocol {
    const char *prefix; /* "proxy": for directives, variables, messages  */
    const char *scheme; /* "http": for logs, upstream: "http://..."      */
    const char *secure_scheme; /* the same over TLS; NULL: without TLS only  */
    const char *fields_row;    /* "proxy_set_header": the directive that adds
                               fields to requests; a location that has any
                               inherits none.  NULL: there is none           */
    const char *surplus;       /* the warning when bytes follow a response, and
                               the connection is closed; NULL: they are for
                               link->on_idle                                 */
    const char *alpn;          /* "\2h2": what is offered over TLS, as in RFC
                               7301, 3.1; NULL: nothing                      */
    /* What alpn offers, in that order, then NULL: a connection speaks the one
     * that the peer has chosen, or the last one.  NULL: this one itself. */
    const struct gateway_protocol *const *choices;
    unsigned port;          /* if the address has none                       */
    bool     has_own_date;  /* Date and Server are the peer's: where they are
                               passed on, a response without them gets none  */
    bool     has_text_head; /* that of responses is lines, also when stored */
    bool     drops_broken;  /* nothing is passed on of a response that is
                               invalid before a part of it has gone out      */
    bool     has_own_404;   /* a 404 of it is no response: the page is ours */
    size_t   state_size;    /* of a try: one per exchange, zeroed            */

    const void *own; /* what functions need that several protocols share     */

    /* What lives with a connection: its state, what to do about bytes that come
     * while it is idle, its end (core/upstream/link.h).  NULL: nothing does. */
    const struct link_protocol *link;

    /* The request's body is in g->upload.body (or is streaming).  Prepares the
     * request once for all tries: sets g->uri, and where the target depends on
     * the request, finds it (gateway_find_group).  The sources (a cache) are
     * asked after that, then a peer is chosen.  STEP_NEXT, or STEP_FAIL after
     * gateway_fail.  May be NULL. */
    enum step (*prepare)(struct gateway *g);
    /* The connection is there, and a response can be reported without anything
     * of the peer: nothing is encoded or decoded then.  STEP_NEXT, or STEP_FAIL.
     * NULL: it is the peer who responds. */
    enum step (*opened)(struct exchange *x);
    /* Appends the request's head to out.  Called for each try, when the
     * connection is there.  STEP_NEXT; STEP_FAIL: it cannot be made, logged;
     * the request ends with 500. */
    enum step (*encode_head)(struct exchange *x, struct chain *out);
    /* The same as text, for explanations.  NULL: the head is text. */
    enum step (*describe)(struct exchange *x, struct chain *out);
    /* Frames a part of the request's body: moves in to out.  last: it ends
     * with in, which may be empty.  STEP_NEXT: all of in was taken;
     * STEP_WAIT: the peer allows no more now, and the rest stays in in: the
     * call is repeated, with what has been added to in meanwhile, after more
     * has been decoded, and send_timeout is running; STEP_FAIL: the client's
     * body is invalid, and http_fail was called.  NULL: no framing. */
    enum step (*encode_body)(struct exchange *x, struct chain *in,
                             struct chain *out, bool last);
    /* Takes bytes from in->read on, reports what they contain with the
     * functions below, and appends what is to be answered to exchange_out.
     * What it does not take is kept and shown again when there is more, so it
     * refuses units that are too large to be kept.
     * STEP_WAIT: more bytes are needed; STEP_NEXT: the head is complete (once;
     * the rest remains in in); STEP_DONE: the response is complete; STEP_FAIL:
     * invalid, logged. */
    enum step (*decode)(struct exchange *x, struct buf *in);
    /* The peer has closed, after the head was complete: STEP_DONE if that ends
     * the response, STEP_FAIL if it was too early. */
    enum step (*decode_eof)(struct exchange *x);
    /* The rest of a response that has begun will not come: true, with trailers
     * in g->r->out, or more of the body, that tell the client so; else it is
     * cut off.  NULL: it is. */
    bool (*break_off)(struct gateway *g);
    /* The response fields that are not passed on by default: known ones as bits
     * (FIELD_BIT), and whether another name is one.  hides may be NULL. */
    uint64_t hidden;
    bool (*hides)(str_t name);
    /* The key of a cache for which the configuration names none.  NULL: it has
     * to. */
    str_t (*key)(const struct gateway *g);
    /* Rewrites a field that contains URLs of the peer (Location, Refresh,
     * Set-Cookie): true, with *value changed.  May be NULL. */
    bool (*rewrite)(struct gateway *g, enum field_id id, str_t *value);
};

/* The reports of a decoder.  Strings are copied, except for bodies.  False:
 * too many fields, logged; give up the response. */
void exchange_status(struct exchange *x, unsigned status, str_t reason);
bool exchange_field(struct exchange *x, str_t name, str_t value);
/* The same, if the id of the name is known. */
bool exchange_field_known(struct exchange *x, enum field_id id, str_t name,
                          str_t value);
/* A field that was reported before, or NULL. */
struct field *exchange_find(const struct exchange *x, enum field_id id);
void exchange_length(struct exchange *x, int64_t length); /* of the body     */
bool exchange_has_length(const struct exchange *x);
void exchange_body(struct exchange *x, str_t data); /* points into in        */
/* The same for what does not come off the connection: data is moved. */
void exchange_chain(struct exchange *x, struct chain *data);
bool exchange_trailer(struct exchange *x, str_t name, str_t value);
/* Those that were reported; NULL: none. */
struct fields *exchange_trailers(const struct exchange *x);
/* So many of the bytes that this call of decode takes are no part of the
 * head: they do not count for PREFIX_buffer_size. */
void exchange_skip(struct exchange *x, size_t n);
/* The connection can be reused when this exchange is complete. */
void exchange_reusable(struct exchange *x, bool is_reusable);
/* ... and is idle for at most that long, as the peer then closes it.  A stored
 * response has no connection, and may say so all the same. */
void exchange_idle_limit(struct exchange *x, msec_t most);
/* The response has no body (HEAD), but peers have been seen that send it: before
 * the connection is reused, it is made sure that nothing has come. */
void exchange_doubtful(struct exchange *x);
/* What has come is the beginning of no response.  True: over a connection that was
 * idle, it is taken for the end of an earlier one; decode returns STEP_FAIL, and
 * this is not a failure of the peer. */
bool exchange_stray(struct exchange *x);
/* The peer has said that it was closing the connection when the request came,
 * and does not act on it: the request may be sent again, whatever its method
 * is; decode returns STEP_FAIL then.  Over a connection that was idle, this is
 * not a failure of the peer, which is asked again over another one. */
void exchange_unseen(struct exchange *x);
/* The same where the peer has asked, without a fault, for another connection. */
void exchange_moved(struct exchange *x);
/* The connection becomes a tunnel (101). */
void exchange_upgrade(struct exchange *x);
/* All following bytes are the response, without a head (HTTP/0.9). */
void exchange_headless(struct exchange *x);
/* An interim response is complete, with the status and the fields so far: it
 * is passed on if that is wanted, and forgotten. */
void exchange_interim(struct exchange *x);

/* The response fields that are for the engine, and not for clients. */
#define GATEWAY_ORDERS                                                         \
    (FIELD_BIT(FIELD_X_ACCEL_EXPIRES) | FIELD_BIT(FIELD_X_ACCEL_REDIRECT)      \
     | FIELD_BIT(FIELD_X_ACCEL_LIMIT_RATE)                                     \
     | FIELD_BIT(FIELD_X_ACCEL_BUFFERING) | FIELD_BIT(FIELD_X_ACCEL_CHARSET))

struct http_request *exchange_request(const struct exchange *x);
struct gateway      *exchange_gateway(const struct exchange *x);
void                *exchange_state(const struct exchange *x);
/* Whether there is a connection: a stored response has none. */
bool exchange_has_link(const struct exchange *x);
/* While there is a connection: its state, and what goes to the peer, sent when
 * the decoder has returned.  A complete response whose answer cannot be sent
 * at once leaves no reusable connection. */
void         *exchange_link_state(const struct exchange *x);
struct chain *exchange_out(const struct exchange *x);
