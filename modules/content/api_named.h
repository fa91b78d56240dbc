/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the API: collections of things that have names.
 */
#pragma once

#include "core/net/tally.h"
#include "modules/content/api.h"

struct api_kind {
    const char *text, *code; /* of the error that there is no such thing     */
    /* The name of the one number i; false: there are no more. */
    bool (*nth)(struct api *a, unsigned i, str_t *name);
    /* The members of its object. */
    void (*put)(struct api *a, str_t name);
    /* What counts it (core/net/tally.h): so many tables, which DELETE empties. */
    enum tally_kind kind;
    unsigned        n_tables;
    /* What else begins anew then, or NULL. */
    void (*forget)(struct api *a, str_t name);
};

enum step api_named(struct api *a, const struct api_kind *k);

/* An object with the counts from first on; names end with NULL. */
void api_put_counts(struct api *a, const char *object, const struct tally *t,
                    unsigned first, const char *const *names);
void api_put_if_wanted(struct api *a, const char *name, uint64_t n);

/* api_zones.c */
extern const struct api_kind api_server_zones, api_location_zones,
    api_limit_reqs, api_limit_conns, api_resolvers;
/* api_memory.c */
extern const struct api_kind api_slabs, api_caches;
