/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates: any bytes are read without harm, and what is read can be written
 * and read again. */
#include "core/base/check.h"
#include "core/base/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    time_t at = date_parse((str_t){ (const char *) data, size });
    char   out[DATE_LEN];

    CHECK(at >= -1);
    if (at == -1)
        return 0;
    date_http(out, at);
    CHECK(date_parse((str_t){ out, DATE_LEN }) == at);
    CHECK(date_cookie(out, at) <= DATE_LEN);
    return 0;
}
