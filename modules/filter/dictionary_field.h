/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header fields of compression dictionaries (RFC 9842 section 2), as pure
 * functions.
 */
#pragma once

#include "core/base/arena.h"

enum {
    DICTIONARY_HASH = 32, /* bytes of a SHA-256                              */
    DICTIONARY_ID = 1024, /* at most                                         */
};

/* Whether a value of Use-As-Dictionary makes a response a dictionary of raw
 * bytes. */
bool dictionary_is_offered(str_t value);
/* The hash in a value of Available-Dictionary; false: there is none. */
bool dictionary_is_available(struct arena *a, str_t value,
                             unsigned char hash[DICTIONARY_HASH]);
/* Whether a pattern of URLs may be offered: of this origin, without regular
 * expressions, and with no other bytes than those of a structured string. */
bool dictionary_is_pattern(str_t pattern);
/* Whether it is a string of a structured field: printable ASCII. */
bool dictionary_is_string(str_t s);
