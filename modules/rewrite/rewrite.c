/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rewrite, if, set, return, break:
 *
 *     if ($http_user_agent ~ bot) { return 403; }
 *     rewrite ^/old/(.*)$ /new/$1 last;
 *
 * The rules of a server run before its locations are looked at, those of a
 * location when it has been found.  They are not handed down: each block has
 * its own list.  rules.c reads them, run.c runs them.
 */
#include "modules/rewrite/rewrite.h"


/* The rules of a block, if it has any of its own. */
static enum step
run(struct task *t, const struct conf_block *block)
{
    const struct rewrite_conf *conf = conf_of(t, &rewrite_module);

    if (conf->rules == NULL || conf->rules->block != block)
        return STEP_NEXT;
    return rules_run(http_of(t), conf->rules);
}


static enum step
run_server(struct task *t)
{
    struct http_request *r = http_of(t);
    enum step            step = run(t, r->server->block);

    /* the location is sought next in any case */
    r->uri_changed = false;
    return step;
}


static enum step
run_location(struct task *t)
{
    const struct http_request *r = http_of(t);

    /* outside of all locations: the server's list has been run */
    return r->location == r->server->root ? STEP_NEXT
                                          : run(t, r->location->block);
}


#define RULE(n, args, type) \
    CUSTOM(n, IN_REWRITE | ROW_OWN | ROW_MANY, args, type, \
           struct rewrite_conf, rules, struct rules *)

static const struct directive directives[]
    = { RULE("rewrite", ARGS_2 | ARGS_3, rewrite_rule_type),
        RULE("return", ARGS_1 | ARGS_2, return_rule_type),
        RULE("set", ARGS_2, set_rule_type),
        RULE("break", ARGS_0, break_rule_type),
        BLOCK("if", IN_SERVER, ARGS_1_OR_MORE, &rewrite_server_if),
        BLOCK("if", IN_LOCATION, ARGS_1_OR_MORE, &rewrite_location_if),
        FLAG("rewrite_log", IN_WEB | IN_SERVER_IF | IN_IF, struct rewrite_conf,
             log, "off"),
        FLAG("uninitialized_variable_warn", IN_WEB | IN_SERVER_IF | IN_IF,
             struct rewrite_conf, warns_uninitialized, "on"),
        { .name = NULL } };

struct module rewrite_module = {
    .name = "rewrite",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct rewrite_conf),
    .phase = {
        [PHASE_SERVER_REWRITE] = run_server,
        [PHASE_REWRITE] = run_location,
    },
};
