/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the cache: the first byte is the length of the key, which follows, and
 * then the file.  Whatever it has, what is taken lies within it, and is read as
 * the same when it is written.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/crc32.h"
#include "core/cache/disk/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_inside(str_t s, str_t file)
{
    CHECK(s.n == 0 || (s.p >= file.p && s.p + s.n <= file.p + file.n));
}


static void
check_good(const struct disk_head *h, str_t file, str_t key)
{
    char            *copy = malloc(h->head_at);
    struct disk_head again;

    check_inside(h->etag, file);
    check_inside(h->vary, file);
    CHECK(h->head_at <= h->body_at && h->body_at <= file.n);
    disk_head_put(copy, h, key);
    memcpy((char *) (uintptr_t) file.p, copy, h->head_at);
    CHECK(disk_head_get(&again, file, key) == DISK_GOOD);
    CHECK(again.valid_at == h->valid_at && again.date == h->date
          && again.updating == h->updating && again.error == h->error
          && again.last_modified == h->last_modified
          && again.body_at == h->body_at);
    free(copy);
}


/* The same with a checksum that fits, so that more than that is looked at. */
static void
look(char *p, size_t n, str_t key, bool mends)
{
    struct disk_head h;
    uint32_t         crc = crc32_of(key);
    str_t            file = { p, n };

    if (mends && n >= DISK_STRUCT)
        memcpy(p + 48, &crc, sizeof(crc));
    if (disk_head_get(&h, file, key) == DISK_GOOD)
        check_good(&h, file, key);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t  key;
    size_t n;
    char  *copy;

    if (size == 0 || size - 1 < data[0])
        return 0;
    key = (str_t){ (const char *) data + 1, data[0] };
    n = size - 1 - key.n;
    copy = malloc(n + !n);
    memcpy(copy, data + 1 + key.n, n);
    look(copy, n, key, false);
    look(copy, n, key, true);
    free(copy);
    return 0;
}
