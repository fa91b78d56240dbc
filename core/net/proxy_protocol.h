/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing and writing the header of the PROXY protocol, versions 1 and 2, as
 * pure functions on bytes.
 */
#pragma once

#include <sys/socket.h>

#include "core/base/arena.h"
#include "core/base/parse.h"

enum { PROXY_PROTOCOL_MAX = 4096 }; /* the most bytes a header may have */

/* If the header does not describe a TCP connection (UNKNOWN, LOCAL, unix
 * sockets, UDP), everything is empty, and src_addr.p is NULL. */
struct proxy_protocol {
    str_t    src_addr, dst_addr; /* text: hexadecimal digits, "." and ":"    */
    uint16_t src_port, dst_port;
    str_t    tlvs;               /* raw TLV bytes of version 2               */
};

/* PARSE_OK: *used bytes were the header; texts are in a.  PARSE_AGAIN: more
 * bytes are needed.  PARSE_BAD: not a PROXY header. */
enum parse proxy_protocol_parse(struct arena *a, str_t in,
                                struct proxy_protocol *out, size_t *used);

/* The version 1 header for a connection from src to dst, whose families may
 * differ: it states that of src; at most 107 bytes. */
str_t proxy_protocol_v1(struct arena *a, const struct sockaddr *src,
                        const struct sockaddr *dst);

/* The same in version 2, with a checksum (a TLV of type 3); at most 59 bytes.
 * Where the families differ, both addresses are written as IPv6; where one is
 * no TCP address, the header says LOCAL. */
str_t proxy_protocol_v2(struct arena *a, const struct sockaddr *src,
                        const struct sockaddr *dst);

/* The first TLV of a type in tlvs: PARSE_OK, and *value points into tlvs;
 * PARSE_END: there is none; PARSE_BAD: an earlier one is cut off. */
enum parse proxy_protocol_tlv(str_t tlvs, unsigned type, str_t *value);
