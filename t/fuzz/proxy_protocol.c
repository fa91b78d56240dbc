/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PROXY headers, whole and cut: no piece of a good one is refused, and no
 * piece shorter than it is taken.
 */
#include "core/base/check.h"
#include "core/net/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_tlvs(const struct proxy_protocol *pp)
{
    unsigned type;
    str_t    found;

    for (type = 0; type < 256; type++) {
        if (proxy_protocol_tlv(pp->tlvs, type, &found) == PARSE_OK)
            CHECK(found.p >= pp->tlvs.p + 3
                  && found.p + found.n <= pp->tlvs.p + pp->tlvs.n);
    }
}


static void
check_header(struct arena *a, str_t in)
{
    struct proxy_protocol pp;
    enum parse            found;
    size_t                used, n, ignored;

    found = proxy_protocol_parse(a, in, &pp, &used);
    CHECK(found != PARSE_AGAIN || in.n < PROXY_PROTOCOL_MAX);
    if (found != PARSE_OK)
        return;

    CHECK(used <= in.n && used <= PROXY_PROTOCOL_MAX);
    CHECK((pp.src_addr.n == 0) == (pp.dst_addr.n == 0));
    check_tlvs(&pp);

    for (n = used > 300 ? used - 300 : 0; n < used; n++) {
        found = proxy_protocol_parse(a, (str_t){ in.p, n }, &pp, &ignored);
        CHECK(found == PARSE_AGAIN);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);

    check_header(a, (str_t){ (const char *) data, size });
    arena_free(a);
    return 0;
}
