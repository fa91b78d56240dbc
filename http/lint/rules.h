/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of http/lint: the rules, one function each, and what they share.
 * They read settings as they stand in the file, so that a rule on a directive
 * of any module needs nothing of it, and holds its tongue where the directive
 * is not there.  A rule that may be wrong says nothing.
 */
#pragma once

#include "core/conf/lint.h"
#include "http/server.h"

enum { LINT_BLOCKS = IN_HTTP | IN_SERVER | IN_LOCATION | IN_IF
                     | IN_SERVER_IF | IN_LIMIT_EXCEPT };

/* paths.c */
void lint_alias_traversal(struct lint *l);
void lint_proxy_slash(struct lint *l);
/* headers.c */
void lint_header_lost(struct lint *l);
void lint_proxy_header_lost(struct lint *l);
/* upstream.c */
void lint_missing_host(struct lint *l);
void lint_resolver_missing(struct lint *l);
/* reuse.c */
void lint_keepalive_lost(struct lint *l);
void lint_host_without_port(struct lint *l);
/* target.c */
void lint_variable_upstream(struct lint *l);
/* conditions.c */
void lint_if_is_limited(struct lint *l);
/* access.c */
void lint_allow_without_deny(struct lint *l);
void lint_rule_after_all(struct lint *l);
/* returns.c */
void lint_access_after_return(struct lint *l);
void lint_limit_after_return(struct lint *l);
void lint_content_after_return(struct lint *l);
/* patterns.c */
void lint_unanchored_regex(struct lint *l);
void lint_unescaped_dot(struct lint *l);
/* reach.c */
void lint_unreachable_location(struct lint *l);
/* names.c */
void lint_duplicate_server_name(struct lint *l);
/* certificate.c */
void lint_certificate(struct lint *l);

/* The location of a block of kind IN_LOCATION. */
static inline const struct http_location *
lint_location(const struct conf_block *b)
{
    return b->owner;
}

/* "location /x" for messages. */
str_t lint_location_text(struct lint *l, const struct conf_block *b);
/* Whether a block of those kinds stands right in b. */
bool lint_has_inner(const struct conf_block *b, unsigned kinds);
/* A regular expression that holds every path. */
bool lint_matches_all(str_t pattern);
/* The return, or rewrite that redirects, of b itself that answers every
 * request that comes to it; NULL: there is none, or it may be passed. */
const struct setting *lint_sure_return(const struct conf_block *b);
/* Whether the statement is "return" with an error. */
bool lint_is_refusal(const struct setting *s);
/* Words of the list, ended by NULL. */
bool lint_is_one_of(const char *name, const char *const *words);
/* What hands requests to somebody else, or answers them. */
extern const char *const lint_contents[];

/* The parts of a URL, as far as words go: "host:port" of "http://host:port/x";
 * authority.p NULL: it is no URL of that form. */
struct lint_url {
    str_t authority, rest;
};
struct lint_url lint_url(str_t text);
/* "upstream NAME { }" of the configuration, or NULL. */
const struct conf_block *lint_upstream(struct lint *l, str_t name);
