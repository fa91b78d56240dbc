/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The forms in which protocols send parameters.  Each is one piece of memory
 * from the arena, and is written from a list that does not change meanwhile.
 */
#pragma once

#include "core/base/arena.h"

struct param {
    str_t name, value;
};

enum { PARAMS_FEW = 48 };

/* Those of a request; they are gone with the function that collects them. */
struct params {
    struct param *at;
    size_t        n, room;
    struct param  few[PARAMS_FEW];
};

/* There has to be room. */
void params_add(struct params *out, str_t name, str_t value);

/* SCGI: a netstring of names and values, each with a NUL behind it.  One in a
 * text, which would end it, becomes a space. */
str_t params_scgi(struct arena *a, const struct params *params);

/* uwsgi: a header with two modifiers, pairs with lengths of 16 bits, and more
 * behind them.  *size: the bytes behind the header, which may be too many for
 * it; then STR_NONE. */
enum { UWSGI_MAX = 65535, UWSGI_HEADER = 4 };
str_t params_uwsgi(struct arena *a, const struct params *params,
                   const unsigned char modifiers[2], str_t more, size_t *size);

/* FastCGI: the record that begins a request, and those of its parameters, with
 * the one that ends them. */
str_t params_fastcgi(struct arena *a, const struct params *params, bool keeps);
