/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoints, addresses and networks as configurations write them; the first
 * byte is the flags.  All parts lie in the text, and an address or endpoint
 * that was understood is understood again, as the same, in weir's words.
 */
#include "core/base/check.h"
#include "core/net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORT = 80 };


static bool
is_in(str_t part, str_t text)
{
    return part.p == NULL
           || (part.p >= text.p && part.p + part.n <= text.p + text.n);
}


static void
check_address(str_t text)
{
    struct addr_any at, again;
    char            out[ADDR_TEXT];
    size_t          n;

    if (!addr_parse(text, &at))
        return;
    CHECK(at.len == addr_len(&at.sa));
    n = addr_text(out, &at.sa, at.len, false);
    CHECK(n <= sizeof(out) && addr_parse((str_t){ out, n }, &again));
    CHECK(addr_same(&at.sa, &again.sa, true));
    n = addr_text(out, &at.sa, at.len, true);
    CHECK(n <= sizeof(out));
}


static void
check_network(struct arena *a, str_t text)
{
    struct cidr       c;
    enum cidr_verdict verdict = cidr_parse(text, &c);
    struct addr_any   at;
    str_t             rest = text, addr = str_cut(&rest, '/');

    if (verdict == CIDR_BAD || c.family == AF_UNIX)
        return;
    for (size_t i = 0; i < sizeof(c.addr); i++)
        CHECK((c.addr[i] & ~c.mask[i] & 0xFF) == 0);
    for (size_t i = 1; i < sizeof(c.mask); i++)
        CHECK(c.mask[i] == 0 || c.mask[i - 1] == 0xFF);
    CHECK(addr_parse(addr, &at) && cidr_match(&c, &at.sa));
    /* Of all networks its address is in the one that is the whole. */
    CHECK(cidr_parse(str_join(a, addr, STR("/0")), &c) != CIDR_BAD);
    CHECK(cidr_match(&c, &at.sa));
}


/* One of the addresses, as logs have it. */
static void
check_name(struct arena *a, const struct endpoint *e, size_t i)
{
    struct endpoint again;
    str_t           name = e->names[i];

    CHECK(endpoint_parse(a, name, PORT, 0, &again) == NULL);
    CHECK(again.n == 1 && again.uri.n == 0 && again.is_unix == e->is_unix);
    CHECK(again.at[0].len == e->at[i].len);
    CHECK(addr_same(&again.at[0].sa, &e->at[i].sa, true));
    CHECK(str_eq(again.names[0], name));
}


static void
check_endpoint(struct arena *a, str_t text, unsigned flags)
{
    struct endpoint e;
    const char     *error = endpoint_parse(a, text, PORT, flags, &e);

    CHECK(is_in(e.host, text) && is_in(e.uri, text)
          && is_in(e.port_text, text));
    CHECK(e.uri.n == 0 || (flags & ENDPOINT_URI));
    if (error != NULL)
        return;
    CHECK(e.port <= e.last_port && e.last_port <= 65535);
    CHECK(e.port == e.last_port || (flags & ENDPOINT_LISTEN));
    CHECK(!e.is_unix || (e.n == 1 && e.host.n != 0));
    if (e.is_unix) {
        CHECK(str_find(e.names[0], e.host) != NULL);
        return;
    }
    CHECK(e.port != 0 && (!e.no_port || e.port == PORT));
    CHECK(e.n == 0 || e.n == e.last_port - e.port + 1);
    for (size_t i = 0; i < e.n; i++)
        CHECK(addr_port(&e.at[i].sa) == e.port + i);
    if (e.n != 0) {
        check_name(a, &e, 0);
        check_name(a, &e, e.n - 1);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         text = { (const char *) data + 1, size - 1 };

    if (size != 0) {
        check_address(text);
        check_network(a, text);
        check_endpoint(a, text, data[0] & (ENDPOINT_LISTEN | ENDPOINT_URI));
    }
    arena_free(a);
    return 0;
}
