/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, sizes and times: limits hold, and digits come back as they were. */
#include "core/base/check.h"
#include "core/base/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_parse(str_t s, uint64_t max)
{
    uint64_t n, again;
    char     text[20];
    size_t   len;

    if (number_parse(s, max, &n)) {
        CHECK(n <= max);
        len = number_put(text, n);
        CHECK(len <= s.n);
        CHECK(str_ends(s, (str_t){ text, len }));
        CHECK(number_parse((str_t){ text, len }, n, &again) && again == n);
    }
    if (number_hex(s, max, &n))
        CHECK(n <= max);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t    s = { (const char *) data, size };
    uint64_t n, m;

    check_parse(s, UINT64_MAX);
    check_parse(s, 65535);
    check_parse(s, 7);

    if (number_size(s, false, &n))
        CHECK(n <= INT64_MAX && number_size(s, true, &m) && m == n);
    if (number_time(s, false, &n)) {
        CHECK(n <= INT64_MAX);
        if (number_time(s, true, &m))
            CHECK(n / 1000 == m && n % 1000 == 0);
    }
    return 0;
}
