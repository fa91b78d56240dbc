/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer of a name server (RFC 1035 section 4.1): the addresses of a name,
 * the hosts of a service (RFC 2782), or the name that it is an alias of.  A pure
 * function on bytes.
 */
#pragma once

#include "core/base/str.h"

enum {
    DNS_NAME_MAX = 255,      /* length of a name as text                     */
    DNS_ADDRESSES_MAX = 256, /* of an answer; further ones are ignored       */
    DNS_SERVICES_MAX = 64,   /* the same                                     */
};

/* The types of records that are asked for. */
enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33 };

struct dns_service {
    unsigned priority, weight, port;
    char     host[DNS_NAME_MAX + 1]; /* lower case, with a NUL               */
};

struct dns_answer {
    uint8_t  at[DNS_ADDRESSES_MAX][16]; /* for IPv4 four bytes, followed by
                                           zeros                             */
    size_t   n;
    struct dns_service service[DNS_SERVICES_MAX];
    size_t   n_services;
    char     alias[DNS_NAME_MAX + 1]; /* target of the last CNAME, with a
                                         NUL; empty: none                    */
    uint32_t ttl; /* seconds: the lowest of all records, aliases included    */
};

/* Reads the answer to a query for records of a type.  False: broken. */
bool dns_answer_read(struct dns_answer *out, str_t packet, enum dns_type type);
