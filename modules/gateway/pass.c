/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets without a URI.  There is no default port: who names none, names an
 * upstream {}.
 */
#include "modules/gateway/pass.h"


const char *
pass_parse(struct conf *cf, struct pass_target *to, str_t address,
           const struct content *content)
{
    const char *error = NULL;

    to->address = address;
    if (str_chr(address, '$'))
        to->expr = expr_compile(cf, address, 0, &error);
    else
        to->group = upstream_add(cf, address, 0, NULL, &error);
    if (error)
        return error;
    conf_set_content(cf, content);
    return NULL;
}


static const char *
parse(struct conf *cf, void *field)
{
    return pass_parse(cf, field, cf->args[1], cf->row->detail);
}


const struct conf_type pass_type = {
    .name = "address",
    .size = sizeof(struct pass_target),
    .parse = parse,
};


void
pass_set_host(str_t authority, unsigned default_port, str_t *host, str_t *port)
{
    const char *colon = str_rchr(authority, ':');
    const char *bracket = str_rchr(authority, ']');
    str_t       usual = default_port == HTTPS_PORT ? STR("443") : STR("80");

    if (str_istarts(authority, STR("unix:"))) {
        *host = STR("localhost");
        *port = STR("");
        return;
    }
    *host = authority;
    *port = usual;
    if (!colon || (bracket && bracket > colon))
        return;
    *port = str_span(colon + 1, authority.p + authority.n);
    if (str_eq(*port, usual))
        *host = str_span(authority.p, colon);
}


bool
pass_evaluate(struct gateway *g, const struct pass_target *to, str_t *url)
{
    *url = expr_eval(to->expr, &g->r->task);
    if (!g->r->task.has_bad_value)
        return true;
    (void) gateway_fail(g, 500);
    return false;
}


bool
pass_find(struct gateway *g, const struct pass_target *to)
{
    str_t url;

    g->group = to->group;
    return g->group
           || (pass_evaluate(g, to, &url) && gateway_find_group(g, url, 0));
}


enum step
pass_serve(struct task *t, const struct gateway_protocol *protocol,
           const struct gateway_conf *conf, const void *data)
{
    struct http_request *r = http_of(t);
    struct gateway      *g = gateway_of(r);

    if (!g) {
        g = gateway_new(r, protocol, conf, r->location->identity);
        g->data = (void *) (uintptr_t) data;
        g->upload.needs_length = true;
    }
    return gateway_run(g);
}
