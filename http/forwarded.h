/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of a request, according to the proxies on its way.
 */
#pragma once

#include "core/net/addr.h"
#include "http/request.h"

struct cidrs {
    VEC(struct cidr) list;
};

bool cidrs_match(const struct cidrs *c, const struct sockaddr *sa);

/* If *at is one of the trusted proxies, replaces it by the last address in
 * value (a list as in X-Forwarded-For, to which proxies append); with
 * is_recursive, repeats this as long as the new address is trusted, too.
 * False: *at is unchanged.  The port of an address is taken as well. */
bool forwarded_addr(struct addr_any *at, str_t value,
                    const struct cidrs *trusted, bool is_recursive);

/* The address of a task's client, or the one that trusted proxies give for it
 * in X-Forwarded-For (for HTTP requests). */
void forwarded_client(struct addr_any *out, struct task *t,
                      const struct cidrs *trusted, bool is_recursive);
