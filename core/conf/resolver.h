/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives "resolver" and "resolver_timeout", for whatever looks names
 * up.
 */
#pragma once

#include "core/conf/module.h"
#include "core/base/number.h"

struct resolver;

struct resolver_conf {
    struct resolver *resolver; /* NULL: none is defined                      */
    msec_t           timeout;
    msec_t           ttl_min, ttl_max;
};

/* What status_zone= names; each once, in the generation's list. */
struct resolver_zone {
    struct resolver_zone *next;
    str_t                 name;
};

/* Rows of a template for a struct resolver_conf; the prefix is "". */
extern const struct directive resolver_rows[];
