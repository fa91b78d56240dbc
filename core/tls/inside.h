/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to core/tls: what a TLS connection has besides its struct conn.
 */
#pragma once

#include "core/tls/tls.h"

struct tls {
    SSL                     *ssl;     /* NULL: before the ClientHello        */
    struct tls_context      *context; /* a reference, with ssl               */
    const struct tls_server *server;  /* NULL: we are the client             */
    struct block            *in;      /* read, and not taken by OpenSSL      */
    struct block            *out;     /* records that the socket did not take */
    str_t                    name;    /* SNI of the client, on the heap      */
    uint32_t                 in_at, in_n, out_at, out_n; /* bytes of these   */
    uint32_t                 owed;    /* bytes of conn.out that are in
                                         records already                     */
    bool is_eof : 1;
    bool is_open : 1;   /* the handshake is over                             */
    bool is_broken : 1;
    bool is_plain : 1;  /* the client does not speak TLS                     */
};
