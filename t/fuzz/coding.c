/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of Accept-Encoding: what is accepted is there, or * is; a coding more
 * in front changes nothing.
 */
#include "core/base/check.h"
#include "http/coding.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check(str_t value, str_t longer, str_t coding)
{
    unsigned weight = coding_weight(value, coding);

    CHECK(weight <= CODING_WEIGHT_MAX);
    CHECK(weight == 0 || str_ifind(value, coding) != NULL
          || (str_find(value, STR("*")) != NULL
              && str_ifind(value, STR("identity")) != NULL));
    CHECK(coding_weight(longer, coding) == weight);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char front[] = "deflate;q=1, ";
    const size_t      n = sizeof(front) - 1;
    str_t             value = { (const char *) data, size };
    char             *longer = malloc(n + size);

    CHECK(longer != NULL);
    memcpy(longer, front, n);
    if (size != 0)
        memcpy(longer + n, data, size);
    check(value, (str_t){ longer, n + size }, STR("gzip"));
    check(value, (str_t){ longer, n + size }, STR("br"));
    check(value, (str_t){ longer, n + size }, STR("zstd"));
    free(longer);
    return 0;
}
