/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the ways of sticky.
 */
#pragma once

#include "core/upstream/group.h"
#include "modules/module.h"

/* The attributes of sticky cookie. */
struct sticky_cookie {
    str_t        name;
    uint64_t     expires; /* seconds; 0: with the session                    */
    bool         is_for_long; /* expires=max                                  */
    bool         is_httponly, is_secure;
    struct expr *domain, *path, *samesite; /* NULL: none                     */
};

/* The cookie of the peer with that id. */
str_t sticky_cookie_text(struct task *t, const struct sticky_cookie *c,
                         str_t id);

/* Those of sticky learn, and whose they are: each is one group's. */
struct sticky_zone {
    const struct zone_conf *in;
    str_t                   user;
};
struct sticky_zones {
    VEC(struct sticky_zone) all;
};

extern struct module sticky_module;
extern const struct binding sticky_learn;

/* "sticky learn ..." of the group at hand: NULL or the message. */
const char *sticky_learn_parse(struct conf *cf, struct upstream_group *g);

/* The first of the values that is not empty. */
str_t sticky_first(const struct expr_list *list, struct task *t);
