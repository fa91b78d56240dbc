/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request's body: read as a whole into memory or a temporary file, or
 * passed on as it comes.
 */
#pragma once

#include "http/request.h"

struct http_body {
    struct chain     data;      /* what has been read: memory and file       */
    struct chain_file *file;    /* the temporary file, or NULL               */
    str_t            file_name; /* $request_body_file                        */
    uint64_t         received;  /* bytes of body, decoded                    */
    bool             is_complete;
    bool             is_streaming; /* http_body_some is in use               */
    bool             is_discarded;
    bool             is_too_large; /* of unknown length, and refused (413)   */
    /* more is http/body.c's own; it embeds this struct */
};

/* The whole body in r->body->data: STEP_WAIT until it is there, STEP_NEXT
 * then (at once without a body), STEP_FAIL with a status (413, 400, 408). */
enum step http_body_read(struct http_request *r);

/* The next stretch as it comes (proxy_request_buffering off), appended to
 * out.  STEP_NEXT: more may follow; call again; STEP_WAIT: nothing now, the
 * task is woken; STEP_DONE: that was the last; STEP_FAIL. */
enum step http_body_some(struct http_request *r, struct chain *out);

/* Reads the rest in the background and drops it, so that the connection can
 * be used again; called by the pipeline when a response begins and nobody
 * has read the body.  STEP_FAIL: it is no body (400). */
enum step http_body_discard(struct http_request *r);
/* Whenever the task runs: what of a body to be dropped has come by now; r has
 * a body. */
void http_body_discard_more(struct http_request *r);
