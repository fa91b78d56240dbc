/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subrequests: another URI of the same server, run for a request that waits
 * for it.  Its response is not sent to the client directly: the body is kept
 * here, and the parent takes what it wants of it, in its own order
 * (auth_request and mirror nothing, addition and SSI everything).
 *
 * It ends with its parent at the latest: a parent that ends first cancels it.
 * When the client leaves, a subrequest that the parent waits for is told so,
 * and its end ends the main request.
 */
#pragma once

#include "http/request.h"

struct http_subrequest {
    struct http_request *r;     /* NULL after it has ended                   */
    struct http_request *made;  /* the same, but valid as long as the
                                   parent: for variables                     */
    struct wait          wait;  /* of the parent                             */
    struct list          link;  /* in the parent's children                  */
    struct chain         body;  /* received, and not yet taken               */
    unsigned             status; /* valid with the head                      */
    size_t               limit; /* of body, above which the subrequest has
                                   to wait; 0: 64 KiB                        */
    bool                 drops_body; /* the body is not wanted               */
    bool                 in_background; /* the parent does not wait for it   */
    bool                 keeps_method; /* use the parent's method instead of
                                          GET                                */
    bool                 has_no_body; /* do not use the body that the parent
                                         has read                            */
    bool                 is_clone; /* continues where the parent is: with
                                      its method, location and phase, but
                                      its own uri                            */
    size_t               whole_max; /* the body is wanted as a whole, of at most
                                       so many bytes; 0: as it comes         */
    bool                 is_too_long; /* it was longer, and is not kept      */
    bool                 has_body; /* some of it has come                    */
    /* It has ended, or its parent has (is_complete is not set). */
    void (*ended)(struct http_subrequest *);
    /* For http_include_as: what is inserted in place of an empty body, or of
     * an error page. */
    void (*instead)(struct http_subrequest *, struct chain *out);
    bool                 has_head, is_complete, has_failed;
    struct http_response kept;  /* the head, copied for the parent           */
};

/* Starts one; s is zeroed except for its options, and lives as long as the
 * parent (in its arena).  The parent's task is woken when there is the head,
 * more of the body, and the end.  STEP_NEXT, or STEP_FAIL (500: nested too
 * deeply). */
enum step http_subrequest(struct http_request *parent,
                          struct http_subrequest *s, str_t uri, str_t args);

/* Moves received bytes to out, at most max; the subrequest continues if it had
 * to wait. */
void http_subrequest_take(struct http_subrequest *s, struct chain *out,
                          uint64_t max);

/* For the driver: tells the subrequests that r waits for that the client has
 * left. */
void http_subrequest_tell_gone(struct http_request *r);

/* For body functions of filters: starts a subrequest whose body is inserted at
 * the end of out.  The head function of the filter has set out.has_parts.
 * Results as of http_subrequest. */
enum step http_include(struct http_request *r, struct chain *out, str_t uri,
                       str_t args);
/* The same with options: s as in http_subrequest. */
enum step http_include_as(struct http_request *r, struct chain *out,
                          struct http_subrequest *s, str_t uri, str_t args);
