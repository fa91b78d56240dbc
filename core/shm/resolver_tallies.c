/* SPDX-License-Identifier: BSD-2-Clause */
/* One object, made once. */
#include "core/shm/resolver_tallies.h"

#include "core/net/resolver_tally.h"
#include "core/shm/registry.h"

/* Changes with struct resolver_tally. */
enum { LAYOUT = 1 };


static bool
init(struct zone *z)
{
    return zone_make_object(z, resolver_tallies_size());
}


bool
resolver_tallies_share(const struct log *log)
{
    static const struct zone_use use
        = { .name = "resolvers", .version = LAYOUT, .init = init };
    void *table;

    if (zone_own_object("(resolvers)", resolver_tallies_size(), &use, log,
                        &table)
        == NULL)
        return false;
    resolver_tallies_open(table);
    return true;
}
