/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a TLS client says first, read before OpenSSL has seen it: which server
 * is meant decides with which settings the handshake is done.  A pure parser;
 * OpenSSL reads the same bytes again and judges them.
 */
#pragma once

#include "core/base/parse.h"
#include "core/base/str.h"

/* The most that a ClientHello may have here, with the heads of its records;
 * with post-quantum keys, those of browsers have about 2 KB. */
enum { TLS_HELLO_MAX = 16384 };

struct tls_hello {
    str_t name; /* SNI as it was sent, or STR_NONE: a pointer into the bytes */
    str_t alpn; /* the list of protocols, each behind a byte with its length;
                   or STR_NONE                                               */
    bool  has_early; /* it offers early data                                 */
    bool  wants_status; /* ... and asks for an OCSP response                 */
};

/* Reads the ClientHello at the start of in.  PARSE_OK; PARSE_AGAIN: it is not
 * complete; PARSE_BAD: it is none, or is not valid, which OpenSSL will tell
 * the client.  flat (TLS_HELLO_MAX bytes) is used where it comes in several
 * records, and out points into it then. */
enum parse tls_hello_parse(str_t in, char *flat, struct tls_hello *out);
