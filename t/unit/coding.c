/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accept-Encoding: how much which values ask for gzip.
 */
#include "http/coding.h"
#include "t/unit/tap.h"

static const struct {
    const char *value;
    unsigned    weight;
} cases[] = {
    { "gzip", 1000 },
    { "GZip", 1000 },
    { "gzip,", 1000 },
    { "gzip, deflate, br", 1000 },
    { "deflate, gzip", 1000 },
    { "deflate,gzip", 1000 },
    { "br;q=1.0, gzip;q=0.8, *;q=0.1", 800 },
    { "x-gzip", 0 },
    { "x-gzip, gzip", 1000 },
    { "gzipped", 0 },
    { "gzip x", 0 },
    { "gzip  ,x", 1000 },
    { "deflate\tgzip", 0 },
    { "deflate", 0 },
    { "", 0 },
    { "gzi", 0 },
    { "*", 0 },
    { "identity", 0 },
    { "gzip;", 1000 },
    { "gzip; ", 1000 },
    { "gzip ; q=1", 1000 },
    { "gzip;Q=1", 1000 },
    { "gzip;x=1", 0 },
    { "gzip;q", 0 },
    { "gzip;q=", 0 },
    { "gzip;q =1", 0 },
    { "gzip;q= 1", 0 },
    { "gzip;q=0", 0 },
    { "gzip;q=0,deflate", 0 },
    { "gzip;q=0, gzip", 0 },
    { "gzip;q=0.", 0 },
    { "gzip;q=0.0", 0 },
    { "gzip;q=0.000", 0 },
    { "gzip;q=0.001", 1 },
    { "gzip;q=0.5", 500 },
    { "gzip;q=0.999, br", 999 },
    { "gzip;q=0.0001", 0 },
    { "gzip;q=0.5555", 0 },
    { "gzip;q=1", 1000 },
    { "gzip;q=1 ", 1000 },
    { "gzip;q=1.", 1000 },
    { "gzip;q=1.000", 1000 },
    { "gzip;q=1.0000", 0 },
    { "gzip;q=1.001", 0 },
    { "gzip;q=2", 0 },
    { "gzip;q=10", 0 },
    { "gzip;q=.5", 0 },
    { "gzip;q=0.5x", 0 },
    { "gzip;q=-1", 0 },
    { "gzip;q=0.5, br", 500 },
    { "gzip;q=0.05", 50 },
    { "gzip;q=0.25 , br", 250 },
    { "gzip;q=0.5, identity", 0 },
    { "identity, gzip;q=0.999", 0 },
    { "identity;q=0.5, gzip;q=0.5", 500 },
    { "identity;q=0.5, gzip;q=0.499", 0 },
    { "identity;q=0, gzip;q=0", 0 },
    { "*;q=0, gzip", 1000 },
    { "*, gzip;q=0", 0 },
    { "*, identity", 0 },
    { "*, identity;q=0", 1000 },
    { "identity;q=0.5, *;q=0.6", 600 },
    { "identity;q=0.5, *;q=0.5", 0 },
    { "identity;q=0", 0 },
    { "*;q=0, identity;q=0", 0 },
    { "*;q=0", 0 },
    { "br, *;q=0.5", 0 },
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
        is(coding_weight((str_t){ copy, n }, STR("gzip")), cases[i].weight,
           "\"%s\"", cases[i].value);
        free(copy);
    }
    is(coding_weight(STR("gzip, br;q=0.1"), STR("br")), 100, "br");
    is(coding_weight(STR_NONE, STR("gzip")), 0, "none");
    return done();
}
