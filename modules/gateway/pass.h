/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The target of a gateway whose requests name none: "fastcgi_pass address",
 * where the address may have variables.
 */
#pragma once

#include "http/gateway/gateway.h"
#include "http/server.h"

struct pass_target {
    struct upstream_group *group; /* NULL: depends on variables              */
    struct expr           *expr;
};

/* Reads the only argument of the directive, and makes content the handler of
 * its location.  NULL or a message. */
const char *pass_parse(struct conf *cf, struct pass_target *to,
                       const struct content *content);
/* For the protocol's prepare: sets the group of g, or what is to be looked up.
 * False: logged, and the request has failed. */
bool pass_find(struct gateway *g, const struct pass_target *to);
