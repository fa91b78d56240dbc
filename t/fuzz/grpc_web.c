/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of gRPC-Web: whole, and in pieces whose length the first byte says.
 * What is valid and encoded again is decoded to the same bytes.
 */
#include "core/base/check.h"
#include "core/base/escape.h"
#include "modules/gateway/grpc_web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* The end of out; NULL: invalid. */
static char *
decode(char *out, str_t in, size_t piece, bool *whole)
{
    struct grpc_decoder d = { .bits = 0 };
    char               *end = out;

    while (in.n != 0 && end != NULL) {
        str_t part = { in.p, in.n < piece ? in.n : piece };
        char *before = end;

        in = str_from(in, part.n);
        end = grpc_web_decode(&d, end, part);
        CHECK(end == NULL || (size_t) (end - before) <= part.n * 3 / 4 + 3);
    }
    *whole = grpc_web_is_whole(&d);
    return end;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole[65536], pieces[65536], text[131072];
    str_t       in = { (const char *) data, size }, rest;
    bool        is_whole, too;
    char       *end, *other, *stop;

    if (size < 2 || size > 60000)
        return 0;
    (void) grpc_web_kind(in, &rest);
    CHECK(rest.n <= in.n);
    in = str_from(in, 1);
    end = decode(whole, in, in.n, &is_whole);
    other = decode(pieces, in, 1 + data[0] % 7, &too);
    CHECK((end == NULL) == (other == NULL));
    if (end == NULL)
        return 0;
    CHECK(is_whole == too && end - whole == other - pieces);
    CHECK(memcmp(whole, pieces, (size_t) (end - whole)) == 0);
    stop = base64_put(text, str_span(whole, end), false);
    other = decode(pieces, str_span(text, stop), 5, &too);
    CHECK(other != NULL && too && end - whole == other - pieces);
    CHECK(memcmp(whole, pieces, (size_t) (end - whole)) == 0);
    return 0;
}
