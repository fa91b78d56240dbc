/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames of gRPC's messages, trailers of gRPC-Web among them: where a row of
 * them ends is the same in one piece, in pieces whose length the first byte says,
 * and by a walk from one prefix to the next.
 */
#include <stdint.h>

#include "core/base/check.h"
#include "modules/gateway/grpc_web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Whether the bytes are whole messages. */
static bool
is_row(const uint8_t *p, size_t n)
{
    while (n >= GRPC_PREFIX) {
        uint32_t length = (uint32_t) p[1] << 24 | (uint32_t) p[2] << 16
                          | (uint32_t) p[3] << 8 | p[4];

        p += GRPC_PREFIX;
        n -= GRPC_PREFIX;
        if (length > n)
            return false;
        p += length;
        n -= length;
    }
    return n == 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct grpc_place whole = { .n = 0 }, cut = { .n = 0 };
    str_t             in = { (const char *) data, size };
    size_t            piece;

    if (size == 0)
        return 0;
    piece = 1 + data[0] % 9;
    in = str_from(in, 1);
    grpc_place_move(&whole, in);
    CHECK(grpc_place_is_between(&whole) == is_row(data + 1, size - 1));
    for (str_t part; in.n != 0; in = str_from(in, part.n)) {
        part = (str_t){ in.p, in.n < piece ? in.n : piece };
        grpc_place_move(&cut, part);
    }
    CHECK(whole.n == cut.n && whole.left == cut.left);
    return 0;
}
