/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The grammar of nginx.conf below directives: words, quotes, escapes,
 * comments, and what ends a statement.  A pure function on text; it allocates
 * only the words.
 */
#pragma once

#include "core/base/vec.h"

enum { LEX_WORD_MAX = 4096 }; /* raw bytes of a word, its quote included     */

enum lex {
    LEX_STATEMENT,   /* words, ended by ;                                    */
    LEX_BLOCK_START, /* words, ended by {                                    */
    LEX_BLOCK_END,   /* }                                                    */
    LEX_END,         /* end of text between statements                       */
    LEX_ERROR,       /* message says what                                    */
};

struct word {
    str_t       text; /* unescaped, with a NUL that does not count           */
    const char *at;   /* in the source                                       */
    unsigned    line;
};

/* A comment that speaks to weir ("# weir:..."). */
struct comment {
    str_t    text; /* with its #                                             */
    unsigned line;
    bool     is_ahead; /* alone on its line, or within a statement: of the
                          statement that ends behind it                      */
};

struct lexer {
    str_t       text;
    const char *p;       /* next byte                                        */
    unsigned    line;    /* of p, from 1                                     */
    bool        is_file; /* false: the -g option                             */
    bool        has_ended; /* the end came, and was complained of            */
    VEC(struct word) words; /* of the statement                              */
    bool        keeps_comments;
    VEC(struct comment) comments; /* before and within the statement         */
    const char *error;   /* of LEX_ERROR, without the place                  */
    const char *error_at;
    unsigned    error_line;
    unsigned    quote_line; /* LEX_ERROR: of the quote that is open, or that
                               has taken several lines; else 0               */
};

void lexer_init(struct lexer *lx, str_t text, bool is_file);

/* The next statement; its words are allocated from a. */
enum lex lexer_next(struct lexer *lx, struct arena *a);

/* After an error: skips to behind the next ; or to a { or } (which is left to
 * be read). */
void lexer_recover(struct lexer *lx, struct arena *a);

/* After LEX_BLOCK_START: skips to behind the } that belongs to it. */
void lexer_skip_block(struct lexer *lx, struct arena *a);
