/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives of HTTP/2, and $http2.
 */
#include "core/conf/types.h"
#include "core/expr/variable.h"
#include "core/net/counters.h"
#include "core/tls/tls.h"
#include "http/h2/conn.h"

#define IN_TOP (IN_HTTP | IN_SERVER)

enum { FRAME_MAX = (1 << 24) - 1 };


bool
h2_is_on(const struct http_conn *h)
{
    const struct h2_conf *c = http_conn_conf(h, &http_v2_module);

    return h->address->has_http2 || c->is_on;
}


/* --- http2_limits ------------------------------------------------------------- */

static const char *
parse_limits(struct conf *cf, void *field)
{
    static const struct h2_limits presets = { .most = {
#define X(id, word, most, says) [H2_##id] = most,
                                                  H2_KINDS(X)
#undef X
                                              } };
    struct h2_limits *l = field;
    uint64_t          n;
    str_t             value;
    unsigned          k;

    *l = presets;
    for (unsigned i = 1; i < cf->n_args; i++) {
        for (k = 0; k < H2_N_KINDS; k++)
            if (conf_param(cf->args[i], h2_kind_words[k], &value))
                break;
        if (k == H2_N_KINDS)
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
        if (!number_parse(value, 1000000000, &n) || n == 0)
            return conf_error(cf, "invalid value \"" STR_F "\"",
                              STR_A(cf->args[i]));
        l->most[k] = (uint32_t) n;
    }
    return NULL;
}


static const struct conf_type limits_type = {
    .name = "limits",
    .size = sizeof(struct h2_limits),
    .parse = parse_limits,
};


/* --- the others ------------------------------------------------------------------ */

static const char *
parse_chunk(struct conf *cf, void *field)
{
    const char *error = conf_size.parse(cf, field);
    size_t     *n = field;

    if (error != NULL)
        return error;
    if (*n == 0)
        return conf_error(cf, "the http2 chunk size cannot be zero");
    if (*n > FRAME_MAX)
        *n = FRAME_MAX;
    return NULL;
}


static const char *
parse_window(struct conf *cf, void *field)
{
    const char   *error = conf_size.parse(cf, field);
    const size_t *n = field;

    if (error == NULL && *n > NGHTTP2_MAX_WINDOW_SIZE)
        return conf_error(cf, "the maximum body preread buffer size is %d",
                          NGHTTP2_MAX_WINDOW_SIZE);
    return error;
}


static const struct conf_type chunk_type
    = { .name = "size", .size = sizeof(size_t), .parse = parse_chunk };
static const struct conf_type window_type
    = { .name = "size", .size = sizeof(size_t), .parse = parse_window };
static const struct conf_range streams_range = { 1, INT32_MAX };

#define OBSOLETE(name, in, args, instead) \
    { \
        name, in, args, &conf_obsolete, 0, NULL, instead, "...", \
            "Has no effect; there is a warning." \
    }

static const char limits_says[]
    = "How often a connection may do what only costs the server something; "
      "beyond that, it is closed with ENHANCE_YOUR_CALM. Useful work gives some "
      "back, and what was counted goes by half every ten seconds. resets: "
      "streams that the client resets before their end; refused: streams that "
      "break rules or are one too many; continuations: frames of one head behind "
      "its first; empty: DATA and HEADERS frames without anything; tiny: DATA "
      "frames of less than 16 bytes, but for those of tunnels, to grpc_pass, and "
      "to proxy_pass by HTTP/2 with proxy_request_buffering off; "
      "pings, settings, window_updates, priorities: frames of these kinds; others: "
      "frames of unknown kinds.";

static const struct directive rows[] = {
    FLAG(
        "http2", IN_TOP, struct h2_conf, is_on, "off",
        "Whether clients may speak HTTP/2: where TLS is used, those that "
        "choose it in the handshake; else those that begin with its preface, on "
        "the port of HTTP/1."),
    NUMBER("http2_max_concurrent_streams", IN_TOP, struct h2_conf, max_streams,
           "128", &streams_range,
           "How many streams of a connection are served at the same time."),
    { "http2_body_preread_size", IN_TOP, ARGS_1, &window_type,
      FIELD(struct h2_conf, preread, size_t), "64k", NULL, "size",
      "How much of a request's body the client may send before somebody reads "
      "it. A window that slows down a reader is made larger." },
    { "http2_limits", IN_TOP, ARGS_1_OR_MORE, &limits_type,
      FIELD(struct h2_conf, limits, struct h2_limits),
      "resets=200 refused=200 continuations=8 empty=200 tiny=20000 pings=200 "
      "settings=50 window_updates=2000 priorities=500 others=500",
      NULL,
      "[resets=number] [refused=number] [continuations=number] [empty=number]\n"
      " [tiny=number] [pings=number] [settings=number] [window_updates=number]\n"
      " [priorities=number] [others=number]",
      limits_says },
    ACCEPTED("http2_recv_buffer_size", IN_HTTP, conf_size, "size",
             "Checked, and without effect: memory is taken as needed."),
    ACCEPTED("http2_pool_size", IN_TOP, conf_size, "size",
             "Checked, and without effect: memory is taken as needed."),
    ACCEPTED("http2_streams_index_size", IN_TOP, conf_number, "number",
             "Checked, and without effect: memory is taken as needed."),
    OBSOLETE("http2_max_requests", IN_TOP, ARGS_1, "keepalive_requests"),
    OBSOLETE("http2_max_field_size", IN_TOP, ARGS_1,
             "large_client_header_buffers"),
    OBSOLETE("http2_max_header_size", IN_TOP, ARGS_1,
             "large_client_header_buffers"),
    OBSOLETE("http2_recv_timeout", IN_TOP, ARGS_1, "client_header_timeout"),
    OBSOLETE("http2_idle_timeout", IN_TOP, ARGS_1, "keepalive_timeout"),
    OBSOLETE("http2_max_concurrent_pushes", IN_TOP, ARGS_1, NULL),
    OBSOLETE("http2_push", IN_WEB | ROW_MANY, ARGS_1, NULL),
    OBSOLETE("http2_push_preload", IN_WEB, ARGS_FLAG, NULL),
    { .name = NULL },
};

static const struct directive chunk_rows[] = {
    { "http2_chunk_size", IN_WEB, ARGS_1, &chunk_type,
      FIELD(struct h2_chunk_conf, size, size_t), "16k", NULL, "size",
      "The largest piece of a response's body that is sent before other streams "
      "of the connection have their turn." },
    { .name = NULL },
};


static str_t
http2(struct task *t, uintptr_t arg)
{
    (void) arg;
    if (http_of(t)->version != HTTP_20)
        return STR("");
    return tls_ssl(t->conn) != NULL ? STR("h2") : STR("h2c");
}


static const char attacks[]
    = "Connections that were closed because the client did too often what only "
      "costs something.";

static const struct counter_row counters[] = {
#define X(id, word, most, says) \
    { "http2_attacks", "kind=\"" word "\"", COUNTER_TOTAL, attacks },
    H2_KINDS(X)
#undef X
        { "http2_attacks", "kind=\"heads\"", COUNTER_TOTAL, attacks },
    { "http2_attacks", "kind=\"streams\"", COUNTER_TOTAL, attacks },
    { .name = NULL },
};

static const struct variable variables[] = {
    { "http2", .get = http2,
      .says = "h2 (over TLS) or h2c for a request of HTTP/2, else empty" },
    { .name = NULL },
};

struct module http_v2_module = {
    .name = "http_v2",
    .serves = FOR_HTTP,
    .directives = rows,
    .variables = variables,
    .counters = counters,
    .conf_size = sizeof(struct h2_conf),
    .process_start = h2_session_start,
    .process_stop = h2_session_stop,
};

struct module http_v2_chunk_module = {
    .name = "http_v2",
    .serves = FOR_HTTP,
    .directives = chunk_rows,
    .conf_size = sizeof(struct h2_chunk_conf),
};
