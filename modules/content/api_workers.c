/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API: what each worker does ("workers", "workers/ID").  The id is the number
 * of its line of counters.
 */
#include "core/net/counters.h"
#include "http/counters.h"
#include "modules/content/api_named.h"


static uint64_t
http_of_worker(const struct counters_process *p, enum http_counter which)
{
    return counters_of(p, http_module.first_counter + which);
}


static void
put_connections(struct api *a, const struct counters_process *p)
{
    uint64_t accepted = counters_of(p, CONNS_ACCEPTED);
    uint64_t idle = http_of_worker(p, HTTP_WAITING);

    json_open(&a->out, "connections", '{');
    json_put_number(&a->out, "accepted", accepted);
    json_put_number(&a->out, "dropped",
                    accepted - counters_of(p, CONNS_HANDLED));
    json_put_number(&a->out, "active", counters_of(p, CONNS_ACTIVE) - idle);
    json_put_number(&a->out, "idle", idle);
    json_close(&a->out, '}');
}


static void
put(struct api *a, const struct counters_process *p)
{
    json_open(&a->out, NULL, '{');
    api_put_if_wanted(a, "id", p->line);
    api_put_if_wanted(a, "pid", (uint64_t) p->pid);
    if (api_wants(a, "connections"))
        put_connections(a, p);
    if (api_wants(a, "http")) {
        json_open(&a->out, "http", '{');
        json_open(&a->out, "requests", '{');
        json_put_number(&a->out, "total", http_of_worker(p, HTTP_REQUESTS));
        json_put_number(&a->out, "current", http_of_worker(p, HTTP_WRITING));
        json_close(&a->out, '}');
        json_close(&a->out, '}');
    }
    json_close(&a->out, '}');
}


static enum step
reply_all(struct api *a)
{
    struct counters_process p;
    unsigned                i = 0;

    json_open(&a->out, NULL, '[');
    while (counters_next_process(&i, &p))
        put(a, &p);
    json_close(&a->out, ']');
    return api_reply(a, 200);
}


enum step
api_workers(struct api *a)
{
    str_t                   part = api_part(a);
    struct counters_process p;
    unsigned                i = 0;
    uint64_t                id;

    if (a->path.n != 0)
        return api_not_found(a);
    if (!(a->r->method & (HTTP_GET | HTTP_HEAD)))
        return api_read_only(a);
    if (part.n == 0)
        return reply_all(a);
    if (!number_parse(part, UINT32_MAX, &id))
        return api_error(a, 400, "invalid worker id", "WorkerBadId");
    while (counters_next_process(&i, &p)) {
        if (p.line != id)
            continue;
        put(a, &p);
        return api_reply(a, 200);
    }
    return api_error(a, 404, "worker not found", "WorkerNotFound");
}
