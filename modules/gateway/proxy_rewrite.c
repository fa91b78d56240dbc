/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of places at the upstream become names of places here: in Location
 * and Refresh (proxy_redirect), and in the attributes of Set-Cookie
 * (proxy_cookie_path, proxy_cookie_domain, proxy_cookie_flags).  Of each list
 * the first rule that fits is taken.
 */
#include "modules/gateway/proxy.h"


/* --- directives ----------------------------------------------------------- */

/* "~pattern" or "~*pattern"; nocase: in any case. */
static const char *
compile_from(struct conf *cf, str_t text, bool nocase, struct expr **from,
             struct regex **pattern)
{
    const char *error = NULL;
    unsigned    flags = nocase ? REGEX_NOCASE : 0;

    if (text.n == 0 || text.p[0] != '~') {
        *from = expr_compile(cf, text, 0, &error);
        return *from ? NULL : error;
    }
    text = str_from(text, 1);
    if (text.n && text.p[0] == '*') {
        text = str_from(text, 1);
        flags = REGEX_NOCASE;
    }
    *pattern = regex_compile(cf, text, flags, &error);
    return *pattern ? NULL : error;
}


static const char *
invalid(struct conf *cf, str_t word)
{
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
}


static const char *
add_rule(struct conf *cf, struct proxy_rules *rules, str_t from, bool nocase)
{
    struct proxy_rule *rule = vec_push(cf->arena, &rules->list);
    const char        *error;

    error = compile_from(cf, from, nocase, &rule->from, &rule->pattern);
    if (error)
        return error;
    rule->to = expr_compile(cf, cf->args[2], 0, &error);
    return rule->to ? NULL : error;
}


static const char *
add_default(struct conf *cf, struct proxy_rules *rules)
{
    const struct proxy_target *to = conf_find(cf->block, &proxy_pass_module);

    if (to && to->expr)
        return conf_error(cf, "\"proxy_redirect default\" cannot be used "
                              "with \"proxy_pass\" directive with variables");
    if (!to || to->url.n == 0)
        return conf_error(cf, "\"proxy_redirect default\" should be placed "
                              "after the \"proxy_pass\" directive");
    vec_push(cf->arena, &rules->list)->is_default = true;
    return NULL;
}


static const char *
parse_redirect(struct conf *cf, void *field)
{
    struct proxy_rules *rules = field;

    if (cf->n_args == 3)
        return add_rule(cf, rules, cf->args[1], false);
    if (str_is(cf->args[1], "off")) {
        rules->is_off = true;
        return NULL;
    }
    if (str_is(cf->args[1], "false")) {
        conf_warn(cf, "invalid parameter \"false\", use \"off\" instead");
        rules->is_off = true;
        return NULL;
    }
    if (str_is(cf->args[1], "default"))
        return add_default(cf, rules);
    return invalid(cf, cf->args[1]);
}


static const char *
parse_cookie(struct conf *cf, struct proxy_rules *rules, bool is_domain)
{
    str_t from = cf->args[1];

    if (cf->n_args == 2) {
        if (!str_is(from, "off"))
            return invalid(cf, from);
        rules->is_off = true;
        return NULL;
    }
    if (is_domain && from.n && from.p[0] == '.')
        from = str_from(from, 1);
    return add_rule(cf, rules, from, is_domain);
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
    error = compile_from(cf, cf->args[1], true, &rule->name, &rule->pattern);
    return error ? error : add_flags(cf, rule);
}


const struct conf_type proxy_redirect_type = {
    .name = "redirect rules",
    .size = sizeof(struct proxy_rules),
    .parse = parse_redirect,
    .unset = "default",
};

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


/* --- Location, Refresh ---------------------------------------------------- */

/* The first n bytes of the part of value behind skip are replaced. */
static void
replace(struct gateway *g, str_t *value, size_t skip, size_t n, str_t by)
{
    *value = str_join3(g->r->task.arena, (str_t){ value->p, skip }, by,
                       str_from(*value, skip + n));
}


/* What proxy_redirect is when nothing is said: the URL of proxy_pass becomes
 * the location. */
static bool
apply_default(struct gateway *g, str_t *value, size_t skip)
{
    const struct proxy_target *to
        = ((const struct proxy_state *) g->data)->target;
    str_t rest = str_from(*value, skip);
    str_t slash = to->uri.n ? STR("") : STR("/");

    if (to->expr || !str_starts(rest, to->url)
        || !str_starts(str_from(rest, to->url.n), slash))
        return false;
    replace(g, value, skip, to->url.n + slash.n,
            to->uri.n ? to->location : slash);
    return true;
}


static bool
apply_redirect(struct gateway *g, const struct proxy_rule *rule, str_t *value,
               size_t skip)
{
    struct task *t = &g->r->task;
    str_t        rest = str_from(*value, skip);
    size_t       n = rest.n;

    if (rule->is_default)
        return apply_default(g, value, skip);
    if (rule->pattern) {
        if (!regex_match(rule->pattern, t, rest))
            return false;
    } else {
        str_t from = expr_eval(rule->from, t);

        if (!str_starts(rest, from))
            return false;
        n = from.n;
    }
    replace(g, value, skip, n, expr_eval(rule->to, t));
    return true;
}


static bool
redirect(struct gateway *g, str_t *value, size_t skip)
{
    const struct proxy_rules *rules = &proxy_conf_of(g)->redirects;

    if (rules->is_off)
        return false;
    if (rules->list.n == 0)
        return apply_default(g, value, skip);
    VEC_EACH(&rules->list, rule) {
        if (apply_redirect(g, rule, value, skip))
            return true;
    }
    return false;
}


static bool
refresh(struct gateway *g, str_t *value)
{
    const char *url = str_ifind(*value, STR("url="));

    if (!url)
        return false;
    return redirect(g, value, (size_t) (url - value->p) + sizeof("url=") - 1);
}


/* --- Set-Cookie ----------------------------------------------------------- */

struct attribute {
    str_t key, value; /* value.p NULL: no "="                                */
};

struct cookie {
    VEC(struct attribute) list; /* the first is name and value               */
};


static void
split(struct arena *a, str_t text, struct cookie *c)
{
    while (text.p) {
        struct attribute *at = vec_push(a, &c->list);
        str_t             part = str_trim(str_cut(&text, ';'));

        at->value = part;
        at->key = str_cut(&at->value, '=');
    }
}


static struct attribute *
find(struct cookie *c, const char *key)
{
    for (size_t i = 1; i < c->list.n; i++) {
        if (str_ieq(c->list.at[i].key, str_of(key)))
            return &c->list.at[i];
    }
    return NULL;
}


static void
put(struct arena *a, struct cookie *c, const char *key, str_t value)
{
    struct attribute *at = find(c, key);

    if (!at)
        at = vec_push(a, &c->list);
    *at = (struct attribute){ str_of(key), value };
}


static void
take_out(struct cookie *c, const char *key)
{
    struct attribute *at;

    while ((at = find(c, key)) != NULL) {
        size_t i = (size_t) (at - c->list.at);

        memmove(at, at + 1, (c->list.n - i - 1) * sizeof(*at));
        c->list.n--;
    }
}


static str_t
join(struct arena *a, const struct cookie *c)
{
    str_t all = STR("");

    VEC_EACH(&c->list, at) {
        str_t part = at->key;

        if (at->value.p)
            part = str_join3(a, at->key, STR("="), at->value);
        all = all.n ? str_join3(a, all, STR("; "), part) : part;
    }
    return all;
}


/* A path is replaced at its start, a domain as a whole. */
static bool
apply_place(struct gateway *g, const struct proxy_rule *rule, bool is_domain,
            str_t *value)
{
    struct task *t = &g->r->task;
    str_t        v = *value;
    size_t       n = v.n;

    if (rule->pattern) {
        if (!regex_match(rule->pattern, t, v))
            return false;
    } else {
        str_t from = expr_eval(rule->from, t);

        if (is_domain && v.n && v.p[0] == '.')
            v = str_from(v, 1);
        if (is_domain ? !str_ieq(v, from) : !str_starts(v, from))
            return false;
        if (!is_domain)
            n = from.n;
    }
    *value = str_join(t->arena, expr_eval(rule->to, t),
                      str_from(*value, is_domain ? value->n : n));
    return true;
}


static bool
change_place(struct gateway *g, const struct proxy_rules *rules, bool is_domain,
             struct cookie *c)
{
    bool changed = false;

    if (rules->is_off || rules->list.n == 0)
        return false;
    for (size_t i = 1; i < c->list.n; i++) {
        struct attribute *at = &c->list.at[i];

        if (!at->value.p
            || !str_ieq(at->key, is_domain ? STR("domain") : STR("path")))
            continue;
        VEC_EACH(&rules->list, rule) {
            if (apply_place(g, rule, is_domain, &at->value)) {
                changed = true;
                break;
            }
        }
    }
    return changed;
}


static void
set_flags(struct arena *a, struct cookie *c, unsigned flags)
{
    if (flags & COOKIE_SECURE)
        put(a, c, "Secure", STR_NONE);
    else if (flags & COOKIE_NOSECURE)
        take_out(c, "Secure");
    if (flags & COOKIE_HTTPONLY)
        put(a, c, "HttpOnly", STR_NONE);
    else if (flags & COOKIE_NOHTTPONLY)
        take_out(c, "HttpOnly");
    if (flags & COOKIE_SAMESITE_STRICT)
        put(a, c, "SameSite", STR("Strict"));
    else if (flags & COOKIE_SAMESITE_LAX)
        put(a, c, "SameSite", STR("Lax"));
    else if (flags & COOKIE_SAMESITE_NONE)
        put(a, c, "SameSite", STR("None"));
    else if (flags & COOKIE_NOSAMESITE)
        take_out(c, "SameSite");
}


static bool
change_flags(struct gateway *g, struct cookie *c)
{
    const struct proxy_flag_rules *rules = &proxy_conf_of(g)->cookie_flags;
    struct task                   *t = &g->r->task;
    str_t                          name = c->list.at[0].key;

    if (rules->is_off)
        return false;
    VEC_EACH(&rules->list, rule) {
        unsigned flags = rule->flags;

        if (rule->pattern ? !regex_match(rule->pattern, t, name)
                          : !str_eq(expr_eval(rule->name, t), name))
            continue;
        for (size_t i = 0; i < countof(rule->dynamic); i++) {
            if (rule->dynamic[i])
                flags |= flag_of(expr_eval(rule->dynamic[i], t));
        }
        set_flags(t->arena, c, flags);
        return true;
    }
    return false;
}


static bool
change_cookie(struct gateway *g, str_t *value)
{
    const struct proxy_conf *conf = proxy_conf_of(g);
    struct cookie            c = { .list = { 0 } };
    bool                     changed;

    if (conf->cookie_paths.list.n + conf->cookie_domains.list.n
            + conf->cookie_flags.list.n
        == 0)
        return false;
    split(g->r->task.arena, *value, &c);
    changed = change_place(g, &conf->cookie_domains, true, &c);
    changed |= change_place(g, &conf->cookie_paths, false, &c);
    changed |= change_flags(g, &c);
    if (changed)
        *value = join(g->r->task.arena, &c);
    return changed;
}


bool
proxy_rewrite(struct gateway *g, enum field_id id, str_t *value)
{
    switch ((int) id) {
    case FIELD_LOCATION:
        return redirect(g, value, 0);
    case FIELD_REFRESH:
        return refresh(g, value);
    case FIELD_SET_COOKIE:
        return change_cookie(g, value);
    default:
        return false;
    }
}
