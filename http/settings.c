/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of the HTTP core's plain values.
 */
#include <unistd.h>

#include "http/settings.h"

#include <config.h>

#define IN_TOP (IN_HTTP | IN_SERVER)


/* --- heads ------------------------------------------------------------------ */

/* connection_pool_size, request_pool_size: arenas grow automatically, so only
 * nginx's checks of the values remain. */
static const char *
parse_pool_size(struct conf *cf, void *field)
{
    const char   *error = conf_size.parse(cf, field);
    const size_t *n = field;

    if (error != NULL)
        return error;
    if (*n < 112)
        return conf_error(cf, "the pool size must be no less than 112");
    if (*n % 16 != 0)
        return conf_error(cf, "the pool size must be a multiple of 16");
    return NULL;
}


static const struct conf_type pool_size
    = { .name = "pool size", .size = sizeof(size_t), .parse = parse_pool_size };


static const char *
check_head(struct conf *cf, void *conf)
{
    const struct http_head_conf *c = conf;

    if (c->large_client_header_buffers.size < c->client_header_buffer_size)
        return conf_error(cf, "the \"large_client_header_buffers\" size must "
                              "be equal to or greater than "
                              "\"client_header_buffer_size\"");
    if (c->large_client_header_buffers.size < c->connection_pool_size)
        return conf_error(cf, "the \"large_client_header_buffers\" size must "
                              "be equal to or greater than "
                              "\"connection_pool_size\"");
    return NULL;
}


static const struct directive head_rows[] = {
    SIZE("client_header_buffer_size", IN_TOP, struct http_head_conf,
         client_header_buffer_size, "1k",
         "The buffer that a request's head is first read into."),
    BUFFERS("large_client_header_buffers", IN_TOP, struct http_head_conf,
            large_client_header_buffers, "4 8k",
            "How many buffers of which size a head may take besides. A "
            "line that does not fit into one is answered with 414 or 400."),
    MSEC("client_header_timeout", IN_TOP, struct http_head_conf,
         client_header_timeout, "60s",
         "How long a client may take to send the head of a request; 408 "
         "then."),
    NUMBER(
        "max_headers", IN_TOP, struct http_head_conf, max_headers, "1000", NULL,
        "How many fields the head or trailer of a request may have; 400 beyond "
        "that."),
    FLAG("ignore_invalid_headers", IN_TOP, struct http_head_conf,
         ignore_invalid_headers, "on",
         "Drops fields with other characters in their names than "
         "letters, digits, hyphens (and underscores, by "
         "underscores_in_headers). off passes them on."),
    FLAG("underscores_in_headers", IN_TOP, struct http_head_conf,
         underscores_in_headers, "off",
         "Whether names of fields may have underscores; else they count "
         "as invalid."),
    FLAG("merge_slashes", IN_TOP, struct http_head_conf, merge_slashes, "on",
         "Takes several slashes in a row of the URI as one, for "
         "locations and files."),
    { "connection_pool_size", IN_TOP, ARGS_1, &pool_size,
      FIELD(struct http_head_conf, connection_pool_size, size_t), "512", NULL,
      "size", "Checked, and without effect: memory is taken as needed." },
    ACCEPTED("request_pool_size", IN_TOP, pool_size, "size",
             "Checked, and without effect: memory is taken as needed."),
    { .name = NULL },
};

struct module http_head_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = head_rows,
    .conf_size = sizeof(struct http_head_conf),
    .ready = check_head,
};


/* --- bodies ------------------------------------------------------------------ */

static const struct conf_word body_file_words[]
    = { { "off", BODY_FILE_OFF },
        { "on", BODY_FILE_ON },
        { "clean", BODY_FILE_CLEAN },
        { NULL, 0 } };

static const struct directive body_rows[] = {
    OFFSET("client_max_body_size", IN_WEB | ROW_LIMIT, struct http_body_conf,
           client_max_body_size, "1m",
           "How large the body of a request may be; 413 beyond that. 0: "
           "no limit."),
    SIZE("client_body_buffer_size", IN_WEB, struct http_body_conf,
         client_body_buffer_size, "8k",
         "How much of a request's body is held in memory before it goes "
         "to a temporary file."),
    MSEC("client_body_timeout", IN_WEB, struct http_body_conf,
         client_body_timeout, "60s",
         "How long may pass between two reads of a request's body; 408 "
         "then."),
    ENUM("client_body_in_file_only", IN_WEB, struct http_body_conf,
         client_body_in_file_only, "off", body_file_words,
         "Writes every body to a file; on keeps the file after the "
         "request, clean removes it."),
    FLAG("client_body_in_single_buffer", IN_WEB, struct http_body_conf,
         client_body_in_single_buffer, "off",
         "Keeps a body that is held in memory in one piece, for "
         "$request_body."),
    TEMP_PATH("client_body_temp_path", IN_WEB, struct http_body_conf,
              client_body_temp_path, WEIR_CLIENT_BODY_TEMP_PATH,
              "The folder of bodies of requests, with up to three levels of "
              "folders in it, each named by that many digits of the file's "
              "number."),
    { .name = NULL },
};

struct module http_body_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = body_rows,
    .conf_size = sizeof(struct http_body_conf),
};


/* --- connections --------------------------------------------------------------- */

static const char *
parse_keepalive_timeout(struct conf *cf, void *field)
{
    struct keepalive_timeout *k = field;
    uint64_t                  n;

    if (!number_time(cf->args[1], false, &n))
        return conf_error(cf, "\"keepalive_timeout\" directive invalid value");
    k->timeout = n;
    k->header = 0;
    if (cf->n_args == 3 && !number_time(cf->args[2], true, &k->header))
        return conf_error(cf, "\"keepalive_timeout\" directive invalid value");
    return NULL;
}


static const struct conf_type keepalive_timeout
    = { .name = "keepalive timeout",
        .size = sizeof(struct keepalive_timeout),
        .parse = parse_keepalive_timeout };

static const struct conf_word disable_words[]
    = { { "none", KEEPALIVE_DISABLE_NONE },
        { "msie6", KEEPALIVE_DISABLE_MSIE6 },
        { "safari", KEEPALIVE_DISABLE_SAFARI },
        { NULL, 0 } };

static const struct conf_word linger_words[] = { { "off", LINGER_OFF },
                                                 { "on", LINGER_ON },
                                                 { "always", LINGER_ALWAYS },
                                                 { NULL, 0 } };

static const struct directive keep_rows[] = {
    { "keepalive_timeout", IN_WEB, ARGS_1 | ARGS_2, &keepalive_timeout,
      FIELD(struct http_keep_conf, keepalive_timeout, struct keepalive_timeout),
      "75s", NULL, "time [header-time]",
      "How long an idle connection of a client is kept; 0: not at "
      "all. The second time is told to the client in Keep-Alive." },
    MSEC("keepalive_time", IN_WEB, struct http_keep_conf, keepalive_time, "1h",
         "How old a client's connection may become; it is closed after "
         "the request that is then under way."),
    MSEC("keepalive_min_timeout", IN_WEB, struct http_keep_conf,
         keepalive_min_timeout, "0",
         "How long idle connections stay open at least when a worker is "
         "to end, lest a request under way is lost."),
    NUMBER("keepalive_requests", IN_WEB, struct http_keep_conf,
           keepalive_requests, "1000", NULL,
           "How many requests a client may send over one connection."),
    BITS("keepalive_disable", IN_WEB, ARGS_1 | ARGS_2, struct http_keep_conf,
         keepalive_disable, "msie6", disable_words,
         "Browsers whose connections are closed after each request: "
         "msie6 after a POST, safari, on macOS, always; none: no "
         "browser."),
    ENUM("lingering_close", IN_WEB, struct http_keep_conf, lingering_close,
         "on", linger_words,
         "Whether a connection that is to be closed still reads what "
         "the client sends, so that it can get the response: where more "
         "may come, always, or never."),
    MSEC("lingering_time", IN_WEB, struct http_keep_conf, lingering_time, "30s",
         "How long at most a connection lingers, whatever comes."),
    MSEC("lingering_timeout", IN_WEB, struct http_keep_conf, lingering_timeout,
         "5s",
         "How long a lingering connection waits for more before it is "
         "closed."),
    FLAG("reset_timedout_connection", IN_WEB, struct http_keep_conf,
         reset_timedout_connection, "off",
         "Resets connections that timed out, and those that return 444 "
         "closes, so that no buffers stay with the kernel."),
    { .name = NULL },
};

struct module http_keep_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = keep_rows,
    .conf_size = sizeof(struct http_keep_conf),
};


/* --- sending ------------------------------------------------------------------- */

/* Linux has no SO_SNDLOWAT, so this gives the same warning as nginx. */
static const char *
ignore_lowat(struct conf *cf, void *field)
{
    uint64_t n;

    (void) field;
    if (!number_size(cf->args[1], false, &n))
        return conf_error(cf, "\"" STR_F "\" directive invalid value",
                          STR_A(cf->args[0]));
    conf_warn(cf, "\"" STR_F "\" is not supported, ignored",
              STR_A(cf->args[0]));
    return NULL;
}


const struct conf_type http_lowat_type
    = { .name = "lowat", .parse = ignore_lowat };


/* No expression: there is no limit. */
static const char *
parse_rate(struct conf *cf, void *field)
{
    struct expr **e = field;
    const char   *error = conf_expr.parse(cf, field);
    uint64_t      n;

    if (error != NULL || !expr_is_constant(*e))
        return error;
    if (!number_size(expr_text(*e), false, &n))
        return conf_error(cf, "\"" STR_F "\" directive invalid value",
                          STR_A(cf->args[0]));
    if (n == 0)
        *e = NULL;
    return NULL;
}


const struct conf_type http_rate_type = {
    .name = "size with variables",
    .size = sizeof(struct expr *),
    .parse = parse_rate,
};

static const struct directive send_rows[] = {
    MSEC("send_timeout", IN_WEB, struct http_send_conf, send_timeout, "60s",
         "How long may pass between two writes to a client that takes "
         "nothing; then the connection is closed."),
    SIZE("postpone_output", IN_WEB, struct http_send_conf, postpone_output,
         "1460",
         "Waits for that many bytes before it writes, unless more "
         "cannot come at once. 0: writes what there is."),
    SIZE("subrequest_output_buffer_size", IN_WEB, struct http_send_conf,
         subrequest_output, "4k",
         "The longest response of a subrequest that is kept in memory as a "
         "whole (set of an SSI include)."),
    { "limit_rate", IN_WEB | IN_IF | ROW_LIMIT, ARGS_1, &http_rate_type,
      FIELD(struct http_send_conf, limit_rate, struct expr *), "0", NULL,
      "rate",
      "Bytes a second at which a response is sent, for each request "
      "by itself; 0: no limit. May have variables; $limit_rate, when "
      "set, takes its place." },
    { "limit_rate_after", IN_WEB | IN_IF | ROW_LIMIT, ARGS_1, &http_rate_type,
      FIELD(struct http_send_conf, limit_rate_after, struct expr *), "0", NULL,
      "size",
      "How many bytes of a response go out before limit_rate holds. "
      "May have variables." },
    FLAG("tcp_nodelay", IN_WEB, struct http_send_conf, tcp_nodelay, "on",
         "Sends small packets at once on kept-alive connections "
         "(TCP_NODELAY)."),
    FLAG("tcp_nopush", IN_WEB, struct http_send_conf, tcp_nopush, "off",
         "Sends full packets only, the head together with the start of "
         "a file (TCP_CORK), with sendfile."),
    FLAG("chunked_transfer_encoding", IN_WEB, struct http_send_conf,
         chunked_transfer_encoding, "on",
         "Whether HTTP/1.1 responses of unknown length go in chunks; "
         "off ends them by closing the connection."),
    { "send_lowat", IN_WEB, ARGS_1, &http_lowat_type, 0, NULL, NULL, "size",
      "Checked, and without effect: Linux has no such option. A "
      "warning says so." },
    { .name = NULL },
};

struct module http_send_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = send_rows,
    .conf_size = sizeof(struct http_send_conf),
};


/* --- heads of responses ------------------------------------------------------------ */

static const struct conf_word token_words[] = { { "on", TOKENS_ON },
                                                { "off", TOKENS_OFF },
                                                { "build", TOKENS_BUILD },
                                                { NULL, 0 } };

static const struct directive reply_rows[] = {
    ENUM("server_tokens", IN_WEB, struct http_reply_conf, server_tokens, "on",
         token_words,
         "Whether the version stands in Server and on error pages; "
         "build adds the name of the build."),
    FLAG("absolute_redirect", IN_WEB, struct http_reply_conf, absolute_redirect,
         "on",
         "Whether redirects that weir makes name scheme and host; off "
         "sends the path alone."),
    FLAG("server_name_in_redirect", IN_WEB, struct http_reply_conf,
         server_name_in_redirect, "off",
         "Whether redirects name the first server_name rather than the "
         "Host of the request."),
    FLAG("port_in_redirect", IN_WEB, struct http_reply_conf, port_in_redirect,
         "on", "Whether redirects name the port when it is not the usual one."),
    FLAG("msie_padding", IN_WEB, struct http_reply_conf, msie_padding, "on",
         "Makes error pages for Internet Explorer and Chrome longer "
         "than 512 bytes, so that they are shown."),
    FLAG("msie_refresh", IN_WEB, struct http_reply_conf, msie_refresh, "off",
         "Sends Internet Explorer a page that refreshes in place of a "
         "redirect."),
    { .name = NULL },
};

struct module http_reply_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = reply_rows,
    .conf_size = sizeof(struct http_reply_conf),
};


/* --- access --------------------------------------------------------------------- */

static const struct conf_word satisfy_words[]
    = { { "all", SATISFY_ALL }, { "any", SATISFY_ANY }, { NULL, 0 } };

static const struct directive satisfy_rows[] = {
    ENUM("satisfy", IN_WEB | ROW_LIMIT, struct http_access_conf, satisfy, "all",
         satisfy_words,
         "Whether all of allow and deny, auth_basic and auth_request "
         "have to let a request pass, or any one of them."),
    MSEC("auth_delay", IN_WEB | ROW_LIMIT, struct http_access_conf, auth_delay,
         "0",
         "Delays 401 responses, so that passwords cannot be guessed "
         "fast."),
    { .name = NULL },
};

struct module http_satisfy_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = satisfy_rows,
    .conf_size = sizeof(struct http_access_conf),
};


/* --- client_min_rate -------------------------------------------------------- */

static const char *
parse_min_rate(struct conf *cf, void *field)
{
    struct http_slow_conf *c = field;
    str_t                  rate = cf->args[1], after;

    c->after_ms = SLOW_AFTER_MS;
    if (str_ends(rate, STR("/s")))
        rate.n -= strlen("/s");
    if (!number_size(rate, true, &c->rate) || c->rate > UINT64_MAX / 2000)
        return conf_error(cf, "invalid rate \"" STR_F "\"", STR_A(cf->args[1]));
    if (cf->n_args == 2)
        return NULL;
    if (!conf_param(cf->args[2], "after", &after))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[2]));
    if (!number_time(after, false, &c->after_ms))
        return conf_error(cf, "invalid time \"" STR_F "\"", STR_A(cf->args[2]));
    return NULL;
}


static const struct conf_type min_rate_type = {
    .name = "minimum rate",
    .size = sizeof(struct http_slow_conf),
    .parse = parse_min_rate,
};

static const struct directive slow_rows[] = {
    { "client_min_rate", IN_WEB | ROW_LIMIT, ARGS_1 | ARGS_2, &min_rate_type, 0,
      NULL, NULL, "rate [after=time]",
      "Bytes a second (500/s, 1k/s) that a client has to move while nothing but "
      "the client is waited for: sending the body of a request, or reading a "
      "response. The first seconds (after=5s) are free. Who is slower on "
      "average is cut off, 408 for a body. 0: any rate will do." },
    { .name = NULL },
};

struct module http_slow_module = {
    .name = "http_slow",
    .serves = FOR_HTTP,
    .directives = slow_rows,
    .conf_size = sizeof(struct http_slow_conf),
};
