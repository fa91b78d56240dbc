/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PREFIX_param: what the protocols that follow CGI send of a request.  The
 * values are evaluated once into a list, which each protocol writes in its own
 * form, so that a length cannot differ from what follows it.
 */
#pragma once

#include "modules/gateway/params_form.h"
#include "modules/gateway/pass.h"

/* One directive. */
struct param_row {
    str_t        name;
    struct expr *value;
    bool         if_not_empty;
    bool         has_to_say; /* set by app_ready: not sent when empty        */
};

struct params_conf {
    VEC(struct param_row) rows;
    struct hash *replaced; /* set by app_ready: the names behind HTTP_ that
                              rows set, "X_ACCEL"; NULL: none                */
    bool         replaces[FIELD_COUNT]; /* ... which known headers those are */
};

/* The type of PREFIX_param; the field is a struct params_conf. */
extern const struct conf_type params_type;
#define PARAMS(name, C, m, says) \
    { \
        name, IN_WEB | ROW_MANY, ARGS_2 | ARGS_3, &params_type, \
            FIELD(C, m, struct params_conf), NULL, NULL, \
            "parameter value [if_not_empty]", says \
    }

/* An application: the first member of the conf that has PREFIX_pass.  A run has
 * it as its data. */
struct app {
    struct pass_target to;
    struct params_conf params;
};

/* Of modules with such a conf. */
const char *app_ready(struct conf *cf, void *conf);

/* Adds the parameters of a request: those of the directives in their order,
 * HTTP_HOST unless one of them sets it, and HTTP_... for each header of the
 * client, if they are passed on.  False: a value could not be evaluated. */
bool app_collect(struct exchange *x, struct params *out);

/* For protocols: those functions of them that need no more than that. */
enum step app_prepare(struct gateway *g);
enum step app_describe(struct exchange *x, struct chain *out);

#define APP_PARAM_SAYS \
    "A parameter of requests to the application; with if_not_empty only " \
    "where it has a value. A block that sets one inherits none from outer " \
    "blocks. HTTP_HOST is sent unless set, and each header of the client as " \
    "HTTP_NAME."
