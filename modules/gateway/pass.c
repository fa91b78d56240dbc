/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets without a URI.  There is no default port: who names none, names an
 * upstream {}.
 */
#include "modules/gateway/pass.h"


const char *
pass_parse(struct conf *cf, struct pass_target *to,
           const struct content *content)
{
    const char *error = NULL;

    if (str_chr(cf->args[1], '$'))
        to->expr = expr_compile(cf, cf->args[1], 0, &error);
    else
        to->group = upstream_add(cf, cf->args[1], 0, NULL, &error);
    if (error)
        return error;
    conf_set_content(cf, content);
    return NULL;
}


bool
pass_find(struct gateway *g, const struct pass_target *to)
{
    str_t url;

    g->group = to->group;
    if (g->group)
        return true;
    url = expr_eval(to->expr, &g->r->task);
    if (g->r->task.has_bad_value) {
        (void) gateway_fail(g, 500);
        return false;
    }
    return gateway_find_group(g, url, 0);
}


enum step
pass_serve(struct task *t, const struct gateway_protocol *protocol,
           const struct gateway_conf *conf)
{
    struct http_request *r = http_of(t);
    struct gateway      *g = gateway_of(r);

    if (!g) {
        g = gateway_new(r, protocol, conf, r->location->identity);
        g->upload.needs_length = true;
    }
    return gateway_run(g);
}
