/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is looked at before nghttp2: headers of frames, which are found wherever
 * the input is cut; and values of Priority.
 */
#include <stdint.h>

#include "core/base/check.h"
#include "http/h2/priority.h"
#include "http/h2/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct h2_limits limits = { { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3 } };


/* Counts and the verdict do not depend on the pieces. */
static void
watch(struct h2_watch *w, str_t in, size_t piece, enum h2_verdict *end)
{
    enum h2_kind kind;
    size_t       n;

    h2_watch_init(w, 0);
    *end = H2_FINE;
    while (in.n != 0) {
        str_t part = { in.p, in.n < piece ? in.n : piece };

        n = h2_watch_bytes(w, &limits, 0, part, end, &kind);
        CHECK(n <= part.n && n != 0);
        if (*end != H2_FINE && *end != H2_IS_DATA)
            return;
        CHECK(n == part.n || *end == H2_IS_DATA);
        *end = H2_FINE;
        in = str_from(in, n);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t              in = { (const char *) data, size };
    struct h2_watch    whole, cut;
    enum h2_verdict    one, other;
    struct h2_priority p = { 3, false };

    watch(&whole, in, SIZE_MAX, &one);
    watch(&cut, in, 1, &other);
    CHECK(one == other);
    for (unsigned i = 0; i < H2_N_KINDS; i++)
        CHECK(whole.count[i] == cut.count[i]);
    CHECK(whole.left == cut.left && whole.n_head == cut.n_head);
    if (!h2_priority_parse(in, &p))
        CHECK(p.urgency == 3 && !p.is_incremental);
    CHECK(p.urgency <= 7);
    return 0;
}
