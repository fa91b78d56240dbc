/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is judged of a request's head, whatever version of HTTP it came in:
 * fields, host and server, length, method.
 */
#include "http/request_head.h"

#include "core/base/number.h"
#include "http/conn.h"
#include "http/server.h"
#include "http/settings.h"
#include "http/tls.h"
#include "http/uri.h"


static unsigned
refuse(const struct http_request *r, unsigned status, const char *text)
{
    log_info(r->task.log, "%s", text);
    return status;
}


/* --- target --------------------------------------------------------------------- */

/* Sets the decoded and normalised path, or the path as sent.  Of a path that
 * is refused nothing is set: $uri is empty, and there is no $request_uri. */
unsigned
request_head_target(struct http_request *r, str_t target,
                    const struct target *parts)
{
    str_t path = parts->path;
    char *out;

    r->uri = STR("");
    if (parts->is_complex) {
        out = arena_bytes(r->task.arena, path.n + 1);
        if (!uri_normalize(parts->path, head_conf(&r->task)->merge_slashes, out,
                           &path))
            return refuse(r, 400, "client sent invalid request");
    }
    r->target = target;
    r->args = parts->args.n != 0 ? parts->args : STR_NONE;
    r->uri = path;
    r->is_uri_as_sent = target.p[0] == '/';
    return 0;
}


/* --- host and server ------------------------------------------------------------ */

static unsigned
choose_server(struct http_request *r, str_t host)
{
    const struct http_address *a = http_conn_of(r)->address;
    const struct http_server  *s = http_find_server(a, host, &r->task);

    r->server = s != NULL ? s : http_default_server(a);
    http_apply(r, r->server->root);
    return s != NULL ? http_tls_check_server(r, host) : 500;
}


unsigned
request_head_host(struct http_request *r, str_t host)
{
    if (!uri_host(r->task.arena, host, &r->host, &r->port))
        return refuse(r, 400, "client sent invalid host in request line");
    r->has_target_host = true;
    return choose_server(r, r->host);
}


static unsigned
take_host(struct http_request *r, const struct field *old, str_t name,
          str_t value)
{
    str_t    host;
    uint16_t port;

    if (old != NULL) {
        log_info(r->task.log,
                 "client sent duplicate host header: \"" STR_F ": " STR_F
                 "\", previous value: \"" STR_F ": " STR_F "\"",
                 STR_A(name), STR_A(value), STR_A(old->name),
                 STR_A(old->value));
        return 400;
    }
    if (!uri_host(r->task.arena, value, &host, &port)) {
        fields_add(r->task.arena, &r->in, name, value);
        return refuse(r, 400, "client sent invalid host header");
    }
    if (r->has_target_host)
        return 0;
    r->host = host;
    r->port = port;
    return choose_server(r, host);
}


/* --- fields ----------------------------------------------------------------------- */

/* Fields that may not be repeated. */
static bool
is_unique(enum field_id id)
{
    switch ((int) id) {
    case FIELD_IF_MODIFIED_SINCE:
    case FIELD_IF_UNMODIFIED_SINCE:
    case FIELD_IF_MATCH:
    case FIELD_IF_NONE_MATCH:
    case FIELD_CONTENT_LENGTH:
    case FIELD_CONTENT_RANGE:
    case FIELD_IF_RANGE:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_EXPECT:
    case FIELD_AUTHORIZATION:
    case FIELD_PROXY_AUTHORIZATION:
        return true;
    }
    return false;
}


unsigned
request_head_known(struct http_request *r, enum field_id id, str_t name,
                   str_t value)
{
    struct field *old;
    unsigned      status;

    if (r->in.list.n >= head_conf(&r->task)->max_headers
        || r->in.list.n >= UINT16_MAX / 2)
        return refuse(r, 400, "client sent too many header lines");
    old = id != FIELD_UNKNOWN ? fields_get(&r->in, id) : NULL;
    if (id == FIELD_HOST) {
        status = take_host(r, old, name, value);
        if (status != 0)
            return status;
    } else if (old != NULL && is_unique(id)) {
        log_info(r->task.log,
                 "client sent duplicate header line: \"" STR_F ": " STR_F
                 "\", previous value: \"" STR_F ": " STR_F "\"",
                 STR_A(name), STR_A(value), STR_A(old->name),
                 STR_A(old->value));
        return 400;
    }
    fields_add_known(r->task.arena, &r->in, id, name, value);
    return 0;
}


unsigned
request_head_field(struct http_request *r, str_t name, str_t value)
{
    return request_head_known(r, field_id(name), name, value);
}


/* --- the whole head ------------------------------------------------------------------- */

unsigned
request_head_length(struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_CONTENT_LENGTH);
    uint64_t            n;

    if (f == NULL)
        return 0;
    if (!number_parse(f->value, INT64_MAX, &n))
        return refuse(r, 400, "client sent invalid \"Content-Length\" header");
    r->content_length = (int64_t) n;
    return 0;
}


/* Only for servers that make tunnels; the connection serves nothing else. */
static unsigned
check_connect(struct http_request *r)
{
    r->keeps_alive = false;
    if (r->version < HTTP_11 || !r->server->takes_connect)
        return refuse(r, 405, "client sent CONNECT method");
    if (r->content_length > 0 || http_is_length_unknown(r))
        return refuse(r, 400, "client sent CONNECT request with body");
    return 0;
}


unsigned
request_head_method(struct http_request *r)
{
    if (r->method == HTTP_CONNECT)
        return check_connect(r);
    if (r->method == HTTP_TRACE)
        return refuse(r, 405, "client sent TRACE method");
    return 0;
}


unsigned
request_head_end(struct http_request *r)
{
    unsigned status = 0;

    r->has_host = r->host.n != 0;
    if (!r->has_host) {
        status = choose_server(r, STR(""));
        r->host = r->server->name;
    }
    http_enter(r, r->server->root);
    return status != 0 ? status : http_tls_check(r);
}


void
request_head_refuse(struct http_request *r, unsigned status)
{
    r->keeps_alive = r->has_body = false;
    r->content_length = -1;
    if (r->host.p == NULL)
        r->host = r->server->name;
    r->fail_at_once = status;
}
