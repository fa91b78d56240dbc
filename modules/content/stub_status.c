/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stub_status: connection counters, as a page and as variables.
 *
 *     location = /status { stub_status; }
 */
#include "core/net/stats.h"
#include "modules/module.h"


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct stats         n;
    str_t                page;

    if (!(r->method & (HTTP_GET | HTTP_HEAD)))
        return http_fail(r, 405);

    n = stats_read();
    page = arena_printf(t->arena,
                        "Active connections: %lu \n"
                        "server accepts handled requests\n"
                        " %lu %lu %lu \n"
                        "Reading: %lu Writing: %lu Waiting: %lu \n",
                        n.active, n.accepted, n.handled, n.requests, n.reading,
                        n.writing, n.waiting);
    return http_reply(r, 200, STR("text/plain"), page);
}


static str_t
counter(struct task *t, uintptr_t offset)
{
    struct stats n = stats_read();

    return arena_printf(t->arena, "%lu",
                        *(unsigned long *) (void *) ((char *) &n + offset));
}


static const struct content content = { .name = "stub_status", .serve = serve };

static const struct directive directives[] = {
    CONTENT("stub_status", IN_SERVER | IN_LOCATION, ARGS_0 | ARGS_1, &content,
            "[string]",
            "Answers with the counters of connections and requests as "
            "text."),
    { .name = NULL },
};

#define COUNTER(member, says) \
    { \
        "connections_" #member, counter, offsetof(struct stats, member), \
            VAR_VOLATILE, NULL, says \
    }

static const struct variable variables[] = {
    COUNTER(active, "the number of connections open now"),
    COUNTER(reading,
            "the number of connections on which a request's head is being "
            "read"),
    COUNTER(writing,
            "the number of connections whose request is being answered"),
    COUNTER(waiting,
            "the number of idle connections, kept alive for another request"),
    { .name = NULL },
};

extern struct module stub_status_module;

struct module stub_status_module = {
    .name = "stub_status",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
};
