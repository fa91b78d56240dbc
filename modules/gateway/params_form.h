/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The forms in which protocols send parameters.  A pair is written as soon as
 * its value is known, and what goes before all pairs when they are there, so
 * that a length cannot differ from what follows it.
 */
#pragma once

#include "core/base/arena.h"

/* Writes a pair in the form of a protocol, at most PARAMS_MORE bytes beside the
 * two texts, and returns its end. */
typedef char *params_put(char *p, str_t name, str_t value);

enum { PARAMS_MORE = 8, PARAMS_FEW = 4096 };

/* Those of a request; they are gone with the function that collects them. */
struct params {
    params_put   *put;
    struct arena *arena;
    char         *start, *write, *end;
    char          few[PARAMS_FEW];
};

/* An empty list, for one of the forms below. */
void params_init(struct params *out, struct arena *a, params_put *put);
void params_add(struct params *out, str_t name, str_t value);
/* Writes a text as a form may: mostly short ones, for which that is faster than
 * memcpy. */
static inline char *
params_put_text(char *p, str_t s)
{
    if (s.n > 16) {
        memcpy(p, s.p, s.n);
    } else if (s.n >= 8) { /* two parts that may overlap */
        memcpy(p, s.p, 8);
        memcpy(p + s.n - 8, s.p + s.n - 8, 8);
    } else if (s.n >= 4) {
        memcpy(p, s.p, 4);
        memcpy(p + s.n - 4, s.p + s.n - 4, 4);
    } else if (s.n != 0) {
        p[0] = s.p[0];
        p[s.n / 2] = s.p[s.n / 2];
        p[s.n - 1] = s.p[s.n - 1];
    }
    return p + s.n;
}
/* All pairs as they were written; they are gone with the list. */
str_t params_pairs(const struct params *params);

/* What is sent, in one piece of memory from the arena. */

/* SCGI: a netstring of names and values, each with a NUL behind it.  One in a
 * text, which would end it, becomes a space. */
params_put params_put_scgi;
str_t      params_scgi(const struct params *params);

/* uwsgi: a header with two modifiers, pairs with lengths of 16 bits, and more
 * behind them.  *size: the bytes behind the header, which may be too many for
 * it; then STR_NONE. */
enum { UWSGI_MAX = 65535, UWSGI_HEADER = 4 };
params_put params_put_uwsgi;
str_t      params_uwsgi(const struct params *params,
                        const unsigned char modifiers[2], str_t more,
                        size_t *size);

/* FastCGI: the record that begins a request, and those of its parameters, with
 * the one that ends them; and where it has no body, the one that ends that. */
params_put params_put_fastcgi;
str_t      params_fastcgi(const struct params *params, bool keeps,
                          bool has_body);
