/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What memcached answers to "get key": "VALUE key flags length", the value and
 * "END", or "END" alone where there is none, each with CR LF behind it
 * (protocol.txt of memcached, "Retrieval command").  A parser without I/O.
 */
#pragma once

#include "core/base/str.h"

enum memcached_event {
    MEMCACHED_WANTS_MORE,
    MEMCACHED_SAW_VALUE,   /* flags and left are set; its data follow        */
    MEMCACHED_SAW_NOTHING, /* there is no such key                           */
    MEMCACHED_SAW_DATA,    /* data is a part of the value                    */
    MEMCACHED_SAW_END,     /* the answer is complete                         */
    MEMCACHED_BAD_END,     /* ... but something else followed the value      */
    MEMCACHED_BAD_LINE,    /* line is no answer to this key: see fault       */
};

/* Zeroed memory is a new one, but for key. */
struct memcached_answer {
    str_t    key;  /* that was asked for; STR_NONE: nobody knows             */
    str_t    line; /* the first one, without its end; points into the input  */
    const char *fault; /* the word of line that is wrong: "key", "flags",
                          "length"; NULL: all of it                          */
    str_t    data; /* points into the input                                  */
    uint64_t flags; /* up to 32 bits                                         */
    uint64_t left;  /* of the value, in bytes, below 2^63                    */
    size_t   ended; /* bytes of the end that have come                       */
    bool     has_line;
};

/* Takes a part from the start of *in. */
enum memcached_event memcached_next(struct memcached_answer *a, str_t *in);
/* What is still to come of one whose line has come, in bytes; else 0. */
uint64_t memcached_rest(const struct memcached_answer *a);
