/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of all directives and variables of nginx, sorted: made at build
 * time from auto/check/directives.tsv and variables.tsv.  One that no module
 * has is "not supported by this build" rather than unknown.
 */
#pragma once

#include <stddef.h>

extern const char *const known_directives[];
extern const size_t      known_directives_count;

/* Families by the part that their members share: "http_". */
extern const char *const known_variables[];
extern const size_t      known_variables_count;

/* Directives that are not there because this build has not their library;
 * ends with a NULL name. */
struct known_need {
    const char *name;
    const char *library;
};
extern const struct known_need known_needs[];
