/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The variables that every HTTP configuration has ($uri, $http_..., $status
 * and so on), as a module of its own; those of single features stand with
 * them.
 */
#pragma once

#include "core/expr/variable.h"
#include "core/net/proxy_protocol.h"
#include "http/request.h"

/* What is known of a client's connection, beside its struct conn; kept by the
 * codec. */
struct http_client {
    uint64_t                     requests;  /* so far, with this one         */
    msec_t                       opened_at; /* monotonic                     */
    const struct proxy_protocol *proxy;     /* its PROXY header, or NULL     */
};

/* Of the connection that r came on; never NULL. */
const struct http_client *http_client_of(const struct http_request *r);

/* What $status says: the status of the response or of what broke it off, 9
 * for HTTP/0.9 without one, 0 for none. */
unsigned http_status_of(const struct http_request *r);

/* $request_id: of the main request, the same each time. */
str_t http_request_id(struct http_request *r);

/* The value of a cookie that came (case of its name is ignored), or STR_NONE;
 * *field is then all of the field that has it. */
str_t http_cookie(const struct http_request *r, str_t name, str_t *field);

/* Gets of http/variables.c's table that stand in http/variables_conn.c. */
str_t http_var_remote_addr(struct task *t, uintptr_t arg);
str_t http_var_remote_bytes(struct task *t, uintptr_t arg);
str_t http_var_remote_port(struct task *t, uintptr_t arg);
str_t http_var_server_addr(struct task *t, uintptr_t arg);
str_t http_var_server_port(struct task *t, uintptr_t arg);
str_t http_var_connection(struct task *t, uintptr_t arg);
str_t http_var_connection_requests(struct task *t, uintptr_t arg);
str_t http_var_connection_time(struct task *t, uintptr_t arg);
/* arg: 0 the source's, 1 the destination's */
str_t http_var_proxy_addr(struct task *t, uintptr_t arg);
str_t http_var_proxy_port(struct task *t, uintptr_t arg);
str_t http_var_proxy_tlv(struct task *t, uintptr_t arg);
/* arg: enum tcpinfo */
enum tcpinfo { TCPINFO_RTT, TCPINFO_RTTVAR, TCPINFO_CWND, TCPINFO_SPACE };
str_t http_var_tcpinfo(struct task *t, uintptr_t arg);
