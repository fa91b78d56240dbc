/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request's body.  It has one owner at a time, and whoever asks for it gets
 * all of it, or nothing, or is refused; never a part.
 *
 *     UNREAD > READING > WHOLE             http_body_read: kept, for everybody
 *     UNREAD > STREAM > SPENT              http_body_stream: for one reader
 *     any of them > GONE                   http_body_discard, or it failed
 */
#pragma once

#include "http/request.h"

enum http_body_state {
    HTTP_BODY_UNREAD,
    HTTP_BODY_READING, /* on its way into data; nobody has had any of it     */
    HTTP_BODY_WHOLE,   /* in data, to be shared as often as it is wanted     */
    HTTP_BODY_STREAM,  /* passes through to its reader; data has the beginning
                          until that is taken                                */
    HTTP_BODY_SPENT,   /* the same, and its reader has ended: nobody can have
                          it again, and the rest is dropped                  */
    HTTP_BODY_GONE,    /* dropped, or it never became whole: it counts as
                          empty                                              */
};

struct http_body {
    enum http_body_state state;
    struct chain     data;      /* memory and file                           */
    struct chain_file *file;    /* the temporary file, or NULL               */
    str_t            file_name; /* $request_body_file                        */
    uint64_t         received;  /* bytes of body, decoded                    */
    bool             is_complete; /* the connection has no more of it        */
    bool             is_too_large; /* of unknown length, and refused (413)   */
    /* more is http/body.c's own; it embeds this struct */
};

/* The body as a whole: STEP_WAIT until it is there, STEP_NEXT then (at once
 * without a body): in data where it is WHOLE, else empty.  STEP_FAIL with a
 * status: 413, 400, 408; 502: it went to somebody else. */
enum step http_body_read(struct http_request *r);

/* Begins to pass the body through as it comes (proxy_request_buffering off),
 * and reads what is there, about client_body_buffer_size bytes at most.
 * STEP_DONE: that was all, as after http_body_read; STEP_NEXT: the caller is
 * the reader of the stream; STEP_FAIL. */
enum step http_body_stream(struct http_request *r);
/* The stream's next stretch, appended to out.  STEP_NEXT: more may follow; call
 * again; STEP_WAIT: nothing now, the task is woken; STEP_DONE: that was the
 * last; STEP_FAIL. */
enum step http_body_some(struct http_request *r, struct chain *out);
/* The stream's reader ends, before or behind the last stretch. */
void http_body_leave(struct http_request *r);

/* Reads the rest in the background and drops it, so that the connection can
 * be used again: called by the pipeline when a response begins and nobody has
 * read the body, and whenever what was read in part is not to count any more.
 * A WHOLE one stays.  STEP_FAIL: it is no body (400). */
enum step http_body_discard(struct http_request *r);
/* Whenever the task runs: what of a body to be dropped has come by now; r has
 * a body. */
void http_body_discard_more(struct http_request *r);

static inline bool
http_body_is_dropped(const struct http_body *b)
{
    return b->state >= HTTP_BODY_SPENT;
}
