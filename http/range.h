/* SPDX-License-Identifier: BSD-2-Clause */
/* Range: bytes=... (RFC 9110 section 14), as a pure function. */
#pragma once

#include "core/base/arena.h"

struct range {
    uint64_t start, end; /* end is exclusive */
};

enum range_verdict {
    RANGE_IGNORE,        /* not a byte range, or more than max: send all      */
    RANGE_OK,            /* *out has *count ranges, in the order asked        */
    RANGE_UNSATISFIABLE, /* 416                                               */
};

/* Parses the value of Range against a body of length bytes; max is
 * max_ranges.  Overlaps whose sum exceeds the length are ignored as nginx
 * does (t/truth/range.tsv). */
enum range_verdict range_parse(struct arena *a, str_t value, uint64_t length,
                               uint64_t max, struct range **out, size_t *count);

/* Where the whole has no known length in Content-Range. */
#define RANGE_NO_LENGTH UINT64_MAX

/* Parses the value of Content-Range: "bytes 0-9/100", or with a star for the
 * length.  False: it is none. */
bool range_parse_content(str_t value, struct range *out, uint64_t *length);

/* Where a value of Range begins, as far as that can be told without the
 * length; 0: at the start, or not one range. */
uint64_t range_start(str_t value);
