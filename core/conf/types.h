/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types that most directives have, and macros for their rows:
 *
 *     static const struct directive directives[] = {
 *         FLAG("etag", IN_WEB, struct static_conf, etag, "on"),
 *         ...
 *         { NULL }
 *     };
 */
#pragma once

#include "core/conf/conf.h"
#include "core/net/addr.h"

extern const struct conf_type conf_flag;   /* bool: on, off                  */
extern const struct conf_type conf_size;   /* size_t: 8k, 1m                 */
extern const struct conf_type conf_offset; /* uint64_t: the same with g      */
extern const struct conf_type conf_msec;   /* msec_t: 60s, 500ms             */
extern const struct conf_type conf_sec;    /* uint64_t seconds: 60s, 1d      */
extern const struct conf_type conf_number; /* uint64_t; detail: conf_range   */
extern const struct conf_type conf_enum;   /* unsigned; detail: conf_word[]  */
extern const struct conf_type conf_bits;   /* unsigned, words or'ed together */
extern const struct conf_type conf_text;   /* str_t                          */
extern const struct conf_type conf_path;   /* str_t, against the prefix      */
extern const struct conf_type conf_conf_file; /* str_t, against the folder of
                                              the configuration file         */
extern const struct conf_type conf_texts;  /* struct texts: all arguments, of
                                              each time                      */
extern const struct conf_type conf_pairs;  /* struct pairs: two arguments, of
                                              each time                      */
extern const struct conf_type conf_buffers; /* struct buffers: number size   */
extern const struct conf_type conf_temp_path; /* struct temp_path            */
extern const struct conf_type conf_nothing; /* accepted, without effect;
                                              detail: the conf_type of what
                                              the argument has to be         */
extern const struct conf_type conf_obsolete; /* accepted with a warning;
                                              detail: what to use instead;
                              NULL: nothing                                  */
extern const struct conf_type conf_block_type; /* detail: conf_opener        */
extern const struct conf_type conf_data;   /* detail: conf_lines             */

struct conf_range {
    uint64_t min, max;
};

/* A word that an enumerated directive may have; the list ends with NULL. */
struct conf_word {
    const char *name;
    unsigned    value;
};

struct texts {
    VEC(str_t) list;
};

struct pair {
    str_t key, value;
};

struct pairs {
    VEC(struct pair) list;
};

struct buffers {
    size_t n, size;
};

/* A network or an address, as cidr_parse has it; false: it is none.  Warns of low
 * bits. */
bool conf_cidr(struct conf *cf, str_t text, struct cidr *out);
/* One of IPv4 or IPv6.  NULL or a message. */
const char *conf_network(struct conf *cf, str_t text, struct cidr *out);

enum { TEMP_DIGITS = 10 }; /* of the name of a temporary file             */

struct temp_path {
    str_t    path;      /* absolute, no trailing slash                       */
    uint8_t  levels[3]; /* digits of each level of folders, 0: none          */
    uint8_t  n_levels;
};

/* says: a sentence or two; syntax: of the arguments, where the type cannot
 * tell. */
#define FLAG(n, in, S, m, preset, says)                                        \
    { n, in, ARGS_FLAG, &conf_flag, FIELD(S, m, bool), preset, NULL, NULL,     \
      says }
#define SIZE(n, in, S, m, preset, says)                                        \
    { n, in, ARGS_1, &conf_size, FIELD(S, m, size_t), preset, NULL, NULL,      \
      says }
#define OFFSET(n, in, S, m, preset, says)                                      \
    { n, in, ARGS_1, &conf_offset, FIELD(S, m, uint64_t), preset, NULL, NULL,  \
      says }
#define MSEC(n, in, S, m, preset, says)                                        \
    { n, in, ARGS_1, &conf_msec, FIELD(S, m, msec_t), preset, NULL, NULL,      \
      says }
#define SEC(n, in, S, m, preset, says)                                         \
    { n, in, ARGS_1, &conf_sec, FIELD(S, m, uint64_t), preset, NULL, NULL,     \
      says }
#define NUMBER(n, in, S, m, preset, range, says)                               \
    { n, in, ARGS_1, &conf_number, FIELD(S, m, uint64_t), preset, range, NULL, \
      says }
#define ENUM(n, in, S, m, preset, words, says)                                 \
    { n, in, ARGS_1, &conf_enum, FIELD(S, m, unsigned), preset, words, NULL,   \
      says }
#define BITS(n, in, args, S, m, preset, words, says)                           \
    { n, (in) | ROW_MANY, args, &conf_bits, FIELD(S, m, unsigned), preset,     \
      words, NULL, says }
#define TEXT(n, in, S, m, preset, syntax, says)                                \
    { n, in, ARGS_1, &conf_text, FIELD(S, m, str_t), preset, NULL,             \
      syntax, says }
#define PATH(n, in, S, m, preset, says)                                        \
    { n, in, ARGS_1, &conf_path, FIELD(S, m, str_t), preset, NULL, NULL,       \
      says }
#define BUFFERS(n, in, S, m, preset, says)                                     \
    { n, in, ARGS_2, &conf_buffers, FIELD(S, m, struct buffers), preset, NULL, \
      NULL, says }
#define TEMP_PATH(n, in, S, m, preset, says)                                   \
    { n, in, ARGS_1 | ARGS_2 | ARGS_3 | ARGS_4, &conf_temp_path,               \
      FIELD(S, m, struct temp_path), preset, NULL, NULL, says }
/* A directive with a type of its own, over field m of type T; then syntax and
 * says. */
#define CUSTOM(n, in, args, type, S, m, T, syntax, says)                       \
    { n, in, args, &type, FIELD(S, m, T), NULL, NULL, syntax, says }
#define BLOCK(n, in, args, opener, syntax, says)                               \
    { n, (in) | ROW_MANY, (args) | ARGS_BLOCK, &conf_block_type, 0, NULL,      \
      opener, syntax, says }
/* One argument, which type judges and nobody reads.                         */
#define ACCEPTED(n, in, type, syntax, says)                                    \
    { n, in, ARGS_1, &conf_nothing, 0, NULL, &type, syntax, says }
