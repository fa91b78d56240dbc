/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What purges are made of: the first line is a list of tags, the others are lines
 * of a file of purges.  Tags have no separators in them, and lines that are taken
 * are within bounds.
 */
#include "core/base/check.h"
#include "core/cache/disk/purge_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
take_tags(str_t list)
{
    str_t  tag;
    size_t n = 0, all = list.n;

    while ((tag = disk_purge_next_tag(&list)).n != 0) {
        n += tag.n;
        CHECK(memchr(tag.p, ' ', tag.n) == NULL
              && memchr(tag.p, ',', tag.n) == NULL
              && memchr(tag.p, '\t', tag.n) == NULL);
    }
    CHECK(list.n == 0 && n <= all);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t             rest = { (const char *) data, size };
    struct purge_line line;

    take_tags(str_cut(&rest, '\n'));
    while (rest.n != 0)
        if (purge_line_parse(str_cut(&rest, '\n'), &line)) {
            CHECK(memchr("ktpfg", line.sort, 5) != NULL);
            CHECK(line.sort != 'p' || line.n <= PREFIX_ROOM);
        }
    return 0;
}
