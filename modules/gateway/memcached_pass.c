/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcached_pass: the server, and the key that is asked for.
 *
 *     location / {
 *         set            $memcached_key $uri;
 *         memcached_pass 127.0.0.1:11211;
 *         error_page     404 502 504 = @application;
 *     }
 */
#include "modules/gateway/memcached.h"


static enum step
serve(struct task *t)
{
    struct http_request  *r = http_of(t);
    struct gateway       *g = gateway_of(r);
    struct memcached_run *run;

    if (g != NULL)
        return gateway_run(g);
    if (!(r->method & (HTTP_GET | HTTP_HEAD)))
        return http_fail(r, 405);
    http_set_content_type(r);
    run = arena_make(t->arena, struct memcached_run);
    run->target
        = &((const struct memcached_pass *) conf_of(t, &memcached_pass_module))
               ->target;
    g = gateway_new(r, &memcached_protocol, conf_of(t, &memcached_module),
                    r->location->identity);
    g->data = run;
    g->upload.is_unwanted = true;
    return gateway_run(g);
}


static const struct content content = PASS_CONTENT("memcached_pass", serve);


/* A key that is set nowhere is an error of this directive. */
static const char *
parse_pass(struct conf *cf, void *field)
{
    struct memcached_target *target = field;
    const char              *error = NULL;

    target->key = expr_compile(cf, STR("$memcached_key"), 0, &error);
    return error ? error : pass_parse(cf, &target->to, cf->args[1], &content);
}


static const struct conf_type target_type = {
    .name = "address",
    .size = sizeof(struct memcached_target),
    .parse = parse_pass,
};

static const struct directive directives[] = {
    CUSTOM("memcached_pass", IN_LOCATION | IN_IF | ROW_NAMELESS, ARGS_1,
           target_type, struct memcached_pass, target, struct memcached_target,
           "address",
           "Responds with what a memcached server has under $memcached_key: "
           "host:port, unix:path or the name of a group. 404 where it has "
           "nothing, 502 or 504 where it fails, so that error_page can name "
           "another location. May have variables."),
    { .name = NULL },
};


struct module memcached_pass_module = {
    .name = "memcached",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct memcached_pass),
};
