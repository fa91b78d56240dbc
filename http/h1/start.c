/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the fields of a head to a running request: handles each known field,
 * chooses the server, and determines how the body is framed and whether the
 * connection can be kept.
 */
#include "core/conf/error_log.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "http/h1/conn.h"
#include "http/error_page.h"
#include "http/response.h"
#include "http/settings.h"
#include "http/uri.h"


bool
h1_choose_server(struct h1 *h, str_t host)
{
    struct http_request      *r = h->r;
    const struct http_server *s
        = http_find_server(h->http.address, host, &r->task);

    r->server = s != NULL ? s : http_default_server(h->http.address);
    http_enter(r, r->server->root);
    return s != NULL;
}


/* --- fields ------------------------------------------------------------------------ */

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


/* A name must not contain spaces or controls, a value no CR and no NUL. */
static unsigned
bad_line(struct h1 *h, str_t line)
{
    bool   in_name = true;
    size_t i;

    for (i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char) line.p[i];

        if (in_name ? c <= ' ' || c == 127 : c == '\r' || c == '\0')
            break;
        if (c == ':' && i > 0)
            in_name = false;
    }
    if (i < line.n)
        log_info(&h->http.conn.log,
                 "client sent invalid header line: \"%.*s\\x%02x...\"", (int) i,
                 line.p, (unsigned char) line.p[i]);
    else
        log_info(&h->http.conn.log,
                 "client sent invalid header line: \"" STR_F "\"", STR_A(line));
    return 400;
}


static unsigned
take_host(struct h1 *h, const struct field *old, const struct h1_field *f)
{
    struct http_request *r = h->r;
    str_t                host;
    uint16_t             port;

    if (old != NULL) {
        log_info(&h->http.conn.log,
                 "client sent duplicate host header: \"" STR_F ": " STR_F
                 "\", previous value: \"" STR_F ": " STR_F "\"",
                 STR_A(f->name), STR_A(f->value), STR_A(old->name),
                 STR_A(old->value));
        return 400;
    }
    if (!uri_host(r->task.arena, f->value, &host, &port)) {
        fields_add(r->task.arena, &r->in, f->name, f->value);
        log_info(&h->http.conn.log, "client sent invalid host header");
        return 400;
    }
    if (!r->has_target_host) {
        r->host = host;
        r->port = port;
        if (!h1_choose_server(h, host))
            return 500;
    }
    return 0;
}


unsigned
h1_take_field(struct h1 *h, str_t line)
{
    struct http_request         *r = h->r;
    const struct http_head_conf *c = head_conf(&r->task);
    struct field                *old;
    struct h1_field              f;
    enum field_id                id;
    unsigned                     status;

    switch (h1_field(&f, line, false)) {
    case H1_FIELD_UNDERSCORE:
        if (c->underscores_in_headers)
            break;
        __attribute__((fallthrough));
    case H1_FIELD_ODD:
        if (!c->ignore_invalid_headers)
            break;
        log_info(&h->http.conn.log,
                 "client sent invalid header line: \"" STR_F "\"", STR_A(line));
        return 0;
    case H1_FIELD_NO_COLON:
        return 0;
    case H1_FIELD_BAD:
        return bad_line(h, line);
    case H1_FIELD:
        break;
    }
    log_debug(&h->http.conn.log, "http header: \"" STR_F "\"", STR_A(line));
    if (r->in.list.n >= c->max_headers || r->in.list.n >= UINT16_MAX / 2) {
        log_info(&h->http.conn.log, "client sent too many header lines");
        return 400;
    }
    id = field_id(f.name);
    old = id != FIELD_UNKNOWN ? fields_get(&r->in, id) : NULL;
    if (id == FIELD_HOST) {
        status = take_host(h, old, &f);
        if (status != 0)
            return status;
    } else if (old != NULL && is_unique(id)) {
        log_info(&h->http.conn.log,
                 "client sent duplicate header line: \"" STR_F ": " STR_F
                 "\", previous value: \"" STR_F ": " STR_F "\"",
                 STR_A(f.name), STR_A(f.value), STR_A(old->name),
                 STR_A(old->value));
        return 400;
    }
    fields_add(r->task.arena, &r->in, f.name, f.value);
    return 0;
}


/* --- the whole head ------------------------------------------------------------------- */

static unsigned
refuse(struct h1 *h, unsigned status, const char *text)
{
    log_info(&h->http.conn.log, "%s", text);
    return status;
}


static unsigned
take_length(struct h1 *h)
{
    struct http_request *r = h->r;
    const struct field  *f = fields_get(&r->in, FIELD_CONTENT_LENGTH);
    uint64_t             n;

    if (f == NULL)
        return 0;
    if (!number_parse(f->value, INT64_MAX, &n))
        return refuse(h, 400, "client sent invalid \"Content-Length\" header");
    r->content_length = (int64_t) n;
    return 0;
}


static unsigned
take_coding(struct h1 *h)
{
    struct http_request *r = h->r;
    const struct field  *f = fields_get(&r->in, FIELD_TRANSFER_ENCODING);

    if (f == NULL)
        return 0;
    if (r->version < HTTP_11)
        return refuse(h, 400,
                      "client sent HTTP/1.0 request with "
                      "\"Transfer-Encoding\" header");
    if (!str_ieq(f->value, STR("chunked"))) {
        log_info(&h->http.conn.log,
                 "client sent unknown \"Transfer-Encoding\": \"" STR_F "\"",
                 STR_A(f->value));
        return 501;
    }
    if (r->content_length != -1)
        return refuse(h, 400,
                      "client sent \"Content-Length\" and "
                      "\"Transfer-Encoding\" headers at the same time");
    r->is_chunked = true;
    return 0;
}


/* "close" and "keep-alive" may be anywhere in the value, as in nginx. */
static void
take_connection(struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_CONNECTION);

    r->keeps_alive = r->version >= HTTP_11;
    for (; f != NULL; f = fields_next(&r->in, f)) {
        if (str_ifind(f->value, STR("close")) != NULL) {
            r->keeps_alive = false;
            return;
        }
        if (str_ifind(f->value, STR("keep-alive")) != NULL)
            r->keeps_alive = true;
    }
}


static unsigned
check_head(struct h1 *h)
{
    struct http_request *r = h->r;
    unsigned             status;

    if (r->version >= HTTP_11 && fields_get(&r->in, FIELD_HOST) == NULL)
        return refuse(h, 400,
                      "client sent HTTP/1.1 request without \"Host\" header");
    take_connection(r);
    status = take_length(h);
    if (status == 0)
        status = take_coding(h);
    if (status != 0)
        return status;
    if (r->method == HTTP_CONNECT)
        return refuse(h, 405, "client sent CONNECT method");
    if (r->method == HTTP_TRACE)
        return refuse(h, 405, "client sent TRACE method");
    return 0;
}


static void
run(struct h1 *h)
{
    struct http_request *r = h->r;

    h->seen = 0;
    h->head_timer = false;
    h1_set_state(h, H1_BUSY);
    h->http.conn.log.action = NULL;
    if (h->http.conn.event.hangup)
        r->client_gone = r->came_half_closed = true;
    http_run(&r->task);
}


/* The following bytes of the connection have no meaning now. */
void
h1_start_bad(struct h1 *h, unsigned status)
{
    struct http_request *r = h->r;

    r->keeps_alive = false;
    r->is_chunked = false;
    r->content_length = -1;
    if (r->host.p == NULL)
        r->host = r->server->name;
    r->fail_at_once = status;
    h->http.conn.log.action = NULL;
    run(h);
}


void
h1_start(struct h1 *h)
{
    struct http_request *r = h->r;
    unsigned             status;

    log_debug(&h->http.conn.log, "http header done");
    if (r->version == HTTP_09)
        r->keeps_alive = false;
    status = r->version == HTTP_09 ? 0 : check_head(h);
    if (status != 0) {
        h1_start_bad(h, status);
        return;
    }
    r->has_host = r->host.n != 0;
    if (!r->has_host) {
        (void) h1_choose_server(h, STR(""));
        r->host = r->server->name;
    } else {
        http_enter(r, r->server->root);
    }
    run(h);
}


/* --- what depends on the location ------------------------------------------------------- */

static bool
is_disabled(const struct http_request *r, const struct http_keep_conf *c)
{
    str_t       agent = fields_value(&r->in, FIELD_USER_AGENT);
    const char *msie;

    if (agent.p == NULL)
        return false;
    msie = str_find(agent, STR("MSIE "));
    if ((c->keepalive_disable & KEEPALIVE_DISABLE_MSIE6)
        && r->method == HTTP_POST && msie != NULL
        && agent.p + agent.n - msie >= 7 && msie[6] == '.' && msie[5] >= '4'
        && msie[5] <= '6'
        && (msie[5] != '6' || str_find(agent, STR("SV1")) == NULL)
        && str_find(agent, STR("Opera")) == NULL)
        return true;
    return (c->keepalive_disable & KEEPALIVE_DISABLE_SAFARI)
           && str_find(agent, STR("Safari/")) != NULL
           && str_find(agent, STR("Mac OS X")) != NULL
           && str_find(agent, STR("Chrome/")) == NULL;
}


static bool
ends_connection(const struct http_request *r, const struct http_keep_conf *c)
{
    const struct http_conn *h = http_conn_of(r);

    return c->keepalive_timeout.timeout == 0
           || h->requests >= c->keepalive_requests
           || clock_ms() - h->opened_at > c->keepalive_time
           || worker->is_exiting || is_disabled(r, c);
}


/* The server's settings about keeping the connection apply until a location is
 * found, which has its own. */
void
http_follow_conf(struct http_request *r)
{
    r->task.log->targets = error_log_targets(r->task.conf);
    if (r != r->main)
        return;
    r->task.conn->nopush = send_conf(&r->task)->tcp_nopush;
    if (r->is_ended_by_server) {
        r->is_ended_by_server = false;
        r->keeps_alive = true;
    }
    if (!r->keeps_alive || !ends_connection(r, keep_conf(&r->task)))
        return;
    r->keeps_alive = false;
    r->is_ended_by_server = r->location == r->server->root;
}
