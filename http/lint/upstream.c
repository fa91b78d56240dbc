/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Host header for upstream groups, and the resolver for names that are
 * looked up at run time.
 */
#include "core/base/check.h"
#include "http/lint/rules.h"

enum { PASSES = IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT };


/* --- missing-host --------------------------------------------------------------- */

/* Whether b or a block around it sets Host, or X-Forwarded-Host instead.  If b
 * does not inherit it, the rule proxy-header-lost reports that. */
static bool
sets_host(struct lint *l, const struct conf_block *b)
{
    const struct setting *s;

    for (; b != NULL; b = b->up)
        for (s = lint_named(l, b, "proxy_set_header"); s != NULL;
             s = lint_before(l, b, s))
            if (str_ieq(s->args[1], STR("Host"))
                || str_ieq(s->args[1], STR("X-Forwarded-Host")))
                return true;
    return false;
}


static void
check_host(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, "proxy_pass");
    str_t                 name;

    name = s ? lint_url(s->args[1]).authority : STR_NONE;
    if (name.n == 0 || str_chr(name, '$') != NULL || str_chr(name, '.') != NULL
        || lint_upstream(l, name) == NULL || sets_host(l, b))
        return;
    lint_at(l, b, s, STR("add \"proxy_set_header Host $host;\""),
            "the upstream is asked for the host \"" STR_F
            "\", the name of the group, instead of the one that the client "
            "asked for",
            STR_A(name));
}


void
lint_missing_host(struct lint *l)
{
    lint_each_block(l, PASSES, check_host);
}


/* --- resolver-missing ------------------------------------------------------------- */

static bool
names(const struct setting *s, str_t name)
{
    return s->args[1].n != 0 && str_eq(str_from(s->args[1], 1), name);
}


/* Finds the value of "set $name value" in b or around it; false unless there
 * is exactly one, which is constant. */
static bool
constant_of(struct lint *l, const struct conf_block *b, str_t name,
            str_t *value)
{
    const struct setting *s;
    unsigned              n = 0;

    for (; b != NULL; b = b->up) {
        s = lint_named(l, b, "auth_request_set");
        for (; s != NULL; s = lint_before(l, b, s))
            if (names(s, name))
                return false;
        for (s = lint_named(l, b, "set"); s; s = lint_before(l, b, s))
            if (names(s, name)) {
                *value = s->args[2];
                n++;
            }
        VEC_EACH(lint_ifs(l, b), in)
            if (setting_named(*in, "set") != NULL)
                return false;
        if (b->kind == IN_SERVER)
            break;
    }
    return n == 1 && str_chr(*value, '$') == NULL;
}


/* Replaces the variable that the text begins with by its constant value;
 * STR_NONE when it has none. */
static str_t
replaced(struct lint *l, const struct conf_block *b, str_t text)
{
    str_t  name, value;
    size_t n = 1, end;

    if (text.n < 2 || text.p[0] != '$')
        return text;
    if (text.p[1] == '{')
        n = 2;
    for (end = n; end < text.n; end++)
        if (text.p[end] != '_' && !(text.p[end] >= '0' && text.p[end] <= '9')
            && !((text.p[end] | 0x20) >= 'a' && (text.p[end] | 0x20) <= 'z'))
            break;
    name = str_span(text.p + n, text.p + end);
    if (n == 2)
        end += end < text.n;
    if (!constant_of(l, b, name, &value))
        return STR_NONE;
    return str_join(l->arena, value, str_from(text, end));
}


/* The host in "name:port" or "name$request_uri": variables whose value begins
 * with "/" or "?" end it, too. */
static str_t
host_of(str_t authority)
{
    static const char *const ends[]
        = { ":", "$request_uri", "$uri", "$document_uri", "$is_args" };
    const char *end;

    for (size_t i = 0; i < countof(ends); i++) {
        end = str_find(authority, str_of(ends[i]));
        if (end != NULL)
            authority.n = (size_t) (end - authority.p);
    }
    return authority;
}


static bool
is_address(str_t host)
{
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] != '.' && !(host.p[i] >= '0' && host.p[i] <= '9'))
            return false;
    return true;
}


/* The host of a text with variables, if it is always the same; else empty. */
static str_t
fixed_host(struct lint *l, const struct conf_block *b, str_t text)
{
    struct lint_url u;
    str_t           host;

    text = replaced(l, b, text);
    u = lint_url(text);
    if (u.authority.n != 0 && u.authority.p[0] == '$')
        u.authority = lint_url(str_join(l->arena, STR("http://"),
                                        replaced(l, b, u.authority)))
                          .authority;
    host = host_of(u.authority);
    if (host.n == 0 || str_chr(host, '$') != NULL || host.p[0] == '['
        || is_address(host) || lint_upstream(l, host) != NULL)
        return STR("");
    return host;
}


/* Hosts of a proxy_pass without variables: they are resolved at start. */
static struct hash *
known_hosts(struct lint *l, bool *is_new)
{
    return lint_table(l, "known hosts", HASH_NOCASE, is_new);
}


static void
note_host(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, "proxy_pass");
    bool                  is_new;

    if (s != NULL && str_chr(s->args[1], '$') == NULL)
        hash_set(known_hosts(l, &is_new),
                 host_of(lint_url(s->args[1]).authority),
                 (void *) (uintptr_t) s);
}


static bool
is_known_host(struct lint *l, str_t host)
{
    bool         is_new;
    struct hash *known = known_hosts(l, &is_new);

    if (is_new)
        lint_each_block(l, PASSES, note_host);
    return hash_get(known, host) != NULL;
}


static void
check_resolver(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, "proxy_pass");
    str_t                 host;

    if (s == NULL || str_chr(s->args[1], '$') == NULL
        || lint_in_force(l, b, "resolver", NULL) != NULL)
        return;
    host = fixed_host(l, b, s->args[1]);
    if (host.n == 0 || is_known_host(l, host))
        return;
    lint_at(l, b, s, STR("add a \"resolver\""),
            "requests end with 502: with variables in \"proxy_pass\" the "
            "host \"" STR_F "\" is looked up anew, and no \"resolver\" is set",
            STR_A(host));
}


void
lint_resolver_missing(struct lint *l)
{
    lint_each_block(l, PASSES, check_resolver);
}
