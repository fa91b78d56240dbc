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


static void
forget_zone(enum tally_kind kind, str_t name)
{
    for (unsigned part = 0; part <= STATUS_PARTS; part++)
        tally_forget(tally_find(kind, part, name));
}


static void
forget_server(struct api *a, str_t name)
{
    (void) a;
    forget_zone(TALLY_SERVER, name);
}


static void
forget_location(struct api *a, str_t name)
{
    (void) a;
    forget_zone(TALLY_LOCATION, name);
}


const struct api_kind api_server_zones = { "server zone not found",
                                           "ServerZoneNotFound", nth_server,
                                           put_server, forget_server };
const struct api_kind api_location_zones
    = { "location zone not found", "LocationZoneNotFound", nth_location,
        put_location, forget_location };


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


static void
forget_limit_req(struct api *a, str_t name)
{
    (void) a;
    tally_forget(tally_find(TALLY_LIMIT_REQ, 0, name));
}


static void
forget_limit_conn(struct api *a, str_t name)
{
    (void) a;
    tally_forget(tally_find(TALLY_LIMIT_CONN, 0, name));
}


const struct api_kind api_limit_reqs = { "limit req not found",
                                         "LimitReqNotFound", nth_limit_req,
                                         put_limit_req, forget_limit_req };
const struct api_kind api_limit_conns = { "limit conn not found",
                                          "LimitConnNotFound", nth_limit_conn,
                                          put_limit_conn, forget_limit_conn };


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


static void
forget_resolver(struct api *a, str_t name)
{
    (void) a;
    tally_forget(tally_find(TALLY_RESOLVER, 0, name));
}


const struct api_kind api_resolvers = { "resolver zone not found",
                                        "ResolverZoneNotFound", nth_resolver,
                                        put_resolver, forget_resolver };
