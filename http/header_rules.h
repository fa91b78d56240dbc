/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that set and clear fields by their names, as the arguments of
 * directives give them:
 *
 *     -s "404 410" -t text/html "X-Robots: none" "X-Page: $uri" X-Powered-By
 *
 * "Name: value" sets, "Name:" and "Name" clear; a name that ends with "*" is
 * meant of all that begin so.  Nothing here knows requests or responses.
 */
#pragma once

#include "http/field.h"

struct expr;

enum header_rules_kind {
    HEADER_RULES_CLEAR = 1, /* values are not looked at                      */
    HEADER_RULES_INPUT = 2, /* -r, but neither -s nor -a                     */
};

struct header_rule {
    str_t         name;    /* of a wildcard: without the "*"                 */
    enum field_id id;      /* FIELD_UNKNOWN for wildcards                    */
    bool          is_wild;
    str_t         text;    /* the value as given; empty: clear               */
    struct expr  *value;   /* of the caller                                  */
};

/* What one directive says. */
struct header_rules {
    VEC(struct header_rule) list;
    VEC(unsigned) statuses; /* none: any                                     */
    VEC(str_t)    types;    /* none: any                                     */
    bool appends;           /* -a: beside those that are there               */
    bool only_replaces;     /* -r: only where there is one                   */
};

/* Reads the arguments (args[0] is the directive's name) into zeroed rules,
 * whose texts lie in those of the arguments; kind is of enum
 * header_rules_kind.  NULL, or a message in a. */
const char *header_rules_parse(struct arena *a, struct header_rules *rules,
                               unsigned kind, const str_t *args, size_t n);

/* Whether the directive is for responses with that status. */
bool header_rules_have_status(const struct header_rules *rules,
                              unsigned status);
/* ... and for messages of that type. */
bool header_rules_have_type(const struct header_rules *rules, str_t type);

/* Applies one rule of the directive with the value that its text has got.
 * The first field of the name keeps its place and gets the value, the others
 * are hidden; an empty value hides all.  The value is cleaned. */
void header_rule_apply(struct arena *a, struct fields *f,
                       const struct header_rules *rules,
                       const struct header_rule *rule, str_t value);

/* Gives the fields a list of their own, where they share one with another
 * request. */
void header_rules_detach(struct arena *a, struct fields *f);
