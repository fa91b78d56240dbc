/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * health_check: the peers of the group that a location passes requests to are
 * asked at intervals, in the way that the location would ask them: what it sends
 * is made by the same code, for a request that nobody has sent.
 *
 *     location / {
 *         proxy_pass   http://backend;
 *         health_check uri=/health interval=5s fails=2 passes=2;
 *     }
 *
 * type=grpc is asked of the location's content handler, type=tcp is the core's.
 */
#include "core/upstream/build.h"
#include "http/gateway/exchange.h"
#include "modules/gateway/grpc_health.h"
#include "modules/gateway/health_grpc.h"
#include "modules/gateway/health_http.h"
#include "modules/gateway/health_request.h"

extern struct module health_check_module;

enum { SERVICE_MAX = 1024 };

/* What a health_check line says. */
struct line {
    struct health_check         check; /* first */
    struct conf_block          *block;
    const struct http_location *location;
    const struct http_server   *server;
    str_t                       uri;
    bool                        has_uri, is_grpc; /* type=grpc                */
    struct health_match        *match;
    struct health_grpc          grpc;
    const char                 *file;
    unsigned                    line;
};

struct lines {
    VEC(struct line *) list;
};


/* --- the kind ------------------------------------------------------------------------ */

struct own_question {
    struct health_question all; /* first */
    struct health_request *request;
};


static struct health_request *
make_request(const struct health *h, struct arena *a)
{
    const struct line *line = (const void *) health_check_of(h);

    return health_request_make(a, health_generation(h), line->location,
                               line->server, line->uri);
}


static str_t
require(struct health_probe *p, const struct health_answer *answer,
        const char **doing)
{
    const struct health_question *q = health_data(p->health);
    struct health_request        *own = make_request(p->health, p->task.arena);
    struct exchange              *x = own->exchange;

    exchange_status(x, answer->status, answer->reason);
    x->status = answer->status;
    VEC_EACH(&answer->fields.list, f)
        (void) exchange_field(x, f->name, f->value);
    return health_match_misses(q->match, &own->request, doing);
}


static void *
begin(struct health *h, struct arena *a)
{
    const struct line   *line = (const void *) health_check_of(h);
    struct own_question *q = arena_make(a, struct own_question);

    q->request = make_request(h, a);
    q->all.match = line->match;
    q->all.require = require;
    if (health_request_fill(q->request, &q->all))
        return q;
    log_error(q->request->request.task.log,
              "no health check of upstream \"" STR_F
              "\": the request cannot be made",
              STR_A(health_group(h)->name));
    return NULL;
}


static void
connect_as(struct health_probe *p, struct link_options *o)
{
    const struct own_question *q = health_data(p->health);

    health_request_peer(q->request, p);
    health_http_connect(p, o);
}


static const struct health_kind http_kind = {
    .name = "http",
    .begin = begin,
    .connect = connect_as,
    .run = health_http_run,
};


/* --- the directive ------------------------------------------------------------------ */

static bool
read_time(str_t value, msec_t *out)
{
    return number_time(value, false, out) && *out <= INT32_MAX;
}


static bool
read_count(str_t value, unsigned *out)
{
    uint64_t n;

    if (!number_parse(value, INT32_MAX, &n) || n == 0)
        return false;
    *out = (unsigned) n;
    return true;
}


static bool
read_kind(str_t value, struct line *l)
{
    l->is_grpc = str_is(value, "grpc");
    l->check.kind = str_is(value, "tcp") ? &health_tcp : &http_kind;
    return l->is_grpc || str_is(value, "tcp") || str_is(value, "http");
}


static bool
read_port(str_t value, unsigned *out)
{
    return read_count(value, out) && *out <= 65535;
}


static bool
take_word(struct conf *cf, struct line *l, str_t word)
{
    struct health_check *c = &l->check;
    str_t                value;

    if (conf_param(word, "interval", &value))
        return read_time(value, &c->interval) && c->interval != 0;
    if (conf_param(word, "jitter", &value))
        return read_time(value, &c->jitter);
    if (conf_param(word, "fails", &value))
        return read_count(value, &c->fails);
    if (conf_param(word, "passes", &value))
        return read_count(value, &c->passes);
    if (conf_param(word, "port", &value))
        return read_port(value, &c->port);
    if (conf_param(word, "keepalive_time", &value))
        return read_time(value, &c->keepalive_time);
    if (conf_param(word, "type", &value))
        return read_kind(value, l);
    if (conf_param(word, "uri", &value)) {
        l->uri = value;
        l->has_uri = true;
        return value.n != 0 && value.p[0] == '/' && !field_has_break(value)
               && str_chr(value, ' ') == NULL;
    }
    if (conf_param(word, "grpc_service", &l->grpc.service))
        return l->grpc.service.n != 0 && l->grpc.service.n <= SERVICE_MAX;
    if (conf_param(word, "grpc_status", &value))
        return grpc_status_parse(value, &l->grpc.status);
    if (conf_param(word, "match", &value)) {
        l->match = health_match_named(cf, value);
        c->name = value;
        return value.n != 0;
    }
    if (str_is(word, "mandatory"))
        c->is_mandatory = true;
    else if (!str_is(word, "persistent") || !c->is_mandatory)
        return false; /* persistent: states are kept in any case */
    return true;
}


/* What goes with another type only. */
static const char *
check_words(struct conf *cf, const struct line *l)
{
    bool is_http = !l->is_grpc && l->check.kind == &http_kind;

    if (!is_http && l->match != NULL)
        return conf_error(cf, "\"match\" needs \"type=http\"");
    if (l->is_grpc && l->has_uri)
        return conf_error(cf, "\"uri\" needs \"type=http\"");
    if (!l->is_grpc && l->grpc.service.n != 0)
        return conf_error(cf, "\"grpc_service\" needs \"type=grpc\"");
    if (!l->is_grpc && l->grpc.status != 0)
        return conf_error(cf, "\"grpc_status\" needs \"type=grpc\"");
    return NULL;
}


static const char *
parse(struct conf *cf, void *field)
{
    struct lines *all = conf_main(cf, &health_check_module);
    struct line  *l = arena_make(cf->arena, struct line);
    const char   *wrong;

    (void) field;
    l->check = (struct health_check){
        .kind = &http_kind, .interval = 5000, .fails = 1, .passes = 1
    };
    l->uri = STR("/");
    l->block = cf->block;
    l->location = conf_location(cf);
    l->server = cf->block->server;
    l->file = cf->file;
    l->line = cf->line;
    for (unsigned i = 1; i < cf->n_args; i++)
        if (!take_word(cf, l, cf->args[i]))
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
    l->grpc.location = l->location;
    l->grpc.server = l->server;
    l->check.detail = &l->grpc;
    wrong = check_words(cf, l);
    if (wrong != NULL)
        return wrong;
    *vec_push(cf->arena, &all->list) = l;
    return NULL;
}


/* What is asked; how often does not matter. */
static str_t
id_of(struct arena *a, const struct line *l, str_t to)
{
    if (l->is_grpc)
        return arena_printf(a, "grpc %u " STR_F " %u " STR_F, l->check.port,
                            STR_A(l->grpc.service), l->grpc.status, STR_A(to));
    return arena_printf(a, "%s %u " STR_F " " STR_F " " STR_F,
                        l->check.kind->name, l->check.port, STR_A(l->uri),
                        STR_A(l->check.name), STR_A(to));
}


/* Where the location passes requests; false: not in a way that the check can
 * ask in. */
static bool
find_target(struct line *l, struct health_target *to)
{
    const struct content      *content = l->location->content;
    const struct health_way   *way = content != NULL ? content->health : NULL;
    const struct proxy_target *proxy
        = confs_get(l->block->conf, &proxy_pass_module);
    const struct proxy_conf *conf = confs_get(l->block->conf, &proxy_module);

    *to = (struct health_target){ .group = proxy->group,
                                  .address = proxy->url,
                                  .connect_timeout
                                  = conf->gateway.connect_timeout,
                                  .timeout = conf->gateway.read_timeout };
    if (l->is_grpc || (to->group == NULL && l->check.kind == &health_tcp)) {
        if (way == NULL || (l->is_grpc && strcmp(way->type, "grpc") != 0))
            return false;
        way->target(l->location, to);
        if (l->is_grpc)
            l->check.kind = way->kind;
    }
    return to->group != NULL;
}


static const char *
ready(struct conf *cf, void *main)
{
    const struct lines  *all = main;
    struct health_target to;

    VEC_EACH(&all->list, it) {
        struct line *l = *it;

        if (!find_target(l, &to)) {
            conf_error_at(cf, l->file, l->line,
                          "\"health_check\" needs a \"%s\" to an upstream "
                          "in its location",
                          l->is_grpc ? "grpc_pass" : "proxy_pass");
            continue;
        }
        l->check.connect_timeout = to.connect_timeout;
        l->check.timeout = to.timeout;
        l->check.id = id_of(cf->arena, l, to.address);
        health_add(to.group, &l->check);
    }
    return NULL;
}


static const struct conf_type type = { .name = "health_check", .parse = parse };

static const struct directive directives[] = {
    { "health_check", IN_LOCATION | ROW_MANY, ARGS_ANY, &type, 0, NULL, NULL,
      "[interval=time] [jitter=time] [fails=number] [passes=number]\n"
      " [uri=uri] [port=number] [match=name] [mandatory [persistent]]\n"
      " [keepalive_time=time] [type=http|tcp|grpc] [grpc_service=name]\n"
      " [grpc_status=code]",
      "Asks the servers of proxy_pass every interval (5s), as this location "
      "would, and leaves those out that fail (fails, 1) until they pass again "
      "(passes, 1): by match, or a status from 200 to 399. With mandatory, new "
      "servers are left out until they have passed. type=grpc, beside "
      "grpc_pass, asks the health service of gRPC whether the server, or "
      "grpc_service, is serving; grpc_status is another status that will do. "
      "States are kept over reloads." },
    { .name = NULL },
};

struct module health_check_module = {
    .name = "upstream_hc",
    .serves = FOR_HTTP,
    .directives = directives,
    .main_size = sizeof(struct lines),
    .main_ready = ready,
};
