/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conf of more_set_headers and its siblings: a list of rules for each
 * directive, with compiled values.  Rules of outer blocks come first, so that
 * inner ones override them.
 */
#pragma once

#include "http/header_rules.h"
#include "modules/module.h"

/* One directive. */
struct more_rules {
    struct header_rules   rules;
    const struct setting *setting; /* where it is set                        */
};

struct more_list {
    VEC(struct more_rules) list;
};

/* The conf of both modules, for responses and for requests. */
struct more_conf {
    struct more_list        own; /* of this block                            */
    const struct more_conf *outer;
    struct more_list        all; /* in force, computed by more_ready         */
};

extern const struct conf_type more_rules_type; /* detail: unsigned, of enum
                                                  header_rules_kind          */
extern const struct conf_type more_outer_type;

extern const unsigned more_kinds[]; /* details: each is its own index        */

const char *more_ready(struct conf *cf, void *conf);

#define MORE_ROW(name, kind, ...)                                              \
    { name, IN_WEB | IN_IF | ROW_MANY, ARGS_1_OR_MORE, &more_rules_type,       \
      FIELD(struct more_conf, own, struct more_list), NULL, &more_kinds[kind], \
      __VA_ARGS__ }
/* No directive sets it: it only takes part in inheritance. */
#define MORE_OUTER                                                             \
    { "(outer rules)", ROW_LISTED, ARGS_0, &more_outer_type,                   \
      FIELD(struct more_conf, outer, const struct more_conf *), NULL, NULL,    \
      NULL, NULL }
