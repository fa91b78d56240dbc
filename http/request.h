/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP request: what came, where it is routed, what goes out, and how far
 * the work is.  A request is a task; http/run.c alone moves it from state to
 * state.
 *
 *     h1/ makes it when a head has been read > PHASES > the content handler
 *     answers through http/response.h > SENDING until the last byte is
 *     out > LOG > END, and the codec takes the connection back
 */
#pragma once

#include "core/conf/module.h"
#include "core/event/task.h"
#include "core/net/conn.h"
#include "http/field.h"
#include "http/method.h"

struct http_body;
struct http_codec;
struct http_location;
struct http_server;
struct http_subrequest;

#define HTTP_STATES(X)                                                         \
    X(PHASES)    /* in a phase handler, or about to call one                 */ \
    X(CONTENT)   /* the location's content handler                           */ \
    X(SENDING)   /* the response is complete and on its way                  */ \
    X(LOG)                                                                     \
    X(END)

enum http_state {
#define X(name) HTTP_##name,
    HTTP_STATES(X)
#undef X
};

enum http_version { HTTP_09 = 9, HTTP_10 = 1000, HTTP_11 = 1001, HTTP_20 = 2000,
                    HTTP_30 = 3000 };

/* What goes out. */
struct http_response {
    unsigned      status;
    str_t         reason;       /* of an upstream; empty: the standard one   */
    struct fields fields;       /* all but those named below                 */
    struct fields trailers;
    str_t         content_type; /* as lists of types have it                 */
    str_t         type_tail;    /* and what is sent behind it, with its
                                   semicolon: "; charset=utf-8"              */
    str_t         other_charset; /* in place of what charset says; or empty  */
    int64_t       length;       /* of the body; -1: not known                */
    time_t        last_modified; /* -1: none                                 */
    uint64_t      from, until;  /* slices: what of the whole goes out        */
    bool is_head_sent : 1;      /* the head went through the filters         */
    bool is_head_only : 1;      /* no body follows (HEAD, 204, 304)          */
    bool is_chunked : 1;        /* h1: the codec frames it                   */
    bool is_last : 1;           /* the last piece was handed over            */
    bool is_framed : 1;         /* ... and went through the filters and codec */
    bool is_complete : 1;       /* and it is all out: $request_completion    */
    bool is_cut : 1;            /* the rest will not come: no mark of its end */
    bool allows_ranges : 1;     /* the range filter may cut it               */
    bool is_single_part : 1;    /* ... one range only                        */
    bool is_slice : 1;          /* the body begins at from, and others follow */
    bool is_upstreams : 1;      /* who judges conditions, and whose fields stay */
    bool needs_memory : 1;      /* some filter reads the bytes               */
    bool has_trailers : 1;
    bool has_parts : 1;         /* a filter is going to include others       */
    bool varies : 1;            /* Vary: Accept-Encoding (gzip_vary)         */
    bool hides_server : 1;      /* no Server of our own                      */
    bool hides_date : 1;        /* ... no Date                               */
    bool is_upgraded : 1;       /* 101: the connection is a tunnel now       */
    bool is_own_location : 1;   /* Location is ours: completed as
                                   absolute_redirect and its kin say         */
};

struct http_request {
    struct task           task;  /* first */
    enum http_state       state;
    const struct http_codec *codec;
    struct http_request  *main;  /* itself, unless it is a subrequest        */
    struct http_request  *parent;
    struct http_subrequest *sub; /* what the parent asked for                */
    struct list           children; /* subrequests that have not ended       */
    unsigned              background; /* ... those that it does not wait for */
    unsigned              cut_off; /* a subrequest ended all with this; 0    */
    uint64_t              room;    /* what a filter may add that waited      */

    /* What came. */
    str_t                 line;       /* request line: $request              */
    unsigned              method;     /* one bit of enum http_method         */
    str_t                 method_name;
    unsigned              version;    /* enum http_version                   */
    str_t                 protocol;   /* "HTTP/1.1", empty for 0.9           */
    str_t                 target;     /* $request_uri                        */
    str_t                 id;         /* $request_id, where asked for; of main */
    str_t                 scheme;     /* "http", "https"                     */
    str_t                 host;       /* $host: lower case, without port     */
    uint16_t              port;       /* given with the host, 0: none        */
    struct fields         in;
    struct fields         in_trailers;
    int64_t               content_length; /* -1: none                        */
    bool                  is_chunked;
    struct http_body     *body;       /* NULL until somebody asks            */
    uint64_t              head_bytes; /* of the request; 0: a subrequest     */
    uint64_t              body_bytes; /* read of its body, framing included  */
    msec_t                started_at; /* monotonic                           */
    time_t                started_seconds;
    unsigned              started_ms; /* 0-999                               */

    /* Where it is. */
    str_t                 uri;        /* decoded, normalised: $uri           */
    str_t                 args;
    bool                  is_uri_as_sent; /* uri has not been rewritten      */
    const struct http_server   *server;
    const struct http_location *location;
    uint8_t               phase;      /* enum phase                          */
    uint8_t               handler;    /* index within the phase              */
    uint8_t               uri_changes; /* left before "cycle"                */
    uint8_t               subrequests; /* how deep they may still be nested  */
    bool is_internal : 1;
    bool uri_changed : 1;
    bool is_uri_of_break : 1; /* rewritten, and "break" kept the location     */
    bool moved : 1;          /* a handler chose where to go on               */
    bool has_error_page : 1; /* one error page has been taken                */
    bool keeps_alive : 1;
    bool is_ended_by_server : 1; /* not kept, unless a location says so      */
    bool is_pipelined : 1;
    bool has_host : 1;       /* the client named one                         */
    bool has_target_host : 1; /* the target names the host (absolute-form)   */
    bool client_gone : 1;    /* the client closed its side: 499 where allowed */
    bool came_half_closed : 1; /* ... before this began: it may still read    */
    bool is_silent : 1;      /* the client has left: fails without a page    */
    bool header_only : 1;    /* subrequests: no body wanted                  */
    bool has_run : 1;        /* its head was read, or refused                */
    bool is_logged : 1;
    bool is_post_action : 1; /* the client has been answered, this is more   */
    bool must_flush : 1;     /* what is pending is not to be held back       */
    bool resets : 1;         /* 444: no lingering                            */
    bool is_broken : 1;      /* the connection cannot be used any more       */
    bool access_delayed : 1; /* auth_delay has been served                   */
    bool expect_done : 1;    /* 100 was sent, or is not to be                */
    unsigned              access_status; /* satisfy any: what a rule said    */
    unsigned              fail_at_once; /* the head deserves this status     */
    unsigned              fail_status; /* of the last http_fail              */
    unsigned              error_status; /* what an error page goes out with,
                                            whatever its handler says; 0     */

    /* What goes out. */
    struct http_response  out;
    struct http_joined   *joined;     /* body filters of this response       */
    struct chain          pending;    /* handed over, not yet filtered       */
    struct timer          delay;      /* limit_rate, auth_delay              */
    struct file_reader   *reader;     /* turns ranges of files into memory   */
    uint64_t              body_sent;  /* $body_bytes_sent                    */
    uint64_t              received_before; /* conn->received when it began   */
    uint64_t              sent_before; /* conn->sent when it began           */
    uint64_t              head_size;  /* bytes of the response's head        */
    void                 *codec_state; /* the codec's, of this request       */
    uint64_t              limit_rate, limit_rate_after; /* bytes a second    */
    bool                  has_limit_rate; /* set by $limit_rate or X-Accel   */
    bool                  has_limit_after;

    void                **states;     /* modules', by slot                   */
    struct exchange_list *exchanges;  /* of the gateway: $upstream_...       */
    struct log_frame      log_frame;
    struct log            sub_log;    /* of a subrequest                     */
    struct post           reap;
};

static inline struct http_request *
http_of(struct task *t)
{
    return container_of(t, struct http_request, task);
}

/* Makes a request of zeroed memory, in its own arena, ready for a codec to
 * fill in what came. */
void http_request_init(struct http_request *r);
/* Runs it as far as it goes: the task's run. */
void http_run(struct task *t);
/* Its work is broken off by the codec (the connection has gone): logs and
 * finishes with that status. */
void http_terminate(struct http_request *r, unsigned status);

extern const char *const http_state_names[];

/* What a module keeps for this request: state_size bytes, zeroed at first;
 * forgotten on internal redirects. */
void *http_state_of(struct http_request *r, const struct module *m);
/* The same, or NULL when nobody has asked yet. */
void *http_state_if(const struct http_request *r, const struct module *m);
