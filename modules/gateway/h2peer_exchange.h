/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/2 for the gateway engine: what the protocols that speak it share.
 */
#pragma once

#include "http/gateway/gateway.h"
#include "http/h1/response.h"
#include "modules/gateway/h2peer_fields.h"
#include "modules/gateway/h2peer_link.h"
#include "modules/gateway/set_headers.h"

/* Rows of templates whose base is a struct gateway_conf. */
extern const struct directive h2peer_rows[];

/* Of a try: the first member of a protocol's state. */
struct h2peer_try {
    struct h1_response head;
    bool               is_head;   /* the method is HEAD                      */
    bool               in_fields; /* a head has begun                        */
    bool               has_head;
    size_t             left; /* of the present record                   */
    const struct set_headers *headers; /* that are set                      */
    /* Takes a part of the body, instead of exchange_body.  False: it is
     * invalid, logged. */
    bool (*on_data)(struct exchange *x, str_t data);
};

/* The own of a protocol: what is different in its requests. */
struct h2peer_request {
    /* Lists what the head has; false: a value could not be evaluated.  The list
     * has an arena. */
    bool (*list)(struct gateway *g, struct h2peer_fields *list);
    const struct module *headers; /* whose conf is the fields that are set   */
};

/* For protocols: STEP_FAIL: a head cannot be made, or is too long. */
enum step h2peer_encode_head(struct exchange *x, struct chain *out);
enum step h2peer_describe(struct exchange *x, struct chain *out);
enum step h2peer_encode_body(struct exchange *x, struct chain *in,
                             struct chain *out, bool last);
enum step h2peer_decode(struct exchange *x, struct buf *in);
/* Behind a head: whether that was all of the response. */
bool      h2peer_has_ended(const struct buf *in);
enum step h2peer_decode_eof(struct exchange *x);
