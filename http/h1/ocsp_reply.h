/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an OCSP responder sends: an HTTP/1 response, whose body is the answer.
 * Bytes in, the answer out; what is wrong is logged.
 */
#pragma once

#include "core/base/arena.h"
#include "core/log/log.h"
#include "http/h1/response.h"

enum {
    OCSP_REPLY_MAX = 32768, /* the largest answer, in bytes                  */
    OCSP_REPLY_HEAD = 16384, /* besides it                                   */
};

/* Zeroed, with an arena, is a new one. */
struct ocsp_reply {
    struct arena      *arena;
    struct h1_response response;
    char              *body;
    size_t             n;     /* bytes of it so far                          */
    size_t             total; /* bytes of all that was taken                 */
};

/* Takes what it can off *in; the rest is to be there again, with more.
 * PARSE_OK: the answer is in body; PARSE_AGAIN; PARSE_BAD: logged. */
enum parse ocsp_reply_take(struct ocsp_reply *r, str_t *in,
                           const struct log *log);
/* The same when no more will come; never PARSE_AGAIN. */
enum parse ocsp_reply_eof(struct ocsp_reply *r, const struct log *log);
