/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP request: its input, its location, its response, and its progress.
 * A request is a task; only http/run.c moves it from state to state.
 *
 *     h1/ creates it when a head has been read > PHASES > the content handler
 *     answers through http/response.h > SENDING until the last byte has
 *     been sent > LOG > END, and the codec takes the connection back
 */
#pragma once

#include "core/conf/module.h"
#include "core/event/task.h"
#include "core/net/conn.h"
#include "http/field.h"
#include "http/method.h"
#include "http/slow.h"
#include "http/trace.h"

struct http_body;
struct http_codec;
struct http_conn;
struct http_location;
struct http_server;
struct http_subrequest;

#define HTTP_STATES(X)                                                         \
    X(PHASES)    /* in a phase handler, or about to call one                 */ \
    X(CONTENT)   /* in the location's content handler                        */ \
    X(SENDING)   /* the response is complete and is being sent               */ \
    X(LOG)                                                                     \
    X(END)

enum http_state {
#define X(name) HTTP_##name,
    HTTP_STATES(X)
#undef X
};

enum http_version { HTTP_09 = 9, HTTP_10 = 1000, HTTP_11 = 1001, HTTP_20 = 2000,
                    HTTP_30 = 3000 };

/* The response. */
struct http_response {
    unsigned      status;
    str_t         reason;       /* from an upstream; empty: the standard one */
    struct fields fields;       /* all but those that have members below     */
    struct fields *trailers;    /* NULL: none                                */
    str_t         content_type; /* as compared with lists of types           */
    str_t         type_tail;    /* sent after it: "; charset=utf-8"          */
    str_t         other_charset; /* overrides charset; or empty              */
    int64_t       length;       /* of the body; -1: unknown                  */
    time_t        last_modified; /* -1: none                                 */
    uint64_t      from, until;  /* slices: the part of the whole that is
                                   sent                                      */
    unsigned      heads_run;    /* is_head_held: by so many filters          */
    bool is_head_sent : 1;      /* the head has passed the filters           */
    bool is_head_held : 1;      /* ... but for those behind one that wants the
                                   body first                                */
    bool is_refused : 1;        /* such a one refused the body               */
    bool is_head_only : 1;      /* no body follows (HEAD, 204, 304)          */
    bool is_chunked : 1;        /* Transfer-Encoding: chunked                */
    bool is_last : 1;           /* the last part was handed over             */
    bool is_framed : 1;         /* ... and has passed the filters and the
                                   codec                                     */
    bool is_complete : 1;       /* everything has been sent:
                                   $request_completion                       */
    bool is_cut : 1;            /* incomplete: do not mark its end           */
    bool allows_ranges : 1;     /* the range filter may cut it               */
    bool is_single_part : 1;    /* ... but only one range                    */
    bool is_slice : 1;          /* the body begins at from, and more slices
                                   follow                                    */
    bool is_upstreams : 1;      /* the upstream checks conditions, and its
                                   fields are kept                           */
    bool needs_memory : 1;      /* some filter reads the bytes               */
    bool has_trailers : 1;
    bool has_parts : 1;         /* a filter will include others              */
    bool checks_conditions : 1; /* ... but this one we do: it is cached      */
    bool tag_decides : 1;       /* If-Modified-Since counts only without
                                   If-None-Match (RFC 9110 section 13.1.3)   */
    bool is_live : 1;           /* it comes as it arises, perhaps for long   */
    bool varies : 1;            /* Vary: Accept-Encoding (gzip_vary)         */
    bool varies_by_dictionary : 1; /* ... Available-Dictionary ...           */
    bool hides_server : 1;      /* do not add Server                         */
    bool hides_date : 1;        /* ... nor Date                              */
    bool is_upgraded : 1;       /* the connection becomes a tunnel           */
    bool is_own_location : 1;   /* Location is ours: complete it according
                                   to absolute_redirect etc.                 */
};

struct http_request {
    struct task           task;  /* first */
    enum http_state       state;
    const struct http_codec *codec;
    struct http_request  *main;  /* itself, unless this is a subrequest      */
    struct http_request  *parent;
    struct http_subrequest *sub; /* the parent's data about it               */
    struct list           children; /* running subrequests                   */
    unsigned              background; /* ... those that this does not wait
                                         for                                 */
    unsigned              cut_off; /* status with which a subrequest ended
                                      everything; 0                          */
    uint64_t              room;    /* how much a filter that waited may add  */

    /* The input. */
    str_t                 line;       /* request line: $request              */
    unsigned              method;     /* one bit of enum http_method         */
    str_t                 method_name;
    unsigned              version;    /* enum http_version                   */
    str_t                 protocol;   /* "HTTP/1.1", empty for 0.9           */
    str_t                 target;     /* $request_uri                        */
    str_t                 id;         /* $request_id, once it was used; only
                                         in main                             */
    str_t                 scheme;     /* "http", "https"                     */
    str_t                 host;       /* $host: lower case, without port     */
    uint16_t              port;       /* from the host, 0: none              */
    struct fields         in;
    struct fields        *in_trailers; /* NULL: none                         */
    int64_t               content_length; /* -1: none                        */
    bool                  has_body;   /* one follows, or has come: of
                                         unknown length if that is -1        */
    struct http_body     *body;       /* NULL until somebody needs it        */
    uint64_t              body_with_head; /* bytes of it that had come when
                                             its reading began               */
    uint64_t              head_bytes; /* of the request; 0: a subrequest     */
    uint64_t              body_bytes; /* of its body, including framing      */
    struct slow           slow_body, slow_reply; /* client_min_rate          */
    msec_t                moved_at; /* when the codec last saw that the client
                                       had taken something                   */
    uint32_t              number;     /* among its connection's, from 1      */
    msec_t                started_at; /* monotonic                           */
    time_t                started_seconds;
    unsigned              started_ms; /* 0-999                               */

    /* The location. */
    str_t                 uri;        /* decoded, normalised: $uri           */
    str_t                 args;
    bool                  is_uri_as_sent; /* uri was not rewritten           */
    const struct http_server   *server;
    const struct http_location *location;
    uint8_t               phase;      /* enum phase                          */
    uint8_t               handler;    /* index within the phase              */
    uint8_t               uri_changes; /* how many are left before "cycle"   */
    uint8_t               subrequests; /* how many more levels are allowed   */
    bool is_internal : 1;
    bool uri_changed : 1;
    bool is_uri_of_break : 1; /* rewritten, but "break" kept the location    */
    bool moved : 1;          /* a handler chose where to continue            */
    bool has_declined : 1;   /* the location's content handler has left it to
                                those of the phase                           */
    bool has_error_page : 1; /* an error page was used                       */
    bool keeps_alive : 1;
    bool is_ended_by_server : 1; /* close the connection, unless a location
                                    allows keeping it                        */
    bool is_pipelined : 1;
    bool has_host : 1;       /* the client sent one                          */
    bool has_target_host : 1; /* the target has the host (absolute-form)     */
    bool client_gone : 1;    /* the client closed its side: 499 if allowed   */
    bool came_half_closed : 1; /* ... before this request began: it may still
                                  read                                       */
    bool is_silent : 1;      /* the client has left: fail without a page     */
    bool header_only : 1;    /* no body is wanted (subrequests), or there is none
                                (tunnels)                                    */
    bool has_run : 1;        /* its head was read, or refused                */
    bool is_post_action : 1; /* the client has its response, this runs after
                                it                                           */
    bool outlives_client : 1; /* its response is being stored                */
    bool is_deaf : 1;        /* ... and goes on without the client, for whom
                                nothing is kept                              */
    bool must_flush : 1;     /* do not hold back what is pending             */
    bool has_own_tag : 1;    /* http/own_tag.h: its If-None-Match was changed */
    bool resets : 1;         /* 444: no lingering                            */
    bool is_broken : 1;      /* the connection cannot be used further        */
    bool access_delayed : 1; /* auth_delay is over                           */
    bool expect_done : 1;    /* 100 was sent, or must not be                 */
    unsigned              access_status; /* satisfy any: the status of a
                                            rule                             */
    unsigned              fail_at_once; /* the status for an invalid head    */
    unsigned              fail_status; /* of the last http_fail              */
    unsigned              error_status; /* the status of a response from an
                                           error page, whatever its handler
                                           sets; 0                           */

    /* The state of the response. */
    struct http_response  out;
    struct http_joined   *joined;     /* body filters of this response       */
    struct chain          pending;    /* handed over, not yet filtered       */
    struct timer          delay;      /* limit_rate, auth_delay, limit_req   */
    uint64_t              body_sent;  /* $body_bytes_sent                    */
    uint64_t              head_size;  /* bytes of the response's head        */
    void                 *codec_state; /* the codec's state for this request */
    uint64_t              limit_rate, limit_rate_after; /* bytes a second    */
    bool                  has_limit_rate; /* set by $limit_rate or X-Accel   */
    bool                  has_limit_after;

    void                **states;     /* of modules, by state_slot           */
    struct exchange_list *exchanges;  /* of the gateway: $upstream_...       */
    struct log_frame      log_frame;
    str_t                 limit;      /* that a log line is about: limit_hint.h */
    struct log            log;
    struct post           reap;
};

static inline struct http_request *
http_of(struct task *t)
{
    return container_of(t, struct http_request, task);
}

/* A request whose head begins to come on h, in the default server until there
 * is a host: for a codec to fill in.  It has an arena and a log of its own. */
struct http_request *http_request_new(struct http_conn        *h,
                                      const struct http_codec *codec);
/* The same in zeroed memory, with no more than arena and loop. */
void http_request_init(struct http_request *r);
/* Its log: the context of another one, and itself as what is told. */
void http_request_init_log(struct http_request *r, const struct log *from);
/* Ends its task and frees it at the tail of the turn. */
void http_request_free(struct http_request *r);
static inline bool
http_is_length_unknown(const struct http_request *r)
{
    return r->has_body && r->content_length == -1;
}

/* Runs it as far as possible: the run function of the task. */
void http_run(struct task *t);
/* The codec ends the request early (the connection is gone): logs and finishes
 * it with that status. */
void http_terminate(struct http_request *r, unsigned status);
/* Its client takes nothing more: true: the request goes on all the same. */
bool http_lose_client(struct http_request *r);

extern const char *const http_state_names[];

/* The state of a module for this request: state_size bytes, initially zeroed;
 * dropped on internal redirects, unless the module keeps it (keeps_state). */
void *http_state_of(struct http_request *r, const struct module *m);
/* The same, or NULL if nobody has called http_state_of yet. */
void *http_state_if(const struct http_request *r, const struct module *m);
