/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purging what a cache has, by requests: PREFIX_cache_purge in both of its
 * syntaxes,
 *
 *     proxy_cache_purge $purge_method;                    (204 or 404)
 *     proxy_cache_purge PURGE from 127.0.0.1 10.0.0.0/8;  (a page, or 404)
 *     location ~ /purge(/.*) { proxy_cache_purge ZONE $1; }
 *
 * and what is asked of something that is stored: whether it was purged.
 */
#pragma once

#include "core/cache/disk/purge.h"
#include "core/expr/expr.h"

struct cached_file;
struct gateway;

/* PREFIX_cache_purge of a location with a cache; NULL: off. */
struct cache_purge {
    struct expr_list when; /* one of them has to be true; or               */
    str_t            method;
    bool             all;  /* everything in the cache                      */
    VEC(struct cidr) from; /* empty: from all                              */
};

extern const struct conf_type cache_purge_type;
#define CACHE_PURGE_SYNTAX \
    "string ...\n" \
    "on | off | method [purge_all] [from all | address | CIDR ...]\n" \
    "zone key"

/* The location of "zone key". */
extern struct module cache_purge_module;

/* Whether the request is one to purge. */
bool cache_purge_is_asked(const struct gateway *g);
/* Does it: STEP_DONE: reported to g->x; STEP_FAIL: http_fail was called. */
enum step cache_purge(struct gateway *g);

/* What it purges. */
struct cache_purging {
    const struct zone_use   *use;
    const struct disk_cache *in;
    struct disk_key          key;
    str_t                    text; /* of the key                             */
    str_t                    tags; /* instead of it; empty: none             */
    bool                     is_all, is_soft;
};

/* Whether the text is what keys begin with, and a *. */
static inline bool
cache_is_prefix(str_t text)
{
    return text.n != 0 && text.p[text.n - 1] == '*';
}

/* In a dry run: tells what would be purged.  Whether there is something. */
bool cache_explain_purge(struct task *t, const struct cache_purging *p);
/* ... or that it would be refused, with that status. */
void cache_explain_refusal(struct task *t, const struct cache_purging *p,
                           unsigned status);

/* What has that key is not valid any more. */
void cache_purge_invalid(const struct disk_cache *in, str_t text);

/* Whether what is in the file, which is of that age, was purged. */
enum disk_purged cache_purged(struct gateway *g, struct cached_file *f,
                              const struct disk_asked *asked);
