/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of the rewrite module.  A server, location or if block has a list
 * of them, in the order of the configuration; the list of an if block is part
 * of the rule for the if.
 */
#pragma once

#include "modules/module.h"

struct rules;

enum rule_kind { RULE_REWRITE, RULE_SET, RULE_IF, RULE_RETURN, RULE_BREAK };

enum test {
    TEST_TRUE,     /* neither empty nor "0"                                  */
    TEST_EQUAL,
    TEST_MATCH,
    TEST_FILE,
    TEST_FOLDER,
    TEST_EXISTS,
    TEST_EXECUTABLE,
};

struct condition {
    enum test           test;
    bool                is_negated;
    const struct var   *var;   /* of the first three tests                   */
    const struct expr  *value; /* to compare with, or the path               */
    const struct regex *regex;
};

struct rule {
    enum rule_kind      kind;
    const struct setting *setting; /* where it is set                        */
    /* rewrite: the target; set: the value; return: the text or URL, or NULL */
    const struct expr  *to;
    const struct expr  *args;  /* rewrite: after the "?", or NULL            */
    const struct regex *regex;
    const struct var   *var;   /* set */
    unsigned            status; /* of return and redirects, or 0             */
    bool                keeps_args; /* append those of the request           */
    bool                has_mark;   /* a redirect's target has a "?"         */
    bool                is_last;    /* ends the list when it applies         */
    bool                is_break;   /* ... and stays in the location         */

    struct condition            condition; /* if */
    const struct rules         *inner;     /* NULL: an empty block           */
    const struct http_location *location;  /* in force; NULL in servers        */
};

struct rules {
    const struct conf_block *block; /* that they belong to                   */
    VEC(struct rule)         list;
};

struct rewrite_conf {
    struct rules *rules;
    bool          log;
    bool          warns_uninitialized;
};

extern struct module rewrite_module;

/* Runs a block's rules.  STEP_NEXT: go on to the next phase (if r->uri_changed
 * is set, look up the location again). */
enum step rules_run(struct http_request *r, const struct rules *rules);

/* Reads the condition of "if", including the parentheses; returns NULL or an
 * error message. */
const char *condition_parse(struct conf *cf, struct condition *c);
enum condition_verdict { CONDITION_FALSE, CONDITION_TRUE, CONDITION_ERROR };
/* value is the evaluated c->value, if the condition has one. */
enum condition_verdict condition_holds(const struct condition *c,
                                       struct task *t, str_t value,
                                       bool is_logged);

/* Matches, and logs the outcome if rewrite_log is on.  When it does not match,
 * the captures are cleared. */
enum regex_verdict rewrite_match(const struct regex *re, struct task *t,
                                 str_t subject, bool is_logged);

extern const struct conf_type rewrite_rule_type;
extern const struct conf_type return_rule_type;
extern const struct conf_type set_rule_type;
extern const struct conf_type break_rule_type;
extern const struct conf_opener rewrite_server_if, rewrite_location_if;
