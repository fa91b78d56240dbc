/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking an OCSP responder by HTTP/1.1 (RFC 6960, appendix A).  The time that
 * it takes and the size of what comes are limited; what fails is logged.
 */
#pragma once

#include "core/conf/generation.h"
#include "core/event/task.h"
#include "core/net/resolver.h"
#include "core/tls/ocsp.h"

struct conf_page;
struct link;
struct ocsp_reply;

enum { RESPONDER_MS = 30000 }; /* the longest time for a question            */

struct responder_ask {
    struct task                  task;
    const struct ocsp_responder *to;          /* copied, as request is       */
    const char                  *certificate; /* the file that it is about, for
                                                 the log; or NULL            */
    str_t                        request; /* DER                             */
    /* It is over; called once, from the loop.  Behind it, this is gone at the
     * end of the turn. */
    void (*on_done)(struct responder_ask *);
    str_t                        answer;  /* DER; p NULL: none, logged       */
    bool                         is_over;
    void                        *owner;   /* the caller's                    */

    struct log                   log;
    struct log_frame             frame;
    struct lookup                lookup;
    struct addr_any             *at;
    size_t                       n, next; /* the address to be tried next    */
    str_t                        peer;    /* that is being asked             */
    struct link                 *link;    /* NULL: none is open              */
    struct ocsp_reply           *reply;
    struct timer                 deadline;
    struct post                  reap;
    unsigned                     state;
    bool                         is_spare;
};

/* Asks under g, with the resolver that is in force where conf is.  Nothing is
 * called before the loop goes on: by then the caller has set on_done and, if
 * need be, certificate.  is_spare: gives way to clients, and to the end of the
 * worker. */
struct responder_ask *responder_ask(struct generation       *g,
                                    struct conf_page *const *conf,
                                    const struct log        *log,
                                    const struct ocsp_responder *to,
                                    str_t request, bool is_spare);
/* Nobody wants to know any more: on_done is not called. */
void responder_cancel(struct responder_ask *a);
