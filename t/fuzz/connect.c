/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The target of a CONNECT request, on its way from the request line to an
 * address: where it is taken, what is connected to is the host and the port
 * that were asked for, and never a unix socket.
 */
#include <stdint.h>

#include "core/base/check.h"
#include "core/net/addr.h"
#include "http/h1/parse.h"
#include "http/uri.h"
#include "modules/gateway/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_target(struct arena *a, str_t in)
{
    struct h1_request_line line;
    struct endpoint        e = { .port = 0 };
    str_t    text = str_join3(a, STR("CONNECT "), in, STR(" HTTP/1.1"));
    str_t    host, to;
    uint16_t port;

    if (h1_request_line(&line, text) != H1_OK)
        return;
    CHECK(str_is(line.target, "/") && str_is(line.parts.path, "/"));
    CHECK(str_find(in, line.host) != NULL); /* between blanks */
    if (!uri_host(a, line.host, &host, &port))
        return;
    to = tunnel_authority(a, host, port);
    if (to.n == 0) {
        CHECK(port == 0 || str_ieq(host, STR("unix")));
        return;
    }
    if (endpoint_parse(a, to, 0, ENDPOINT_URI, &e) != NULL)
        return;
    CHECK(!e.is_unix && e.port == port && e.uri.n == 0);
    CHECK(str_ieq(e.host, host));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);

    if (size <= 1024)
        check_target(a, (str_t){ (const char *) data, size });
    arena_free(a);
    return 0;
}
