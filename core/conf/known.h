/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of all directives of nginx, sorted: made at build time from
 * auto/check/directives.tsv.  One that no module has is "not supported by this
 * build" rather than unknown.
 */
#pragma once

#include <stddef.h>

extern const char *const known_directives[];
extern const size_t      known_directives_count;
