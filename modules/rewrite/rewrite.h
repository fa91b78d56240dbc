/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of the rewrite module as they stand in a server, a location or an
 * if block: a list in the order of the configuration, with the lists of if
 * blocks inside of their rule.
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
    const struct var   *var;   /* of the first three                         */
    const struct expr  *value; /* to compare with, or the path               */
    const struct regex *regex;
};

struct rule {
    enum rule_kind      kind;
    const struct setting *setting; /* as it stands in the file               */
    /* rewrite: where to; set: the value; return: the text or URL, or NULL   */
    const struct expr  *to;
    const struct expr  *args;  /* rewrite: behind the "?", or NULL           */
    const struct regex *regex;
    const struct var   *var;   /* set */
    unsigned            status; /* return, and a rewrite that redirects; 0   */
    bool                keeps_args; /* the request's own are appended        */
    bool                has_mark;   /* "?" stands in a redirect's target     */
    bool                is_last;    /* nothing follows when it applied       */
    bool                is_break;   /* ... and no other location is sought   */

    struct condition            condition; /* if */
    const struct rules         *inner;     /* NULL: an empty block           */
    const struct http_location *location;  /* what holds then; NULL in servers */
};

struct rules {
    const struct conf_block *block; /* where they stand                      */
    VEC(struct rule)         list;
};

struct rewrite_conf {
    struct rules *rules;
    bool          log;
    bool          warns_uninitialized;
};

extern struct module rewrite_module;

/* A new rule at the end of a block's list, which is made when it is NULL. */
struct rule *rules_add(struct conf *cf, struct rules **rules,
                       enum rule_kind kind);

/* Runs a block's rules.  STEP_NEXT: on to the next phase (r->uri_changed says
 * whether a location is to be found again). */
enum step rules_run(struct http_request *r, const struct rules *rules);

/* Reads the condition of "if", parentheses and all; NULL or a message. */
const char *condition_parse(struct conf *cf, struct condition *c);
enum condition_verdict { CONDITION_FALSE, CONDITION_TRUE, CONDITION_ERROR };
/* value is what c->value says, where it is there. */
enum condition_verdict condition_holds(const struct condition *c,
                                       struct task *t, str_t value,
                                       bool is_logged);

/* A match, told in the log where rewrite_log is on.  Where there is none the
 * captures are empty afterwards. */
enum regex_verdict rewrite_match(const struct regex *re, struct task *t,
                                 str_t subject, bool is_logged);

extern const struct conf_type rewrite_rule_type;
extern const struct conf_type return_rule_type;
extern const struct conf_type set_rule_type;
extern const struct conf_type break_rule_type;
extern const struct conf_opener rewrite_server_if, rewrite_location_if;
