/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose request it is, as the proxies on its way say it.
 */
#pragma once

#include "core/net/addr.h"
#include "http/request.h"

struct cidrs {
    VEC(struct cidr) list;
};

bool cidrs_match(const struct cidrs *c, const struct sockaddr *sa);

/* Where *at is one of the trusted proxies, puts the last address of value (a
 * list as in X-Forwarded-For, proxies having appended theirs) in its place;
 * with is_recursive goes on as long as that is trusted, too.  False: *at is
 * as it was.  A port behind an address is taken over. */
bool forwarded_addr(struct addr_any *at, str_t value,
                    const struct cidrs *trusted, bool is_recursive);

/* The address of a task's client, or that which trusted proxies give for it
 * in X-Forwarded-For (of HTTP requests). */
void forwarded_client(struct addr_any *out, struct task *t,
                      const struct cidrs *trusted, bool is_recursive);
