/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PREFIX_param: what the protocols that follow CGI send of a request.  The
 * values are evaluated once into a list, which each protocol writes in its own
 * form, so that a length cannot differ from what follows it.
 */
#pragma once

#include "http/gateway/gateway.h"

/* One directive. */
struct param_row {
    str_t        name;
    struct expr *value;
    bool         if_not_empty;
};

struct params_conf {
    VEC(struct param_row) rows;
    struct hash *replaced; /* set by params_ready: the names behind HTTP_ that
                              rows set, "X_ACCEL"; NULL: none                */
    bool         has_host; /* ... HTTP_HOST is one of them                   */
};

struct param {
    str_t name, value;
};

struct params {
    VEC(struct param) list;
};

/* The type of PREFIX_param; the field is a struct params_conf. */
extern const struct conf_type params_type;
#define PARAMS(name, C, m, says)                                               \
    { name, IN_WEB | ROW_MANY, ARGS_2 | ARGS_3, &params_type,                  \
      FIELD(C, m, struct params_conf), NULL, NULL,                             \
      "parameter value [if_not_empty]", says }

void params_ready(struct conf *cf, struct params_conf *c);
/* Lists the parameters of a request: those of the directives in their order,
 * HTTP_HOST unless one of them sets it, and HTTP_... for each header of the
 * client, if with_headers is set.  False: a value could not be evaluated. */
bool params_collect(struct params *out, struct http_request *r,
                    const struct params_conf *c, bool with_headers);
/* As lines of text, for explanations. */
void params_print(struct chain *out, const struct params *params);
