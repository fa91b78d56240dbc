/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What memcached answers: whole, and byte by byte where a line is complete.
 * Both have to come to the same value and the same end.  The key is the first
 * word of the input, up to a space.
 */
#include <stdint.h>

#include "core/base/check.h"
#include "modules/gateway/memcached_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    enum memcached_event last;
    bool                 has_value;
    uint64_t             flags, length, bytes;
    uint32_t             sum;
    size_t               used;
};


static void
take_data(struct result *out, const struct memcached_answer *a)
{
    CHECK(a->data.n != 0);
    out->bytes += a->data.n;
    CHECK(out->bytes + a->left == out->length);
    for (size_t i = 0; i < a->data.n; i++)
        out->sum = out->sum * 31 + (unsigned char) a->data.p[i];
}


static bool
goes_on(enum memcached_event e)
{
    return e == MEMCACHED_SAW_VALUE || e == MEMCACHED_SAW_DATA
           || e == MEMCACHED_SAW_NOTHING;
}


static void
take(struct result *out, struct memcached_answer *a, str_t *in)
{
    do {
        out->last = memcached_next(a, in);
        if (out->last == MEMCACHED_SAW_VALUE) {
            CHECK(!out->has_value && a->flags <= UINT32_MAX
                  && a->left <= INT64_MAX);
            out->has_value = true;
            out->flags = a->flags;
            out->length = a->left;
        }
        if (out->last == MEMCACHED_SAW_DATA)
            take_data(out, a);
        if (out->last == MEMCACHED_BAD_LINE)
            CHECK(a->line.n == 0 || a->line.p[a->line.n - 1] != '\n');
    } while (goes_on(out->last));
}


static struct result
parse(str_t key, str_t in, size_t step)
{
    struct memcached_answer a = { .key = key };
    struct result           out = { .last = MEMCACHED_WANTS_MORE };
    size_t                  start = 0;

    for (size_t end = step < in.n ? step : in.n;; end += step) {
        str_t part;

        if (end > in.n)
            end = in.n;
        part = (str_t){ in.p + start, end - start };
        take(&out, &a, &part);
        start = end - part.n;
        if (out.last != MEMCACHED_WANTS_MORE || end == in.n)
            break;
    }
    out.used = start;
    return out;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t         in = { (const char *) data, size };
    const char   *space = str_chr(in, ' ');
    str_t         key = space ? str_span(in.p, space) : STR("k");
    struct result whole, bytes;

    if (space)
        in = str_from(in, key.n + 1);
    whole = parse(key, in, in.n + 1);
    bytes = parse(key, in, 1);
    CHECK(whole.last == bytes.last && whole.used == bytes.used);
    CHECK(whole.has_value == bytes.has_value && whole.flags == bytes.flags);
    CHECK(whole.length == bytes.length && whole.bytes == bytes.bytes);
    CHECK(whole.sum == bytes.sum);
    CHECK(whole.last != MEMCACHED_SAW_END || whole.bytes == whole.length);
    return 0;
}
