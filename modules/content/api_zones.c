/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API: what is counted by status_zone, limit_req, limit_conn and resolver.
 */
#include "core/conf/generation.h"
#include "core/conf/resolver.h"
#include "core/net/counters.h"
#include "core/shm/registry.h"
#include "modules/content/api_named.h"
#include "modules/log/status_zone.h"


/* --- status_zone ---------------------------------------------------------------- */

static bool
nth_zone(struct api *a, enum tally_kind kind, unsigned i, str_t *name)
{
    const struct status_zones *all
        = generation_main(a->r->task.gen, status_zone_module.slot);

    VEC_EACH(&all->list, it) {
        if (it->kind != kind || i-- != 0)
            continue;
        *name = it->name;
        return true;
    }
    return false;
}


static bool
nth_server(struct api *a, unsigned i, str_t *name)
{
    return nth_zone(a, TALLY_SERVER, i, name);
}


static bool
nth_location(struct api *a, unsigned i, str_t *name)
{
    return nth_zone(a, TALLY_LOCATION, i, name);
}


static void
put_codes(struct api *a, enum tally_kind kind, str_t name)
{
    json_open(&a->out, "codes", '{');
    for (unsigned part = 0; part < STATUS_PARTS; part++) {
        const struct tally *t = tally_find(kind, 1 + part, name);

        for (unsigned i = 0; t != NULL && i < TALLY_COUNTS; i++)
            if (tally_get(t, i) != 0)
                json_put_number(&a->out,
                                arena_printf(a->r->task.arena, "%u",
                                             part * TALLY_COUNTS + i)
                                    .p,
                                tally_get(t, i));
    }
    json_close(&a->out, '}');
}


static void
put_responses(struct api *a, enum tally_kind kind, str_t name,
              const struct tally *t)
{
    static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx" };
    uint64_t                 total = 0;

    if (!api_wants(a, "responses"))
        return;
    json_open(&a->out, "responses", '{');
    for (unsigned i = 0; i < countof(classes); i++) {
        json_put_number(&a->out, classes[i], tally_get(t, STATUS_1XX + i));
        total += tally_get(t, STATUS_1XX + i);
    }
    put_codes(a, kind, name);
    json_put_number(&a->out, "total", total);
    json_close(&a->out, '}');
}


static void
put_zone(struct api *a, enum tally_kind kind, str_t name)
{
    const struct tally *t = tally_find(kind, 0, name);

    if (kind == TALLY_SERVER)
        api_put_if_wanted(
            a, "processing",
            t != NULL ? counters_sum(counters_place(tally_number(t))) : 0);
    api_put_if_wanted(a, "requests", tally_get(t, STATUS_REQUESTS));
    put_responses(a, kind, name, t);
    api_put_if_wanted(a, "discarded", tally_get(t, STATUS_DISCARDED));
    api_put_if_wanted(a, "received", tally_get(t, STATUS_RECEIVED));
    api_put_if_wanted(a, "sent", tally_get(t, STATUS_SENT));
}


static void
put_server(struct api *a, str_t name)
{
    put_zone(a, TALLY_SERVER, name);
}


static void
put_location(struct api *a, str_t name)
{
    put_zone(a, TALLY_LOCATION, name);
}


const struct api_kind api_server_zones = {
    .text = "server zone not found",
    .code = "ServerZoneNotFound",
    .nth = nth_server,
    .put = put_server,
    .kind = TALLY_SERVER,
    .n_tables = STATUS_PARTS + 1,
};
const struct api_kind api_location_zones = {
    .text = "location zone not found",
    .code = "LocationZoneNotFound",
    .nth = nth_location,
    .put = put_location,
    .kind = TALLY_LOCATION,
    .n_tables = STATUS_PARTS + 1,
};


/* --- limits --------------------------------------------------------------------- */

/* Zones by the name of their use: so that a build without a module needs nothing
 * of it. */
static bool
nth_use(struct api *a, const char *use, unsigned i, str_t *name)
{
    for (const struct zone_conf *z = a->r->task.gen->zones; z != NULL;
         z = z->next) {
        if (strcmp(z->use->name, use) != 0 || i-- != 0)
            continue;
        *name = z->name;
        return true;
    }
    return false;
}


static bool
nth_limit_req(struct api *a, unsigned i, str_t *name)
{
    return nth_use(a, "limit_req", i, name);
}


static bool
nth_limit_conn(struct api *a, unsigned i, str_t *name)
{
    return nth_use(a, "limit_conn", i, name);
}


static void
put_limit_req(struct api *a, str_t name)
{
    const struct tally *t = tally_find(TALLY_LIMIT_REQ, 0, name);

    api_put_if_wanted(a, "passed", tally_get(t, LIMIT_PASSED));
    api_put_if_wanted(a, "delayed", tally_get(t, LIMIT_DELAYED));
    api_put_if_wanted(a, "rejected", tally_get(t, LIMIT_REJECTED));
    api_put_if_wanted(a, "delayed_dry_run",
                      tally_get(t, LIMIT_DELAYED_DRY_RUN));
    api_put_if_wanted(a, "rejected_dry_run",
                      tally_get(t, LIMIT_REJECTED_DRY_RUN));
}


static void
put_limit_conn(struct api *a, str_t name)
{
    const struct tally *t = tally_find(TALLY_LIMIT_CONN, 0, name);

    api_put_if_wanted(a, "passed", tally_get(t, LIMIT_PASSED));
    api_put_if_wanted(a, "rejected", tally_get(t, LIMIT_REJECTED));
    api_put_if_wanted(a, "rejected_dry_run",
                      tally_get(t, LIMIT_REJECTED_DRY_RUN));
}


const struct api_kind api_limit_reqs = {
    .text = "limit req not found",
    .code = "LimitReqNotFound",
    .nth = nth_limit_req,
    .put = put_limit_req,
    .kind = TALLY_LIMIT_REQ,
    .n_tables = 1,
};
const struct api_kind api_limit_conns = {
    .text = "limit conn not found",
    .code = "LimitConnNotFound",
    .nth = nth_limit_conn,
    .put = put_limit_conn,
    .kind = TALLY_LIMIT_CONN,
    .n_tables = 1,
};


/* --- resolvers ------------------------------------------------------------------ */

static bool
nth_resolver(struct api *a, unsigned i, str_t *name)
{
    for (const struct resolver_zone *z = a->r->task.gen->resolver_zones;
         z != NULL; z = z->next)
    {
        if (i-- != 0)
            continue;
        *name = z->name;
        return true;
    }
    return false;
}


static void
put_resolver(struct api *a, str_t name)
{
    static const char *const results[] = { "noerror",  "formerr", "servfail",
                                           "nxdomain", "notimp",  "refused",
                                           "timedout", "unknown", NULL };
    const struct tally      *t = tally_find(TALLY_RESOLVER, 0, name);

    if (api_wants(a, "requests")) {
        json_open(&a->out, "requests", '{');
        json_put_number(&a->out, "name", tally_get(t, RESOLVER_NAMES));
        json_put_number(&a->out, "srv", tally_get(t, RESOLVER_SERVICES));
        json_put_number(&a->out, "addr", 0); /* nothing looks for names */
        json_close(&a->out, '}');
    }
    api_put_counts(a, "responses", t, RESOLVER_NOERROR, results);
}


const struct api_kind api_resolvers = {
    .text = "resolver zone not found",
    .code = "ResolverZoneNotFound",
    .nth = nth_resolver,
    .put = put_resolver,
    .kind = TALLY_RESOLVER,
    .n_tables = 1,
};
