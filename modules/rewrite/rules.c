/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the rules of the rewrite module.
 */
#include "modules/rewrite/rewrite.h"


/* Appends a rule to a block's list, and creates the list if it is NULL. */
static struct rule *
add_rule(struct conf *cf, struct rules **rules, enum rule_kind kind)
{
    struct rule *rule;

    if (*rules == NULL) {
        *rules = arena_make(cf->arena, struct rules);
        (*rules)->block = cf->block;
    }
    rule = vec_push(cf->arena, &(*rules)->list);
    rule->kind = kind;
    rule->setting = cf->block->settings;
    return rule;
}


static bool
is_url(str_t s)
{
    return str_starts(s, STR("http://")) || str_starts(s, STR("https://"))
           || str_starts(s, STR("$scheme"));
}


static const char *
parse_flag(struct conf *cf, struct rule *rule, str_t flag)
{
    static const char *const flags[]
        = { "last", "break", "redirect", "permanent", NULL };

    rule->is_last = true;
    if (str_is(flag, "last"))
        return NULL;
    if (str_is(flag, "break")) {
        rule->is_break = true;
        return NULL;
    }
    if (str_is(flag, "redirect")) {
        rule->status = 302;
        return NULL;
    }
    if (str_is(flag, "permanent")) {
        rule->status = 301;
        return NULL;
    }
    conf_suggest(cf, flag, flags);
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(flag));
}


/* Splits the target into path and arguments; that of a redirect stays
 * whole. */
static const char *
parse_target(struct conf *cf, struct rule *rule, str_t to)
{
    const char *error = NULL, *mark;

    rule->keeps_args = true;
    if (to.n != 0 && to.p[to.n - 1] == '?') {
        rule->keeps_args = false;
        to.n--;
    }

    mark = str_chr(to, '?');
    rule->has_mark = mark != NULL;
    if (mark != NULL && rule->status == 0) {
        rule->args
            = expr_compile(cf, str_span(mark + 1, to.p + to.n), 0, &error);
        if (rule->args == NULL)
            return conf_error(cf, "%s", error);
        to.n = (size_t) (mark - to.p);
    }
    rule->to = expr_compile(cf, to, 0, &error);
    return rule->to ? NULL : conf_error(cf, "%s", error);
}


static const char *
parse_rewrite(struct conf *cf, void *field)
{
    struct rule rule = { .kind = RULE_REWRITE, .setting = cf->block->settings };
    const char *error = NULL;
    str_t       to = cf->args[2];

    if (to.n == 0)
        return conf_error(cf, "empty replacement");
    rule.regex = regex_compile(cf, cf->args[1], 0, &error);
    if (rule.regex == NULL)
        return conf_error(cf, "%s", error);

    if (is_url(to)) {
        rule.status = 302;
        rule.is_last = true;
    }
    if (cf->n_args == 4)
        error = parse_flag(cf, &rule, cf->args[3]);
    if (error == NULL)
        error = parse_target(cf, &rule, to);
    if (error == NULL)
        *add_rule(cf, field, RULE_REWRITE) = rule;
    return error;
}


static const char *
parse_return(struct conf *cf, void *field)
{
    struct rule *rule = add_rule(cf, field, RULE_RETURN);
    const char  *error = NULL;
    str_t        text = cf->args[1];
    uint64_t     status;

    if (number_parse(text, UINT32_MAX, &status)) {
        if (status > 999)
            return conf_error(cf, "invalid return code \"" STR_F "\"",
                              STR_A(text));
        rule->status = (unsigned) status;
        if (cf->n_args == 2)
            return NULL;
        text = cf->args[2];
    } else {
        if (cf->n_args != 2 || !is_url(text))
            return conf_error(cf, "invalid return code \"" STR_F "\"",
                              STR_A(text));
        rule->status = 302;
    }
    rule->to = expr_compile(cf, text, 0, &error);
    return rule->to ? NULL : conf_error(cf, "%s", error);
}


/* The value of a variable that has not been set. */
static str_t
get_uninitialized(struct task *t, uintptr_t arg)
{
    const struct rewrite_conf *conf = conf_of(t, &rewrite_module);
    const struct var          *v = (const struct var *) arg;

    if (conf->warns_uninitialized)
        log_warn(t->log, "using uninitialized \"" STR_F "\" variable",
                 STR_A(v->name));
    return STR("");
}


static const char *
parse_set(struct conf *cf, void *field)
{
    const char  *error = NULL;
    struct rule *rule;
    struct var  *v;

    v = var_define_word(cf, cf->args[1], VAR_CHANGEABLE | VAR_WEAK, &error);
    if (v == NULL)
        return error;
    if (v->get == NULL) {
        v->get = get_uninitialized;
        v->arg = (uintptr_t) v;
    }

    rule = add_rule(cf, field, RULE_SET);
    rule->var = v;
    rule->to = expr_compile(cf, cf->args[2], 0, &error);
    return rule->to ? NULL : conf_error(cf, "%s", error);
}


static const char *
parse_break(struct conf *cf, void *field)
{
    add_rule(cf, field, RULE_BREAK);
    return NULL;
}


/* Adds the rule to the list of the block that contains the if. */
static const char *
open_if(struct conf *cf, struct conf_block *b)
{
    struct conf_block   *here = cf->block;
    struct rewrite_conf *outer;
    struct condition     condition = { .test = TEST_TRUE };
    const char          *error = condition_parse(cf, &condition);
    struct rule         *rule;

    if (error != NULL)
        return error;
    cf->block = b->up;
    outer = conf_touch(cf, &rewrite_module);
    rule = add_rule(cf, &outer->rules, RULE_IF);
    rule->condition = condition;
    cf->block = here;
    if (b->kind == IN_IF)
        rule->location = http_nameless_location(cf, b);
    return NULL;
}


static const char *
close_if(struct conf *cf, struct conf_block *b)
{
    const struct rewrite_conf *inner, *outer;

    (void) cf;
    inner = conf_find(b, &rewrite_module);
    outer = conf_find(b->up, &rewrite_module);
    if (inner != NULL && outer != NULL && outer->rules != NULL)
        outer->rules->list.at[outer->rules->list.n - 1].inner = inner->rules;
    return NULL;
}


const struct conf_opener rewrite_server_if = {
    .inside = IN_SERVER_IF,
    .open = open_if,
    .close = close_if,
};

const struct conf_opener rewrite_location_if = {
    .inside = IN_IF,
    .open = open_if,
    .close = close_if,
};

const struct conf_type rewrite_rule_type = {
    .name = "rewrite rule",
    .size = sizeof(struct rules *),
    .parse = parse_rewrite,
};

const struct conf_type return_rule_type = {
    .name = "return rule",
    .size = sizeof(struct rules *),
    .parse = parse_return,
};

const struct conf_type set_rule_type = {
    .name = "set rule",
    .size = sizeof(struct rules *),
    .parse = parse_set,
};

const struct conf_type break_rule_type = {
    .name = "break rule",
    .size = sizeof(struct rules *),
    .parse = parse_break,
};
