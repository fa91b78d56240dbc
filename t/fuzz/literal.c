/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the ends of a pattern's matches, against PCRE2: nothing
 * that matches may be ruled out.  The first byte: whether case matters, and
 * how many bytes make the pattern, of pieces or as they are; the subject is
 * made of the rest, of few letters, so that it often matches.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/base/check.h"
#include "core/expr/literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 512, MATCH_LIMIT = 2000 };

static const char *const pieces[]
    = { "a",    "b",     "/",     "\\.",        "^",    "$",    "(",
        ")",    "|",     "*",     "+",          "?",    "{2}",  "{0,1}",
        "{,2}", "[ab]",  "[^a",   "]",          "\\d",  "\\b",  ".",
        "(?:",  "(?=",   "(?!",   "(?<=",       "(?i)", "(?x)", "\\Q",
        "\\E",  "\\x61", "\\141", "#",          "\\K",  "\\R",  "(?<n>",
        "(?#",  "{",     "}",     "[[:alpha:]", "\\$",  "(?|",  "(*ACCEPT)",
        "(?>",  "\n",    "\\n",   "\\A",        "\\Z",  "\\z" };


static size_t
put_pattern(char *out, const uint8_t *data, size_t n, bool is_raw)
{
    size_t used = 0;

    for (size_t i = 0; i < n && used < MOST - 16; i++) {
        const char *piece = pieces[data[i] % countof(pieces)];
        char        raw[2] = { (char) data[i], '\0' };

        if (is_raw)
            piece = raw;
        memcpy(out + used, piece, strlen(piece));
        used += strlen(piece);
    }
    return used;
}


static bool
is_match(str_t pattern, str_t subject, bool is_nocase)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data    *found;
    pcre2_code          *code;
    size_t               at;
    int                  error, rc = -1;

    pcre2_set_match_limit(limits, MATCH_LIMIT);
    code = pcre2_compile((PCRE2_SPTR) pattern.p, pattern.n,
                         is_nocase ? PCRE2_CASELESS : 0, &error, &at, NULL);
    if (code != NULL) {
        found = pcre2_match_data_create_from_pattern(code, NULL);
        rc = pcre2_match(code, (PCRE2_SPTR) subject.p, subject.n, 0, 0, found,
                         limits);
        pcre2_match_data_free(found);
    }
    pcre2_code_free(code);
    pcre2_match_context_free(limits);
    return rc >= 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char letters[] = "ab/.\nA1$";
    char              pattern[MOST], subject[MOST];
    struct arena     *a;
    struct literal    literal;
    size_t            n, m, i;
    bool              is_nocase;

    if (size < 2)
        return 0;
    is_nocase = data[0] & 1;
    n = data[0] >> 2;
    n = n < size - 1 ? n : size - 1;
    m = put_pattern(pattern, data + 1, n, data[0] & 2);
    for (i = 0; i < size - 1 - n && i < MOST; i++)
        subject[i] = letters[data[1 + n + i] % (sizeof(letters) - 1)];

    a = arena_new(1024);
    literal = literal_of(a, (str_t){ pattern, m }, is_nocase);
    if (is_match((str_t){ pattern, m }, (str_t){ subject, i }, is_nocase))
        CHECK(literal_allows(&literal, (str_t){ subject, i }));
    arena_free(a);
    return 0;
}
