/* SPDX-License-Identifier: BSD-2-Clause */
/* Range: bytes=... (RFC 9110 section 14), as a pure function. */
#pragma once

#include "core/base/arena.h"

struct range {
    uint64_t start, end; /* end is exclusive */
};

enum range_verdict {
    RANGE_IGNORE,        /* not a byte range, or more than max: send
                            everything                                       */
    RANGE_OK,            /* *out has *count ranges, in the requested order   */
    RANGE_UNSATISFIABLE, /* 416                                               */
};

/* Parses the value of Range for a body of length bytes; max is max_ranges.
 * Ranges whose sum exceeds the length because they overlap are ignored, as in
 * nginx (t/truth/range.tsv). */
enum range_verdict range_parse(struct arena *a, str_t value, uint64_t length,
                               uint64_t max, struct range **out, size_t *count);

/* For a Content-Range without a known total length. */
#define RANGE_NO_LENGTH UINT64_MAX

/* Parses the value of Content-Range: "bytes 0-9/100", or with a star instead
 * of the length.  False: invalid. */
bool range_parse_content(str_t value, struct range *out, uint64_t *length);

/* The start of the range in a value of Range, as far as it can be known
 * without the length; 0: the beginning, or not a single range. */
uint64_t range_start(str_t value);
