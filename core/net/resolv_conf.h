/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files by which a system looks names up: resolv.conf (name servers, where
 * short names are searched, options) and hosts.  Pure functions on text.
 */
#pragma once

#include "core/base/arena.h"
#include "core/net/addr.h"

enum {
    RESOLV_SERVERS_MAX = 8, /* further ones are ignored                      */
    RESOLV_SEARCH_MAX = 16,
    HOSTS_ADDRESSES_MAX = 32, /* of a name                                   */
};

struct resolv_conf {
    struct addr_any servers[RESOLV_SERVERS_MAX]; /* port 53                  */
    size_t          n_servers; /* at least one                               */
    str_t           search[RESOLV_SEARCH_MAX];
    size_t          n_search;
    unsigned        ndots;     /* a name with so many dots is asked for as it
                                  is, first                                  */
    unsigned        timeout, attempts; /* seconds; of each server            */
    bool            rotates;
};

/* Texts in out point into text.  Lines that are not understood are ignored, as
 * the system does. */
void resolv_conf_read(str_t text, struct resolv_conf *out);

/* The names to ask for in turn to find name, in a; their number. */
size_t resolv_conf_names(struct arena *a, const struct resolv_conf *c,
                         str_t name, str_t **out);

/* The addresses of name in a hosts file, without a port; at most
 * HOSTS_ADDRESSES_MAX. */
size_t hosts_find(str_t text, str_t name,
                  struct addr_any out[HOSTS_ADDRESSES_MAX]);
