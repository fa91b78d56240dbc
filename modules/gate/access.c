/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allow and deny: the first rule whose network contains the client's address
 * decides.
 *
 *     location /admin { allow 10.0.0.0/8; deny all; }
 */
#include "core/net/addr.h"
#include "http/settings.h"
#include "modules/module.h"

struct rule {
    struct cidr           network;
    bool                  is_deny;
    const struct setting *setting; /* where it is set                        */
};

struct access_conf {
    VEC(struct rule) rules;
};

extern struct module access_module;


static enum step
refuse(struct task *t)
{
    const struct http_access_conf *satisfy;

    if (t->kind == FOR_HTTP) {
        satisfy = conf_of(t, &http_satisfy_module);
        if (satisfy->satisfy == SATISFY_ANY)
            return task_fail(t, 403);
    }
    log_error(t->log, "access forbidden by rule");
    return task_fail(t, 403);
}


static enum step
check_access(struct task *t)
{
    const struct access_conf *conf = conf_of(t, &access_module);

    VEC_EACH(&conf->rules, it) {
        if (!cidr_match(&it->network, &t->peer->sa))
            continue;
        if (task_is_dry(t))
            trace_setting(t, TRACE_ACCESS, "decided", it->setting,
                          "the first rule that holds the client");
        return it->is_deny ? refuse(t) : STEP_ACCEPT;
    }
    return STEP_NEXT;
}


static const char *
parse_rule(struct conf *cf, void *field)
{
    struct access_conf *conf = field;
    struct rule         rule = { .is_deny = str_is(cf->args[0], "deny"),
                                 .setting = cf->block->settings };
    str_t               text = cf->args[1];

    if (str_is(text, "all"))
        rule.network.family = AF_UNSPEC;
    else if (!conf_cidr(cf, text, &rule.network))
        return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(text));
    *vec_push(cf->arena, &conf->rules) = rule;
    return NULL;
}


static const struct conf_type access_rule = {
    .name = "access rule",
    .size = sizeof(struct access_conf),
    .parse = parse_rule,
};

enum {
    HERE = IN_WEB | IN_LIMIT_EXCEPT | IN_STREAM | IN_STREAM_SERVER | ROW_MANY
};

/* both rows fill the same list, so that they are inherited together */
static const struct directive directives[] = {
    { "allow", HERE, ARGS_1, &access_rule, 0, NULL, NULL,
      "address | CIDR | unix: | all",
      "Allows clients of this address or network. The first allow or deny "
      "that matches decides. A block with one of them inherits none from "
      "outer blocks." },
    { "deny", HERE, ARGS_1, &access_rule, 0, NULL, NULL,
      "address | CIDR | unix: | all",
      "Answers 403 to clients of this address or network. The first allow or "
      "deny that matches decides. A block with one of them inherits none from "
      "outer blocks." },
    { .name = NULL },
};

struct module access_module = {
    .name = "access",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
    .conf_size = sizeof(struct access_conf),
    .phase = { [PHASE_ACCESS] = check_access },
};
