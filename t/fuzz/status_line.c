/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status line of an upstream.
 */
#include "core/base/check.h"
#include "http/h1/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h1_status_line found;
    str_t                 line = { (const char *) data, size };

    if (!h1_status_line(&found, line))
        return 0;

    CHECK(found.major >= 1 && found.major <= 999 && found.minor <= 999);
    CHECK(found.status >= 100 && found.status <= 999);
    CHECK(found.reason.n < line.n && !str_chr(found.reason, '\r'));
    return 0;
}
