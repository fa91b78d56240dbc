/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Saved indexes: whatever the file has, reading takes only what lies in it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/crc32.h"
#include "core/cache/disk/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 40, FOLDER = 7 };


static unsigned
read(str_t file)
{
    struct disk_saved  s;
    struct disk_record r;
    unsigned           n = 0;

    if (!disk_saved_read(&s, file, FOLDER))
        return 0;
    CHECK(s.records >= file.p
          && s.records + (size_t) s.n * 28 == file.p + file.n);
    for (uint32_t i = 0; i < s.n; i++)
        n += disk_saved_get(&s, i, &r) && r.bytes != 0;
    CHECK(n <= s.n);
    return n;
}


/* The sums are made right, so that what is behind them is reached. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char    *copy = malloc(size + 1);
    uint32_t crc;

    CHECK(copy != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    (void) read((str_t){ copy, size });
    if (size >= HEAD) {
        crc = crc32_of((str_t){ copy + HEAD, size - HEAD });
        memcpy(copy + 32, &crc, sizeof(crc));
        crc = crc32_of((str_t){ copy, 36 });
        memcpy(copy + 36, &crc, sizeof(crc));
        (void) read((str_t){ copy, size });
    }
    free(copy);
    return 0;
}
