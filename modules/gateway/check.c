/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check, check_http_send, check_http_expect_alive: health checks as Tengine
 * and nginx_upstream_check_module have them, in the upstream itself.
 *
 *     upstream app {
 *         server 10.0.0.1;
 *         check interval=3000 rise=2 fall=5 timeout=1000 type=http;
 *         check_http_send "HEAD / HTTP/1.0\r\n\r\n";
 *         check_http_expect_alive http_2xx http_3xx;
 *     }
 */
#include "core/upstream/build.h"
#include "modules/gateway/health_http.h"

extern struct module check_module;

struct check_conf {
    struct health_check  check; /* first; kind NULL: none                    */
    str_t                send;
    unsigned             alive; /* bit N: Nxx                                */
    uint64_t             keepalive; /* requests over one connection          */
    struct health_match *match;
};


static void *
begin(struct health *h, struct arena *a)
{
    const struct check_conf *c = (const void *) health_check_of(h);
    struct health_question  *q = arena_make(a, struct health_question);

    q->text = c->send;
    q->match = c->match;
    q->is_head = str_starts(c->send, STR("HEAD "));
    return q;
}


static const struct health_kind http_kind
    = { .name = "http", .begin = begin, .run = health_http_run };


/* --- directives --------------------------------------------------------------------- */

static bool
read_number(str_t value, uint64_t *out)
{
    return number_parse(value, INT32_MAX, out) && *out != 0;
}


static bool
read_kind(str_t value, struct health_check *c)
{
    c->kind = str_is(value, "http")  ? &http_kind
              : str_is(value, "tcp") ? &health_tcp
                                     : NULL;
    return c->kind != NULL;
}


static bool
take_word(struct health_check *c, str_t word)
{
    uint64_t n;
    str_t    value;

    if (conf_param(word, "type", &value))
        return read_kind(value, c);
    if (conf_param(word, "default_down", &value)) {
        c->is_mandatory = str_is(value, "true");
        return c->is_mandatory || str_is(value, "false");
    }
    value = word;
    (void) str_cut(&value, '=');
    if (value.p == NULL || !read_number(value, &n))
        return false;
    if (conf_param(word, "interval", &value))
        c->interval = n;
    else if (conf_param(word, "timeout", &value))
        c->timeout = c->connect_timeout = n;
    else if (conf_param(word, "rise", &value))
        c->passes = (unsigned) n;
    else if (conf_param(word, "fall", &value))
        c->fails = (unsigned) n;
    else if (conf_param(word, "port", &value) && n <= 65535)
        c->port = (unsigned) n;
    else
        return false;
    return true;
}


static const char *
parse_check(struct conf *cf, void *field)
{
    struct check_conf *own = field;

    own->check = (struct health_check){ .kind = &health_tcp,
                                        .interval = 30000,
                                        .timeout = 1000,
                                        .connect_timeout = 1000,
                                        .fails = 5,
                                        .passes = 2,
                                        .is_mandatory = true };
    for (unsigned i = 1; i < cf->n_args; i++)
        if (!take_word(&own->check, cf->args[i]))
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
    return NULL;
}


static const struct conf_type check_type = { .name = "check",
                                             .size = sizeof(struct check_conf),
                                             .parse = parse_check };

static const struct conf_word classes[] = {
    { "http_2xx", 1 << 2 },
    { "http_3xx", 1 << 3 },
    { "http_4xx", 1 << 4 },
    { "http_5xx", 1 << 5 },
    { NULL, 0 },
};

/* Its first member is the field of the row "check". */
struct check_rows {
    struct check_conf own;
    str_t             send;
    unsigned          alive;
    uint64_t          keepalive;
};


/* In the upstream, where there is a check. */
static const char *
ready(struct conf *cf, void *conf)
{
    struct check_rows     *rows = conf;
    struct check_conf     *own = &rows->own;
    struct health_check   *c = &own->check;
    struct upstream_group *g;

    if (c->kind == NULL)
        return NULL;
    g = cf->block->owner;
    own->send = rows->send;
    own->alive = rows->alive;
    own->match = health_match_of(cf->arena, rows->alive);
    c->keepalive_requests = rows->keepalive;
    c->keepalive_time = rows->keepalive > 1 ? 3600 * 1000 : 0;
    c->id = arena_printf(cf->arena, "check %s %u %u " STR_F, c->kind->name,
                         c->port, own->alive, STR_A(own->send));
    health_add(g, c);
    return NULL;
}


static const struct conf_range requests = { 1, INT32_MAX };

static const struct directive directives[] = {
    CUSTOM("check", IN_UPSTREAM, ARGS_ANY, check_type, struct check_rows, own,
           struct check_conf,
           "[interval=ms] [fall=number] [rise=number] [timeout=ms]\n"
           " [default_down=true|false] [port=number] [type=tcp|http]",
           "Asks the servers of the group every interval (30000), as in "
           "Tengine, and leaves out those that fail (fall, 5) until they pass "
           "again (rise, 2). Servers are left out at first unless "
           "default_down=false. States are kept over reloads. health_check "
           "asks as a location does."),
    TEXT("check_http_send", IN_UPSTREAM, struct check_rows, send,
         "'GET / HTTP/1.0\r\n\r\n'", "request", "What check type=http sends."),
    BITS("check_http_expect_alive", IN_UPSTREAM, ARGS_1_OR_MORE,
         struct check_rows, alive, "http_2xx http_3xx", classes,
         "The statuses with which check type=http passes."),
    NUMBER("check_keepalive_requests", IN_UPSTREAM, struct check_rows,
           keepalive, "1", &requests,
           "How many questions of check go over one connection."),
    ACCEPTED(
        "check_shm_size", IN_HTTP, conf_size, "size",
        "Accepted: the states of checks are in memory that is there in any "
        "case, for 32,768 of them."),
    { .name = NULL },
};

struct module check_module = {
    .name = "upstream_check",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct check_rows),
    .ready = ready,
};
