/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a name server answers (RFC 1035 section 4.1): the addresses of a name,
 * or the name that it is an alias of.  A pure function on bytes.
 */
#pragma once

#include "core/base/str.h"

enum {
    DNS_NAME_MAX = 255,      /* bytes of a name as text                      */
    DNS_ADDRESSES_MAX = 256, /* of an answer; what is more is left out       */
};

struct dns_answer {
    uint8_t  at[DNS_ADDRESSES_MAX][16]; /* of IPv4 four bytes, and zeros     */
    size_t   n;
    char     alias[DNS_NAME_MAX + 1]; /* where the last CNAME leads to, with a
                                         NUL; empty: there is none           */
    uint32_t ttl; /* seconds: the least of all records, aliases among them   */
};

/* Reads the answer to a question for addresses of a family (AF_INET,
 * AF_INET6).  False: broken. */
bool dns_answer_read(struct dns_answer *out, str_t packet, int family);
