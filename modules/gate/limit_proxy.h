/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether limits for each client count all of them as one, because a proxy is in
 * front that nobody has told realip of.
 *
 * This is certain enough when all requests that the process has limited so far
 * came from one address, which is no public one, with different clients in
 * X-Forwarded-For.  A single request from elsewhere, or without that header, as a
 * check on the machine itself would make, ends the search: there is no proxy, or
 * not for all.
 */
#pragma once

#include "core/net/addr.h"

enum {
    PROXY_REQUESTS = 100,       /* at least                                  */
    PROXY_REQUESTS_MAX = 10000, /* then it is given up                       */
    PROXY_CLIENTS = 8,
};

/* Zeroed: nothing has come so far. */
struct proxy_search {
    bool        is_over;
    struct addr peer;
    unsigned    requests, n;
    uint32_t    clients[PROXY_CLIENTS]; /* n different ones, by their hashes */
};

/* A request from peer; forwarded.p NULL: without the header.  True once: that
 * makes it certain. */
bool proxy_search_add(struct proxy_search *s, const struct addr *peer,
                      str_t forwarded);

/* No public address: this machine, or one of a private network. */
bool addr_is_private(const struct sockaddr *sa);
