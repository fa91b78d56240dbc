/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodes the request to the upstream: its target, the head in one piece of
 * memory, and the framing of the body.
 *
 * Headers about the client's connection (Connection, Keep-Alive, TE, Upgrade,
 * Proxy-Connection, Expect) are not passed on, except for an upgrade; headers that proxy_set_header
 * names are replaced, and the framing of the body is chosen anew.
 */
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/escape.h"
#include "http/debug.h"
#include "modules/gateway/proxy.h"

enum { HEAD_FEW = 2048 };


/* Finds the group or address, host and URI for a URL with variables. */
static bool
find_target(struct gateway *g, struct proxy_state *s)
{
    struct http_request *r = g->r;
    str_t                url = expr_eval(s->target->expr, &r->task);

    bool     is_secure = str_istarts(url, STR("https://"));
    size_t   scheme_n = is_secure ? 8 : 7;
    unsigned port = is_secure ? HTTPS_PORT : proxy_protocol.port;

    if (url.n <= scheme_n || (!is_secure && !str_istarts(url, STR("http://"))))
    {
        log_error(r->task.log, "invalid URL prefix in \"" STR_F "\"",
                  STR_A(url));
        (void) gateway_fail(g, 500);
        return false;
    }
    if (!gateway_find_group(g, str_from(url, scheme_n), port))
        return false;
    if (g->at.is_unix) {
        s->host = STR("localhost");
        s->port = STR("");
    } else if (g->at.no_port || g->at.port == port) {
        s->host = g->at.host;
        s->port = is_secure ? STR("443") : STR("80");
    } else {
        s->host = g->host;
        s->port = g->at.port_text;
    }
    if (is_secure)
        gateway_tls_begin(g, &proxy_tls_place, s->host);
    s->uri = g->at.uri;
    if (s->uri.n && s->uri.p[0] == '?')
        s->uri = str_join(r->task.arena, STR("/"), s->uri);
    return true;
}


static bool
set_uri(struct gateway *g, struct proxy_state *s)
{
    struct http_request       *r = g->r;
    const struct proxy_target *to = s->target;

    if (to->expr && s->uri.n)
        g->uri = s->uri;
    else
        g->uri = proxy_build_uri(r->task.arena, r, to->expr ? STR("") : s->uri,
                                 to->location, !r->is_uri_of_break);
    if (field_has_break(g->uri)) /* decoded by a variable       */
        g->uri = escape_uri(r->task.arena, g->uri, ESCAPE_REDIRECT);
    if (g->uri.n)
        return true;
    log_error(r->task.log, "zero length URI to proxy");
    (void) gateway_fail(g, 500);
    return false;
}


enum step
proxy_prepare(struct gateway *g)
{
    struct http_request     *r = g->r;
    const struct proxy_conf *conf = proxy_conf_of(g);
    struct proxy_state      *s = g->data;

    if (s->target->expr ? !find_target(g, s) : false)
        return STEP_FAIL;
    if (!set_uri(g, s))
        return STEP_FAIL;
    s->method = conf->method ? expr_eval(conf->method, &r->task)
                             : r->method_name;
    if (field_has_break(s->method))
        s->method = escape_uri(r->task.arena, s->method, ESCAPE_URI_COMPONENT);
    s->is_head = str_ieq(s->method, STR("HEAD"));
    if (g->upload.is_replaced) {
        str_t body = expr_eval(conf->body, &r->task);

        chain_add(&g->upload.body, body);
        g->upload.length = (int64_t) body.n;
    }
    if (r->task.has_bad_value)
        return gateway_fail(g, 500);
    s->is_chunked = g->upload.is_streaming && g->upload.length < 0;
    s->body_length = g->upload.length;
    return STEP_NEXT;
}


str_t
proxy_cache_key(const struct gateway *g)
{
    const struct proxy_state  *s = g->data;
    const struct proxy_target *to = s->target;
    struct arena              *a = g->r->task.arena;
    str_t                      url = to->url;

    if (to->expr == NULL && str_find(url, STR("//unix:")) != NULL) {
        url.n -= to->uri.n; /* as written, up to the colon behind the socket */
        return str_join(a, url, g->uri);
    }
    return str_join3(a, g->secure != NULL ? STR("https://") : STR("http://"),
                     s->host, g->uri);
}


/* --- the head ------------------------------------------------------------- */

static void
put(struct head_text *t, str_t s)
{
    (void) str_put(head_more(t, s.n), s);
}


static bool
says_upgrade(const struct fields *in)
{
    const struct field *f = fields_get(in, FIELD_CONNECTION);

    for (; f; f = fields_next(in, f))
        if (field_has_word(f->value, STR("upgrade")))
            return true;
    return false;
}


/* The protocol that the client asks for, if that is passed on; else empty. */
static str_t
upgrade_of(const struct gateway *g, const struct set_headers *h)
{
    const struct proxy_conf   *conf = proxy_conf_of(g);
    const struct http_request *r = g->r;
    const struct field        *f = fields_get(&r->in, FIELD_UPGRADE);

    if (!f || conf->upgrade == UPGRADE_OFF || r != r->main
        || !conf->gateway.pass_request_headers || conf->http_version == HTTP_10
        || r->version < HTTP_11)
        return STR("");
    if (conf->upgrade == UPGRADE_AUTO && (h->sets & set_of_upgrades))
        return STR("");
    return says_upgrade(&r->in) && !str_ifind(f->value, STR("h2c")) ? f->value
                                                                    : STR("");
}


static void
put_framing(struct head_text *t, const struct set_headers *h,
            const struct proxy_state *s)
{
    char digits[20];

    if (s->is_chunked && !(h->sets & set_field_bit(FIELD_TRANSFER_ENCODING)))
        put(t, STR("Transfer-Encoding: chunked\r\n"));
    if (!s->is_chunked && s->body_length >= 0
        && !(h->sets & set_field_bit(FIELD_CONTENT_LENGTH)))
        head_put_field(
            t, STR("Content-Length"),
            (str_t){ digits, number_put(digits, (uint64_t) s->body_length) });
}


static void
put_head(struct head_text *t, const struct gateway *g, const str_t *values)
{
    const struct proxy_conf  *conf = proxy_conf_of(g);
    const struct set_headers *h = conf_of(&g->r->task, &proxy_headers_module);
    const struct proxy_state *s = g->data;
    str_t                     upgrade = upgrade_of(g, h);

    put(t, s->method);
    put(t, STR(" "));
    put(t, g->uri);
    put(t, conf->http_version != HTTP_10 ? STR(" HTTP/1.1\r\n")
                                         : STR(" HTTP/1.0\r\n"));
    /* an empty Host is left out of what may have none */
    head_put_set(t, h, conf->http_version == HTTP_10 ? STR_NONE : s->host,
                 values, upgrade.n != 0);
    if (!(h->sets & set_field_bit(FIELD_HOST)))
        head_put_field(t, STR("Host"), s->host);
    put_framing(t, h, s);
    if (upgrade.n) {
        head_put_field(t, STR("Upgrade"), upgrade);
        head_put_field(t, STR("Connection"), STR("upgrade"));
    }
    head_put_passed(t, h, g);
    put(t, STR("\r\n"));
}


void
proxy_convert(struct gateway *g)
{
    struct proxy_state *s = g->data;

    if (!gateway_cache_converts(g))
        return;
    s->method = STR("GET");
    s->is_head = false;
}


enum step
proxy_encode_head(struct exchange *x, struct chain *out)
{
    struct gateway           *g = exchange_gateway(x);
    struct task              *task = &g->r->task;
    const struct set_headers *h = conf_of(task, &proxy_headers_module);
    const str_t              *values = set_headers_values(g, h);
    char                      few[HEAD_FEW] UNSET;
    struct head_text          text
        = { .p = few, .room = sizeof(few), .arena = task->arena };
    str_t head;

    proxy_convert(g);
    if (values == NULL)
        return STEP_FAIL;
    put_head(&text, g, values);
    head = str_copy(task->arena, (str_t){ text.p, text.n });
    http_debug_head(task->log, "http proxy header: \"", head, "\"");
    chain_add(out, head);
    return STEP_NEXT;
}


/* --- the body ------------------------------------------------------------- */

enum step
proxy_encode_body(struct exchange *x, struct chain *in, struct chain *out,
                  bool last)
{
    const struct proxy_state *s = exchange_gateway(x)->data;

    if (!s->is_chunked) {
        chain_join(out, in);
        return STEP_NEXT;
    }
    if (in->n) {
        char text[24];
        int  n = snprintf(text, sizeof(text), "%llx\r\n",
                          (unsigned long long) in->n);

        chain_add_copy(out, (str_t){ text, (size_t) n });
        chain_join(out, in);
        chain_add(out, last ? STR("\r\n0\r\n\r\n") : STR("\r\n"));
    } else if (last) {
        chain_add(out, STR("0\r\n\r\n"));
    }
    return STEP_NEXT;
}
