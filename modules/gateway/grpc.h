/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of the grpc module: gRPC is HTTP/2 to the upstream, whose
 * bodies and trailers pass both ways as they come.  As for proxy, "grpc_pass"
 * has the target, "grpc" what can be tuned, and "grpc_headers" the headers.
 */
#pragma once

#include "modules/gateway/grpc_web.h"
#include "modules/gateway/h2peer_exchange.h"
#include "modules/gateway/proxy.h"

struct grpc_conf {
    struct gateway_conf gateway; /* first */
    struct gateway_tls  tls;
    bool                has_errors; /* grpc_errors                           */
    bool                has_web;    /* grpc_web                              */
};

struct grpc_target {
    struct pass_target to; /* first                                          */
    str_t              host, port;
};

/* Of a request. */
struct grpc_state {
    const struct grpc_target *target;
    str_t                     host;
    struct task              *task;
    struct timer              deadline; /* of grpc-timeout                   */
    struct wait               wait;     /* ends it                           */
    bool                      is_late;
    bool is_told; /* gRPC-Web: of the end of what has broken off            */
    enum grpc_web             web;
};

/* Of a try. */
struct grpc_try {
    struct h2peer_try   h2; /* first                                         */
    struct grpc_decoder upload; /* of grpc-web-text                          */
    struct grpc_place place; /* in a response of gRPC-Web                    */
};

extern struct module grpc_module, grpc_pass_module, grpc_headers_module;
extern const struct gateway_protocol  grpc_protocol;
extern const struct gateway_tls_place grpc_tls_place;

/* grpc.c: the head of a request. */
bool grpc_list_fields(struct gateway *g, struct h2peer_fields *list);
/* grpc_pass.c: for the protocol's prepare. */
enum step grpc_prepare(struct gateway *g);
/* grpc_error.c: a failure of ours in the form of gRPC, where the client speaks
 * it: grpc-status in the head of a response, or in a trailer of one that has
 * begun.  False: it is not to be. */
bool grpc_refuse(struct http_request *r, unsigned status);
bool grpc_break_off(struct gateway *g);
/* grpc.c: trailers as the last message of gRPC-Web.  False: what has come of
 * the response ends within a message. */
bool grpc_web_end(struct exchange *x, const struct fields *trailers);
/* Begins to wait as the request's grpc-timeout says; the run is over. */
void grpc_await_deadline(struct http_request *r, struct grpc_state *s);
void grpc_forget_deadline(struct grpc_state *s);
