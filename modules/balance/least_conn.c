/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * least_conn: the peer with the fewest connections relative to its weight;
 * round robin among equals.
 *
 *     upstream app { least_conn; server 10.0.0.1; server 10.0.0.2; }
 */
#include "modules/balance/least.h"


static const struct peer *
next(struct pick *p)
{
    static const struct least by_conns = { .by = LEAST_CONNS };

    return least_next(p, &by_conns);
}


static const struct balancer least_conn = {
    .name = "least_conn",
    .words = "least conn",
    .takes_weight = true,
    .takes_slow_start = true,
    .build = least_order_new,
    .next = next,
};


static const char *
parse(struct conf *cf, void *field)
{
    (void) field;
    return upstream_use(cf, &least_conn, NULL);
}


static const struct conf_type type = { .name = "least_conn", .parse = parse };

static const struct directive directives[] = {
    { "least_conn", IN_UPSTREAM | IN_STREAM_UPSTREAM | ROW_MANY, ARGS_0, &type,
      0, NULL, NULL, "",
      "Chooses the server with the fewest connections relative to its weight." },
    { .name = NULL },
};

struct module least_conn_module = {
    .name = "upstream_least_conn",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};
