/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long responses are fresh by their fields, and the digests of variants.
 */
#include "http/gateway/cache_age.h"
#include "http/gateway/cache_vary.h"
#include "t/unit/tap.h"

enum { NOW = 1000000 };

static const struct {
    const char *accel, *control, *expires; /* NULL: there is none            */
    bool        allows;
    int64_t     fresh, updating, error; /* seconds from NOW on; 0            */
} table[] = {
    { NULL, "max-age=10", NULL, true, 10, 0, 0 },
    { NULL, "MAX-AGE=10", NULL, true, 10, 0, 0 },
    { NULL, "public, max-age=10, x", NULL, true, 10, 0, 0 },
    { NULL, "max-age=10;x", NULL, true, 10, 0, 0 },
    { NULL, "max-age=5, s-maxage=7", NULL, true, 7, 0, 0 },
    { NULL, "max-age=", NULL, false, 0, 0, 0 },
    { NULL, "max-age=0", NULL, false, 0, 0, 0 },
    { NULL, "max-age=1x", NULL, false, 0, 0, 0 },
    { NULL, "max-age=-1", NULL, false, 0, 0, 0 },
    { NULL, "max-age=\"9\"", NULL, false, 0, 0, 0 },
    { NULL, "max-age=99999999999999999999999", NULL, true, INT32_MAX, 0, 0 },
    { NULL, "no-cache, max-age=9", NULL, false, 0, 0, 0 },
    { NULL, "no-store", NULL, false, 0, 0, 0 },
    { NULL, "private=\"x\"", NULL, false, 0, 0, 0 },
    { NULL, "public", NULL, true, 0, 0, 0 },
    { NULL, "", NULL, true, 0, 0, 0 },
    { NULL, "max-age=3, stale-while-revalidate=4", NULL, true, 3, 4, 4 },
    { NULL, "stale-if-error=5, max-age=3", NULL, true, 3, 0, 5 },
    { NULL, "max-age=3, stale-while-revalidate=4, stale-if-error=5", NULL, true,
      3, 4, 5 },
    { NULL, "max-age=3, stale-if-error=x", NULL, false, 3, 0, 0 },
    { NULL, NULL, "Thu, 01 Jan 1970 00:00:00 GMT", false, 0, 0, 0 },
    { NULL, NULL, "0", false, 0, 0, 0 },
    { NULL, NULL, "Mon, 12 Jan 1970 13:46:45 GMT", true, 5, 0, 0 },
    { NULL, "max-age=9", "0", true, 9, 0, 0 },
    { "7", "max-age=9, stale-if-error=3", "0", true, 7, 0, 0 },
    { "7", "no-store", NULL, true, 7, 0, 0 },
    { "0", "max-age=9", NULL, false, 9, 0, 0 },
    { "-1", "max-age=9", NULL, true, 9, 0, 0 },
    { "1m", NULL, NULL, true, 0, 0, 0 },
    { "@1000003", "no-cache", NULL, true, 3, 0, 0 },
    { "@x", "max-age=9", NULL, true, 9, 0, 0 },
};


static void
take(struct cache_age *a, unsigned which, size_t i)
{
    if (which == 0 && table[i].accel != NULL)
        cache_age_take_accel(a, str_of(table[i].accel), NOW);
    if (which == 1 && table[i].control != NULL)
        cache_age_take_control(a, str_of(table[i].control), NOW);
    if (which == 2 && table[i].expires != NULL)
        cache_age_take_expires(a, str_of(table[i].expires), NOW);
}


static bool
is_as_said(const struct cache_age *a, size_t i)
{
    int64_t fresh = a->valid_at != 0 ? a->valid_at - NOW : 0;

    return cache_age_allows(a) == table[i].allows && fresh == table[i].fresh;
}


/* In each order. */
static void
test_ages(void)
{
    static const unsigned orders[][3]
        = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
            { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

    for (size_t i = 0; i < countof(table); i++) {
        unsigned         good = 0;
        struct cache_age a = { 0 };

        for (size_t k = 0; k < countof(orders); k++) {
            a = (struct cache_age){ 0 };
            for (size_t n = 0; n < 3; n++)
                take(&a, orders[k][n], i);
            good += is_as_said(&a, i);
        }
        is(good, countof(orders), "<%s> <%s> <%s>",
           table[i].accel ? table[i].accel : "-",
           table[i].control ? table[i].control : "-",
           table[i].expires ? table[i].expires : "-");
        a = (struct cache_age){ 0 };
        for (unsigned n = 0; n < 3; n++)
            take(&a, n, i);
        ok(a.updating == table[i].updating && a.error == table[i].error,
           "... and stale");
    }
}


static struct disk_key
variant(struct arena *a, const char *vary, const char *encoding,
        const char *foo)
{
    static const struct disk_key main
        = { { 0xb6, 0xa7, 0x92, 0x83, 0xb0, 0x26, 0xa7, 0x09, 0xe4, 0x7f, 0x11,
              0xeb, 0x79, 0x58, 0x21, 0x25 } };
    struct fields   in = { .list = { NULL, 0, 0 } };
    struct disk_key key;

    fields_add(a, &in, STR("accept-ENCODING"), str_of(encoding));
    if (foo != NULL) {
        fields_add(a, &in, STR("X-Foo"), str_of(foo));
        fields_add(a, &in, STR("x-foo"), STR("c"));
    }
    cache_variant(&key, &main, str_of(vary), &in);
    return key;
}


static void
test_variants(void)
{
    /* of a file of nginx 1.22.1 */
    static const unsigned char of_nginx[]
        = { 0x83, 0xc3, 0xc1, 0x25, 0x5d, 0x5a, 0x37, 0x66,
            0xf3, 0xe1, 0xff, 0x64, 0x44, 0xe6, 0x30, 0x0b };
    struct arena   *a = arena_new(0);
    struct disk_key one
        = variant(a, "Accept-Encoding, X-Foo", "gzip,  br", "a,  b"),
        two;

    is_bytes(one.b, sizeof(one.b), of_nginx, sizeof(of_nginx),
             "the digest of nginx");
    two = variant(a, ",accept-encoding  x-foo,", "gzip br,", "a,  b");
    is_bytes(two.b, sizeof(two.b), of_nginx, sizeof(of_nginx),
             "whatever the spaces are");
    two = variant(a, "Accept-Encoding, X-Foo", "gzip, br", "a, b");
    ok(memcmp(&one, &two, sizeof(one)) != 0, "where they count");
    two = variant(a, "Accept-Encoding, X-Foo", "gzip, br", NULL);
    ok(memcmp(&one, &two, sizeof(one)) != 0, "a field that is missing");
    arena_free(a);
}


int
main(void)
{
    test_ages();
    test_variants();
    return done();
}
