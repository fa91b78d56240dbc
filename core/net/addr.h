/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket addresses: text forms, comparison, and the "host:port" of listen,
 * proxy_pass and server lines.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/base/arena.h"

/* The compact form that a connection keeps.  Of a unix address, only the
 * family is kept. */
struct addr {
    union {
        struct sockaddr     sa;
        struct sockaddr_in  in4;
        struct sockaddr_in6 in6;
    };
};

/* Any address, with its length. */
struct addr_any {
    socklen_t len;
    union {
        struct sockaddr     sa;
        struct sockaddr_in  in4;
        struct sockaddr_in6 in6;
        struct sockaddr_un  un;
    };
};

enum { ADDR_TEXT = 120 }; /* room for any text of an address with its port */

/* "127.0.0.1", "::1" (with brackets only if there is a port: "[::1]:80"),
 * "unix:" or "unix:/path".  Returns the length. */
size_t addr_text(char *out, const struct sockaddr *sa, socklen_t len,
                 bool with_port);
unsigned addr_port(const struct sockaddr *sa); /* host byte order; 0 for
                                                  unix                       */
socklen_t addr_len(const struct sockaddr *sa); /* of the whole structure     */
void     addr_set_port(struct sockaddr *sa, unsigned port);
bool     addr_same(const struct sockaddr *a, const struct sockaddr *b,
                   bool with_port);
/* The raw bytes of the address: 4, 16, or "unix:" for unix sockets. */
str_t    addr_bytes(const struct sockaddr *sa);
bool     addr_is_wildcard(const struct sockaddr *sa);
bool     addr_is_loopback(const struct sockaddr *sa); /* 127.0.0.0/8, ::1 */

/* A numeric address ("1.2.3.4", "::1", "[::1]") without a port. */
bool addr_parse(str_t text, struct addr_any *out);

/* A network "10.0.0.0/8", "2001:db8::/32", "::1", "unix:". */
struct cidr {
    sa_family_t   family; /* AF_UNSPEC: all                                  */
    unsigned char addr[16], mask[16];
};
enum cidr_verdict { CIDR_OK, CIDR_LOW_BITS, CIDR_BAD };
/* CIDR_LOW_BITS: parsed, but bits beyond the mask were set (and dropped). */
enum cidr_verdict cidr_parse(str_t text, struct cidr *out);
/* The network that contains only this address. */
struct cidr cidr_of(const struct sockaddr *sa);
/* IPv4-mapped IPv6 addresses match IPv4 networks. */
bool cidr_match(const struct cidr *c, const struct sockaddr *sa);

/*
 * An endpoint as written in a configuration: "host", "host:port", "*:80", "80"
 * (listen only), "[::1]:80", "unix:/path", ports as ranges "80-90" (listen
 * only), each optionally followed by "/uri" (uri_part).
 */
struct endpoint {
    str_t            host;     /* without the port; brackets kept            */
    str_t            port_text;
    unsigned         port;     /* default_port if none was given             */
    unsigned         last_port; /* of a range; otherwise = port              */
    bool             no_port;  /* none was given                             */
    bool             is_unix;
    str_t            uri;      /* what follows host:port, from "/" (or "?")  */
    size_t           n;        /* addresses, once resolved                   */
    struct addr_any *at;
    str_t           *names;    /* their texts with port, for the log         */
};

enum endpoint_flag {
    ENDPOINT_LISTEN = 1,   /* "80", "*", ranges                              */
    ENDPOINT_URI = 2,      /* a uri part may follow                          */
    ENDPOINT_RESOLVE = 4,  /* look names up now (blocking; configuration
                              time only)                                     */
};

/* NULL, or an error in nginx's words: "invalid host", "invalid port", "no
 * host", "no path in the unix domain socket", "too long path in the unix
 * domain socket", "invalid port range", "invalid IPv6 address", "host not
 * found".  Without ENDPOINT_RESOLVE, a name leaves n 0.  host keeps its
 * brackets; for a unix socket, it is the path.  A range has an address for
 * each of its ports.  The strings point into text. */
const char *endpoint_parse(struct arena *a, str_t text, unsigned default_port,
                           unsigned flags, struct endpoint *out);
/* Looks up, now, a name that was parsed without ENDPOINT_RESOLVE.  NULL, or
 * "host not found". */
const char *endpoint_resolve(struct arena *a, struct endpoint *e);
/* Gives e these addresses, with its port unless they have one of their own. */
void endpoint_set(struct arena *a, struct endpoint *e,
                  const struct addr_any *at, size_t n);
