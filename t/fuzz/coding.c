/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of Accept-Encoding: what is accepted is there, and a coding more in
 * front changes nothing.
 */
#include "core/base/check.h"
#include "http/coding.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char front[] = "br;q=1, ";
    const size_t      n = sizeof(front) - 1;
    str_t             value = { (const char *) data, size };
    bool              is_accepted = coding_is_accepted(value, STR("gzip"));
    char             *longer = malloc(n + size);

    CHECK(longer != NULL);
    CHECK(!is_accepted || str_ifind(value, STR("gzip")) != NULL);
    memcpy(longer, front, n);
    if (size != 0)
        memcpy(longer + n, data, size);
    CHECK(coding_is_accepted((str_t){ longer, n + size }, STR("gzip"))
          == is_accepted);
    free(longer);
    return 0;
}
