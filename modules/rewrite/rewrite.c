/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rewrite, if, set, return, break:
 *
 *     if ($http_user_agent ~ bot) { return 403; }
 *     rewrite ^/old/(.*)$ /new/$1 last;
 *
 * The rules of a server run before its locations are searched, those of a
 * location after it has been found.  They are not inherited: each block has
 * its own list.  rules.c reads them, run.c runs them.
 */
#include "modules/rewrite/rewrite.h"


/* Runs the rules of a block, if it has any of its own. */
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

    /* the location is looked up next in any case */
    r->uri_changed = false;
    return step;
}


static enum step
run_location(struct task *t)
{
    const struct http_request *r = http_of(t);

    /* outside of all locations: the server's rules have already run */
    return r->location == r->server->root ? STEP_NEXT
                                          : run(t, r->location->block);
}


#define RULE(n, args, type, syntax, says) \
    CUSTOM(n, IN_REWRITE | ROW_OWN | ROW_MANY, args, type, \
           struct rewrite_conf, rules, struct rules *, syntax, says)

static const struct directive directives[] = {
    RULE("rewrite", ARGS_2 | ARGS_3, rewrite_rule_type,
         "regex replacement [last | break | redirect | permanent]",
         "Changes the URI if the expression matches. last searches for a new "
         "location, break stays in this one, redirect (302) and permanent "
         "(301) answer at once, and so does a replacement that begins with "
         "http://, https:// or $scheme. The arguments are appended unless it "
         "ends with ?."),
    RULE("return", ARGS_1 | ARGS_2, return_rule_type,
         "code [text]\n"
         "code URL\n"
         "URL",
         "Ends the request with this code, a text, or a redirect; 444 closes "
         "the connection without a response."),
    RULE("set", ARGS_2, set_rule_type, "$variable value",
         "Sets a variable when the rules of its block run."),
    RULE("break", ARGS_0, break_rule_type, "",
         "Ends the rules of rewrite, set, if and return of this phase."),
    BLOCK("if", IN_SERVER, ARGS_1_OR_MORE, &rewrite_server_if, "(condition)",
          "Runs the rules in the block if the condition is true; in a "
          "location, the other directives in the block then apply too. "
          "Conditions: $variable, neither empty nor 0; = and != with a text; "
          "~ and ~* with an expression; -f, -d, -e and -x with a path; ! "
          "negates them."),
    BLOCK("if", IN_LOCATION, ARGS_1_OR_MORE, &rewrite_location_if,
          "(condition)",
          "Runs the rules in the block if the condition is true; in a "
          "location, the other directives in the block then apply too. "
          "Conditions: $variable, neither empty nor 0; = and != with a text; "
          "~ and ~* with an expression; -f, -d, -e and -x with a path; ! "
          "negates them."),
    FLAG("rewrite_log", IN_WEB | IN_SERVER_IF | IN_IF, struct rewrite_conf, log,
         "off", "Logs in the error log, at level notice, what rewrite does."),
    FLAG("uninitialized_variable_warn", IN_WEB | IN_SERVER_IF | IN_IF,
         struct rewrite_conf, warns_uninitialized, "on",
         "Whether the use of variables that have not been set is logged in "
         "the error log."),
    { .name = NULL },
};

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
