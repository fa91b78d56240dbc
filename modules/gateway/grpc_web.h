/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gRPC-Web: gRPC as a browser can have it.  Trailers are the last message of
 * the body, and with "-text" bodies are in base64.  Pure functions.
 */
#pragma once

#include "core/base/str.h"

enum grpc_web { GRPC_WEB_NONE, GRPC_WEB_BINARY, GRPC_WEB_TEXT };

/* The kind of a request with that Content-Type; *rest is what follows the name
 * ("+proto"), or empty. */
enum grpc_web grpc_web_kind(str_t type, str_t *rest);
/* Whether it is application/grpc or one of its kinds. */
bool grpc_is_type(str_t type, str_t *rest);

/* A decoder of base64 in pieces, each of which may end with "="; zeroed memory
 * is a new one. */
struct grpc_decoder {
    unsigned bits, n; /* of the present group: bits, characters               */
    unsigned padding;
};

enum { GRPC_WEB_TRAILERS = 0x80, GRPC_PREFIX = 5 };

/* Where in a row of messages its bytes end; zeroed: in front of one. */
struct grpc_place {
    unsigned n;    /* bytes of a prefix that is not whole                    */
    uint32_t left; /* of the present message                                 */
};

void grpc_place_move(struct grpc_place *p, str_t bytes);
/* Whether a message may follow. */
bool grpc_place_is_between(const struct grpc_place *p);

/* Decodes in to out, which has room for 3 / 4 of it and 3 more bytes.  Returns
 * the end; NULL: it is not base64. */
char *grpc_web_decode(struct grpc_decoder *d, char *out, str_t in);
/* Whether all that came was whole. */
bool grpc_web_is_whole(const struct grpc_decoder *d);
