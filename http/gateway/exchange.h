/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One try at one peer, and the connection that it goes over; for the engine's
 * own files.  An exchange lives in the request's arena until the request
 * ends, since variables tell of it; its link is given back as soon as the
 * try is over.
 */
#pragma once

#include "core/upstream/link.h"
#include "http/gateway/gateway.h"

struct exchange {
    struct exchange *next;
    struct gateway  *gateway; /* its run, which may be over                 */
    bool             is_first_of_run;
    str_t            name; /* $upstream_addr                             */
    msec_t           started_at;
    int64_t          connect_ms, header_ms, response_ms; /* -1: not reached  */
    int64_t          queue_ms; /* before it; -1: there is no queue           */
    uint64_t         sent, received;
    int64_t          body_bytes; /* decoded                                  */
    unsigned         status;     /* $upstream_status, 0: none                */
    enum gateway_fault fault;    /* $upstream_error                          */

    struct link *link;  /* NULL: not connected, or given back           */
    void        *state; /* the protocol's                               */

    /* The response, as the decoder reported it. */
    unsigned       code;
    str_t          reason;
    struct fields  fields;
    struct fields *trailers; /* NULL: none                                   */
    struct chain   body;     /* decoded, and not passed on so far            */
    int64_t        length;   /* of the body, -1: not known                   */
    bool           is_reusable, is_upgrade, is_headless;
    bool           is_unseen; /* the peer has not acted on the request        */
    bool           is_stray;  /* what came belongs to an earlier response     */
    bool           is_moved;  /* ... and has asked for another connection     */
    bool           has_head;  /* decode has said STEP_NEXT                    */
    bool           is_stored; /* no peer's: a source's                       */
    bool           is_growing; /* ... which has not got all of it so far      */
    bool           is_passed_on; /* so that its body counts                   */
    bool           is_complete; /* decode has said STEP_DONE                  */
    bool           is_request_sent; /* all of it is handed to the connection  */
    bool           is_head_encoded;
    bool           is_body_encoded; /* to the last byte                       */
    bool           is_held; /* encode_body has left something               */
    bool           is_send_broken; /* but the response may still be read      */
    const char    *head_from;  /* where that which is being decoded begins; of
                                 a head, behind interim ones                 */
    size_t         head_bytes; /* decoded before the body                     */
    size_t         skipped; /* by the present decode                        */
    size_t         aside_bytes; /* skipped before the body                    */
};

/* A new try, the last one in the list of its request; name is copied. */
struct exchange *exchange_new(struct gateway *g, str_t name);
/* The whole response was reported to x, which has no connection: goes on as
 * with that of a peer. */
enum step exchange_answered(struct exchange *x);
/* The try is over: notes its times and bytes, and keeps its connection for
 * another use or closes it. */
void exchange_end(struct exchange *x);

/* Opens a connection to the current peer, or takes an idle one when it may, or
 * one that others use, unless the run has moved too often.
 * STEP_NEXT: it is there; STEP_WAIT: it is being opened, by another exchange if
 * x has no link; STEP_FAIL: logged. */
enum step uplink_open(struct exchange *x, bool may_be_idle);
/* The outcome of STEP_WAIT above: the same. */
enum step uplink_opened(struct exchange *x);
/* What has come of waiting for that of another exchange: as uplink_open;
 * STEP_DONE: the time is over. */
enum step uplink_awaited(struct exchange *x);
/* ... and is who it has to be: it can be used.  False: logged. */
bool uplink_ready(struct exchange *x);
/* Gives the connection to the pool where it may be used again, else closes. */
void uplink_release(struct exchange *x, bool may_be_idle);

/* The states of gateway_run that stand in other files: each goes on until it
 * must wait, moves to another state and answers STEP_NEXT, or ends the run. */
enum step gateway_read_body(struct gateway *g);
enum step gateway_resolve(struct gateway *g);
enum step gateway_respond(struct gateway *g);
enum step gateway_relay(struct gateway *g);
enum step gateway_tunnel(struct gateway *g);

/* Before the head of a 101 is passed on: takes the client's connection.  False:
 * it cannot be had, logged. */
bool gateway_tunnel_open(struct gateway *g);

/* Sends what it can of the request's head and body, and of what the decoder
 * answers.  When the connection breaks, the response is still read: the peer
 * may have answered before it stopped reading (x->is_send_broken).  STEP_NEXT,
 * or STEP_FAIL: the client's body is broken, or the head could not be made. */
enum step gateway_send(struct gateway *g);
/* Reads at most about want bytes and decodes them.  STEP_WAIT: nothing more
 * now; STEP_NEXT: something was decoded (x->has_head, g->fresh tell);
 * STEP_DONE: the response is complete; STEP_FAIL: it is broken, logged, and
 * g->fault says in which way. */
enum step gateway_read(struct gateway *g, size_t want);
/* Decodes what is there. */
enum step gateway_decode(struct gateway *g);
/* Whether the peer has something to take, for which it has send_timeout. */
void gateway_await_peer(struct gateway *g, bool is_to_take);
/* Says what is being done, in log lines: " while ...". */
void gateway_says(struct gateway *g, const char *action);

/* Takes a try off the list of its request, as it was none. */
void exchange_forget(struct exchange *x);
/* The same for a connection that was not established. */
void gateway_blame_connect(struct gateway *g);
/* Where a connection could not be made, the name of its peer is looked up
 * again. */
void gateway_ask_again(struct gateway *g);
/* What the server is called in Proxy-Status and Cache-Status. */
str_t gateway_name_of(const struct http_request *r);
/* The word of a try's fault; empty: none. */
str_t gateway_fault_word(const struct exchange *x);
/* A timer of the present link has run out: logs it, with the directive that has
 * set it. */
void gateway_timed_out(struct gateway *g);

/* A try went wrong in the way of one bit of gateway_next: another one, or the
 * end of the run with the status that this stands for. */
enum step gateway_retry(struct gateway *g, unsigned how);
/* The same for a status: STEP_NEXT where another peer is to be tried, with the
 * state set; STEP_DONE: the response stands. */
enum step gateway_retry_status(struct gateway *g, unsigned status);
/* The response cannot be used, and that is not the peer's fault: asks the same one
 * again, or fails with 502 where that may not be. */
enum step gateway_repeat(struct gateway *g);
/* Ends the run: the current try with an outcome, what is held, waits. */
void gateway_end(struct gateway *g, enum outcome how);
/* proxy_allow_upstream: whether the peer of the last try may be asked; and what
 * happens if it may not. */
bool      gateway_may_ask(const struct gateway *g);
enum step gateway_deny(struct gateway *g);
/* A dry run, in place of a connection to the peer of that name: tells of the
 * request and goes on with an empty response. */
enum step gateway_pretend(struct gateway *g, str_t name);
/* Whether a field of the response stays here: by configuration, or by the
 * protocol's own rule. */
bool gateway_hides(const struct gateway *g, const struct field *f);

/* The run is over: what the relay holds goes. */
void gateway_relay_end(struct gateway *g);

/* proxy_store: where the response is kept, beside being passed on. */
void gateway_store_open(struct gateway *g);
void gateway_store_add(struct gateway *g, const struct chain *data);
void gateway_store_end(struct gateway *g);
