/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ClientHello, whole and cut: no piece of a good one is refused, none shorter
 * than it is taken, and what is found lies within it.
 */
#include "core/base/check.h"
#include "core/tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char flat[TLS_HELLO_MAX], other[TLS_HELLO_MAX];


static bool
is_within(str_t s, str_t in)
{
    return s.p == NULL || (s.p >= in.p && s.p + s.n <= in.p + in.n);
}


static void
check_list(str_t alpn)
{
    size_t n;

    while (alpn.n != 0) {
        n = (unsigned char) alpn.p[0];
        CHECK(n != 0 && n < alpn.n);
        alpn = str_from(alpn, n + 1);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t            in = { (const char *) data, size };
    str_t            room = { flat, sizeof(flat) };
    struct tls_hello h, again;
    enum parse       whole = tls_hello_parse(in, flat, &h), part;

    if (whole != PARSE_OK)
        return 0;
    CHECK(is_within(h.name, in) || is_within(h.name, room));
    CHECK(is_within(h.alpn, in) || is_within(h.alpn, room));
    CHECK(h.name.p == NULL || h.name.n != 0);
    check_list(h.alpn);
    for (size_t n = 0; n<size; n += size> 512 ? 61 : 1) {
        part = tls_hello_parse((str_t){ in.p, n }, other, &again);
        CHECK(part == PARSE_AGAIN || part == PARSE_OK);
    }
    return 0;
}
