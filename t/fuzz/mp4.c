/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of films: eight bytes say which, the contents of a moov follow.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "modules/content/mp4_moov.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Reads what was made: its atoms have the sizes that they tell. */
static void
check_moov(const struct mp4_part *part)
{
    size_t          n = (size_t) part->out.n, at = 0;
    char           *bytes = malloc(n);
    struct mp4_atom a;

    CHECK(bytes != NULL && chain_peek(&part->out, bytes, n) == n);
    CHECK(mp4_atom_read(bytes, n, &a) && a.size < n);
    CHECK(str_is(a.name, "moov"));
    at = a.size;
    CHECK(mp4_atom_read(bytes + at, n - at, &a));
    CHECK(str_is(a.name, "mdat") && a.head == n - at);
    CHECK(a.size - a.head == part->until - part->from);
    free(bytes);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mp4_span span;
    struct mp4_part part;
    struct arena   *a;
    char           *moov;
    size_t          n;

    if (size < 8)
        return 0;
    n = size - 8;
    span = (struct mp4_span){
        .start = (uint64_t) data[0] << 8 | data[1],
        .length = (uint64_t) data[2] << 8 | data[3],
        .from_key_frame = data[4] & 1,
        .mdat_end = (uint64_t) data[5] << 24 | (uint64_t) data[6] << 8,
    };
    moov = malloc(n != 0 ? n : 1);
    CHECK(moov != NULL);
    memcpy(moov, data + 8, n);
    a = arena_new(0);
    if (mp4_moov_cut(a, moov, n, &span, data[7], &part) == NULL
        && part.from < part.until)
        check_moov(&part);
    arena_free(a);
    free(moov);
    return 0;
}
