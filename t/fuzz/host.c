/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosts: what is taken is in lower case, has only bytes that a host may have,
 * and is taken again.
 */
#include "core/base/check.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_host(struct arena *a, str_t in)
{
    str_t    host, again;
    uint16_t port;
    size_t   i;

    if (!uri_host(a, in, &host, &port))
        return;

    CHECK(host.n > 0 && host.n <= in.n);
    CHECK(str_find(host, STR("..")) == NULL);

    for (i = 0; i < host.n; i++) {
        CHECK(host.p[i] > ' ' && host.p[i] < 0x7f && host.p[i] != '/');
        CHECK(host.p[i] == ascii_lower(host.p[i]));
    }

    CHECK(uri_host(a, host, &again, &port));
    CHECK(str_eq(host, again) && port == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);

    check_host(a, (str_t){ (const char *) data, size });
    arena_free(a);
    return 0;
}
