/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PROXY protocol's header, versions 1 and 2, read and written as a pure
 * function on bytes.
 */
#pragma once

#include <sys/socket.h>

#include "core/base/arena.h"
#include "core/base/parse.h"

enum { PROXY_PROTOCOL_MAX = 4096 }; /* the most bytes a header may have */

/* Where the header does not speak of a TCP connection (UNKNOWN, LOCAL, unix
 * sockets, UDP), all is empty, and src_addr.p is NULL. */
struct proxy_protocol {
    str_t    src_addr, dst_addr; /* text: hexadecimal digits, "." and ":"    */
    uint16_t src_port, dst_port;
    str_t    tlvs;               /* raw TLV bytes of version 2               */
};

/* PARSE_OK: *used bytes were the header; texts are in a.  PARSE_AGAIN: more
 * bytes are needed.  PARSE_BAD: not a PROXY header. */
enum parse proxy_protocol_parse(struct arena *a, str_t in,
                                struct proxy_protocol *out, size_t *used);

/* The version 1 line for a connection from src to dst, whose families may
 * differ: it names that of src; at most 107 bytes. */
str_t proxy_protocol_v1(struct arena *a, const struct sockaddr *src,
                        const struct sockaddr *dst);

/* The first TLV of a type among tlvs: PARSE_OK, and *value lies in tlvs;
 * PARSE_END: there is none; PARSE_BAD: one before it is cut off. */
enum parse proxy_protocol_tlv(str_t tlvs, unsigned type, str_t *value);
