/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of all directives and variables of nginx, sorted: made at build
 * time from auto/check/directives.tsv and variables.tsv.  One that no module
 * has is "not supported by this build" rather than unknown.
 */
#pragma once

#include "core/base/str.h"

extern const char *const known_directives[];
extern const size_t      known_directives_count;

/* Variable families by their prefix: "http_".  Ends with a NULL name. */
struct known_variable {
    const char *name;
    const char *modules; /* of nginx, separated by commas                    */
};
extern const struct known_variable known_variables[];

/* The modules of nginx that have the variable, or NULL. */
const char *known_variable_modules(str_t name);

/* Directives that are missing because their library was not found; ends with a
 * NULL name. */
struct known_need {
    const char *name;
    const char *library;
};
extern const struct known_need known_needs[];
