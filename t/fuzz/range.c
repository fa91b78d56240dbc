/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Range and Content-Range fields.  The first two bytes are the body's length and max_ranges.
 */
#include "core/base/check.h"
#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_range(struct arena *a, str_t value, uint64_t length, uint64_t max)
{
    struct range *ranges;
    size_t        count, i;
    uint64_t      sum = 0;

    if (range_parse(a, value, length, max, &ranges, &count) != RANGE_OK)
        return;

    CHECK(count > 0 && count <= max);

    for (i = 0; i < count; i++) {
        CHECK(ranges[i].start < ranges[i].end && ranges[i].end <= length);
        sum += ranges[i].end - ranges[i].start;
    }

    CHECK(sum <= length);
}


static void
check_content(str_t value)
{
    struct range at;
    uint64_t     length;

    CHECK(range_start(value) <= INT64_MAX);
    if (!range_parse_content(value, &at, &length))
        return;

    CHECK(at.start < at.end && at.start <= INT64_MAX);
    CHECK(length == RANGE_NO_LENGTH || length <= INT64_MAX);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a;
    str_t         value;

    if (size < 2)
        return 0;

    a = arena_new(0);
    value = (str_t){ (const char *) data + 2, size - 2 };
    check_range(a, value, data[0], data[1]);
    check_range(a, value, UINT64_MAX >> 1, UINT64_MAX);
    check_content(value);
    arena_free(a);
    return 0;
}
