/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a response to a health check has to be: match {}.
 */
#pragma once

#include "http/request.h"
#include "modules/module.h"

struct health_match;

/* As much of a body is looked at. */
enum { HEALTH_BODY_MAX = 256 * 1024 };

struct health_answer {
    unsigned      status;
    str_t         reason;
    struct fields fields;
    str_t         body; /* its beginning                                     */
};

extern struct module health_match_module;

/* The match {} of that name; new while it stands further down in the file. */
struct health_match *health_match_named(struct conf *cf, str_t name);
/* Whether it has been defined. */
bool health_match_is_there(const struct health_match *m);

/* One of statuses alone: bit N stands for Nxx. */
struct health_match *health_match_of(struct arena *a, unsigned classes);

/* Without match {}: from 200 to 399. */
bool health_match_wants_fields(const struct health_match *m);
bool health_match_wants_body(const struct health_match *m);
bool health_match_wants_request(const struct health_match *m);
/* Why the answer does not match; empty: it does.  *doing is for the log. */
str_t health_match_refuses(struct arena *a, const struct health_match *m,
                           const struct health_answer *answer,
                           const char                **doing);
/* The same for its require lines, with a request whose upstream has given the
 * answer. */
str_t health_match_misses(const struct health_match *m, struct http_request *r,
                          const char **doing);
