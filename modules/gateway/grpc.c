/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grpc: the protocol for the gateway engine, and the directives that tune it.
 * gRPC-Web becomes gRPC on the way to the upstream, and its trailers the last
 * message on the way back.
 */
#include "modules/gateway/grpc.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/escape.h"

enum {
    TEXT = 3072, /* bytes that are encoded at once                          */
    TEXT_READ = 4096,
};


/* --- the request ---------------------------------------------------------- */

/* The Content-Type of the upstream's request where the client's is of gRPC-Web;
 * empty: it stays. */
static str_t
type_of(const struct http_request *r, const struct grpc_state *s)
{
    str_t rest;

    if (s->web == GRPC_WEB_NONE)
        return STR("");
    (void) grpc_web_kind(fields_value(&r->in, FIELD_CONTENT_TYPE), &rest);
    return str_join(r->task.arena, STR("application/grpc"), rest);
}


static bool
wants_trailers(const struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_TE);

    for (; f != NULL; f = fields_next(&r->in, f))
        if (field_has_word(f->value, STR("trailers")))
            return true;
    return false;
}


/* Fields that the client has sent, and that are not as the upstream needs
 * them. */
static void
put_own(struct h2peer_fields *list, const struct gateway *g,
        const struct set_headers *h)
{
    const struct http_request *r = g->r;
    const struct grpc_state   *s = g->data;
    str_t                      type = type_of(r, s);

    if (list->length >= 0 && !(h->sets & set_field_bit(FIELD_CONTENT_LENGTH)))
        h2peer_fields_add(list, STR("content-length"),
                          arena_number(list->arena, (uint64_t) list->length));
    if (!(h->sets & set_field_bit(FIELD_TE))
        && (s->web != GRPC_WEB_NONE || wants_trailers(r)))
        h2peer_fields_add(list, STR("te"), STR("trailers"));
    if (type.n != 0 && !(h->sets & set_field_bit(FIELD_CONTENT_TYPE)))
        h2peer_fields_add(list, STR("content-type"), type);
}


bool
grpc_list_fields(struct gateway *g, struct h2peer_fields *list)
{
    struct http_request     *r = g->r;
    const struct grpc_state *s = g->data;
    struct set_headers       h
        = *(const struct set_headers *) conf_of(&r->task, &grpc_headers_module);
    struct head_text text = { .list = list };
    const str_t     *values = set_headers_values(g, &h);

    if (values == NULL)
        return false;
    list->is_head = r->method == HTTP_HEAD;
    list->length = s->web == GRPC_WEB_TEXT ? -1 : r->content_length;
    h2peer_fields_begin(list, r->method_name,
                        g->secure != NULL ? STR("https") : STR("http"), g->uri,
                        s->host);
    put_own(list, g, &h);
    if (s->web != GRPC_WEB_NONE)
        h.replaces |= set_field_bit(FIELD_CONTENT_TYPE);
    head_put_set(&text, &h, s->host, values, false);
    head_put_passed(&text, &h, g);
    return true;
}


static const struct h2peer_request own
    = { .list = grpc_list_fields, .headers = &grpc_headers_module };


/* Takes up to n bytes off the front of in, which is not empty. */
static size_t
take(struct chain *in, char *to, size_t n)
{
    struct piece *p = in->head;
    ssize_t       got;

    if (p->p != NULL || p->n == 0)
        got = (ssize_t) chain_peek(in, to, n);
    else
        do {
            got = pread(p->file->fd, to, n < p->n ? n : p->n, p->at);
        } while (got == -1 && errno == EINTR);
    if (got > 0)
        chain_skip(in, (uint64_t) got);
    return got > 0 ? (size_t) got : 0;
}


static bool
decode_text(struct grpc_decoder *d, struct chain *in, struct chain *out)
{
    char   text[TEXT_READ], bytes[TEXT_READ];
    char  *end;
    size_t n;

    while (in->n != 0) {
        n = take(in, text, sizeof(text));
        end = n != 0 ? grpc_web_decode(d, bytes, (str_t){ text, n }) : NULL;
        if (end == NULL)
            return false;
        chain_add_copy(out, str_span(bytes, end));
    }
    chain_clear(in);
    return true;
}


static enum step
encode_body(struct exchange *x, struct chain *in, struct chain *out, bool last)
{
    struct gateway    *g = exchange_gateway(x);
    struct grpc_state *s = g->data;
    struct grpc_try   *t = exchange_state(x);

    if (s->web != GRPC_WEB_TEXT)
        return h2peer_encode_body(x, in, out, last);
    if (!decode_text(&t->upload, in, out)
        || (last && !grpc_web_is_whole(&t->upload)))
    {
        log_info(g->r->task.log, "client sent invalid grpc-web-text");
        return http_fail(g->r, 400);
    }
    return h2peer_encode_body(x, in, out, last);
}


/* --- the response --------------------------------------------------------- */

static bool
add_binary(struct exchange *x, str_t data)
{
    grpc_place_move(&((struct grpc_try *) exchange_state(x))->place, data);
    exchange_body(x, data);
    return true;
}


static bool
add_text(struct exchange *x, str_t data)
{
    struct chain out;
    char         text[(TEXT + 2) / 3 * 4];

    grpc_place_move(&((struct grpc_try *) exchange_state(x))->place, data);
    chain_init(&out, exchange_request(x)->task.arena);
    while (data.n != 0) {
        size_t n = data.n < TEXT ? data.n : TEXT;

        chain_add_copy(
            &out,
            str_span(text, base64_put(text, (str_t){ data.p, n }, false)));
        data = str_from(data, n);
    }
    exchange_chain(x, &out);
    return true;
}


/* The head is there: its type is that of the request's kind, and the length of
 * the body is not known, as trailers will be added. */
static void
begin_web(struct exchange *x, const struct grpc_state *s)
{
    struct field *f = exchange_find(x, FIELD_CONTENT_TYPE);
    struct arena *a = exchange_request(x)->task.arena;
    str_t         rest;

    if (f != NULL && grpc_is_type(f->value, &rest))
        f->value = str_join(a,
                            s->web == GRPC_WEB_TEXT
                                ? STR("application/grpc-web-text")
                                : STR("application/grpc-web"),
                            rest);
    exchange_length(x, -1);
    ((struct grpc_try *) exchange_state(x))->h2.on_data
        = s->web == GRPC_WEB_TEXT ? add_text : add_binary;
}


bool
grpc_web_end(struct exchange *x, const struct fields *trailers)
{
    const struct grpc_state *s = exchange_gateway(x)->data;
    const struct grpc_try   *t = exchange_state(x);
    struct arena            *a = exchange_request(x)->task.arena;
    size_t                   n = 0;
    char                    *start, *p;
    struct chain             out;

    if (!grpc_place_is_between(&t->place))
        return false;
    VEC_EACH(&trailers->list, f)
        n += f->name.n + f->value.n + FIELD_FRAME;
    start = p = arena_bytes(a, GRPC_PREFIX + n);
    *p++ = (char) GRPC_WEB_TRAILERS;
    for (unsigned i = 4; i-- != 0;)
        *p++ = (char) (n >> 8 * i);
    VEC_EACH(&trailers->list, f)
        p = field_put(p, f->name, f->value);
    if (s->web == GRPC_WEB_TEXT) {
        (void) add_text(x, str_span(start, p));
        return true;
    }
    chain_init(&out, a);
    chain_add(&out, str_span(start, p));
    exchange_chain(x, &out);
    return true;
}


static enum step
decode(struct exchange *x, struct buf *in)
{
    const struct grpc_state *s = exchange_gateway(x)->data;
    enum step                step = h2peer_decode(x, in);

    if (step == STEP_NEXT && s->web != GRPC_WEB_NONE)
        begin_web(x, s);
    if (step == STEP_NEXT && h2peer_has_ended(in) && !exchange_has_length(x))
        exchange_length(x, 0);
    if (step == STEP_DONE && s->web != GRPC_WEB_NONE
        && exchange_trailers(x) != NULL)
        (void) grpc_web_end(x, exchange_trailers(x));
    return step;
}


const struct gateway_protocol grpc_protocol = {
    .prefix = "grpc",
    .scheme = "grpc",
    .secure_scheme = "grpcs",
    .alpn = "\2h2",
    .port = 80,
    .has_own_date = true,
    .drops_broken = true,
    .fields_row = "grpc_set_header",
    .state_size = sizeof(struct grpc_try),
    .link = &h2peer_link,
    .prepare = grpc_prepare,
    .own = &own,
    .encode_head = h2peer_encode_head,
    .describe = h2peer_describe,
    .encode_body = encode_body,
    .decode = decode,
    .decode_eof = h2peer_decode_eof,
    .break_off = grpc_break_off,
    .hidden = PROXY_HIDDEN,
    .hides = proxy_hides,
};

const struct gateway_tls_place grpc_tls_place
    = { &grpc_module, offsetof(struct grpc_conf, tls), "grpc_ssl" };


/* --- directives ----------------------------------------------------------- */

/* Bodies pass as they come, both ways. */
static const char *
ready(struct conf *cf, void *at)
{
    struct grpc_conf *c = at;

    c->gateway.pass_request_headers = c->gateway.pass_request_body = true;
    c->gateway.pass_trailers = true;
    return gateway_ready(cf, &c->gateway, "grpc");
}

#define C struct grpc_conf

static const struct directive directives[] = {
    FLAG("grpc_errors", IN_WEB, C, has_errors, "on",
         "Failures of this server are told to clients of gRPC in its own form: "
         "status 200 with grpc-status and grpc-message, and as trailers where "
         "a response breaks off. off: pages in HTML, as for other clients. "
         "error_page comes first."),
    FLAG("grpc_web", IN_WEB, C, has_web, "off",
         "Takes requests of gRPC-Web (application/grpc-web and "
         "application/grpc-web-text), and passes them on as gRPC."),
    GATEWAY_BUFFER("grpc_buffer_size", C),
    SIZE("grpc_max_header_size", IN_WEB, C, gateway.max_header_size, "64k",
         "How large the head of a response may be that does not fit into "
         "grpc_buffer_size. Where grpc_buffer_size is set, and this is not, "
         "that is the limit."),
    { "grpc_request_dynamic", IN_WEB, ARGS_FLAG, &conf_nothing, 0, NULL,
      &conf_flag, "on | off",
      "Checked, and without effect: the request is made anew for each server "
      "anyway." },
    GATEWAY_NEXT("grpc_next_upstream", C, gateway_next_http),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_ROWS("grpc", C, gateway_peer_rows),
    PASS_ROWS("grpc", C, gateway_field_rows),
    PASS_ROWS("grpc", C, h2peer_rows),
    GATEWAY_TLS_TEMPLATES("grpc_ssl", C),
    { .rows = NULL },
};


struct module grpc_module = {
    .name = "grpc",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct grpc_conf),
    .ready = ready,
};
