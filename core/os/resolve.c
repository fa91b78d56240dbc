/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getaddrinfo, with its list copied into an arena in the order that
 * configurations expect: IPv4 first, the resolver's own order within.
 */
#include "core/os/resolve.h"

#include <netdb.h>

enum { HOST_MAX = 256 };


static size_t
copy_family(union resolved *to, const struct addrinfo *from, int family,
            unsigned port)
{
    size_t n = 0;

    for (; from != NULL; from = from->ai_next) {
        if (from->ai_family != family || from->ai_addrlen > sizeof(*to))
            continue;
        memset(&to[n], 0, sizeof(to[n]));
        memcpy(&to[n], from->ai_addr, from->ai_addrlen);
        if (family == AF_INET)
            to[n].in4.sin_port = htons((uint16_t) port);
        else
            to[n].in6.sin6_port = htons((uint16_t) port);
        n++;
    }
    return n;
}


size_t
resolve_host(struct arena *a, str_t host, unsigned port, union resolved **out)
{
    struct addrinfo hints
        = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    char             name[HOST_MAX];
    size_t           n = 0;

    if (host.n == 0 || host.n >= sizeof(name) || str_chr(host, '\0'))
        return 0;
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    hints.ai_flags = AI_ADDRCONFIG;
    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return 0;

    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
        n++;
    *out = arena_array(a, union resolved, n);
    n = copy_family(*out, list, AF_INET, port);
    n += copy_family(*out + n, list, AF_INET6, port);
    freeaddrinfo(list);
    return n;
}
