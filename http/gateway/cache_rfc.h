/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_rfc on: what RFC 9111 asks of a shared cache, where nginx does otherwise.
 * The fields of a response say how long it is fresh, and what may be done with it
 * when it is not; those of a request what it will take.
 */
#pragma once

#include "http/gateway/cache_inside.h"

extern struct module cache_rfc_module;

bool cache_rfc_is_on(const struct gateway *g);

/* Like cache_age_of, with all rules: what a response that has just come may be
 * used for.  a->valid_at is set, or it is not to be stored. */
void cache_rfc_judge(struct cache_age *a, const struct gateway *g,
                     const struct exchange *x);

/* What the request says about what was found in a file. */
enum cache_wish {
    WISH_NONE,  /* as ever                                                   */
    WISH_STALE, /* it may be used although it is stale                       */
    WISH_NEW,   /* it may not be used without asking the peer                */
};
enum cache_wish cache_rfc_wish(struct gateway *g, struct cached_file *f);
/* Whether it may say anything. */
bool cache_rfc_has_wishes(const struct gateway *g);
/* Whether the request wants nothing that has to be fetched. */
bool cache_rfc_is_only_cached(const struct gateway *g);
/* Whether the request forbids to store the response. */
bool cache_rfc_is_unstored(const struct gateway *g);
/* Whether what is in the file must not be used when it is stale. */
bool cache_rfc_forbids_stale(struct gateway *g, struct cached_file *f);

/* The response of g->x is about to be passed on: its fields are in g->r->out. */
void cache_rfc_pass(struct gateway *g);
/* Whether a field that is hidden otherwise is passed on. */
bool cache_rfc_keeps(const struct gateway *g, const struct field *f);
/* A response to a method that is not safe: what it makes invalid is purged. */
void cache_rfc_invalidate(struct gateway *g);

/* Writes what is stored (g->cache->old) anew with the fields of a 304, which is
 * g->x.  False: it stays as it is. */
bool cache_rfc_update(struct gateway *g);
