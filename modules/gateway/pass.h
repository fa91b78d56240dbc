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
    str_t                  address; /* where it is fixed                     */
    bool                   is_secure; /* ... and TLS is spoken with it       */
};

/* The type of "PREFIX_pass address"; the row's detail is the struct content
 * that becomes the handler of its location. */
extern const struct conf_type pass_type;
/* The same for an address that is no argument as it stands. */
const char *pass_parse(struct conf *cf, struct pass_target *to, str_t address,
                       const struct content *content);
enum { HTTPS_PORT = 443 };

/* The name for Host, with its port unless that is the default one, and the port,
 * of what an address has between its scheme and its path. */
void pass_set_host(str_t authority, unsigned default_port, str_t *host,
                   str_t *port);
/* For the protocol's prepare: sets the group of g, or what is to be looked up.
 * False: logged, and the request has failed. */
bool pass_find(struct gateway *g, const struct pass_target *to);
/* The address that depends on variables.  False as above. */
bool pass_evaluate(struct gateway *g, const struct pass_target *to, str_t *url);
/* The content handler, for protocols that need the length of bodies; data is
 * the protocol's. */
enum step pass_serve(struct task *t, const struct gateway_protocol *protocol,
                     const struct gateway_conf *conf, const void *data);

/* The content handler of PREFIX_pass. */
#define PASS_CONTENT(directive, handler)                                       \
    {                                                                          \
        .name = directive, .serve = handler, .redirects_to_slash = true,       \
        .is_in_limit_except = true                                             \
    }
/* PREFIX_pass, where an address is all that it takes. */
#define PASS(name, C, m, content, says)                                       \
    { name, IN_LOCATION | IN_IF | ROW_NAMELESS, ARGS_1, &pass_type,            \
      FIELD(C, m, struct pass_target), NULL, content, "address", says }
/* The templates of shared rows for C, whose first member is its gateway. */
#define PASS_ROWS(prefix, C, rows)                                             \
    { rows, prefix, FIELD(C, gateway, struct gateway_conf), IN_WEB }
#define PASS_TEMPLATES(prefix, C)                                              \
    PASS_ROWS(prefix, C, gateway_peer_rows),                                   \
        PASS_ROWS(prefix, C, gateway_field_rows),                              \
        PASS_ROWS(prefix, C, gateway_body_rows)
#define PASS_TEMP_PATH_SAYS                                                    \
    "The folder for responses that do not fit into the buffers, with up to "   \
    "three levels of subfolders, each named by this many digits of the "       \
    "file's number."
