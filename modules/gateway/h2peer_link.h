/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to a peer that speaks HTTP/2: a link that carries streams, each
 * of which is a link of its own for the exchange that uses it.
 */
#pragma once

#include "core/upstream/link.h"
#include "modules/gateway/h2peer_session.h"

/* The state of an inner link. */
struct h2peer_use {
    struct h2peer_stream stream;
    struct link     *link;
    bool             is_sent; /* nothing follows of the request's body        */
};

/* For connections. */
extern const struct link_protocol h2peer_link;

/* For the link of an exchange: sends the head of the request.  use->stream has
 * its limits set.  If the connection cannot take it any more, that is its end.
 */
void h2peer_link_open(struct link *l, const struct h2peer_field *fields,
                      size_t n, bool has_body);
/* What is in conn.out is the end of the request's body; these follow it, and
 * live as long as the use. */
void h2peer_link_last(struct link *l, const struct h2peer_field *trailers,
                      size_t n);
/* So many bytes of the body have been used. */
void h2peer_link_used(struct link *l, size_t n);
