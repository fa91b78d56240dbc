/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a request over HTTP/2, from fields as they are in HTTP/1: names
 * in lower case, what belongs to a connection left out, Host as :authority (RFC
 * 9113, 8.2 and 8.3).  What is no valid field is left out, too: nothing that
 * another hop could take for something else is passed on.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/vec.h"
#include "modules/gateway/h2peer_session.h"

struct h2peer_fields {
    struct arena *arena;
    VEC(struct h2peer_field) list;
    str_t   authority;
    int64_t length;  /* of the body; -1: not known                           */
    bool    has_length; /* content-length is in the list                     */
    bool    is_head;    /* the method is HEAD                                */
};

/* The pseudo-headers; :authority follows with the first Host. */
void h2peer_fields_begin(struct h2peer_fields *h, str_t method, str_t scheme,
                     str_t path, str_t authority);
/* Any other field.  Host sets :authority instead; Content-Length is left out
 * where it is not the length of the body. */
void h2peer_fields_add(struct h2peer_fields *h, str_t name, str_t value);
/* A trailer of the client's.  What steers a request is left out (RFC 9110,
 * 6.5.1). */
void h2peer_fields_add_trailer(struct h2peer_fields *h, str_t name,
                               str_t value);
/* The first one that is too long to be sent: NULL, or what it is ("URI"). */
const char *h2peer_fields_too_long(const struct h2peer_fields *h);
