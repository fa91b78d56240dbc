/* SPDX-License-Identifier: BSD-2-Clause */
/* Names the layout of the table by a digest of the rows. */
#include "core/shm/counters.h"

#include "core/base/crc32.h"
#include "core/net/counters.h"
#include "core/shm/registry.h"

/* What a zone takes for itself, at most: its head, and a little for each page. */
static size_t
overhead(void)
{
    return 4 * ZONE_PAGE + counters_size() / 64;
}


/* A new zone is zeroed, and so is an empty table. */
static bool
init(struct zone *z)
{
    zone_set_root(z, zone_alloc(z, counters_size()));
    return zone_root(z) != NULL;
}


/* Of what the counters are, in order. */
static uint32_t
digest(void)
{
    uint32_t crc = CRC32_START;

    for (unsigned i = 0; i < counters_count(); i++) {
        const struct counter_row *row = counters_row(i);

        crc = crc32_more(crc, str_of(row->name));
        crc = crc32_more(crc, STR(" "));
        crc = crc32_more(crc, str_of(row->labels));
        crc = crc32_more(crc,
                         row->kind == COUNTER_NOW ? STR(" now\n") : STR("\n"));
    }
    return crc32_end(crc);
}


bool
counters_share(const struct log *log)
{
    static struct zone_use use = { .name = "counters", .init = init };
    struct zone           *z;
    uintptr_t              table;

    use.version = digest();
    z = zone_own("(counters)", counters_size() + overhead(), &use, log);
    if (z == NULL)
        return false;
    table = (uintptr_t) zone_root(z);
    if (table - (uintptr_t) z > overhead() || table % COUNTERS_LINE != 0) {
        log_at(log, LEVEL_EMERG, 0, "the shared counters are damaged");
        return false;
    }
    counters_open((void *) table);
    return true;
}
