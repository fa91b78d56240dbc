/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcached: responses from a memcached server.  The key is the variable
 * $memcached_key; what an application has stored under it is the body.
 *
 *     location / {
 *         set            $memcached_key $uri;
 *         memcached_pass 127.0.0.1:11211;
 *         error_page     404 502 504 = @application;
 *     }
 */
#include "config.h"
#include "modules/gateway/memcached_answer.h"
#include "modules/gateway/pass.h"
#include "modules/module.h"

struct memcached_conf {
    struct gateway_conf gateway; /* first */
    uint64_t            gzip_flag;
};

struct memcached_target {
    struct pass_target to;
    struct expr       *key;
};

struct memcached_pass {
    struct memcached_target target;
};

struct run {
    const struct memcached_target *target;
    str_t                          key; /* as it is sent                     */
};


extern struct module memcached_module, memcached_pass_module;


static enum step
prepare(struct gateway *g)
{
    struct run  *run = g->data;
    struct task *t = &g->r->task;
    str_t        key = expr_eval(run->target->key, t);

    if (key.n == 0) {
        log_error(t->log, "the \"$memcached_key\" variable is not set");
        return gateway_fail(g, 500);
    }
    run->key = escape_uri(t->arena, key, ESCAPE_BLANKS);
    g->uri = STR("");
    return pass_find(g, &run->target->to) ? STEP_NEXT : STEP_FAIL;
}


static enum step
encode_head(struct exchange *x, struct chain *out)
{
    const struct run *run = exchange_gateway(x)->data;

    chain_add(out, STR("get "));
    chain_add(out, run->key);
    chain_add(out, STR("\r\n"));
    return STEP_NEXT;
}


/* --- the response --------------------------------------------------------- */

static enum step
refuse(const struct memcached_answer *a, const struct log *log)
{
    if (a->fault)
        log_error(log,
                  "memcached sent invalid %s in response \"" STR_F
                  "\" for key \"" STR_F "\"",
                  a->fault, STR_A(a->line), STR_A(a->key));
    else
        log_error(log, "memcached sent invalid response: \"" STR_F "\"",
                  STR_A(a->line));
    return STEP_FAIL;
}


static enum step
begin(struct exchange *x, const struct memcached_answer *a, unsigned status)
{
    const struct memcached_conf *c = (const void *) exchange_gateway(x)->conf;

    exchange_status(x, status, STR(""));
    exchange_length(x, (int64_t) a->left);
    if ((a->flags & c->gzip_flag)
        && !exchange_field(x, STR("Content-Encoding"), STR("gzip")))
        return STEP_FAIL;
    return STEP_NEXT;
}


static enum step
take(struct exchange *x, struct memcached_answer *a, str_t *in)
{
    const struct log *log = exchange_request(x)->task.log;

    for (;;)
        switch (memcached_next(a, in)) {
        case MEMCACHED_WANTS_MORE:
            return STEP_WAIT;
        case MEMCACHED_SAW_VALUE:
            return begin(x, a, 200);
        case MEMCACHED_SAW_NOTHING:
            log_info(log, "key: \"" STR_F "\" was not found by memcached",
                     STR_A(a->key));
            return begin(x, a, 404);
        case MEMCACHED_SAW_DATA:
            exchange_body(x, a->data);
            break;
        case MEMCACHED_SAW_END:
            exchange_reusable(x, true);
            return STEP_DONE;
        case MEMCACHED_BAD_END:
            log_error(log, "memcached sent invalid trailer");
            return STEP_DONE;
        case MEMCACHED_BAD_LINE:
            return refuse(a, log);
        }
}


static enum step
decode(struct exchange *x, struct buf *in)
{
    struct memcached_answer *a = exchange_state(x);
    str_t                    rest = buf_str(in);
    enum step                s;

    a->key = ((const struct run *) exchange_gateway(x)->data)->key;
    s = take(x, a, &rest);
    in->read = in->write - rest.n;
    return s;
}


/* The end may be missing, but no part of the value. */
static enum step
decode_eof(struct exchange *x)
{
    const struct memcached_answer *a = exchange_state(x);

    return a->left == 0 ? STEP_DONE : STEP_FAIL;
}


static const struct gateway_protocol protocol = {
    .prefix = "memcached",
    .scheme = "memcached",
    .surplus = "memcached sent invalid trailer",
    .has_own_404 = true,
    .state_size = sizeof(struct memcached_answer),
    .prepare = prepare,
    .encode_head = encode_head,
    .decode = decode,
    .decode_eof = decode_eof,
};


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct gateway      *g = gateway_of(r);
    struct run          *run;

    if (g != NULL)
        return gateway_run(g);
    if (!(r->method & (HTTP_GET | HTTP_HEAD)))
        return http_fail(r, 405);
    http_set_content_type(r);
    run = arena_make(t->arena, struct run);
    run->target
        = &((const struct memcached_pass *) conf_of(t, &memcached_pass_module))
               ->target;
    g = gateway_new(r, &protocol, conf_of(t, &memcached_module),
                    r->location->identity);
    g->data = run;
    g->upload.is_unwanted = true;
    return gateway_run(g);
}


/* --- directives ----------------------------------------------------------- */

static const struct content content = PASS_CONTENT("memcached_pass", serve);


static const char *
parse_pass(struct conf *cf, void *field)
{
    struct memcached_target *c = field;
    const char              *error = NULL;

    c->key = expr_compile(cf, STR("$memcached_key"), 0, &error);
    return error ? error : pass_parse(cf, &c->to, cf->args[1], &content);
}


static const struct conf_type target_type = {
    .name = "address",
    .size = sizeof(struct memcached_target),
    .parse = parse_pass,
};

static const struct directive pass_directives[] = {
    { "memcached_pass", IN_LOCATION | IN_IF | ROW_NAMELESS, ARGS_1,
      &target_type,
      FIELD(struct memcached_pass, target, struct memcached_target), NULL, NULL,
      "address",
      "Responds with what a memcached server has under $memcached_key: "
      "host:port, unix:path or the name of a group. 404 where it has nothing, "
      "502 or 504 where it fails, so that error_page can name another "
      "location. May have variables." },
    { .name = NULL },
};


struct module memcached_pass_module = {
    .name = "memcached",
    .serves = FOR_HTTP,
    .directives = pass_directives,
    .conf_size = sizeof(struct memcached_pass),
};


static const char *
ready(struct conf *cf, void *at)
{
    struct memcached_conf *c = at;

    c->gateway.force_ranges = true;
    return gateway_ready(cf, &c->gateway, "memcached");
}


static const struct conf_word next_words[] = {
    { "error", NEXT_ERROR },
    { "timeout", NEXT_TIMEOUT },
    { "denied", NEXT_DENIED },
    { "invalid_response", NEXT_INVALID_HEADER },
    { "not_found", NEXT_404 },
    { "off", NEXT_OFF },
    { NULL, 0 },
};

static const struct conf_range flags = { 0, UINT32_MAX };

static const struct directive directives[] = {
    GATEWAY_BUFFER("memcached_buffer_size", struct memcached_conf),
    GATEWAY_NEXT("memcached_next_upstream", struct memcached_conf, next_words),
    NUMBER("memcached_gzip_flag", IN_WEB, struct memcached_conf, gzip_flag, "0",
           &flags,
           "The bit among the flags of a value that says that it is gzipped: "
           "Content-Encoding: gzip is sent. 0: none."),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_ROWS("memcached", struct memcached_conf, gateway_peer_rows),
    { .rows = NULL },
};


struct module memcached_module = {
    .name = "memcached",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct memcached_conf),
    .ready = ready,
};
