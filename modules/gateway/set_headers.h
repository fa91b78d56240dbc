/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The headers of requests to an upstream that speaks HTTP, of whichever version:
 * PREFIX_set_header, and those of the client that are passed on.
 */
#pragma once

#include "http/gateway/gateway.h"
#include "modules/gateway/h2peer_fields.h"

/* PREFIX_set_header. */
struct set_field {
    str_t         name;
    struct expr  *value;
    enum field_id id;
};

struct set_fields {
    VEC(struct set_field) list;
};

struct set_headers {
    struct set_fields set;
    /* Computed by ready as bits (set_field_bit): the headers that are set,
     * and the client's headers that are not passed on. */
    uint64_t     sets, replaces;
    struct hash *replaced; /* other names, or NULL                           */
};

static inline uint64_t
set_field_bit(enum field_id id)
{
    return (uint64_t) 1 << id;
}

static const uint64_t set_of_upgrades = (uint64_t) 1 << FIELD_UPGRADE
                                        | (uint64_t) 1 << FIELD_CONNECTION;

/* The parse function of the directive's type; the field is a set_fields. */
const char *set_headers_parse(struct conf *cf, void *field);
/* The ready function of a module whose conf is a set_headers. */
const char *set_headers_ready(struct conf *cf, void *conf);

/* The values, in the order of the list; NULL: one could not be evaluated. */
const str_t *set_headers_values(struct gateway *g, const struct set_headers *h);

/* The fields of a request's head, as text or as a list.  Text begins in memory
 * of its owner, and goes to the arena where that is not enough. */
struct head_text {
    char                 *p;
    size_t                n, room;
    struct arena         *arena;
    struct h2peer_fields *list; /* NULL: text                                */
};

/* Where n bytes more are to be written: they count already. */
char *head_more(struct head_text *t, size_t n);
void  head_put_field(struct head_text *t, str_t name, str_t value);
/* The headers that are set.  Empty ones are left out, except Host, which every
 * request needs: host.  Those of set_of_upgrades are, if it upgrades. */
void head_put_set(struct head_text *t, const struct set_headers *h, str_t host,
                  const str_t *values, bool upgrades);
/* ... and those of the client, or of what a cache revalidates. */
void head_put_passed(struct head_text *t, const struct set_headers *h,
                     const struct gateway *g);
/* The client's trailers, but for what is set: a trailer does not get round
 * that. */
void set_headers_trailers(struct h2peer_fields *list,
                          const struct set_headers *h,
                          const struct http_request *r);
