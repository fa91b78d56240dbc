/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The variables that every HTTP configuration has ($uri, $http_..., $status
 * and so on), as a module of its own; those of single features are in the
 * files of these.
 */
#pragma once

#include "core/expr/variable.h"
#include "http/request.h"

/* $status: the status of the response, or with which it was broken off, 9 for
 * HTTP/0.9 without a status, 0 for none. */
unsigned http_status_of(const struct http_request *r);

/* $request_id: that of the main request, the same on each call. */
str_t http_request_id(struct http_request *r);

/* The value of an argument (the case of its name is ignored), not decoded; the
 * first one, STR_NONE if it has none. */
str_t http_argument(const struct http_request *r, str_t name);

/* The value of a request cookie (the case of its name is ignored), or
 * STR_NONE; *field is then the whole field that contains it. */
str_t http_cookie(const struct http_request *r, str_t name, str_t *field);

/* Get functions for the table of http/variables.c, defined in
 * http/variables_conn.c. */
str_t http_var_remote_addr(struct task *t, uintptr_t arg);
str_t http_var_remote_bytes(struct task *t, uintptr_t arg);
str_t http_var_remote_port(struct task *t, uintptr_t arg);
str_t http_var_server_addr(struct task *t, uintptr_t arg);
str_t http_var_server_port(struct task *t, uintptr_t arg);
str_t http_var_connection(struct task *t, uintptr_t arg);
str_t http_var_connection_requests(struct task *t, uintptr_t arg);
str_t http_var_connection_time(struct task *t, uintptr_t arg);
/* arg: 0 for the source, 1 for the destination */
str_t http_var_proxy_addr(struct task *t, uintptr_t arg);
str_t http_var_proxy_port(struct task *t, uintptr_t arg);
str_t http_var_proxy_tlv(struct task *t, uintptr_t arg);
/* arg: enum tcpinfo */
enum tcpinfo { TCPINFO_RTT, TCPINFO_RTTVAR, TCPINFO_CWND, TCPINFO_SPACE };
str_t http_var_tcpinfo(struct task *t, uintptr_t arg);
