/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a response, as all versions of HTTP send it: which fields go
 * out, and in which order.  A version adds what says how it frames messages.
 */
#pragma once

#include "http/request.h"

struct reply_line {
    enum field_id id;
    str_t         value;
    bool is_clean; /* has no bytes that field_put_text would replace         */
};

enum { REPLY_LINES = 7 };

/* The fields that have members of their own in struct http_response come
 * first; those of r->out.fields follow, without hidden ones and without
 * location. */
struct reply_head {
    struct reply_line   at[REPLY_LINES];
    unsigned            n;
    unsigned            framing;  /* the index that the version's own are before */
    const struct field *location; /* stands in at[]; or NULL                 */
    char                length[20], modified[32]; /* texts of values         */
};

/* Whether a response with this status never has a body. */
bool reply_is_bodiless(unsigned status);

/* Collects the fields of r's response.  A Location of our own that is only a
 * path gets scheme, host and port, unless absolute_redirect is off; only then
 * it comes before the other fields. */
void reply_head_make(struct http_request *r, struct reply_head *h);
/* The bytes that "name: value" CR LF of all of them take, with r->out.fields. */
size_t reply_head_size(const struct http_request *r,
                       const struct reply_head *h);
