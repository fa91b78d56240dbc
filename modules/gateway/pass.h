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
/* The content handler: needs the length of bodies. */
enum step pass_serve(struct task *t, const struct gateway_protocol *protocol,
                     const struct gateway_conf *conf);

/* A template of shared rows for C, whose first member is its gateway. */
#define PASS_ROWS(prefix, C, rows)                                             \
    { rows, prefix, FIELD(C, gateway, struct gateway_conf), IN_WEB }
#define PASS_TEMP_PATH_SAYS                                                    \
    "The folder for responses that do not fit into the buffers, with up to "   \
    "three levels of subfolders, each named by this many digits of the "       \
    "file's number."
