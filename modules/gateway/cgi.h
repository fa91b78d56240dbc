/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses in the form of CGI, for the decoders of the protocols that carry
 * them: reports heads and bodies to the engine.
 */
#pragma once

#include "http/gateway/gateway.h"
#include "modules/gateway/cgi_head.h"

/* Of a try.  Zeroed memory is a new one. */
struct cgi_response {
    struct cgi_head head;
    uint64_t        left;       /* of the body, where has_length             */
    bool            has_head;
    bool            has_status; /* a status line gave it                     */
    bool            has_length; /* the head says it, or there is no body     */
    bool            is_silent;  /* HEAD, 204, 304: a body is dropped         */
};

/* Takes a part of the head from *in.  STEP_WAIT: it goes on; STEP_NEXT: it is
 * complete, and reported; STEP_FAIL: invalid, logged. */
enum step cgi_take_head(struct exchange *x, struct cgi_response *c, str_t *in);
/* Reports a part of the body, which points into the input of decode.  False:
 * there is more than was announced, logged; what is too much was dropped. */
bool cgi_take_body(struct exchange *x, struct cgi_response *c, str_t data);
/* Whether the body is shorter than was announced so far. */
static inline bool
cgi_lacks_body(const struct cgi_response *c)
{
    return c->has_length && c->left != 0;
}
/* decode and decode_eof of protocols whose responses have no framing, with a
 * struct cgi_response as the state of a try: a status line of HTTP may come
 * first, and the body goes to the end of the connection, or as far as its
 * length says. */
enum step cgi_decode(struct exchange *x, struct buf *in);
enum step cgi_decode_eof(struct exchange *x);
/* Headers that are not passed on by default. */
#define CGI_HIDDEN (FIELD_BIT(FIELD_STATUS) | GATEWAY_ORDERS)
