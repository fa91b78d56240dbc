/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subrequests: another URI of the same server, run for a request that waits
 * for it.  Its response does not go to the client by itself: its body is kept
 * here, and the parent takes what it wants of it, in its own order (auth_request
 * nothing, mirror nothing, addition and SSI all).
 */
#pragma once

#include "http/request.h"

struct http_subrequest {
    struct http_request *r;     /* NULL when it has ended                    */
    struct wait          wait;  /* of the parent                             */
    struct chain         body;  /* what has come and was not taken           */
    unsigned             status; /* once the head is there                   */
    size_t               limit; /* of body, before the subrequest has to wait;
                                   0: 64 KiB                                 */
    bool                 drops_body; /* nothing of it is wanted              */
    bool                 in_background; /* the parent does not wait          */
    bool                 has_head, is_complete, has_failed;
    struct http_response kept;  /* the head, for the parent                  */
};

/* Starts one; s is zeroed but for its options and lives as long as the parent
 * (its arena).  The parent's task is woken when the head is there, when there
 * is more of the body, and at the end.  STEP_NEXT, or STEP_FAIL (500: the
 * limit of subrequests). */
enum step http_subrequest(struct http_request *parent,
                          struct http_subrequest *s, str_t uri, str_t args);

/* Moves what has come to out; the subrequest goes on if it had to wait. */
void http_subrequest_take(struct http_subrequest *s, struct chain *out);

/* Its response's fields, while the parent lives; NULL before its head. */
const struct http_response *
http_subrequest_response(const struct http_subrequest *s);
