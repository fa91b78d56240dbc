/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request line: what is found in it lies in it, and a path that is said to
 * be simple is what normalising it gives.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "http/h1/parse.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_inside(str_t part, str_t whole)
{
    if (part.n == 0 || str_is(part, "/"))
        return;

    CHECK(part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}


static void
check_simple(str_t path)
{
    char *out = malloc(path.n);
    str_t found;

    CHECK(out != NULL);
    CHECK(uri_normalize(path, true, out, &found));
    CHECK(str_eq(path, found));
    free(out);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h1_request_line found;
    str_t                  line = { (const char *) data, size };
    bool                   may_be = h1_may_be_request(line);

    if (h1_request_line(&found, line) != H1_OK)
        return 0;

    CHECK(may_be);
    CHECK(found.method.n > 0 && found.parts.path.n > 0
          && found.parts.path.p[0] == '/');
    CHECK(found.major <= 1 && found.minor <= 999);
    check_inside(found.method, line);
    check_inside(found.target, line);
    check_inside(found.host, line);
    check_inside(found.parts.path, line);
    check_inside(found.parts.args, line);

    if (!found.parts.is_complex)
        check_simple(found.parts.path);

    return 0;
}
