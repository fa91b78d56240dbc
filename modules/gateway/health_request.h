/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that nobody has sent, to a location with proxy_pass: what it would
 * send to a peer, by the code that does it for clients.
 */
#pragma once

#include "http/conn.h"
#include "modules/gateway/health_http.h"
#include "modules/gateway/proxy.h"

struct health_request {
    struct http_conn    conn;
    struct log          log;
    struct http_request request;
    struct proxy_state  state;
    struct gateway     *gateway;
    struct exchange    *exchange;
};

/* What does not depend on the protocol: all but the gateway and what follows
 * from that; it ends with a. */
void health_request_begin(struct health_request *own, struct arena *a,
                          struct generation          *gen,
                          const struct http_location *location,
                          const struct http_server *server, str_t uri);
/* One of proxy_pass, in a; it ends with it.  The target of the request is uri, whatever that of
 * proxy_pass is. */
struct health_request *health_request_make(struct arena               *a,
                                           struct generation          *gen,
                                           const struct http_location *location,
                                           const struct http_server   *server,
                                           str_t                       uri);
/* Its text, and TLS.  False: logged. */
bool health_request_fill(struct health_request *own, struct health_question *q);
/* Before it connects: whose sessions of TLS are resumed. */
void health_request_peer(struct health_request *own, struct health_probe *p);
