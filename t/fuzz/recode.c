/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip there and back: whatever is compressed, in any pieces, with flushes and
 * into blocks of any size, comes back when it is decompressed in other pieces,
 * a part at a time.  And bytes that are no gzip end in an error, or in an end.
 *
 * The input is four bytes (level and kind of the stream, sizes of blocks and
 * pieces, flushes), and what is compressed.
 */
#include "core/base/check.h"
#include "modules/filter/deflate.h"
#include "modules/filter/recoder.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPTIONS = 4, PART = 1000, WHOLE_MORE = 512, OUT_MAX = 16 << 20 };


static str_t
flatten(struct arena *a, const struct chain *c)
{
    char *p = arena_bytes(a, c->n + 1);

    return (str_t){ p, chain_peek(c, p, c->n) };
}


static void
compress(const uint8_t *option, str_t in, struct chain *out)
{
    struct coder_plan plan = { .level = 1 + option[0] % 9,
                               .window = 9 + option[0] / 9 % 7,
                               .memory = 1 + option[1] % 9,
                               .is_live = option[1] & 0x80,
                               .length = -1 };
    struct recoder    c = { 0 };
    size_t            n = 1 + option[2] * 7u;
    unsigned          i = 0;
    str_t             piece;

    if (option[1] & 0x40)
        plan.length = (int64_t) in.n;
    deflate_plan(&plan);
    CHECK(recoder_begin(&c, &plan, option[1] & 0x20 ? 1 : 4096));
    for (; in.n > n; in = str_from(in, n)) {
        piece = (str_t){ in.p, n };
        CHECK(recoder_put(&c, &piece, CODER_RUN, out) == CODER_READY);
        CHECK(piece.n == 0);
        if (option[3] != 0 && ++i % option[3] == 0) {
            CHECK(recoder_put(&c, &piece, CODER_FLUSH, out) == CODER_READY);
            recoder_pause(&c, out);
        }
    }
    CHECK(recoder_put(&c, &in, CODER_END, out) == CODER_READY);
    recoder_emit(&c, out);
    recoder_end(&c);
}


/* The last word about in, of which what came out is in out. */
static enum coder_said
decompress(const uint8_t *option, str_t in, struct chain *out)
{
    struct coder_plan plan = { .length = -1 };
    struct recoder    c = { 0 };
    size_t            n = 1 + option[3] * 5u;
    enum coder_said   said = CODER_READY;
    str_t             piece;

    inflate_plan(&plan);
    CHECK(recoder_begin(&c, &plan, 64));
    while (said != CODER_BROKEN && (in.n != 0 || said == CODER_FULL)
           && out->n < OUT_MAX)
    {
        uint64_t before = c.total_out;

        c.until = before + PART;
        piece = (str_t){ in.p, in.n < n ? in.n : n };
        n = piece.n != 0 ? piece.n : n;
        said = recoder_put(&c, &piece, CODER_RUN, out);
        CHECK(c.total_out - before <= PART + 64);
        CHECK(said != CODER_READY || piece.n == 0);
        in = str_from(in, (size_t) (piece.p - in.p));
        n = 1 + option[3] * 5u;
    }
    recoder_emit(&c, out);
    recoder_end(&c);
    return said;
}


static void
check_back(struct arena *a, const uint8_t *option, str_t packed, str_t want)
{
    struct chain plain;
    str_t        got;

    chain_init(&plain, a);
    CHECK(decompress(option, packed, &plain) == CODER_ENDED);
    got = flatten(a, &plain);
    CHECK(str_eq(got, want));
    chain_clear(&plain);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a;
    struct chain  packed, rest;
    str_t         in;
    char         *whole;
    size_t        n;

    if (size < OPTIONS || size > 1 << 16)
        return 0;
    a = arena_new(0);
    in = (str_t){ (const char *) data + OPTIONS, size - OPTIONS };

    chain_init(&packed, a);
    compress(data, in, &packed);
    check_back(a, data, flatten(a, &packed), in);
    chain_clear(&packed);

    whole = arena_bytes(a, in.n + WHOLE_MORE);
    n = deflate_whole(1 + data[0] % 9, 15, in, whole, in.n + WHOLE_MORE);
    if (n != 0)
        check_back(a, data, (str_t){ whole, n }, in);

    chain_init(&rest, a);
    (void) decompress(data, in, &rest);
    chain_clear(&rest);
    arena_free(a);
    coders_free();
    deflate_stop();
    return 0;
}
