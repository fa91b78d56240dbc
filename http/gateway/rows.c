/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives that all gateways share, each with the prefix of its
 * protocol, and the checks that involve several of them.
 */
#include "http/file_access.h"
#include "http/gateway/gateway.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/net/addr.h"
#include "http/settings.h"


/* --- types ---------------------------------------------------------------- */

/* off, or an address, with or without "transparent". */
static const char *
parse_bind(struct conf *cf, void *field)
{
    struct gateway_bind **out = field;
    struct gateway_bind  *b;
    const char           *error = NULL;
    struct endpoint       e;

    if (cf->n_args == 2 && str_is(cf->args[1], "off")) {
        *out = NULL;
        return NULL;
    }
    b = arena_make(cf->arena, struct gateway_bind);
    b->expr = expr_compile(cf, cf->args[1], 0, &error);
    if (!b->expr)
        return error;
    if (cf->n_args == 3) {
        if (!str_is(cf->args[2], "transparent"))
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[2]));
        b->is_transparent = true;
    }
    if (expr_is_constant(b->expr)) {
        if (!addr_parse(cf->args[1], &b->at)) {
            error = endpoint_parse(cf->arena, cf->args[1], 0, 0, &e);
            if (error || e.n == 0)
                return conf_error(cf, "invalid address \"" STR_F "\"",
                                  STR_A(cf->args[1]));
            b->at = e.at[0];
        }
        b->is_known = true;
    }
    *out = b;
    return NULL;
}


static const struct conf_type bind_type = {
    .name = "local address",
    .size = sizeof(struct gateway_bind *),
    .parse = parse_bind,
    .unset = "off",
};


/* off, on, or a path with variables. */
static const char *
parse_store(struct conf *cf, void *field)
{
    struct gateway_store *s = field;
    const char           *error = NULL;

    *s = (struct gateway_store){ NULL, false };
    if (cf->args[1].n == 0)
        return conf_error(cf, "empty path");
    if (str_is(cf->args[1], "off"))
        return NULL;
    if (cache_zone_is_on(
            &container_of(s, struct gateway_conf, store)->cache.zone))
        return conf_error(cf,
                          "\"" STR_F "\" directive is incompatible with "
                          "\"%.*s_cache\"",
                          STR_A(cf->args[0]),
                          (int) (cf->args[0].n - strlen("_store")),
                          cf->args[0].p);
    if (str_is(cf->args[1], "on")) {
        s->is_mapped = true;
        return NULL;
    }
    s->path = expr_compile(cf, cf->args[1], EXPR_Z, &error);
    return s->path ? NULL : error;
}


/* Not where the block has a cache instead. */
static void
inherit_store(struct conf *cf, void *field, const void *outer)
{
    const struct gateway_conf *c = container_of((struct gateway_store *) field,
                                                struct gateway_conf, store);

    (void) cf;
    if (!cache_zone_is_on(&c->cache.zone))
        *(struct gateway_store *) field = *(const struct gateway_store *) outer;
}


static const struct conf_type store_type = {
    .name = "store",
    .size = sizeof(struct gateway_store),
    .parse = parse_store,
    .inherit = inherit_store,
    .unset = "off",
};


/* --- rows ----------------------------------------------------------------- */

/* Words of the lists below, which are those of PREFIX_cache_use_stale, too;
 * "updating" has a meaning only there. */
#define NEXT_CAUSES \
    { "error", NEXT_ERROR }, { "timeout", NEXT_TIMEOUT }, \
        { "denied", NEXT_DENIED }, \
    { \
        "off", NEXT_OFF \
    }
#define NEXT_STATUSES \
    { "invalid_header", NEXT_INVALID_HEADER }, \
        { "non_idempotent", NEXT_NON_IDEMPOTENT }, { "http_500", NEXT_500 }, \
        { "http_503", NEXT_503 }, { "http_403", NEXT_403 }, \
        { "http_404", NEXT_404 }, { "http_429", NEXT_429 }, \
    { \
        "updating", NEXT_UPDATING \
    }

const struct conf_word gateway_next_causes[] = { NEXT_CAUSES, { NULL, 0 } };
const struct conf_word gateway_next_cgi[]
    = { NEXT_CAUSES, NEXT_STATUSES, { NULL, 0 } };
const struct conf_word gateway_next_http[] = { NEXT_CAUSES,
                                               NEXT_STATUSES,
                                               { "http_502", NEXT_502 },
                                               { "http_504", NEXT_504 },
                                               { NULL, 0 } };

static const struct conf_word ignore_words[] = {
    { "X-Accel-Redirect", IGNORE_ACCEL_REDIRECT },
    { "X-Accel-Expires", IGNORE_ACCEL_EXPIRES },
    { "X-Accel-Limit-Rate", IGNORE_ACCEL_LIMIT_RATE },
    { "X-Accel-Buffering", IGNORE_ACCEL_BUFFERING },
    { "X-Accel-Charset", IGNORE_ACCEL_CHARSET },
    { "Expires", IGNORE_EXPIRES },
    { "Cache-Control", IGNORE_CACHE_CONTROL },
    { "Set-Cookie", IGNORE_SET_COOKIE },
    { "Vary", IGNORE_VARY },
    { NULL, 0 },
};

static const struct conf_range any_number = { 0, UINT64_MAX };

#define C struct gateway_conf
#define ONE_TEXT(n, m, syntax, says) \
    { \
        n, ROW_MANY, ARGS_1, &conf_texts, FIELD(C, m, struct texts), NULL, \
            NULL, syntax, says \
    }

const struct directive gateway_peer_rows[] = {
    CUSTOM("_bind", 0, ARGS_1 | ARGS_2, bind_type, C, bind,
           struct gateway_bind *,
           "address[:port] [transparent]\n"
           "off",
           "The own address of connections to the upstream; with "
           "transparent it may be one that is not this machine's, the "
           "client's for instance. off, the default, leaves it to the "
           "system."),
    { "_bind_dynamic", 0, ARGS_FLAG, &conf_nothing, 0, NULL, &conf_flag,
      "on | off",
      "Checked, and without effect: PREFIX_bind is evaluated for each server "
      "anyway." },
    EXPR_LIST("_allow_upstream", 0, C, allow, "string ...",
              "Asks a server only if all values are neither empty nor 0; its "
              "address is $upstream_last_addr. Else the next one is asked "
              "where PREFIX_next_upstream has denied, or it is 502."),
    FLAG("_socket_keepalive", 0, C, socket_keepalive, "off",
         "Lets TCP probe idle connections to the upstream "
         "(SO_KEEPALIVE)."),
    SIZE("_socket_rcvbuf", 0, C, socket_rcvbuf, "0",
         "The kernel's receive buffer of connections to the upstream "
         "(SO_RCVBUF); 0 leaves it alone."),
    SIZE("_socket_sndbuf", 0, C, socket_sndbuf, "0",
         "The kernel's send buffer of connections to the upstream "
         "(SO_SNDBUF); 0 leaves it alone."),
    MSEC("_connect_timeout", 0, C, connect_timeout, "60s",
         "How long connecting to the upstream may take; the kernel "
         "itself rarely waits more than 75s."),
    MSEC("_send_timeout", 0, C, send_timeout, "60s",
         "How long may pass between two writes of the request to the "
         "upstream."),
    MSEC("_read_timeout", 0, C, read_timeout, "60s",
         "How long may pass between two reads of the response; 504 when "
         "it has not begun by then."),
    NUMBER("_next_upstream_tries", 0, C, next_tries, "0", &any_number,
           "How many servers are tried at most; 0: all."),
    MSEC("_next_upstream_timeout", 0, C, next_timeout, "0",
         "For how long other servers are tried; 0: no limit."),
    { .name = NULL },
};

const struct directive gateway_field_rows[] = {
    FLAG("_intercept_errors", 0, C, intercept_errors, "off",
         "Whether responses of the upstream from 300 on are judged by "
         "error_page."),
    ONE_TEXT("_pass_header", pass, "field",
             "A field of the response that passes though it is hidden by "
             "itself, such as Date, Server or X-Accel-*."),
    ONE_TEXT("_hide_header", hide, "field",
             "A field of the response that is not passed on to the client."),
    BITS("_ignore_headers", 0, ARGS_1_OR_MORE, C, ignore, NULL, ignore_words,
         "Fields of the response that have no effect here: they are "
         "passed on or hidden as ever."),
    { .name = NULL },
};

const struct directive gateway_body_rows[] = {
    SIZE("_max_header_size", 0, C, max_header_size, "64k",
         "How large the head of a response may be that does not fit into "
         "PREFIX_buffer_size; the log says once for each location that one "
         "was larger. Where PREFIX_buffer_size is set, and this is not, that "
         "is the limit."),
    FLAG("_buffering", 0, C, buffering, "on",
         "Reads the response as fast as the upstream sends it, into "
         "buffers and then a temporary file; off passes each piece on "
         "as it comes. X-Accel-Buffering in the response changes it."),
    { "_request_dynamic", 0, ARGS_FLAG, &conf_nothing, 0, NULL, &conf_flag,
      "on | off",
      "Checked, and without effect: the request is made anew for each server "
      "anyway." },
    FLAG("_request_buffering", 0, C, request_buffering, "on",
         "Reads the whole body of the request before the upstream is "
         "asked; off passes it on as it comes, and then no second "
         "server can be tried once part of it was sent."),
    FLAG("_ignore_client_abort", 0, C, ignore_client_abort, "off",
         "Lets the exchange with the upstream go on when the client has "
         "gone."),
    FLAG("_pass_request_headers", 0, C, pass_request_headers, "on",
         "Whether fields of the client's request are passed on."),
    FLAG("_pass_request_body", 0, C, pass_request_body, "on",
         "Whether the body of the client's request is passed on."),
    FLAG("_force_ranges", 0, C, force_ranges, "off",
         "Answers ranges of the response whatever its Accept-Ranges "
         "says."),
    BUFFERS("_buffers", 0, C, buffers, "8 4k",
            "How many buffers of which size hold a response that the "
            "client takes slowly."),
    SIZE("_busy_buffers_size", 0, C, busy_size, "0",
         "How much of the buffers may wait for the client while the "
         "response is still read; 0, the default, stands for twice the "
         "larger of PREFIX_buffer_size and one of PREFIX_buffers."),
    { "_limit_rate", 0, ARGS_1, &http_rate_type,
      FIELD(C, limit_rate, struct expr *), "0", NULL, "rate",
      "Bytes a second at which the response is read from the "
      "upstream, with PREFIX_buffering; 0: no limit. May have "
      "variables." },
    SIZE("_temp_file_write_size", 0, C, write_size, "0",
         "How much is written to the temporary file in one go; 0, the "
         "default, stands for twice the larger of PREFIX_buffer_size "
         "and one of PREFIX_buffers."),
    OFFSET("_max_temp_file_size", 0, C, max_file_size, "1024m",
           "How large the temporary file of one response may become; 0: "
           "none is used."),
    CUSTOM("_store", 0, ARGS_1, store_type, C, store, struct gateway_store,
           "on | off | string",
           "Keeps responses as files: under the path that the request "
           "maps to (on), or under the one given. off, the default, keeps "
           "none."),
    { "_store_access", 0, ARGS_1 | ARGS_2 | ARGS_3, &conf_file_access,
      FIELD(C, store_access, unsigned), "user:rw", NULL,
      "users:permissions ...",
      "The permissions of stored files. The user can always read and "
      "write." },
    { .name = NULL },
};


const struct directive gateway_lowat_rows[] = {
    { "_send_lowat", 0, ARGS_1, &http_lowat_type, 0, NULL, NULL, "size",
      "Checked, and without effect: Linux has no such option. A "
      "warning says so." },
    { .name = NULL },
};


/* --- checks --------------------------------------------------------------- */

static const char *
check_sizes(struct conf *cf, struct gateway_conf *c, const char *prefix)
{
    size_t largest = c->buffer_size > c->buffers.size ? c->buffer_size
                                                      : c->buffers.size;
    size_t busy = c->busy_size ? c->busy_size : 2 * largest;
    size_t write = c->write_size ? c->write_size : 2 * largest;

    if (c->buffers.n < 2)
        return conf_error(cf, "there must be at least 2 \"%s_buffers\"",
                          prefix);
    if (busy < largest)
        return conf_error(
            cf,
            "\"%s_busy_buffers_size\" must be equal to or greater than the "
            "maximum of the value of \"%s_buffer_size\" and one of the "
            "\"%s_buffers\"",
            prefix, prefix, prefix);
    if (busy > (c->buffers.n - 1) * c->buffers.size)
        return conf_error(cf,
                          "\"%s_busy_buffers_size\" must be less than the "
                          "size of all \"%s_buffers\" minus one buffer",
                          prefix, prefix);
    if (write < largest)
        return conf_error(
            cf,
            "\"%s_temp_file_write_size\" must be equal to or greater than "
            "the maximum of the value of \"%s_buffer_size\" and one of the "
            "\"%s_buffers\"",
            prefix, prefix, prefix);
    if (c->max_file_size && c->max_file_size < largest)
        return conf_error(
            cf,
            "\"%s_max_temp_file_size\" must be equal to zero to disable "
            "temporary files usage or must be equal to or greater than the "
            "maximum of the value of \"%s_buffer_size\" and one of the "
            "\"%s_buffers\"",
            prefix, prefix, prefix);
    return NULL;
}


static uint64_t
bits_of(const struct texts *names)
{
    uint64_t bits = 0;

    VEC_EACH(&names->list, name)
        bits |= FIELD_BIT(field_id(*name));
    return bits & ~FIELD_BIT(FIELD_UNKNOWN);
}


/* Builds the table of fields; pass wins over hide. */
static void
list_fields(struct conf *cf, struct gateway_conf *c)
{
    size_t n = c->hide.list.n + c->pass.list.n;

    c->passed = bits_of(&c->pass);
    c->hidden = bits_of(&c->hide) & ~c->passed;
    if (n == 0)
        return;
    c->fields = hash_new(cf->arena, n, HASH_NOCASE);
    VEC_EACH(&c->hide.list, name)
        hash_set(c->fields, *name, (void *) (uintptr_t) FIELD_LIST_HIDE);
    VEC_EACH(&c->pass.list, name)
        hash_set(c->fields, *name, (void *) (uintptr_t) FIELD_LIST_PASS);
}


/* The digest of all that connections are opened with, and of the protocol that
 * is spoken over them.  What a request adds, uplink.c does. */
static uint64_t
kind_of(const struct gateway_conf *c, const char *prefix)
{
    const struct gateway_bind *b = c->bind;
    const size_t               settings[]
        = { c->socket_rcvbuf, c->socket_sndbuf, c->socket_keepalive, c->preface,
            b == NULL ? 0 : 1 + (size_t) b->is_transparent };
    uint64_t kind = str_mix(0, str_of(prefix));

    kind = str_mix(kind, (str_t){ (const char *) settings, sizeof(settings) });
    if (b != NULL && b->is_known)
        kind = str_mix(kind, (str_t){ (const char *) &b->at, sizeof(b->at) });
    return kind;
}


static bool
is_set(const struct conf *cf, const char *prefix, const char *name)
{
    str_t row = arena_printf(cf->arena, "%s%s", prefix, name);

    return setting_in_force(cf->block, row.p, NULL) != NULL;
}


/* PREFIX_buffer_size grows to PREFIX_max_header_size: where it is set, it is a
 * limit, unless the other one is set, too. */
static size_t
head_limit(const struct conf *cf, const struct gateway_conf *c,
           const char *prefix)
{
    bool may_grow = c->max_header_size > c->buffer_size
                    && (!is_set(cf, prefix, "_buffer_size")
                        || is_set(cf, prefix, "_max_header_size"));

    return may_grow ? c->max_header_size : c->buffer_size;
}


const char *
gateway_ready(struct conf *cf, struct gateway_conf *c, const char *prefix)
{
    bool        has_buffers = c->buffers.n != 0; /* a row of the protocol */
    const char *error = has_buffers ? check_sizes(cf, c, prefix) : NULL;

    if (!error)
        list_fields(cf, c);
    c->head_limit = head_limit(cf, c, prefix);
    c->kind = kind_of(c, prefix);
    return error;
}
