/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What precedes the body in a file of the cache: the bytes that nginx 1.22 writes,
 * what is written is read, and what is no file of the cache is none.
 */
#include "core/cache/disk/head.h"

#include <stdlib.h>

#include "core/base/crc32.h"
#include "t/unit/tap.h"

#define KEY STR("http://127.0.0.1:20801/a?b=1")

/* The first bytes of a file that nginx 1.22.1 wrote for that key. */
static const unsigned char of_nginx[]
    = { 0x05, 0,    0,    0,    0,    0,    0,    0,    0xa5, 0x7f, 0x0d,
        0x6b, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x00,
        0xf1, 0x53, 0x65, 0,    0,    0,    0,    0x41, 0x7f, 0x0d, 0x6b,
        0,    0,    0,    0,    0x30, 0x2e, 0xe1, 0xe1, 0,    0,    0x73,
        0x01, 0xa1, 0x02, 0x04, '"',  'x',  '1',  '"' };


/* A whole file in memory of its own, to be freed. */
static str_t
make(const struct disk_head *h, str_t key, size_t body)
{
    size_t n = h->body_at + body;
    char  *p = malloc(n);

    memset(p, 'b', n);
    disk_head_put(p, h, key);
    return (str_t){ p, n };
}


static struct disk_head
example(void)
{
    struct disk_head h = { .valid_at = 0x6b0d7fa5,
                           .last_modified = 0x6553f100,
                           .date = 0x6b0d7f41,
                           .crc = crc32_of(KEY),
                           .head_at = disk_head_size(KEY.n),
                           .body_at = 0x2a1,
                           .etag = STR("\"x1\"") };

    return h;
}


static void
test_bytes(void)
{
    struct disk_head h = example(), again;
    str_t            file = make(&h, KEY, 3);

    is_bytes(file.p, sizeof(of_nginx), of_nginx, sizeof(of_nginx),
             "the bytes of nginx");
    is_bytes(file.p + DISK_STRUCT, 7, "\nKEY: h", 7, "the key");
    is(file.p[h.head_at - 1], '\n', "ends with a line");
    is(disk_head_get(&again, file, KEY), DISK_GOOD, "are read");
    is(again.valid_at, h.valid_at, "valid");
    is(again.last_modified, h.last_modified, "modified");
    is(again.date, h.date, "date");
    is(again.body_at, h.body_at, "body");
    is_str(again.etag, "\"x1\"", "etag");
    is(again.vary.n, 0, "no vary");
    is(disk_head_get(&again, file, STR("http://127.0.0.1:20801/a?b=2")),
       DISK_OTHER_KEY, "another key");
    is(disk_head_get(&again, file, STR("")), DISK_OTHER_KEY, "an empty key");
    for (size_t n = 0; n <= file.n; n++) {
        char             *cut = malloc(n + !n);
        enum disk_verdict v;

        memcpy(cut, file.p, n);
        v = disk_head_get(&again, (str_t){ cut, n }, KEY);
        if (v != (n < h.body_at ? DISK_BAD : DISK_GOOD))
            fail("cut at %zu", n);
        free(cut);
    }
    free((char *) (uintptr_t) file.p);
}


static void
test_texts(void)
{
    static char      text[DISK_VARY_MAX + 1];
    struct disk_head h = example(), again;
    str_t            file;

    memset(text, 'v', sizeof(text));
    h.vary = (str_t){ text, DISK_VARY_MAX };
    h.etag = (str_t){ text, DISK_ETAG_MAX + 1 };
    h.updating = 9;
    h.error = 10;
    h.variant[15] = 7;
    file = make(&h, KEY, 0);
    is(disk_head_get(&again, file, KEY), DISK_GOOD, "long texts");
    is(again.vary.n, DISK_VARY_MAX, "a long vary");
    is(again.etag.n, 0, "a tag that is too long is left out");
    is(again.updating, 9, "updating");
    is(again.error, 10, "error");
    is(again.variant[15], 7, "variant");
    ((char *) (uintptr_t) file.p)[0] = 4;
    is(disk_head_get(&again, file, KEY), DISK_BAD, "another version");
    ((char *) (uintptr_t) file.p)[0] = 5;
    ((char *) (uintptr_t) file.p)[58] = (char) 129;
    is(disk_head_get(&again, file, KEY), DISK_BAD, "a length that is none");
    free((char *) (uintptr_t) file.p);
}


static void
test_times(void)
{
    struct disk_head h = example(), again;
    str_t            file;

    h.valid_at = h.error = INT64_MAX;
    h.updating = h.date = INT64_MIN;
    file = make(&h, KEY, 0);
    is(disk_head_get(&again, file, KEY), DISK_GOOD, "times out of range");
    is(again.valid_at > INT32_MAX, true, "a late one is late");
    is(again.valid_at <= INT64_MAX - again.error, true, "... and can be added");
    is(again.updating, 0, "a time before all is none");
    is(again.date, 0, "as is a date");
    free((char *) (uintptr_t) file.p);
}


int
main(void)
{
    test_bytes();
    test_texts();
    test_times();
    return done();
}
