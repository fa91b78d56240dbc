/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "resolver" and "resolver_timeout" in two modules, for different blocks.
 */
#include "core/conf/reader.h"
#include "core/conf/resolver.h"
#include "core/conf/types.h"
#include "core/net/resolver.h"
#include "t/unit/tap.h"

static const struct conf_opener http_opener = { .inside = IN_HTTP };
static const struct conf_opener server_opener = { .inside = IN_SERVER };
static const struct conf_opener stream_opener = { .inside = IN_STREAM };

static const struct directive rows[] = {
    BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
    BLOCK("server", IN_HTTP, ARGS_0, &server_opener, NULL, NULL),
    BLOCK("stream", IN_MAIN, ARGS_0, &stream_opener, NULL, NULL),
    { .name = NULL },
};

static const struct template web_templates[] = {
    { resolver_rows, "", 0, IN_WEB },
    { .rows = NULL },
};

static struct module web_module = {
    .name = "web",
    .serves = FOR_HTTP,
    .directives = rows,
    .templates = web_templates,
    .conf_size = sizeof(struct resolver_conf),
};

struct flow_conf {
    char                 before[40];
    struct resolver_conf names;
};

static const struct template flow_templates[] = {
    { resolver_rows, "", FIELD(struct flow_conf, names, struct resolver_conf),
      IN_STREAM },
    { .rows = NULL },
};

static struct module flow_module = {
    .name = "flow",
    .serves = FOR_STREAM,
    .templates = flow_templates,
    .conf_size = sizeof(struct flow_conf),
};

struct module *const weir_modules[] = { &web_module, &flow_module, NULL };

static const struct log_targets targets = { .level = LEVEL_EMERG };
static struct log               logger = { .targets = &targets };
static char                     said[1000]; /* the first error               */


static void
note(enum log_level level, str_t text, bool is_wanted)
{
    (void) level;
    (void) is_wanted;
    if (said[0] == '\0')
        snprintf(said, sizeof(said), STR_F, STR_A(text));
}


static struct generation *
read_text(const char *text)
{
    struct conf_paths paths = { .prefix = STR("/p/"),
                                .conf_file = STR("/p/x.conf"),
                                .conf_prefix = STR("/p/") };

    said[0] = '\0';
    return generation_read_text(&paths, STR("x.conf"), str_of(text), &logger);
}


static const struct resolver_conf *
web(const struct conf_block *b)
{
    return confs_get(b->conf, &web_module);
}


static const struct resolver_conf *
flow(const struct conf_block *b)
{
    return &((const struct flow_conf *) confs_get(b->conf, &flow_module))
                ->names;
}


static void
test_values(void)
{
    struct generation *g
        = read_text("http { resolver 127.0.0.1 [::1]:5353 valid=1h ipv6=off;\n"
                    "  server { resolver_timeout 2s; }\n"
                    "  server { resolver 127.0.0.2 ipv4=off ipv6=on; } }\n"
                    "stream { resolver 127.0.0.3; resolver_timeout 700ms; }\n");
    const struct conf_block *http, *one, *two, *stream;

    ok(g != NULL, "both have them");
    if (g == NULL)
        return;
    http = g->root->first;
    one = http->first;
    two = one->next;
    stream = http->next;
    is_same(web(g->root)->resolver, NULL, "none is the default");
    is(web(g->root)->timeout, 30000, "of 30 seconds");
    ok(web(http)->resolver != NULL, "set in http");
    is(web(http)->timeout, 30000, "with the default timeout");
    is_same(web(one)->resolver, web(http)->resolver, "inherited");
    is(web(one)->timeout, 2000, "with another timeout");
    ok(web(two)->resolver != web(http)->resolver, "set in a server");
    ok(flow(stream)->resolver != NULL, "set in stream");
    is(flow(stream)->timeout, 700, "with its timeout");
    is_same(flow(http)->resolver, NULL, "http's is not stream's");
    is_same(web(stream)->resolver, NULL, "nor the reverse");
    generation_put(g);
}


struct refusal {
    const char *args, *message;
};


static void
test_refusals(void)
{
    static const struct refusal all[] = {
        { "valid=1h", "no name servers defined" },
        { "127.0.0.1 valid=x", "invalid parameter: valid=x" },
        { "127.0.0.1 ipv4=no", "invalid parameter: ipv4=no" },
        { "127.0.0.1 ipv6=", "invalid parameter: ipv6=" },
        { "127.0.0.1 ipv4=off ipv6=off",
          "\"ipv4\" and \"ipv6\" cannot both be \"off\"" },
        { "127.0.0.1:0", "invalid port in resolver \"127.0.0.1:0\"" },
        { "127.0.0.1 [::x]", "invalid IPv6 address in resolver \"[::x]\"" },
    };
    static const char *const where[] = { "http", "stream" };
    char                     text[200], want[200];

    for (size_t i = 0; i < 2 * countof(all); i++) {
        const struct refusal *r = &all[i / 2];

        snprintf(text, sizeof(text), "%s { resolver %s; }", where[i % 2],
                 r->args);
        snprintf(want, sizeof(want), "%s in x.conf:1", r->message);
        is_same(read_text(text), NULL, "refused: %s", text);
        is_str(str_of(said), want, "its message");
    }
}


int
main(void)
{
    log_to_stderr = false;
    log_tap = note;
    modules_init();
    test_values();
    test_refusals();
    return done();
}
