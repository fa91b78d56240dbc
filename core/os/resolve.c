/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getaddrinfo, with its list copied into an arena in the order that
 * configurations expect: IPv4 first, otherwise in the resolver's order.
 */
#include "core/os/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <strings.h>

enum { HOST_MAX = 256 };

static bool is_offline;


void
resolve_go_offline(void)
{
    is_offline = true;
}


bool
resolve_is_offline(void)
{
    return is_offline;
}


static bool
is_entry_of(const struct hostent *e, const char *name)
{
    char **alias;

    if (strcasecmp(e->h_name, name) == 0)
        return true;
    for (alias = e->h_aliases; *alias != NULL; alias++)
        if (strcasecmp(*alias, name) == 0)
            return true;
    return false;
}


/* The address of name as text: name itself if it is an address, that of the
 * hosts file, or the placeholder address. */
static void
stand_in(const char *name, char *digits, size_t room)
{
    const struct hostent *e;
    struct in6_addr       probe;

    snprintf(digits, room, "%s", name);
    if (inet_pton(AF_INET, name, &probe) == 1
        || inet_pton(AF_INET6, name, &probe) == 1)
        return;
    snprintf(digits, room, "192.0.2.1");
    sethostent(1);
    while ((e = gethostent()) != NULL) {
        if (is_entry_of(e, name)
            && inet_ntop(e->h_addrtype, e->h_addr_list[0], digits,
                         (socklen_t) room)
                   != NULL)
            break;
    }
    endhostent();
}


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
    char             name[HOST_MAX], digits[HOST_MAX];
    size_t           n = 0;

    if (host.n == 0 || host.n >= sizeof(name) || str_chr(host, '\0'))
        return 0;
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    hints.ai_flags = AI_ADDRCONFIG;
    if (is_offline) {
        hints.ai_flags = AI_NUMERICHOST;
        stand_in(name, digits, sizeof(digits));
    }
    if (getaddrinfo(is_offline ? digits : name, NULL, &hints, &list) != 0)
        return 0;

    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
        n++;
    *out = arena_array(a, union resolved, n);
    n = copy_family(*out, list, AF_INET, port);
    n += copy_family(*out + n, list, AF_INET6, port);
    freeaddrinfo(list);
    return n;
}
