/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rewrites Set-Cookie headers of upstreams: proxy_cookie_path,
 * proxy_cookie_domain and proxy_cookie_flags.  The first rule of each list
 * that matches is applied.
 */
#include "modules/gateway/proxy.h"


/* --- directives ----------------------------------------------------------- */

static const char *
invalid(struct conf *cf, str_t word)
{
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
}


/* A leading dot of a domain has no meaning (RFC 6265 section 5.2.3). */
static str_t
without_dot(str_t domain)
{
    return domain.n != 0 && domain.p[0] == '.' ? str_from(domain, 1) : domain;
}


static const char *
parse_cookie(struct conf *cf, struct proxy_rules *rules, bool is_domain)
{
    str_t from = cf->args[1], to;

    if (cf->n_args == 2) {
        if (!str_is(from, "off"))
            return invalid(cf, from);
        rules->is_off = true;
        return NULL;
    }
    to = cf->args[2];
    if (is_domain && (from.n == 0 || from.p[0] != '~')) {
        from = without_dot(from);
        to = without_dot(to);
    }
    return proxy_add_rule(cf, rules, from, to, is_domain);
}


static const char *
parse_cookie_path(struct conf *cf, void *field)
{
    return parse_cookie(cf, field, false);
}


static const char *
parse_cookie_domain(struct conf *cf, void *field)
{
    return parse_cookie(cf, field, true);
}


static const struct conf_word flag_words[] = {
    { "secure", COOKIE_SECURE },
    { "nosecure", COOKIE_NOSECURE },
    { "httponly", COOKIE_HTTPONLY },
    { "nohttponly", COOKIE_NOHTTPONLY },
    { "samesite=strict", COOKIE_SAMESITE_STRICT },
    { "samesite=lax", COOKIE_SAMESITE_LAX },
    { "samesite=none", COOKIE_SAMESITE_NONE },
    { "nosamesite", COOKIE_NOSAMESITE },
    { NULL, 0 },
};


static unsigned
flag_of(str_t word)
{
    for (const struct conf_word *w = flag_words; w->name; w++) {
        if (str_ieq(word, str_of(w->name)))
            return w->value;
    }
    return 0;
}


static const char *
add_flags(struct conf *cf, struct proxy_flag_rule *rule)
{
    for (unsigned i = 2; i < cf->n_args; i++) {
        const char *error = NULL;
        unsigned    flag = flag_of(cf->args[i]);

        if (flag) {
            rule->flags |= flag;
            continue;
        }
        if (!str_chr(cf->args[i], '$'))
            return invalid(cf, cf->args[i]);
        rule->dynamic[i - 2] = expr_compile(cf, cf->args[i], 0, &error);
        if (!rule->dynamic[i - 2])
            return error;
    }
    return NULL;
}


static const char *
parse_cookie_flags(struct conf *cf, void *field)
{
    struct proxy_flag_rules *rules = field;
    struct proxy_flag_rule  *rule;
    const char              *error;

    if (cf->n_args == 2) {
        if (!str_is(cf->args[1], "off"))
            return invalid(cf, cf->args[1]);
        rules->is_off = true;
        return NULL;
    }
    rule = vec_push(cf->arena, &rules->list);
    error = proxy_compile_from(cf, cf->args[1], true, &rule->name,
                               &rule->pattern);
    return error ? error : add_flags(cf, rule);
}


const struct conf_type proxy_cookie_path_type = {
    .name = "cookie paths",
    .size = sizeof(struct proxy_rules),
    .parse = parse_cookie_path,
    .unset = "off",
};

const struct conf_type proxy_cookie_domain_type = {
    .name = "cookie domains",
    .size = sizeof(struct proxy_rules),
    .parse = parse_cookie_domain,
    .unset = "off",
};

const struct conf_type proxy_cookie_flags_type = {
    .name = "cookie flags",
    .size = sizeof(struct proxy_flag_rules),
    .parse = parse_cookie_flags,
    .unset = "off",
};


/* --- rewriting ------------------------------------------------------------- */

/* A text replaces the start of a path, or a whole domain except its leading
 * dot; a pattern replaces everything. */
static bool
apply_place(struct gateway *g, const struct proxy_rule *rule, bool is_domain,
            str_t *value)
{
    struct task *t = &g->r->task;
    str_t        v = *value, from, kept = { v.p, 0 }, rest = { v.p, 0 };

    if (rule->pattern) {
        if (!regex_match(rule->pattern, t, v))
            return false;
    } else if (is_domain) {
        v = without_dot(v);
        kept.n = value->n - v.n;
        if (!str_ieq(v, expr_eval(rule->from, t)))
            return false;
    } else {
        from = expr_eval(rule->from, t);
        if (!str_starts(v, from))
            return false;
        rest = str_from(v, from.n);
    }
    *value = str_join3(t->arena, kept, expr_eval(rule->to, t), rest);
    return true;
}


static bool
change_place(struct gateway *g, const struct proxy_rules *rules, bool is_domain,
             struct cookie *c)
{
    str_t name = is_domain ? STR("domain") : STR("path");
    bool  is_changed = false;

    if (rules->is_off)
        return false;
    for (size_t i = 1; i < c->parts.n; i++) {
        struct cookie_part *part = &c->parts.at[i];

        if (part->value.p == NULL || !str_ieq(part->name, name))
            continue;
        VEC_EACH(&rules->list, rule) {
            if (apply_place(g, rule, is_domain, &part->value)) {
                is_changed = true;
                break;
            }
        }
    }
    return is_changed;
}


/* Names of cookies are compared case-insensitively. */
static bool
is_meant(const struct proxy_flag_rule *rule, struct task *t, str_t name)
{
    return rule->pattern ? regex_match(rule->pattern, t, name)
                         : str_ieq(expr_eval(rule->name, t), name);
}


static bool
change_flags(struct gateway *g, struct cookie *c)
{
    const struct proxy_flag_rules *rules = &proxy_conf_of(g)->cookie_flags;
    struct task                   *t = &g->r->task;

    if (rules->is_off)
        return false;
    VEC_EACH(&rules->list, rule) {
        unsigned flags = rule->flags;

        if (!is_meant(rule, t, c->parts.at[0].name))
            continue;
        for (size_t i = 0; i < countof(rule->dynamic); i++) {
            if (rule->dynamic[i])
                flags |= flag_of(expr_eval(rule->dynamic[i], t));
        }
        cookie_set_flags(t->arena, c, flags);
        return flags != 0;
    }
    return false;
}


bool
proxy_rewrite_cookie(struct gateway *g, str_t *value)
{
    const struct proxy_conf *conf = proxy_conf_of(g);
    struct arena            *a = g->r->task.arena;
    struct cookie            c;
    bool                     is_changed;

    if (conf->cookie_paths.list.n + conf->cookie_domains.list.n
                + conf->cookie_flags.list.n
            == 0
        || !cookie_split(a, *value, &c))
        return false;
    is_changed = change_place(g, &conf->cookie_domains, true, &c);
    is_changed |= change_place(g, &conf->cookie_paths, false, &c);
    is_changed |= change_flags(g, &c);
    if (is_changed)
        *value = cookie_join(a, &c);
    return is_changed;
}
