/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health checks over the protocol of a location's content handler: what has to be
 * known of it, for health_check.c.  So far that is grpc_pass.
 */
#pragma once

#include "core/upstream/health.h"
#include "http/server.h"

/* Where a location passes requests. */
struct health_target {
    struct upstream_group *group; /* NULL: it depends on variables           */
    str_t                  address; /* as written                            */
    msec_t                 connect_timeout, timeout;
};

struct health_way {
    const char               *type; /* type=                                 */
    const struct health_kind *kind; /* detail is a struct health_grpc        */
    void (*target)(const struct http_location *l, struct health_target *out);
};

struct health_grpc {
    const struct http_location *location; /* with grpc_pass                  */
    const struct http_server   *server;
    str_t                       service; /* empty: the server as a whole    */
    unsigned                    status;  /* means that it is well, too; 0:
                                             none                            */
};

/* That of grpc_pass: grpc.health.v1.Health/Check. */
extern const struct health_way health_grpc_way;
