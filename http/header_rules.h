/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that set and clear fields by name, as given in the arguments of
 * directives:
 *
 *     -s "404 410" -t text/html "X-Robots: none" "X-Page: $uri" X-Powered-By
 *
 * "Name: value" sets a field, "Name:" and "Name" clear it; a name that ends
 * with "*" applies to all names with that prefix.  Nothing here knows about
 * requests or responses.
 */
#pragma once

#include "http/field.h"

struct expr;

enum header_rules_kind {
    HEADER_RULES_CLEAR = 1, /* values are ignored                            */
    HEADER_RULES_INPUT = 2, /* -r is allowed, but not -s and -a              */
};

struct header_rule {
    str_t         name;    /* of a wildcard: without the "*"                 */
    enum field_id id;      /* FIELD_UNKNOWN for wildcards                    */
    bool          is_wild;
    str_t         text;    /* the value as given; empty: clear               */
    struct expr  *value;   /* set by the caller                              */
};

/* The rules of one directive. */
struct header_rules {
    VEC(struct header_rule) list;
    VEC(unsigned) statuses; /* empty: any status                             */
    VEC(str_t)    types;    /* empty: any type                               */
    bool appends;           /* -a: add, keep existing fields                 */
    bool only_replaces;     /* -r: only replace existing fields              */
};

/* Reads the arguments (args[0] is the directive's name) into zeroed rules,
 * whose strings point into the arguments; kind is of enum header_rules_kind.
 * NULL, or a message in a. */
const char *header_rules_parse(struct arena *a, struct header_rules *rules,
                               unsigned kind, const str_t *args, size_t n);

/* Whether the directive applies to responses with that status. */
bool header_rules_have_status(const struct header_rules *rules,
                              unsigned status);
/* ... and to messages of that type. */
bool header_rules_have_type(const struct header_rules *rules, str_t type);

/* Applies one rule of the directive; value is the result of its text.  The
 * first field of that name keeps its place and gets the value, the others are
 * hidden; an empty value hides all.  Line ends in value are replaced. */
void header_rule_apply(struct arena *a, struct fields *f,
                       const struct header_rules *rules,
                       const struct header_rule *rule, str_t value);

/* Gives the fields a list of their own if they share it with another
 * request. */
void header_rules_detach(struct arena *a, struct fields *f);
