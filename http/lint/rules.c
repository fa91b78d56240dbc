/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of rules, and helpers for several of them.
 */
#include "http/guard.h"
#include "http/lint/rules.h"

#include "core/base/number.h"
#include "core/conf/types.h"

const char *const lint_contents[] = {
    "proxy_pass", "fastcgi_pass",   "uwsgi_pass",  "scgi_pass",
    "grpc_pass",  "memcached_pass", "tunnel_pass", "stub_status",
    "empty_gif",  "try_files",      NULL,
};


bool
lint_is_one_of(const char *name, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(name, *words) == 0)
            return true;
    return false;
}


str_t
lint_location_text(struct lint *l, const struct conf_block *b)
{
    return str_join(l->arena, STR("location "),
                    http_location_text(l->arena, lint_location(b)));
}


bool
lint_has_inner(const struct conf_block *b, unsigned kinds)
{
    for (b = b->first; b != NULL; b = b->next)
        if (b->kind & kinds)
            return true;
    return false;
}


/* Whether an if block can end the list of rules without an answer. */
static bool
may_leave(const struct conf_block *b)
{
    const struct setting *s;

    if (setting_named(b, "break") != NULL)
        return true;
    for (s = setting_named(b, "rewrite"); s != NULL; s = setting_before(s))
        if (s->n_args == 4
            && (str_is(s->args[3], "last") || str_is(s->args[3], "break")))
            return true;
    return false;
}


/* Whether a rewrite redirects every request. */
static bool
always_redirects(const struct setting *s)
{
    str_t to = s->args[2];

    return lint_matches_all(s->args[1])
           && (str_starts(to, STR("http://")) || str_starts(to, STR("https://"))
               || str_starts(to, STR("$scheme"))
               || (s->n_args == 4
                   && (str_is(s->args[3], "redirect")
                       || str_is(s->args[3], "permanent"))));
}


bool
lint_matches_all(str_t pattern)
{
    static const char *const all[] = {
        "",       "^",       "/",      "^/",      ".*",      "^.*",
        "^.*$",   "^/.*",    "^/.*$",  "(.*)",    "^(.*)",   "^(.*)$",
        "^/(.*)", "^/(.*)$", "^(/.*)", "^(/.*)$", "^/?(.*)", "^/?(.*)$",
    };

    for (size_t i = 0; i < countof(all); i++)
        if (str_eq(pattern, str_of(all[i])))
            return true;
    return false;
}


const struct setting *
lint_sure_return(const struct conf_block *b)
{
    const struct setting    *s, *answer = NULL;
    const struct conf_block *in;

    for (in = b->first; in != NULL; in = in->next)
        if ((in->kind & (IN_IF | IN_SERVER_IF)) && may_leave(in))
            return NULL;
    /* in reverse order: the first directive of the file decides */
    for (s = b->settings; s != NULL; s = s->next) {
        if (strcmp(s->row->name, "return") == 0)
            answer = s;
        else if (strcmp(s->row->name, "break") == 0)
            answer = NULL;
        else if (strcmp(s->row->name, "rewrite") != 0)
            continue;
        else if (always_redirects(s))
            answer = s;
        else if (s->n_args == 4
                 && (str_is(s->args[3], "last") || str_is(s->args[3], "break")))
            answer = NULL;
    }
    return answer;
}


struct lint_url
lint_url(str_t text)
{
    struct lint_url u = { STR_NONE, STR_NONE };
    size_t          i;

    if (str_istarts(text, STR("http://")))
        text = str_from(text, 7);
    else if (str_istarts(text, STR("https://")))
        text = str_from(text, 8);
    else
        return u;
    if (str_istarts(text, STR("unix:")))
        return u;
    for (i = 0; i < text.n; i++)
        if (text.p[i] == '/' || text.p[i] == '?')
            break;
    u.authority = (str_t){ text.p, i };
    u.rest = str_from(text, i);
    return u;
}


static struct hash *
upstreams(struct lint *l, bool *is_new)
{
    return lint_table(l, "upstreams", HASH_NOCASE, is_new);
}


static void
note_upstream(struct lint *l, const struct conf_block *b)
{
    bool is_new;

    hash_set(upstreams(l, &is_new), b->opening->args[1],
             (void *) (uintptr_t) b);
}


const struct conf_block *
lint_upstream(struct lint *l, str_t name)
{
    bool         is_new;
    struct hash *known = upstreams(l, &is_new);

    if (is_new)
        lint_each_block(l, IN_UPSTREAM, note_upstream);
    return hash_get(known, name);
}


static const struct lint_rule rules[] = {
    { "alias-traversal", lint_alias_traversal },
    { "proxy-slash", lint_proxy_slash },
    { "header-lost", lint_header_lost },
    { "proxy-header-lost", lint_proxy_header_lost },
    { "variable-upstream", lint_variable_upstream },
    { "open-relay", lint_open_relay },
    { "open-api", lint_open_api },
    { "missing-host", lint_missing_host },
    { "host-without-port", lint_host_without_port },
    { "keepalive-lost", lint_keepalive_lost },
    { "resolver-missing", lint_resolver_missing },
    { "if-is-limited", lint_if_is_limited },
    { "allow-without-deny", lint_allow_without_deny },
    { "rule-after-all", lint_rule_after_all },
    { "access-after-return", lint_access_after_return },
    { "limit-after-return", lint_limit_after_return },
    { "content-after-return", lint_content_after_return },
    { "one-client", lint_one_client },
    { "unanchored-regex", lint_unanchored_regex },
    { "unescaped-dot", lint_unescaped_dot },
    { "unreachable-location", lint_unreachable_location },
    { "duplicate-server-name", lint_duplicate_server_name },
    { "certificate", lint_certificate },
    { "upstream-verify", lint_upstream_verify },
    { "upstream-name", lint_upstream_name },
    { NULL, NULL },
};

struct module http_lint_module = {
    .name = "http_lint",
    .lint = rules,
};
