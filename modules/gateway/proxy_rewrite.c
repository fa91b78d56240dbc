/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rewrites URLs of the upstream to URLs of this server in Location and Refresh
 * (proxy_redirect); for Set-Cookie see proxy_cookie.c.  The first rule that
 * matches is applied.
 */
#include "modules/gateway/proxy.h"


/* --- directives ----------------------------------------------------------- */

const char *
proxy_compile_from(struct conf *cf, str_t text, bool nocase, struct expr **from,
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


const char *
proxy_add_rule(struct conf *cf, struct proxy_rules *rules, str_t from, str_t to,
               bool nocase)
{
    struct proxy_rule *rule = vec_push(cf->arena, &rules->list);
    const char        *error;

    error = proxy_compile_from(cf, from, nocase, &rule->from, &rule->pattern);
    if (error)
        return error;
    rule->to = expr_compile(cf, to, 0, &error);
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
        return proxy_add_rule(cf, rules, cf->args[1], cf->args[2], false);
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


const struct conf_type proxy_redirect_type = {
    .name = "redirect rules",
    .size = sizeof(struct proxy_rules),
    .parse = parse_redirect,
    .unset = "default",
};


/* --- Location, Refresh ---------------------------------------------------- */

/* Replaces the n bytes after the first skip bytes of value. */
static void
replace(struct gateway *g, str_t *value, size_t skip, size_t n, str_t by)
{
    *value = str_join3(g->r->task.arena, (str_t){ value->p, skip }, by,
                       str_from(*value, skip + n));
}


/* proxy_redirect default: replaces the URL of proxy_pass by the location. */
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


bool
proxy_rewrite(struct gateway *g, enum field_id id, str_t *value)
{
    switch ((int) id) {
    case FIELD_LOCATION:
        return redirect(g, value, 0);
    case FIELD_REFRESH:
        return refresh(g, value);
    case FIELD_SET_COOKIE:
        return proxy_rewrite_cookie(g, value);
    default:
        return false;
    }
}
