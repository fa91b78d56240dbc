/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request's body.  It has one owner at a time.  Whoever asks for it gets
 * all of it, or nothing, or an error; never a part.
 *
 *     UNREAD > READING > WHOLE             http_body_read: kept, for everybody
 *     UNREAD > STREAM > SPENT              http_body_stream: for one reader
 *     any of them > GONE                   http_body_discard, or it failed
 */
#pragma once

#include "http/request.h"

enum http_body_state {
    HTTP_BODY_UNREAD,
    HTTP_BODY_READING, /* being read into data; not available yet            */
    HTTP_BODY_WHOLE,   /* in data; can be used any number of times           */
    HTTP_BODY_STREAM,  /* passed to one reader as it arrives; data has its
                          beginning until that is taken                      */
    HTTP_BODY_SPENT,   /* the same, but the reader has ended: it cannot be
                          read again, and the rest is dropped                */
    HTTP_BODY_GONE,    /* dropped, or never completed: it counts as empty    */
};

struct http_body {
    enum http_body_state state;
    struct chain     data;      /* memory and file                           */
    struct chain_file *file;    /* the temporary file, or NULL               */
    str_t            file_name; /* $request_body_file                        */
    uint64_t         received;  /* bytes of body, decoded                    */
    bool             is_complete; /* everything has been read from the
                                     connection                              */
    bool             is_too_large; /* refused (413) after it began, its
                                      length was unknown                     */
    /* http/body.c has a larger struct, which embeds this one */
};

/* Reads the whole body: STEP_WAIT until it is complete, then STEP_NEXT (at
 * once without a body): it is in data if it is WHOLE, else data is empty.
 * STEP_FAIL with a status: 413, 400, 408; 502 if it was streamed to another
 * reader. */
enum step http_body_read(struct http_request *r);

/* Starts to pass on the body as it arrives (proxy_request_buffering off), and
 * reads what is there, about client_body_buffer_size bytes at most.
 * STEP_DONE: that was all, as after http_body_read; STEP_NEXT: the caller is
 * the reader of the stream; STEP_FAIL. */
enum step http_body_stream(struct http_request *r);
/* Appends the next bytes of the stream to out.  STEP_NEXT: there may be more,
 * call again; STEP_WAIT: nothing now, the task will be woken; STEP_DONE: that
 * was the end; STEP_FAIL. */
enum step http_body_some(struct http_request *r, struct chain *out);
/* The reader leaves the stream, before or after its end. */
void http_body_leave(struct http_request *r);

/* Reads the rest in the background and drops it, so that the connection can be
 * reused.  Called by the pipeline when a response begins and nobody has read
 * the body, and when a partly read body is no longer wanted.  A WHOLE body is
 * kept.  STEP_FAIL: the body is malformed (400). */
enum step http_body_discard(struct http_request *r);
/* Drops what has arrived of a body that is being discarded.  Called whenever
 * the task runs; r has a body. */
void http_body_discard_more(struct http_request *r);

static inline bool
http_body_is_dropped(const struct http_body *b)
{
    return b->state >= HTTP_BODY_SPENT;
}
