/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subrequests: another URI of the same server, run for a request that waits
 * for it.  Its response does not go to the client by itself: its body is kept
 * here, and the parent takes what it wants of it, in its own order (auth_request
 * nothing, mirror nothing, addition and SSI all).
 *
 * It ends with its parent at the latest: a parent that ends first breaks it
 * off.  When the client leaves, a subrequest that the parent waits for is told
 * so, and its end ends the main request.
 */
#pragma once

#include "http/request.h"

struct http_subrequest {
    struct http_request *r;     /* NULL when it has ended                    */
    struct http_request *made;  /* the same, as long as the parent lives: for
                                   variables                                 */
    struct wait          wait;  /* of the parent                             */
    struct list          link;  /* in the parent's children                  */
    struct chain         body;  /* what has come and was not taken           */
    unsigned             status; /* once the head is there                   */
    size_t               limit; /* of body, before the subrequest has to wait;
                                   0: 64 KiB                                 */
    bool                 drops_body; /* nothing of it is wanted              */
    bool                 in_background; /* the parent answers without it     */
    bool                 keeps_method; /* not GET, but the parent's          */
    bool                 has_no_body; /* nor the body that the parent read   */
    bool                 is_clone; /* goes on where the parent is: its method,
                                      location and phase; uri is its own     */
    bool                 has_head, is_complete, has_failed;
    struct http_response kept;  /* the head, for the parent                  */
};

/* Starts one; s is zeroed but for its options and lives as long as the parent
 * (its arena).  The parent's task is woken when the head is there, when there
 * is more of the body, and at the end.  STEP_NEXT, or STEP_FAIL (500: they are
 * nested too deeply). */
enum step http_subrequest(struct http_request *parent,
                          struct http_subrequest *s, str_t uri, str_t args);

/* Moves what has come to out, at most max bytes; the subrequest goes on if it
 * had to wait. */
void http_subrequest_take(struct http_subrequest *s, struct chain *out,
                          uint64_t max);

/* The client of r has gone: whom r waits for hears of it.  Of the driver. */
void http_subrequest_tell_gone(struct http_request *r);

/* Of filters' bodies: starts one whose body is to stand at the end of out.  The
 * filter's head has set out.has_parts.  As http_subrequest. */
enum step http_include(struct http_request *r, struct chain *out, str_t uri,
                       str_t args);
/* The same with options: s as for http_subrequest. */
enum step http_include_as(struct http_request *r, struct chain *out,
                          struct http_subrequest *s, str_t uri, str_t args);
