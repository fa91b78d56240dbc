/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * least_time: the peer that answers fastest and has the fewest connections,
 * relative to its weight; round robin among equals.  A peer that has not been
 * measured comes first.  The average of one that has no requests fades, so that
 * it is asked again some time, and can have become faster.
 *
 *     upstream app { least_time header; server 10.0.0.1; server 10.0.0.2; }
 */
#include "modules/balance/least.h"


static const struct peer *
next(struct pick *p)
{
    return least_next(p, p->group->balance);
}


static const struct balancer least_time = {
    .name = "least_time",
    .words = "least time",
    .takes_weight = true,
    .takes_slow_start = true,
    .build = least_order_new,
    .next = next,
};


static const char *
parse(struct conf *cf, void *field)
{
    struct least *l = arena_make(cf->arena, struct least);

    (void) field;
    if (!least_parse(cf->args[1], l))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[1]));
    if (cf->n_args > 2 && !str_is(cf->args[2], "inflight"))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[2]));
    l->is_inflight = cf->n_args > 2;
    return upstream_use(cf, &least_time, l);
}


static const struct conf_type type = { .name = "least_time", .parse = parse };

static const struct directive directives[] = {
    { "least_time", IN_UPSTREAM | ROW_MANY, ARGS_1 | ARGS_2, &type, 0, NULL,
      NULL, "header | last_byte [inflight]",
      "Chooses the server with the least average time to the head, or the end, "
      "of its responses, times its connections, relative to its weight. With "
      "inflight, requests that wait for longer than the average count, too. The "
      "average of a server halves for every 10 seconds without a request." },
    { .name = NULL },
};

struct module least_time_module = {
    .name = "upstream_least_time",
    .serves = FOR_HTTP,
    .directives = directives,
};
