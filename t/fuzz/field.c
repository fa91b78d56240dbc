/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a head, each as a field of a request and of a response.
 */
#include "core/base/check.h"
#include "http/h1/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_field(str_t line, bool is_response)
{
    struct h1_field    found;
    enum h1_field_kind kind = h1_field(&found, line, is_response);

    if (kind == H1_FIELD_BAD)
        return;

    CHECK(found.name.n > 0);
    CHECK(found.name.p == line.p && found.name.n <= line.n);
    CHECK(found.value.p >= found.name.p + found.name.n);
    CHECK(found.value.p + found.value.n <= line.p + line.n);
    CHECK(found.id == field_id(found.name));
    CHECK(!str_chr(found.name, ' ') && !str_chr(found.name, ':'));
    CHECK(!str_chr(found.value, '\r') && !str_chr(found.value, '\0'));

    if (found.value.n > 0) {
        CHECK(found.value.p[0] != ' ');
        CHECK(found.value.p[found.value.n - 1] != ' ');
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t  rest = { (const char *) data, size }, line;
    size_t n, seen = 0;

    while ((n = h1_line(rest, &seen, &line)) > 0) {
        CHECK(line.p == rest.p && line.n < n);
        CHECK(!str_chr(line, '\n'));
        if (line.n > 0) {
            check_field(line, false);
            check_field(line, true);
        }
        rest = str_from(rest, n);
    }

    CHECK(!str_chr(rest, '\n'));
    return 0;
}
