/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accept-Encoding: which values ask for gzip.
 */
#include "http/coding.h"
#include "t/unit/tap.h"

static const struct {
    const char *value;
    bool        is_accepted;
} cases[] = {
    { "gzip", true },
    { "GZip", true },
    { "gzip,", true },
    { "gzip, deflate, br", true },
    { "deflate, gzip", true },
    { "deflate,gzip", true },
    { "br;q=1.0, gzip;q=0.8, *;q=0.1", true },
    { "x-gzip", false },
    { "x-gzip, gzip", true },
    { "gzipped", false },
    { "gzip x", false },
    { "gzip  ,x", true },
    { "deflate\tgzip", false },
    { "deflate", false },
    { "", false },
    { "gzi", false },
    { "*", false },
    { "identity", false },
    { "gzip;", true },
    { "gzip; ", true },
    { "gzip ; q=1", true },
    { "gzip;Q=1", true },
    { "gzip;x=1", false },
    { "gzip;q", false },
    { "gzip;q=", false },
    { "gzip;q =1", false },
    { "gzip;q= 1", false },
    { "gzip;q=0", false },
    { "gzip;q=0,deflate", false },
    { "gzip;q=0, gzip", false },
    { "gzip;q=0.", false },
    { "gzip;q=0.0", false },
    { "gzip;q=0.000", false },
    { "gzip;q=0.001", true },
    { "gzip;q=0.5", true },
    { "gzip;q=0.999, br", true },
    { "gzip;q=0.0001", false },
    { "gzip;q=0.5555", false },
    { "gzip;q=1", true },
    { "gzip;q=1 ", true },
    { "gzip;q=1.", true },
    { "gzip;q=1.000", true },
    { "gzip;q=1.0000", false },
    { "gzip;q=1.001", false },
    { "gzip;q=2", false },
    { "gzip;q=10", false },
    { "gzip;q=.5", false },
    { "gzip;q=0.5x", false },
    { "gzip;q=-1", false },
};


int
main(void)
{
    size_t i, n;
    char  *copy;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* Without a byte behind, for sanitizers. */
        n = strlen(cases[i].value);
        copy = malloc(n + (n == 0));
        memcpy(copy, cases[i].value, n);
        is(coding_is_accepted((str_t){ copy, n }, STR("gzip")),
           cases[i].is_accepted, "\"%s\"", cases[i].value);
        free(copy);
    }
    is(coding_is_accepted(STR("gzip, br;q=0.1"), STR("br")), true, "br");
    is(coding_is_accepted(STR_NONE, STR("gzip")), false, "none");
    return done();
}
