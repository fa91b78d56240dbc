/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables of the request and of its response.  The get functions return text
 * that the request already has, where possible; STR_NONE means "no value",
 * which logs print as a dash.
 */
#include "http/variables.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/date.h"
#include "core/base/escape.h"
#include "core/base/version.h"
#include "core/os/clock.h"
#include "core/os/random.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/cookie.h"
#include "http/credentials.h"
#include "http/response.h"
#include "http/server.h"
#include "http/settings.h"


/* --- fields --------------------------------------------------------------- */

/* The first field of a known name: arg is its id. */
static str_t
in_field(struct task *t, uintptr_t arg)
{
    return fields_value(&http_of(t)->in, (enum field_id) arg);
}


static str_t
in_joined(struct task *t, uintptr_t arg)
{
    str_t name = *(const str_t *) arg;

    return fields_joined(t->arena, &http_of(t)->in, name,
                         str_is(name, "cookie") ? "; " : ", ");
}


static str_t
out_joined(struct task *t, uintptr_t arg)
{
    return fields_joined(t->arena, &http_of(t)->out.fields,
                         *(const str_t *) arg, ", ");
}


static str_t
out_trailer(struct task *t, uintptr_t arg)
{
    return fields_joined(t->arena, http_of(t)->out.trailers,
                         *(const str_t *) arg, ", ");
}


static str_t
out_field(struct task *t, uintptr_t arg)
{
    return fields_value(&http_of(t)->out.fields, (enum field_id) arg);
}


static str_t
out_content_type(struct task *t, uintptr_t arg)
{
    const struct http_response *out = &http_of(t)->out;

    (void) arg;
    if (out->content_type.n == 0)
        return STR_NONE;
    if (out->type_tail.n == 0 || !out->is_head_sent)
        return out->content_type;
    return str_join(t->arena, out->content_type, out->type_tail);
}


static str_t
out_content_length(struct task *t, uintptr_t arg)
{
    const struct http_response *out = &http_of(t)->out;

    (void) arg;
    if (out->length < 0)
        return fields_value(&out->fields, FIELD_CONTENT_LENGTH);
    return arena_number(t->arena, (uint64_t) out->length);
}


static str_t
out_last_modified(struct task *t, uintptr_t arg)
{
    const struct http_response *out = &http_of(t)->out;
    char                       *p;

    (void) arg;
    if (out->last_modified < 0)
        return fields_value(&out->fields, FIELD_LAST_MODIFIED);
    p = arena_bytes(t->arena, DATE_LEN);
    date_http(p, out->last_modified);
    return (str_t){ p, DATE_LEN };
}


static str_t
out_connection(struct task *t, uintptr_t arg)
{
    const struct http_request *r = http_of(t);

    (void) arg;
    if (r->out.status == 101)
        return STR("upgrade");
    return r->keeps_alive ? STR("keep-alive") : STR("close");
}


static str_t
out_keep_alive(struct task *t, uintptr_t arg)
{
    uint64_t seconds = keep_conf(t)->keepalive_timeout.header;

    (void) arg;
    if (!http_of(t)->keeps_alive || seconds == 0)
        return STR_NONE;
    return arena_printf(t->arena, "timeout=%llu", (unsigned long long) seconds);
}


static str_t
out_transfer_encoding(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_of(t)->out.is_chunked ? STR("chunked") : STR_NONE;
}


/* --- parts of the request --------------------------------------------------- */

/* A str_t of the request itself: arg is its offset.  STR_NONE if the request
 * never had it. */
static str_t
text(struct task *t, uintptr_t offset)
{
    const char *r = (const char *) http_of(t);

    return *(const str_t *) (const void *) (r + offset);
}


static str_t
main_text(struct task *t, uintptr_t offset)
{
    return text(&http_of(t)->main->task, offset);
}


static str_t
host(struct task *t, uintptr_t arg)
{
    const struct http_request *r = http_of(t);

    (void) arg;
    return r->host.n ? r->host : r->server->name;
}


static str_t
server_name(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_of(t)->server->name;
}


static str_t
is_args(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_of(t)->args.n ? STR("?") : STR("");
}


static str_t
is_request_port(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_of(t)->port != 0 ? STR(":") : STR("");
}


static str_t
request_port(struct task *t, uintptr_t arg)
{
    unsigned port = http_of(t)->port;

    (void) arg;
    return port != 0 ? arena_number(t->arena, port) : STR("");
}


static str_t
https(struct task *t, uintptr_t arg)
{
    (void) arg;
    return str_is(http_of(t)->scheme, "https") ? STR("on") : STR("");
}


static void
set_args(struct task *t, str_t value, uintptr_t arg)
{
    struct http_request *r = http_of(t);

    (void) arg;
    r->args = value;
    r->is_uri_as_sent = false;
}


/* No argument has an empty name. */
str_t
http_argument(const struct http_request *r, str_t name)
{
    str_t rest = r->args, part;

    while (rest.n != 0 && name.n != 0) {
        part = str_cut(&rest, '&');
        if (part.n > name.n && part.p[name.n] == '=' && str_istarts(part, name))
            return str_from(part, name.n + 1);
    }
    return STR_NONE;
}


static str_t
argument(struct task *t, uintptr_t arg)
{
    return http_argument(http_of(t), *(const str_t *) arg);
}


str_t
http_cookie(const struct http_request *r, str_t name, str_t *field)
{
    const struct field *f;
    str_t               value;

    for (f = fields_get(&r->in, FIELD_COOKIE); f != NULL;
         f = fields_next(&r->in, f))
    {
        if (!cookie_find(f->value, name, &value))
            continue;
        *field = f->value;
        return value;
    }
    return STR_NONE;
}


static str_t
cookie(struct task *t, uintptr_t arg)
{
    str_t field;

    return http_cookie(http_of(t), *(const str_t *) arg, &field);
}


/* As sent; for a chunked body that has been read, its length. */
static str_t
content_length(struct task *t, uintptr_t arg)
{
    const struct http_request *r = http_of(t);
    const struct field        *f = fields_get(&r->in, FIELD_CONTENT_LENGTH);

    (void) arg;
    if (f != NULL)
        return f->value;
    if (http_is_length_unknown(r) && r->body != NULL && r->body->is_complete)
        return arena_number(t->arena, r->body->received);
    if (http_is_length_unknown(r) && r->body != NULL && r->body->is_too_large)
        return STR("0");
    if (r->content_length < 0)
        return STR_NONE;
    return arena_number(t->arena, (uint64_t) r->content_length);
}


static str_t
remote_user(struct task *t, uintptr_t arg)
{
    str_t user, password;

    (void) arg;
    return http_credentials(http_of(t), &user, &password) ? user : STR_NONE;
}


static str_t
request_body(struct task *t, uintptr_t arg)
{
    const struct http_body *body = http_of(t)->body;
    char                   *p;

    (void) arg;
    if (body == NULL || body->file != NULL || body->data.n == 0)
        return STR_NONE;
    if (body->data.head->next == NULL && body->data.head->p != NULL)
        return (str_t){ body->data.head->p, body->data.head->n };
    p = arena_bytes(t->arena, body->data.n);
    return (str_t){ p, chain_peek(&body->data, p, body->data.n) };
}


static str_t
request_body_file(struct task *t, uintptr_t arg)
{
    const struct http_body *body = http_of(t)->body;

    (void) arg;
    return body != NULL && body->file != NULL ? body->file_name : STR_NONE;
}


static str_t
request_length(struct task *t, uintptr_t arg)
{
    const struct http_request *r = http_of(t);

    (void) arg;
    return arena_number(t->arena, r->head_bytes + r->body_bytes);
}


str_t
http_request_id(struct http_request *r)
{
    char bytes[16];

    r = r->main;
    if (r->id.p == NULL) {
        random_fill(bytes, sizeof(bytes));
        r->id = hex_encode(r->task.arena, (str_t){ bytes, sizeof(bytes) });
    }
    return r->id;
}


static str_t
request_id(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_request_id(http_of(t));
}


/* --- files ------------------------------------------------------------------ */

static str_t
document_root(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_root_text(http_of(t));
}


static str_t
realpath_root(struct task *t, uintptr_t arg)
{
    str_t root = http_root_folder(http_of(t));
    char  real[PATH_MAX];

    (void) arg;
    if (root.p == NULL)
        return STR_NONE;
    if (realpath(root.p, real) == NULL) {
        log_at(t->log, LEVEL_CRIT, errno, "realpath() \"" STR_F "\" failed",
               STR_A(root));
        return STR_NONE;
    }
    return str_copy(t->arena, str_of(real));
}


static str_t
request_filename(struct task *t, uintptr_t arg)
{
    size_t n;

    (void) arg;
    return http_map_path(http_of(t), &n);
}


/* --- what has gone out -------------------------------------------------------- */

unsigned
http_status_of(const struct http_request *r)
{
    if (r->error_status != 0)
        return r->error_status;
    if (r->out.status != 0)
        return r->out.status;
    if (r->fail_status != 0)
        return r->fail_status;
    return r->version == HTTP_09 ? HTTP_09 : 0;
}


static str_t
status(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_printf(t->arena, "%03u", http_status_of(http_of(t)));
}


static str_t
bytes_sent(struct task *t, uintptr_t arg)
{
    const struct http_request *r = http_of(t);

    (void) arg;
    return arena_number(t->arena, r->codec->sent(r));
}


static str_t
body_bytes_sent(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_number(t->arena, http_of(t)->body_sent);
}


static str_t
request_completion(struct task *t, uintptr_t arg)
{
    const struct http_request *r = http_of(t);

    (void) arg;
    return r->out.is_complete && r == r->main ? STR("OK") : STR("");
}


/* The directive's value counts only once the response begins. */
static str_t
limit_rate(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_number(t->arena, http_of(t)->limit_rate);
}


static void
set_limit_rate(struct task *t, str_t value, uintptr_t arg)
{
    struct http_request *r = http_of(t);
    uint64_t             rate;

    (void) arg;
    if (!number_size(value, false, &rate)) {
        log_error(t->log, "invalid $limit_rate \"" STR_F "\"", STR_A(value));
        return;
    }
    r->limit_rate = rate;
    r->has_limit_rate = true;
}


/* --- time and process --------------------------------------------------------- */

static str_t
request_time(struct task *t, uintptr_t arg)
{
    msec_t ms = clock_ms() - http_of(t)->started_at;

    (void) arg;
    return arena_printf(t->arena, "%llu.%03u", (unsigned long long) ms / 1000,
                        (unsigned) (ms % 1000));
}


static str_t
msec(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_printf(t->arena, "%lld.%03u", (long long) clock_seconds(),
                        clock_millisecond());
}


static str_t
time_local(struct task *t, uintptr_t arg)
{
    (void) arg;
    return str_copy(t->arena, clock_clf());
}


static str_t
time_iso8601(struct task *t, uintptr_t arg)
{
    (void) arg;
    return str_copy(t->arena, clock_iso8601());
}


static str_t
pipe_mark(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_of(t)->is_pipelined ? STR("p") : STR(".");
}


static str_t
hostname(struct task *t, uintptr_t arg)
{
    char name[256];

    (void) arg;
    if (gethostname(name, sizeof(name)) == -1)
        return STR_NONE;
    name[sizeof(name) - 1] = '\0';
    str_lower_to(name, str_of(name));
    return str_copy(t->arena, str_of(name));
}


static str_t
pid(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_printf(t->arena, "%d", (int) getpid());
}


static str_t
nginx_version(struct task *t, uintptr_t arg)
{
    (void) t;
    (void) arg;
    return STR(NGINX_VERSION);
}


/* --- the table ------------------------------------------------------------------ */

static const str_t name_cookie = STR_INIT("cookie");
static const str_t name_user_agent = STR_INIT("user_agent");
static const str_t name_referer = STR_INIT("referer");
static const str_t name_content_type = STR_INIT("content_type");
static const str_t name_via = STR_INIT("via");
static const str_t name_x_forwarded_for = STR_INIT("x_forwarded_for");
static const str_t name_cache_control = STR_INIT("cache_control");
static const str_t name_link = STR_INIT("link");


static str_t
matched_location(struct task *t, uintptr_t arg)
{
    const struct http_location *l = http_of(t)->location;

    (void) arg;
    return l != NULL ? http_location_text(t->arena, l) : STR("");
}


#define AT(member) offsetof(struct http_request, member)
#define TEXT_ROW(n, member, flags, says) \
    { \
        n, text, AT(member), flags, NULL, says \
    }
#define FAMILY(n, get, flags, says) \
    { \
        n, get, 0, VAR_PREFIX | VAR_CHANGEABLE | (flags), NULL, says \
    }

static const struct variable variables[] = {
    { "http_host", in_field, FIELD_HOST, 0, NULL,
      "the Host of the request, as it was sent" },
    { "http_user_agent", in_joined, (uintptr_t) &name_user_agent, 0, NULL,
      "the User-Agent of the request" },
    { "http_referer", in_joined, (uintptr_t) &name_referer, 0, NULL,
      "the Referer of the request" },
    { "http_via", in_joined, (uintptr_t) &name_via, 0, NULL,
      "the Via fields of the request, joined with commas" },
    { "http_x_forwarded_for", in_joined, (uintptr_t) &name_x_forwarded_for, 0,
      NULL, "the X-Forwarded-For fields of the request, joined with commas" },
    { "http_cookie", in_joined, (uintptr_t) &name_cookie, 0, NULL,
      "the Cookie fields of the request, joined with semicolons" },
    FAMILY("http_", in_joined, 0,
           "a field of the request, in lower case with _ for -: "
           "$http_accept_language; several are joined with commas"),
    { "content_length", content_length, 0, VAR_VOLATILE | VAR_AT_HAND, NULL,
      "the Content-Length of the request" },
    { "content_type", in_joined, (uintptr_t) &name_content_type, 0, NULL,
      "the Content-Type of the request" },

    { "sent_http_content_type", out_content_type, 0, 0, NULL,
      "the Content-Type of the response, with its charset" },
    { "sent_http_content_length", out_content_length, 0, 0, NULL,
      "the Content-Length of the response, where it has one" },
    { "sent_http_location", out_field, FIELD_LOCATION, 0, NULL,
      "the Location of the response" },
    { "sent_http_last_modified", out_last_modified, 0, 0, NULL,
      "the Last-Modified of the response" },
    { "sent_http_connection", out_connection, 0, 0, NULL,
      "the Connection field of the response: keep-alive, close or "
      "upgrade" },
    { "sent_http_keep_alive", out_keep_alive, 0, 0, NULL,
      "the Keep-Alive field of the response, where keepalive_timeout "
      "gives one" },
    { "sent_http_transfer_encoding", out_transfer_encoding, 0, 0, NULL,
      "chunked, where the response is sent so" },
    { "sent_http_cache_control", out_joined, (uintptr_t) &name_cache_control, 0,
      NULL, "the Cache-Control fields of the response, joined with commas" },
    { "sent_http_link", out_joined, (uintptr_t) &name_link, 0, NULL,
      "the Link fields of the response, joined with commas" },
    FAMILY("sent_http_", out_joined, 0,
           "a field of the response, in lower case with _ for -: "
           "$sent_http_etag"),
    FAMILY("sent_trailer_", out_trailer, 0,
           "a field behind the body of the response, in lower case with _ "
           "for -"),

    { "host", host, 0, 0, NULL,
      "the host of the request line, else that of Host, else the "
      "server's name; in lower case, without a port" },
    { "server_name", server_name, 0, VAR_AT_HAND, NULL,
      "the first name of the server that took the request" },
    TEXT_ROW("request", line, 0, "the request line as it was sent"),
    TEXT_ROW("request_uri", target, VAR_AT_HAND,
             "the URI with its arguments as it was sent, whatever was "
             "rewritten since"),
    TEXT_ROW("server_protocol", protocol, VAR_AT_HAND,
             "the protocol of the request: HTTP/1.0, HTTP/1.1"),
    TEXT_ROW("scheme", scheme, VAR_AT_HAND, "http or https"),
    { "request_port", request_port, 0, 0, NULL,
      "the port of the request line or of Host, where one is named there" },
    { "request_method", main_text, AT(method_name), VAR_VOLATILE | VAR_AT_HAND,
      NULL, "the method: GET, POST ..." },
    { "is_request_port", is_request_port, 0, VAR_AT_HAND, NULL,
      "\":\" where $request_port has something, else empty" },
    { "https", https, 0, VAR_AT_HAND, NULL,
      "\"on\" on TLS connections, else empty" },
    TEXT_ROW("uri", uri, VAR_VOLATILE | VAR_AT_HAND,
             "the URI as it is now, decoded and without arguments: "
             "rewriting and redirects inside change it"),
    TEXT_ROW("document_uri", uri, VAR_VOLATILE | VAR_AT_HAND,
             "the same as $uri"),
    { "args", text, AT(args), VAR_VOLATILE | VAR_CHANGEABLE, set_args,
      "the arguments of the request, as they are now" },
    TEXT_ROW("query_string", args, VAR_VOLATILE | VAR_AT_HAND,
             "the same as $args, but cannot be set"),
    { "is_args", is_args, 0, VAR_VOLATILE | VAR_AT_HAND, NULL,
      "\"?\" where there are arguments, else empty" },
    FAMILY("arg_", argument, VAR_VOLATILE,
           "the value of an argument of the request, not decoded: "
           "$arg_page; the first where there are several"),
    FAMILY("cookie_", cookie, 0, "the value of a cookie of the request"),
    { "remote_user", remote_user, 0, 0, NULL,
      "the name that the client gave for HTTP Basic authentication" },
    { "request_body", request_body, 0, 0, NULL,
      "the body of the request, where it was read into memory for an "
      "upstream" },
    { "request_body_file", request_body_file, 0, 0, NULL,
      "the temporary file that holds the body of the request" },
    { "request_length", request_length, 0, VAR_VOLATILE, NULL,
      "the bytes of the request: line, head and what was read of the "
      "body" },
    { "request_id", request_id, 0, 0, NULL,
      "32 hexadecimal digits, by chance, for each request" },

    { "document_root", document_root, 0, VAR_VOLATILE, NULL,
      "the root or alias that holds for the request" },
    { "realpath_root", realpath_root, 0, VAR_VOLATILE, NULL,
      "$document_root with symbolic links followed" },
    { "request_filename", request_filename, 0, VAR_VOLATILE, NULL,
      "the path of the file that the URI maps to" },

    { "status", status, 0, VAR_VOLATILE, NULL,
      "the status code of the response" },
    { "bytes_sent", bytes_sent, 0, 0, NULL,
      "the bytes that were sent to the client, head and body" },
    { "body_bytes_sent", body_bytes_sent, 0, 0, NULL,
      "the bytes of the body that were sent to the client" },
    { "request_completion", request_completion, 0, 0, NULL,
      "\"OK\" where the response was sent whole, else empty" },
    { "limit_rate", limit_rate, 0, VAR_VOLATILE | VAR_CHANGEABLE,
      set_limit_rate,
      "the bytes a second that the response is limited to; setting "
      "it takes the place of the directive" },

    { "remote_addr", http_var_remote_addr, 0, 0, NULL,
      "the address of the client, the one that realip found where it "
      "did" },
    { "binary_remote_addr", http_var_remote_bytes, 0, 0, NULL,
      "the address of the client in 4 or 16 bytes, which make "
      "shorter keys" },
    { "remote_port", http_var_remote_port, 0, 0, NULL,
      "the port of the client" },
    { "server_addr", http_var_server_addr, 0, 0, NULL,
      "the own address of the connection" },
    { "server_port", http_var_server_port, 0, 0, NULL,
      "the own port of the connection" },
    { "connection", http_var_connection, 0, 0, NULL,
      "the number of the connection" },
    { "connection_requests", http_var_connection_requests, 0, 0, NULL,
      "how many requests came over the connection so far, this one "
      "among them" },
    { "connection_time", http_var_connection_time, 0, VAR_VOLATILE, NULL,
      "the seconds since the connection was accepted" },
    { "proxy_protocol_addr", http_var_proxy_addr, 0, 0, NULL,
      "the client's address in the PROXY header of the connection" },
    { "proxy_protocol_port", http_var_proxy_port, 0, 0, NULL,
      "the client's port in the PROXY header of the connection" },
    { "proxy_protocol_server_addr", http_var_proxy_addr, 1, 0, NULL,
      "the server's address in the PROXY header of the connection" },
    { "proxy_protocol_server_port", http_var_proxy_port, 1, 0, NULL,
      "the server's port in the PROXY header of the connection" },
    FAMILY("proxy_protocol_tlv_", http_var_proxy_tlv, 0,
           "an extension of the PROXY header, by name (alpn, authority, "
           "unique_id, netns, ssl_version ...) or number (0x01)"),
    { "tcpinfo_rtt", http_var_tcpinfo, TCPINFO_RTT, VAR_VOLATILE, NULL,
      "the round-trip time of the connection in microseconds, as TCP "
      "measured it" },
    { "tcpinfo_rttvar", http_var_tcpinfo, TCPINFO_RTTVAR, VAR_VOLATILE, NULL,
      "how much the round-trip time varies, in microseconds" },
    { "tcpinfo_snd_cwnd", http_var_tcpinfo, TCPINFO_CWND, VAR_VOLATILE, NULL,
      "the congestion window of the connection, in packets" },
    { "tcpinfo_rcv_space", http_var_tcpinfo, TCPINFO_SPACE, VAR_VOLATILE, NULL,
      "the receive window of the connection, in bytes" },

    { "request_time", request_time, 0, VAR_VOLATILE, NULL,
      "the seconds since the first bytes of the request were read, "
      "to the millisecond" },
    { "msec", msec, 0, VAR_VOLATILE, NULL,
      "the time in seconds since 1970, to the millisecond" },
    { "time_local", time_local, 0, VAR_VOLATILE, NULL,
      "the time as access logs write it: 02/Jan/2006:15:04:05 +0000" },
    { "time_iso8601", time_iso8601, 0, VAR_VOLATILE, NULL,
      "the time as ISO 8601 has it: 2006-01-02T15:04:05+00:00" },
    { "pipe", pipe_mark, 0, 0, NULL,
      "\"p\" where the request was sent before the one before it was "
      "answered, else \".\"" },
    { "hostname", hostname, 0, 0, NULL,
      "the name of this machine, in lower case" },
    { "matched_location", matched_location, 0, VAR_VOLATILE | VAR_CHANGEABLE,
      NULL,
      "the location that answers, as the configuration writes it: \"/x\", "
      "\"= /x\", \"~ \\.php$\", \"@name\"; empty outside of locations" },
    { "pid", pid, 0, 0, NULL, "the process number of the worker" },
    { "nginx_version", nginx_version, 0, VAR_AT_HAND, NULL,
      "the version of nginx that weir measures itself by" },
    { .name = NULL },
};

extern struct module variables_module;

struct module variables_module = {
    .name = "variables",
    .serves = FOR_HTTP,
    .variables = variables,
};
