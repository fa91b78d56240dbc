/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunked body: whole, and in pieces.  The first byte says how long they
 * are.  Both ways have to come to the same body, trailers and end.
 */
#include "core/base/check.h"
#include "http/h1/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    enum parse end;
    size_t     used, body_bytes, fields;
    uint32_t   sum;
};


static void
add(struct result *out, str_t s)
{
    size_t i;

    for (i = 0; i < s.n; i++)
        out->sum = out->sum * 31 + (unsigned char) s.p[i];
}


static void
feed(struct h1_chunked *c, str_t in, struct result *out)
{
    str_t           rest = str_from(in, out->used), data;
    struct h1_field field;

    for (;;) {
        out->end = h1_chunked_next(c, &rest, &data, &field);
        CHECK(rest.p >= in.p && rest.p + rest.n == in.p + in.n);
        if (out->end != PARSE_OK)
            break;
        if (data.p != NULL) {
            out->body_bytes += data.n;
            add(out, data);
        } else {
            out->fields++;
            add(out, field.name);
            add(out, field.value);
        }
    }

    out->used = (size_t) (rest.p - in.p);
}


static struct result
run(str_t in, size_t step)
{
    struct h1_chunked c = { .left = 0 };
    struct result     out = { .end = PARSE_AGAIN };
    size_t            have = 0;

    do {
        have = have + step < in.n ? have + step : in.n;
        feed(&c, (str_t){ in.p, have }, &out);
    } while (have < in.n && out.end == PARSE_AGAIN);

    return out;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, pieces;
    str_t         in;

    if (size < 2)
        return 0;

    in = (str_t){ (const char *) data + 1, size - 1 };
    whole = run(in, in.n);
    pieces = run(in, (size_t) data[0] % 16 + 1);

    CHECK(whole.end == pieces.end);
    if (whole.end == PARSE_BAD)
        return 0;

    CHECK(whole.used == pieces.used && whole.sum == pieces.sum);
    CHECK(whole.body_bytes == pieces.body_bytes);
    CHECK(whole.fields == pieces.fields);
    return 0;
}
