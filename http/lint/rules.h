/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to http/lint: the rules, one function each, and what they share.
 * They read settings by name, as written in the file.  So a rule about a
 * directive does not depend on its module, and finds nothing in a build
 * without it.  A rule that is not sure reports nothing.
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
/* relay.c */
void lint_open_relay(struct lint *l);
/* api.c */
void lint_open_api(struct lint *l);
/* conditions.c */
void lint_if_is_limited(struct lint *l);
/* access.c */
void lint_allow_without_deny(struct lint *l);
void lint_rule_after_all(struct lint *l);
/* returns.c */
void lint_access_after_return(struct lint *l);
void lint_limit_after_return(struct lint *l);
void lint_content_after_return(struct lint *l);
/* one_client.c */
void lint_one_client(struct lint *l);
/* patterns.c */
void lint_unanchored_regex(struct lint *l);
void lint_unescaped_dot(struct lint *l);
/* reach.c */
void lint_unreachable_location(struct lint *l);
/* names.c */
void lint_duplicate_server_name(struct lint *l);
/* certificate.c */
void lint_certificate(struct lint *l);

/* upstream_tls.c */
void lint_upstream_verify(struct lint *l);
void lint_upstream_name(struct lint *l);

/* The location of a block of kind IN_LOCATION. */
static inline const struct http_location *
lint_location(const struct conf_block *b)
{
    return b->owner;
}

/* The location as in "location /x", for messages. */
str_t lint_location_text(struct lint *l, const struct conf_block *b);
/* Whether b directly contains a block of these kinds. */
bool lint_has_inner(const struct conf_block *b, unsigned kinds);
/* Whether a regular expression matches every path. */
bool lint_matches_all(str_t pattern);
/* The return, or the redirecting rewrite, with which b answers every request;
 * NULL when there is none, or a request may get past it. */
const struct setting *lint_sure_return(const struct conf_block *b);
/* words ends with NULL. */
bool lint_is_one_of(const char *name, const char *const *words);
/* Directives that answer requests or pass them to an upstream; ends with
 * NULL. */
extern const char *const lint_contents[];

/* Splits "http://host:port/x" into "host:port" and "/x", without validating
 * them.  authority.p is NULL for other texts. */
struct lint_url {
    str_t authority, rest;
};
struct lint_url lint_url(str_t text);
/* The variable with which clients choose the host of an address in block b
 * ("http://$x/", "$x:443"); STR_NONE: none is known. */
str_t lint_chosen_by(struct lint *l, const struct conf_block *b, str_t text);
/* The block "upstream NAME { }", or NULL. */
const struct conf_block *lint_upstream(struct lint *l, str_t name);
