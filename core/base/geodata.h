/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values in the data section of a MaxMind DB file (format 2.0): "Output Data
 * Section" and its "Data Field Format".  The file is not trusted: nothing
 * outside of the section is read, there is no recursion, and a search takes
 * time in proportion to the section.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/str.h"

enum geodata_type {
    GEODATA_POINTER = 1,
    GEODATA_STRING,
    GEODATA_DOUBLE,
    GEODATA_BYTES,
    GEODATA_UINT16,
    GEODATA_UINT32,
    GEODATA_MAP,
    GEODATA_INT32,
    GEODATA_UINT64,
    GEODATA_UINT128,
    GEODATA_ARRAY,
    GEODATA_BOOLEAN = 14,
    GEODATA_FLOAT,
};

struct geodata {
    enum geodata_type type;
    size_t            size;  /* of a map (pairs) or an array; a boolean      */
    str_t             bytes; /* of other types: within the section           */
    size_t            next;  /* what follows; of maps and arrays: the first  */
};

/* The value at an offset of the section, or in that value by a path: names in
 * maps, numbers in arrays (negative ones count from the end).  False: it does
 * not exist, or the section is broken. */
bool geodata_find(str_t section, size_t at, const str_t *path, size_t n,
                  struct geodata *out);

/* As variables show it, copied; STR_NONE for maps and arrays. */
str_t geodata_text(struct arena *a, const struct geodata *v);
