/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a field block to a request (RFC 9113 section 8.3).  What is malformed is
 * answered with 400, and its stream reset behind that (section 8.1.1).
 */
#include "http/framed_field.h"
#include "http/h2/conn.h"
#include "http/request_head.h"
#include "http/response.h"
#include "http/settings.h"

enum { FIELD_COST = 32 }; /* of each field, RFC 9113 section 10.5.1           */


static void
refuse(struct h2_stream *s, unsigned status, const char *text)
{
    if (text != NULL)
        log_info(s->r->task.log, "%s", text);
    if (s->status == 0)
        s->status = status;
}


static void
malformed(struct h2_stream *s, const char *text)
{
    s->is_malformed = true;
    refuse(s, 400, text);
}


/* --- pseudo headers -------------------------------------------------------------- */

static str_t *
pseudo_of(struct h2_stream *s, str_t name)
{
    if (str_is(name, ":method"))
        return &s->method;
    if (str_is(name, ":path"))
        return &s->path;
    if (str_is(name, ":scheme"))
        return &s->scheme;
    if (str_is(name, ":authority"))
        return &s->authority;
    if (str_is(name, ":protocol"))
        return &s->protocol;
    return NULL;
}


static void
take_pseudo(struct h2_stream *s, str_t name, str_t value, bool is_static)
{
    str_t *out = pseudo_of(s, name);

    if (out == NULL) {
        log_info(s->r->task.log,
                 "client sent unknown pseudo-header \"" STR_F "\"",
                 STR_A(name));
        malformed(s, NULL);
    } else if (s->has_fields) {
        malformed(s, "client sent out of order pseudo-headers");
    } else if (out->p != NULL) {
        log_info(s->r->task.log, "client sent duplicate " STR_F " header",
                 STR_A(name));
        malformed(s, NULL);
    } else {
        *out = is_static ? value : str_copy(s->r->task.arena, value);
    }
}


/* --- fields ------------------------------------------------------------------------ */

/* What HTTP/1 has a connection for (section 8.2.2), and what is no field. */
static void
refuse_field(struct h2_stream *s, enum framed_field kind, enum field_id id,
             str_t name)
{
    s->is_malformed = true;
    if (kind == FRAMED_CONNECTION)
        log_info(s->r->task.log, "client sent \"" STR_F "\" header",
                 STR_A(id != FIELD_UNKNOWN ? field_name(id) : name));
    else if (kind == FRAMED_TE)
        log_info(s->r->task.log, "client sent invalid \"TE\" header");
    else if (kind == FRAMED_BAD_NAME)
        log_info(s->r->task.log,
                 "client sent invalid header name: \"" STR_F "\"", STR_A(name));
    else
        log_info(s->r->task.log,
                 "client sent header \"" STR_F "\" with invalid value",
                 STR_A(name));
    refuse(s, 400, NULL);
}


static bool
is_ignored(struct h2_stream *s, enum framed_field kind, str_t name)
{
    const struct http_head_conf *c = head_conf(&s->r->task);

    if (!c->ignore_invalid_headers
        || (kind == FRAMED_UNDERSCORE && c->underscores_in_headers))
        return false;
    log_info(s->r->task.log, "client sent invalid header line: \"" STR_F "\"",
             STR_A(name));
    return true;
}


/* Whether there is more to do with it. */
static bool
judge(struct h2_stream *s, enum field_id id, str_t name, str_t value)
{
    enum framed_field kind = framed_field_judge(id, name, value);

    switch (kind) {
    case FRAMED_FINE:
        return true;
    case FRAMED_UNDERSCORE:
    case FRAMED_ODD:
        return !is_ignored(s, kind, name);
    case FRAMED_TE:
        if (s->has_te || !str_is(value, "trailers"))
            break;
        s->has_te = true;
        return true;
    case FRAMED_CONNECTION:
    case FRAMED_BAD_NAME:
    case FRAMED_BAD_VALUE:
        break;
    }
    refuse_field(s, kind, id, name);
    return false;
}


static void
take_field(struct h2_stream *s, str_t name, str_t value, unsigned is_static)
{
    struct http_request *r = s->r;
    struct arena        *a = r->task.arena;
    enum field_id        id = field_id(name);
    unsigned             status;

    s->has_fields = true;
    if (++s->n_fields > head_conf(&r->task)->max_headers) {
        refuse(s, 494, "client sent too many header lines");
        return;
    }
    if (!judge(s, id, name, value))
        return;
    if (!(is_static & H2_STATIC_VALUE))
        value = str_copy(a, value);
    if (id == FIELD_COOKIE) {
        *vec_push(a, &s->crumbs) = value;
        return;
    }
    if (!(is_static & H2_STATIC_NAME))
        name = str_copy(a, name);
    status = request_head_known(r, id, name, value);
    if (status != 0)
        refuse(s, status, NULL);
}


/* Nothing is kept of what is too much.  False: it is the end of the
 * connection. */
static bool
has_room(struct h2_stream *s, str_t name, str_t value)
{
    const struct http_head_conf *c = head_conf(&s->r->task);
    const struct buffers        *most = &c->large_client_header_buffers;
    size_t                       n = name.n + value.n;

    s->n_bytes += (uint32_t) n;
    if (n > most->size || s->n_bytes > most->n * most->size) {
        h2_attacked(s->h, H2_HEADS, "client sent too large headers");
        return false;
    }
    /* References to one short field, over and over. */
    if (s->n_fields > c->max_headers + most->n * most->size / FIELD_COST) {
        h2_attacked(s->h, H2_HEADS, "client sent a bomb of header fields");
        return false;
    }
    return true;
}


void
h2_head_field(struct h2_stream *s, str_t name, str_t value, unsigned is_static)
{
    s->r->head_bytes += name.n + value.n;
    if (!has_room(s, name, value))
        return;
    if (s->status != 0) {
        s->n_fields++;
        return;
    }
    if (name.n != 0 && name.p[0] == ':')
        take_pseudo(s, name, value, is_static & H2_STATIC_VALUE);
    else
        take_field(s, name, value, is_static);
}


void
h2_trailer_field(struct h2_stream *s, str_t name, str_t value)
{
    struct http_request *r = s->r;
    struct arena        *a = r->task.arena;
    struct fields       *t;
    enum field_id        id = field_id(name);
    enum framed_field    kind;

    if (!has_room(s, name, value))
        return;
    kind = framed_field_judge(id, name, value);
    if (kind == FRAMED_BAD_NAME || kind == FRAMED_BAD_VALUE) {
        s->is_malformed = true;
        return;
    }
    if (s->is_over || kind != FRAMED_FINE)
        return;
    t = fields_want(a, &r->in_trailers);
    if (t->list.n >= FIELDS_MAX
        || t->list.n >= head_conf(&r->task)->max_headers) {
        s->is_malformed = true;
        return;
    }
    fields_add_known(a, t, id, str_copy(a, name), str_copy(a, value));
}


/* --- the whole head ------------------------------------------------------------------- */

static bool
is_method(str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_'
              || s.p[i] == '-'))
            return false;
    return s.n != 0;
}


static bool
is_scheme(str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);

        if (!((c >= 'a' && c <= 'z')
              || (i != 0
                  && ((c >= '0' && c <= '9') || c == '+' || c == '-'
                      || c == '.'))))
            return false;
    }
    return s.n != 0;
}


/* What each request has to have. */
static bool
has_all(struct h2_stream *s)
{
    static const char no_path[] = "client sent no :path header";

    if (s->method.p == NULL)
        malformed(s, "client sent no :method header");
    else if (!is_method(s->method))
        refuse(s, 400, "client sent invalid method");
    else if (s->path.p == NULL)
        malformed(s, str_is(s->method, "CONNECT") ? "client sent CONNECT method"
                                                  : no_path);
    else if (s->scheme.p == NULL)
        malformed(s, "client sent no :scheme header");
    else if (!is_scheme(s->scheme))
        malformed(s, "client sent invalid :scheme header");
    else if (s->path.n == 0)
        malformed(s, "client sent empty :path header");
    else if (s->protocol.p != NULL && !str_is(s->method, "CONNECT"))
        malformed(s, "client sent :protocol header without CONNECT");
    else if (s->protocol.p != NULL && !str_is(s->protocol, "websocket"))
        refuse(s, 501, "client sent unknown :protocol header");
    s->ends_connection = s->path.p != NULL && s->path.n == 0;
    return s->status == 0;
}


static void
take_line(struct h2_stream *s)
{
    static const char    end[] = " HTTP/2.0";
    struct http_request *r = s->r;
    size_t               n = s->method.n + 1 + s->path.n + sizeof(end) - 1;
    char                *p = arena_bytes(r->task.arena, n + 1);

    r->method_name = s->method;
    r->method = method_parse(s->method);
    r->line = (str_t){ p, n };
    memcpy(p, s->method.p, s->method.n);
    p += s->method.n;
    *p++ = ' ';
    memcpy(p, s->path.p, s->path.n);
    memcpy(p + s->path.n, end, sizeof(end));
}


static unsigned
take_target(struct h2_stream *s)
{
    struct target parts = { .is_complex = false };
    const char   *end = s->path.p + s->path.n;

    if (s->path.p[0] != '/' || target_take(&parts, s->path.p, end) != end) {
        log_info(s->r->task.log,
                 "client sent invalid :path header: \"" STR_F "\"",
                 STR_A(s->path));
        return 400;
    }
    return request_head_target(s->r, s->path, &parts);
}


/* :authority counts; where there is none, Host.  Both have to be the same. */
static unsigned
take_authority(struct h2_stream *s)
{
    struct http_request *r = s->r;
    const struct field  *host = fields_get(&r->in, FIELD_HOST);

    if (s->authority.p == NULL) {
        if (host != NULL)
            return 0;
        log_info(r->task.log,
                 "client sent neither \":authority\" nor \"Host\" header");
        s->is_malformed = true;
        return 400;
    }
    if (host != NULL && !str_ieq(host->value, s->authority)) {
        log_info(r->task.log, "client sent \":authority\" and \"Host\" headers "
                              "with different values");
        s->is_malformed = true;
        return 400;
    }
    if (host == NULL)
        fields_add_id(r->task.arena, &r->in, FIELD_HOST, s->authority);
    return request_head_host(r, s->authority);
}


static void
join_crumbs(struct h2_stream *s)
{
    struct http_request *r = s->r;
    size_t               n = 0;
    char                *out, *p;

    if (s->crumbs.n == 0)
        return;
    VEC_EACH(&s->crumbs, c)
        n += c->n + 2;
    p = out = arena_bytes(r->task.arena, n);
    VEC_EACH(&s->crumbs, it) {
        if (p != out) {
            *p++ = ';';
            *p++ = ' ';
        }
        memcpy(p, it->p, it->n);
        p += it->n;
    }
    fields_add(r->task.arena, &r->in, STR("cookie"), str_span(out, p));
}


static unsigned
check_server(const struct h2_stream *s)
{
    struct http_request  *r = s->r;
    const struct h2_conf *c = confs_get(r->server->conf, &http_v2_module);

    if (c->is_on || s->h->http.address->has_http2)
        return 0;
    log_info(r->task.log,
             "client attempted to request the server name for which the "
             "negotiated protocol is disabled");
    return 421;
}


/* Who says nothing has his streams served by turns. */
static void
set_priority(struct h2_stream *s)
{
    const struct field *f = fields_get(&s->r->in, FIELD_PRIORITY);
    struct h2_priority  p = { H2_URGENCY, false };

    if (f == NULL) {
        s->urgency = H2_URGENCY;
        s->takes_turns = true;
        return;
    }
    (void) h2_priority_parse(f->value, &p);
    h2_prioritize(s, &p);
}


static unsigned
check_head(struct h2_stream *s, bool is_whole)
{
    struct http_request *r = s->r;
    unsigned             status = take_target(s);

    if (status == 0)
        status = take_authority(s);
    if (status == 0)
        status = request_head_length(r);
    if (status != 0)
        return status;
    r->has_body = !is_whole && r->content_length != 0;
    r->keeps_alive = true;
    if (s->protocol.p != NULL) {
        r->has_body = false;
        h2_tunnel_ask(s);
    }
    set_priority(s);
    status = request_head_method(r);
    if (status == 0)
        status = request_head_end(r);
    return status != 0 ? status : check_server(s);
}


void
h2_head_end(struct h2_stream *s, bool is_whole)
{
    struct http_request *r = s->r;

    s->has_head = true;
    r->version = HTTP_20;
    r->protocol = STR("HTTP/2.0");
    if (s->status == 0 && has_all(s)) {
        take_line(s);
        join_crumbs(s);
        s->status = check_head(s, is_whole);
    }
    if (s->status != 0) {
        if (s->method.p != NULL && s->path.p != NULL && r->line.p == NULL)
            take_line(s);
        request_head_refuse(r, s->status);
    }
    log_debug(r->task.log, "http2 stream %d: \"" STR_F "\"", s->id,
              STR_A(r->line));
    r->log.action = NULL;
    if (is_whole)
        h2_body_end(s);
    task_wake(&r->task);
}
