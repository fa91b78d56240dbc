/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stub_status: connection counters, as a page and as variables.
 *
 *     location = /status { stub_status; }
 */
#include <inttypes.h>

#include "http/counters.h"
#include "modules/module.h"


static uint64_t
sum_http(enum http_counter which)
{
    return counters_sum(http_module.first_counter + which);
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    str_t                page;

    if (!(r->method & (HTTP_GET | HTTP_HEAD)))
        return http_fail(r, 405);

    page = arena_printf(
        t->arena,
        "Active connections: %" PRIu64 " \n"
        "server accepts handled requests\n"
        " %" PRIu64 " %" PRIu64 " %" PRIu64 " \n"
        "Reading: %" PRIu64 " Writing: %" PRIu64 " Waiting: %" PRIu64 " \n",
        counters_sum(CONNS_ACTIVE), counters_sum(CONNS_ACCEPTED),
        counters_sum(CONNS_HANDLED), sum_http(HTTP_REQUESTS),
        sum_http(HTTP_READING), sum_http(HTTP_WRITING), sum_http(HTTP_WAITING));
    return http_reply(r, 200, STR("text/plain"), page);
}


static str_t
active(struct task *t, uintptr_t unused)
{
    (void) unused;
    return arena_printf(t->arena, "%" PRIu64, counters_sum(CONNS_ACTIVE));
}


static str_t
by_state(struct task *t, uintptr_t which)
{
    return arena_printf(t->arena, "%" PRIu64,
                        sum_http((enum http_counter) which));
}


static const struct content content = { .name = "stub_status", .serve = serve };

static const struct directive directives[] = {
    CONTENT("stub_status", IN_SERVER | IN_LOCATION, ARGS_0 | ARGS_1, &content,
            "[string]",
            "Answers with the counters of connections and requests as "
            "text."),
    { .name = NULL },
};

static const struct variable variables[] = {
    { "connections_active", active, 0, VAR_VOLATILE, NULL,
      "the number of connections open now" },
    { "connections_reading", by_state, HTTP_READING, VAR_VOLATILE, NULL,
      "the number of connections on which a request's head is being read" },
    { "connections_writing", by_state, HTTP_WRITING, VAR_VOLATILE, NULL,
      "the number of connections whose request is being answered" },
    { "connections_waiting", by_state, HTTP_WAITING, VAR_VOLATILE, NULL,
      "the number of idle connections, kept alive for another request" },
    { .name = NULL },
};

extern struct module stub_status_module;

struct module stub_status_module = {
    .name = "stub_status",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
};
