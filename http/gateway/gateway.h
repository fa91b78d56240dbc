/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gateway engine as its protocols see it: one engine connects, retries,
 * sends, reads, buffers, times out and logs, for proxy and all similar
 * modules; the differences are in struct gateway_protocol (protocol.h).
 *
 *     static enum step
 *     serve(struct task *t)
 *     {
 *         struct http_request *r = http_of(t);
 *         struct gateway      *g = gateway_of(r);
 *
 *         if (g == NULL) {
 *             g = gateway_new(r, &protocol, &conf->gateway,
 *                             r->location->identity);
 *             g->group = ...;   (or gateway_find_group, in prepare)
 *         }
 *         return gateway_run(g);
 *     }
 */
#pragma once

#include "core/base/hash.h"
#include "core/conf/types.h"
#include "core/expr/expr.h"
#include "core/upstream/group.h"
#include "core/upstream/queue.h"
#include "http/gateway/cache.h"
#include "http/gateway/protocol.h"
#include "http/request.h"

struct exchange;
struct gateway_secure;
struct lookup;
struct relay;
struct store;
struct tunnel;

/* Why a try has failed: the word of $upstream_error, and the error type of
 * Proxy-Status (RFC 9209, 2.3). */
#define GATEWAY_FAULTS(X)                                                      \
    X(NONE, "", "")                                                            \
    X(DNS, "dns", "dns_error")                                                 \
    X(REFUSED, "refused", "connection_refused")                                \
    X(UNREACHABLE, "unreachable", "destination_ip_unroutable")                 \
    X(CONNECT_TIMEOUT, "connect_timeout", "connection_timeout")                \
    X(TLS, "tls", "tls_protocol_error")                                        \
    X(TLS_VERIFY, "tls_verify", "tls_certificate_error")                       \
    X(RESET, "reset", "connection_terminated")                                 \
    X(SEND_TIMEOUT, "send_timeout", "connection_write_timeout")                \
    X(READ_TIMEOUT, "read_timeout", "http_response_timeout")                   \
    X(PREMATURE_CLOSE, "premature_close", "http_response_incomplete")          \
    X(HEADER_INVALID, "header_invalid", "http_protocol_error")                 \
    X(HEADER_TOO_BIG, "header_too_big", "http_response_header_section_size")   \
    X(BODY_INVALID, "body_invalid", "http_protocol_error")                     \
    X(NO_LIVE_UPSTREAMS, "no_live_upstreams", "destination_unavailable")       \
    X(DENIED, "denied", "destination_ip_prohibited")                           \
    X(LOCAL_LIMIT, "local_limit", "connection_limit_reached")                  \
    X(CLIENT_CLOSED, "client_closed", "connection_terminated")

enum gateway_fault {
#define X(name, word, type) GATEWAY_FAULT_##name,
    GATEWAY_FAULTS(X)
#undef X
};

/* When to try another peer: the words of proxy_next_upstream. */
enum gateway_next {
    NEXT_ERROR = 1 << 0,
    NEXT_TIMEOUT = 1 << 1,
    NEXT_INVALID_HEADER = 1 << 2,
    NEXT_500 = 1 << 3,
    NEXT_502 = 1 << 4,
    NEXT_503 = 1 << 5,
    NEXT_504 = 1 << 6,
    NEXT_403 = 1 << 7,
    NEXT_404 = 1 << 8,
    NEXT_429 = 1 << 9,
    NEXT_NON_IDEMPOTENT = 1 << 10,
    NEXT_OFF = 1 << 11,
    NEXT_DENIED = 1 << 12,
    NEXT_UPDATING = 1 << 13, /* only for a cache: while it is updated        */
};

/* Response fields that have no effect: proxy_ignore_headers. */
enum gateway_ignore {
    IGNORE_ACCEL_REDIRECT = 1 << 0,
    IGNORE_ACCEL_EXPIRES = 1 << 1,
    IGNORE_ACCEL_LIMIT_RATE = 1 << 2,
    IGNORE_ACCEL_BUFFERING = 1 << 3,
    IGNORE_ACCEL_CHARSET = 1 << 4,
    IGNORE_EXPIRES = 1 << 5,
    IGNORE_CACHE_CONTROL = 1 << 6,
    IGNORE_SET_COOKIE = 1 << 7,
    IGNORE_VARY = 1 << 8,
};

/* proxy_bind; NULL: off. */
struct gateway_bind {
    struct expr    *expr;
    struct addr_any at;       /* of a constant expr                          */
    bool            is_known; /* at is set                                   */
    bool            is_transparent;
};

/* proxy_protocol: the header that connections begin with. */
enum gateway_preface { PREFACE_NONE, PREFACE_V1, PREFACE_V2 };

/* proxy_store; both unset: off. */
struct gateway_store {
    struct expr *path; /* or                                                 */
    bool         is_mapped; /* use the path that root or alias gives         */
};

/* Where a response may come from before a peer is asked, such as a cache. */
struct gateway_source {
    /* Called when the request is prepared (g->uri, and g->r with what the
     * client has sent), and again after each wait.
     * STEP_NEXT: not from here: the next source is asked, then a peer;
     * STEP_WAIT: it has registered a wait, for instance for another request
     * that is asking a peer for the same thing;
     * STEP_DONE: it has the response and has reported it, to what
     * gateway_answer returns, as a decoder does (protocol.h): it goes the way
     * of a peer's; STEP_FAIL: http_fail was called. */
    enum step (*look)(struct gateway *g);
};

/* The settings of the shared rows: the first member of each protocol's
 * conf. */
struct gateway_conf {
    msec_t               connect_timeout, send_timeout, read_timeout;
    msec_t               upgrade_timeout; /* 0: as read_timeout              */
    msec_t               next_timeout;
    uint64_t             next_tries;
    size_t               buffer_size;
    size_t               max_header_size; /* 0: as buffer_size               */
    size_t               busy_size;  /* 0: twice the larger buffer           */
    size_t               write_size; /* of temporary files; 0: as busy_size  */
    uint64_t             max_file_size; /* of temporary files                */
    size_t               socket_rcvbuf, socket_sndbuf; /* 0: the system's    */
    struct buffers       buffers;
    struct temp_path     temp_path;
    struct expr         *limit_rate;
    struct gateway_bind *bind;
    struct expr_list     allow; /* of peers: all have to be true             */
    struct gateway_store store;
    unsigned             store_access;
    unsigned             preface;    /* enum gateway_preface                 */
    uint64_t             streams;    /* at a time on one connection, where the
                                        protocol has streams                 */
    struct gateway_cache_conf cache;
    struct texts         hide, pass; /* header fields                        */
    unsigned             next;       /* enum gateway_next                    */
    unsigned             ignore;     /* enum gateway_ignore                  */
    bool                 buffering, request_buffering;
    bool                 ignore_client_abort, intercept_errors;
    bool                 pass_request_headers, pass_request_body;
    bool                 force_ranges, socket_keepalive, pass_trailers;
    /* Set by the protocol's ready, or for the cache: */
    const struct gateway_source *const *sources; /* in order, then NULL; or
                                                    NULL: none               */
    /* Set by gateway_ready: */
    uint64_t             hidden, passed; /* the known names in hide and in
                                    pass, as bits                            */
    struct hash         *fields; /* all names in them, or NULL               */
    uint64_t             kind;   /* digest of the settings with which
                                    connections are opened                   */
    size_t               head_limit; /* bytes of a response's head           */
};

/* The values in gateway_conf.fields. */
enum { FIELD_LIST_HIDE = 1, FIELD_LIST_PASS = 2 };

/* Rows of templates whose base is a struct gateway_conf: for the connection to
 * a peer, for header fields, and for bodies. */
extern const struct directive gateway_peer_rows[];
extern const struct directive gateway_field_rows[];
extern const struct directive gateway_body_rows[];
extern const struct directive gateway_lowat_rows[]; /* only some have it     */
/* gateway_cache_rows: cache.h */

/* PREFIX_buffer_size of C, whose member gateway is a struct gateway_conf. */
#define GATEWAY_BUFFER(name, C)                                                \
    SIZE(name, IN_WEB, C, gateway.buffer_size, "4k",                           \
         "The buffer for the head of the response.")

/* PREFIX_next_upstream of C, whose member gateway is a struct gateway_conf: the
 * words differ between protocols.  Words that all have; and with the statuses
 * that an application behind a CGI-like protocol may give; or any server. */
#define GATEWAY_NEXT(name, C, words)                                           \
    BITS(name, IN_WEB, ARGS_1_OR_MORE, C, gateway.next, "error timeout",       \
         words,                                                                \
         "After which failures the request goes to the next server of the "    \
         "group, as long as nothing was sent to the client. POST, LOCK and "   \
         "PATCH that were sent once are not repeated without "                 \
         "non_idempotent; off: never.")
extern const struct conf_word gateway_next_causes[];
extern const struct conf_word gateway_next_cgi[];
extern const struct conf_word gateway_next_http[];

/* Checks the settings and derives others from them; prefix is for messages. */
const char *gateway_ready(struct conf *cf, struct gateway_conf *c,
                          const char *prefix);
/* Those of gateway_cache_rows, too; their zones are for that use. */
const char *gateway_ready_cached(struct conf *cf, struct gateway_conf *c,
                                 const char            *prefix,
                                 const struct zone_use *use);

#define GATEWAY_STATES(X)                                                      \
    X(READ_BODY) /* of the request, as far as it is needed first           */  \
    X(LOOK)      /* ask the sources, such as a cache                       */  \
    X(RESOLVE)   /* look up the name of a host that was not known before   */  \
    X(CHOOSE)    /* choose a peer, and start to connect                    */  \
    X(CONNECT)   /* until the connection is established                    */  \
    X(EXCHANGE)  /* send the request, read the head of the response        */  \
    X(RESPOND)   /* the head is complete: decide what to do with it        */  \
    X(RELAY)     /* pass on the body                                       */  \
    X(TUNNEL)    /* pass on bytes, both ways                               */  \
    X(OVER)

enum gateway_state {
#define X(name) GATEWAY_##name,
    GATEWAY_STATES(X)
#undef X
};

/* The tries of a request, across internal redirects: r->exchanges. */
struct exchange_list {
    struct exchange *first, *last;
    struct exchange *used;    /* the one of the response, which may be no try
                                 but a source's; or NULL                     */
    struct gateway  *running; /* the present run, or NULL                    */
    enum gateway_fault untried; /* why the last run has had no try           */
    struct gateway  *last_run; /* NULL: none so far                          */
    uint32_t         handed;  /* the claim of a subrequest that updates what a
                                 cache has; 0: it is none                    */
};

/* The request's body on its way to the peer. */
struct gateway_upload {
    struct chain body;       /* the same for each try                        */
    struct chain unframed;   /* of this try: not given to the protocol, or
                                left by it                                   */
    int64_t      length;     /* -1: unknown, sent in chunks                  */
    bool         exists;     /* the request has one (it may be empty)        */
    bool         is_replaced; /* set by the protocol: it fills body itself   */
    bool         needs_length; /* set by the protocol: it cannot send a body
                                 of unknown length                           */
    bool         is_unwanted; /* set by the protocol: it sends none, and the
                                 client's stays unread, for a location that
                                 error_page names                            */
    bool         is_streaming; /* passed on as it arrives                    */
    bool         has_streamed; /* ... and some of it has been                */
    bool         is_lost;    /* ... of which body does not have all          */
    bool         has_whole;  /* ... and nothing more comes from the client   */
    bool         has_failed; /* the body could not be read, or the head not
                                be made: not the peer's fault                */
};

/* How often a run goes to another connection because the peer has asked for it.
 */
enum { GATEWAY_MOVES = 3 };

/* One run of a gateway's content handler. */
struct gateway {
    struct http_request           *r;
    const struct gateway_protocol *protocol; /* of the present try           */
    const struct gateway_protocol *first; /* that tries begin with           */
    const struct gateway_conf     *conf;
    uint64_t                       owner; /* identity of the location, for
                                             local keepalive                 */
    void                          *data;  /* for the protocol                */
    struct gateway_secure         *secure; /* NULL: without TLS              */
    enum gateway_state             state;
    unsigned                       source; /* the next one of conf->sources  */
    struct wait                    wait;  /* ends the run when the task ends */
    const char                    *action; /* the log's action before the
                                              run                            */

    /* The target: a group, or a host to be looked up. */
    struct upstream_group *group;
    str_t                  host; /* with its port, as in the configuration   */
    struct endpoint        at;
    struct lookup         *lookup;
    struct names_wait     *names_wait;
    str_t                  uri;  /* what is requested from the peer, for
                                    logs                                     */

    /* The tries. */
    struct pick      pick;
    bool             is_picking;
    struct exchange *x;      /* the current one                              */
    unsigned         tries;  /* so far                                       */
    struct queued    queued; /* waits for a peer                             */
    struct link_await awaited; /* ... for a connection to it that another run
                                  opens                                      */
    int64_t          queue_ms; /* for so long; -1: the group has no queue     */
    msec_t           started_at;
    bool             is_stale; /* the peer had closed an idle connection: try
                                  it again                                   */
    unsigned         moves;  /* to another connection of the same peer       */
    unsigned         fault;  /* of a bad response: enum gateway_next         */

    struct gateway_upload upload;

    /* What becomes of the response. */
    bool           buffers; /* proxy_buffering, X-Accel-Buffering            */
    struct relay  *relay;   /* passes on its body; NULL: not so far          */
    struct store  *store;   /* keeps a copy; NULL: not                       */
    struct cached *cache;   /* what a cache has of it, or gets; NULL: none is
                               asked                                         */
    struct tunnel *tunnel;  /* passes on bytes, both ways; NULL: not         */
};

/* The run of r that has started and has not ended; NULL: none. */
struct gateway *gateway_of(const struct http_request *r);
/* Creates a run. */
struct gateway *gateway_new(struct http_request *r,
                            const struct gateway_protocol *protocol,
                            const struct gateway_conf *conf,
                            uint64_t owner);
/* Sets group (or the host to look up) from "host:port" or "unix:path" in a
 * variable's value, and *uri to what follows it.  False: logged, and http_fail
 * was called. */
bool gateway_find_group(struct gateway *g, str_t url, unsigned default_port);
/* Of the peer's URL: "http". */
const char *gateway_scheme(const struct gateway *g);
/* Why the present try, or the run, fails: the first reason counts. */
void gateway_blame(struct gateway *g, enum gateway_fault why);
/* Ends the run and fails the request: STEP_FAIL. */
enum step gateway_fail(struct gateway *g, unsigned status);
/* The same where no response has begun; else that is broken off. */
enum step gateway_cut(struct gateway *g, unsigned status);
/* Continues the run; returns the content handler's result. */
enum step gateway_run(struct gateway *g);

/* For a source: what it reports its response to, with exchange_status,
 * exchange_field, exchange_length, exchange_chain, exchange_trailer. */
struct exchange *gateway_answer(struct gateway *g);

/* The header fields of the response that was chosen, from whichever peer;
 * NULL: no gateway was used. */
const struct fields *gateway_fields(const struct http_request *r);

/* The facts about each try of a request that variables and logs print. */
enum gateway_told {
    TOLD_ADDR,
    TOLD_STATUS,
    TOLD_RESPONSE_TIME, /* times are in seconds: "0.123"                     */
    TOLD_HEADER_TIME,
    TOLD_CONNECT_TIME,
    TOLD_LENGTH,        /* of the response's body                            */
    TOLD_SENT,          /* bytes                                             */
    TOLD_RECEIVED,
    TOLD_ERROR, /* enum gateway_fault                                        */
    TOLD_QUEUE_TIME,
};
enum { TOLD_MAX = 24 };
/* The try after x, or the first one if x is NULL; NULL: no more. */
const struct exchange *gateway_try(const struct http_request *r,
                                   const struct exchange *x);
/* Its text, possibly in room; empty if there is none. */
str_t gateway_told(const struct exchange *x, enum gateway_told what,
                   char room[TOLD_MAX]);

/* The same for a run that came to no try: TOLD_ERROR only.  Empty: there is
 * none. */
str_t gateway_untried(const struct http_request *r);

/* Adds the peer to a log line: ", upstream: ...". */
void gateway_log(const struct http_request *r, struct log_record *l);

/* The variables $upstream_...: about the tries of the request. */
extern struct module gateway_module;
/* proxy_status: the header Proxy-Status. */
extern struct module proxy_status_module;
extern struct module early_hints_module;
