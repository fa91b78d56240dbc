/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcached: responses from a memcached server.  What an application has stored
 * under the key is the body.  memcached_answer.h reads what it answers.
 */
#include "modules/gateway/memcached.h"

#include "modules/gateway/memcached_answer.h"
#include "modules/gateway/memcached_link.h"

enum {
    SHARING = 64,  /* requests at a time on one connection                    */
    KEY_MAX = 250, /* a longer one is refused, as a server sees fit           */
};


static enum step
prepare(struct gateway *g)
{
    struct memcached_run *run = g->data;
    struct task          *t = &g->r->task;
    str_t                 key = expr_eval(run->target->key, t);

    if (key.n == 0) {
        log_error(t->log, "the \"$memcached_key\" variable is not set");
        return gateway_fail(g, 500);
    }
    run->key = escape_uri(t->arena, key, ESCAPE_BLANKS);
    g->uri = STR("");
    if (!pass_find(g, &run->target->to))
        return STEP_FAIL;
    if (g->group == NULL || g->group->idle == NULL || run->key.n > KEY_MAX)
        g->protocol = g->first = &memcached_single;
    return STEP_NEXT;
}


static enum step
encode_head(struct exchange *x, struct chain *out)
{
    const struct memcached_run *run = exchange_gateway(x)->data;
    struct memcached_use *u = exchange_has_link(x) ? exchange_link_state(x)
                                                   : NULL;

    if (u != NULL)
        u->turn.key = run->key;
    chain_add(out, str_join3(exchange_request(x)->task.arena, STR("get "),
                             run->key, STR("\r\n")));
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

    a->key = ((const struct memcached_run *) exchange_gateway(x)->data)->key;
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


#define PROTOCOL(shared) \
    { \
        .prefix = "memcached", .scheme = "memcached", \
        .surplus = "memcached sent invalid trailer", .has_own_404 = true, \
        .state_size = sizeof(struct memcached_answer), .link = (shared), \
        .prepare = prepare, .encode_head = encode_head, .decode = decode, \
        .decode_eof = decode_eof, \
    }

const struct gateway_protocol memcached_protocol = PROTOCOL(&memcached_link);
const struct gateway_protocol memcached_single = PROTOCOL(NULL);


/* --- directives ----------------------------------------------------------- */

static const char *
ready(struct conf *cf, void *at)
{
    struct memcached_conf *c = at;

    c->gateway.force_ranges = true;
    c->gateway.streams = SHARING;
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
