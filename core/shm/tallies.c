/* SPDX-License-Identifier: BSD-2-Clause */
/* One object, made once. */
#include "core/shm/tallies.h"

#include "core/net/tally.h"
#include "core/shm/registry.h"

/* Changes with the table, and what its counts mean. */
enum { LAYOUT = 3 };


static bool
init(struct zone *z)
{
    return zone_make_object(z, tallies_size());
}


bool
tallies_share(const struct log *log)
{
    static const struct zone_use use
        = { .name = "tallies", .version = LAYOUT, .init = init };
    void *table;

    if (zone_own_object("(tallies)", tallies_size(), &use, log, &table) == NULL)
        return false;
    tallies_open(table);
    return true;
}
