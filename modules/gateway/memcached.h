/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of the memcached module, which has two confs for the same
 * reason as fastcgi.h.
 */
#pragma once

#include "modules/gateway/pass.h"
#include "modules/module.h"

struct memcached_conf {
    struct gateway_conf gateway; /* first */
    uint64_t            gzip_flag;
};

struct memcached_target {
    struct pass_target to;
    struct expr       *key; /* $memcached_key                                */
};

struct memcached_pass {
    struct memcached_target target;
};

/* The data of a gateway. */
struct memcached_run {
    const struct memcached_target *target;
    str_t                          key; /* as it is sent                     */
};

extern struct module memcached_module, memcached_pass_module;
extern const struct gateway_protocol memcached_protocol;
/* For what is not asked for over a connection that others use, too. */
extern const struct gateway_protocol memcached_single;
