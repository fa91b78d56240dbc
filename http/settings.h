/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives of the HTTP core that are plain values, by topic, so that a
 * location that sets one of them copies only its topic.
 */
#pragma once

#include "core/conf/types.h"
#include "core/expr/expr.h"
#include "http/request.h"

/* Reading heads: those of the address's default server until the host is
 * known. */
struct http_head_conf {
    size_t         connection_pool_size; /* only compared with each other    */
    size_t         client_header_buffer_size;
    struct buffers large_client_header_buffers;
    msec_t         client_header_timeout;
    uint64_t       max_headers;
    bool           ignore_invalid_headers;
    bool           underscores_in_headers;
    bool           merge_slashes;
};

/* Request bodies. */
enum { BODY_FILE_OFF, BODY_FILE_ON, BODY_FILE_CLEAN };
struct http_body_conf {
    uint64_t         client_max_body_size;
    size_t           client_body_buffer_size;
    msec_t           client_body_timeout;
    unsigned         client_body_in_file_only;
    bool             client_body_in_single_buffer;
    struct temp_path client_body_temp_path;
};

/* Keeping and closing connections. */
enum { KEEPALIVE_DISABLE_NONE = 1, KEEPALIVE_DISABLE_MSIE6 = 2,
       KEEPALIVE_DISABLE_SAFARI = 4 };
enum { LINGER_OFF, LINGER_ON, LINGER_ALWAYS };
struct keepalive_timeout {
    msec_t   timeout;
    uint64_t header; /* seconds in Keep-Alive; 0: none                       */
};
struct http_keep_conf {
    struct keepalive_timeout keepalive_timeout;
    msec_t   keepalive_time, keepalive_min_timeout;
    uint64_t keepalive_requests;
    unsigned keepalive_disable;
    unsigned lingering_close;
    msec_t   lingering_time, lingering_timeout;
    bool     reset_timedout_connection;
};

/* Sending. */
struct http_send_conf {
    msec_t       send_timeout;
    size_t       postpone_output;
    size_t       subrequest_output; /* bytes of one that is kept as a whole  */
    struct expr *limit_rate, *limit_rate_after;
    bool         tcp_nodelay, tcp_nopush;
    bool         chunked_transfer_encoding;
};

/* The contents of heads, redirects and built-in pages. */
enum { TOKENS_OFF, TOKENS_ON, TOKENS_BUILD };
struct http_reply_conf {
    unsigned server_tokens;
    bool     absolute_redirect, server_name_in_redirect, port_in_redirect;
    bool     msie_padding, msie_refresh;
};

/* satisfy and related directives. */
enum { SATISFY_ALL, SATISFY_ANY };
struct http_access_conf {
    unsigned satisfy;
    msec_t   auth_delay;
};

/* send_lowat and similar: not available on Linux, so there is a warning. */
extern const struct conf_type http_lowat_type;
/* struct expr *: a size that may have variables. */
extern const struct conf_type http_rate_type;

extern struct module http_head_module, http_body_module, http_keep_module,
    http_send_module, http_reply_module, http_satisfy_module;

#define head_conf(t) ((const struct http_head_conf *) conf_of(t, &http_head_module))
#define body_conf(t) ((const struct http_body_conf *) conf_of(t, &http_body_module))
#define keep_conf(t) ((const struct http_keep_conf *) conf_of(t, &http_keep_module))
#define send_conf(t) ((const struct http_send_conf *) conf_of(t, &http_send_module))
#define reply_conf(t) \
    ((const struct http_reply_conf *) conf_of(t, &http_reply_module))
