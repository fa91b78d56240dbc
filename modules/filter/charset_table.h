/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a charset_map says, and the conversion by it: between two character sets
 * with a byte for each character, or between one and UTF-8.  Pure; the input
 * may be cut anywhere, also within a character.
 */
#pragma once

#include "core/base/str.h"

enum { CHARSET_UTF8_MAX = 3, CHARSET_CODES = 512, CHARSET_TWO = 0x800 };

struct charset_table {
    bool    is_wide;     /* the second one is UTF-8                          */
    uint8_t second[256]; /* of each byte of the first one; 0 where wide      */
    uint8_t first[256];  /* ... and back; in use where not wide              */
    uint8_t wide_n[256]; /* bytes of UTF-8; 0: no character                  */
    char    wide[256][CHARSET_UTF8_MAX + 1]; /* so that four are copied at once */
    uint8_t of_two[CHARSET_TWO]; /* by codes of two bytes; 0: none            */
    struct {
        uint32_t code; /* 0: free                                            */
        uint8_t  byte;
    } codes[CHARSET_CODES]; /* a hash table                                  */
    unsigned n_codes;
};

/* Letters are themselves, and other bytes have no character. */
void charset_table_init(struct charset_table *t, bool is_wide);
/* A byte of the first one, and the text of the second one: a byte, or a
 * character of two or three bytes in UTF-8.  False: it is none, or there are too
 * many. */
bool charset_table_add(struct charset_table *t, uint8_t byte, str_t text);

/* A conversion. */
struct charset_recoder {
    const struct charset_table *table;
    bool    is_back;    /* from the second one to the first one              */
    bool    has_begun;  /* to UTF-8: there was a byte that has more          */
    char    part[4];    /* of a character in UTF-8                           */
    uint8_t n_part;
};

/* Whether all of in stays as it is. */
bool charset_keeps(const struct charset_recoder *c, str_t in);
/* Converts what there is room for: *in becomes the rest.  Returns the bytes
 * written.  room is CHARSET_STEP at least. */
enum { CHARSET_STEP = 16 };
size_t charset_recode(struct charset_recoder *c, str_t *in, char *out,
                      size_t room);
