/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API: zones of shared memory ("slabs"), and caches.
 */
#include "core/cache/disk/cache.h"
#include "core/cache/disk/index.h"
#include "core/conf/generation.h"
#include "core/shm/registry.h"
#include "http/gateway/cache_tell.h"
#include "modules/content/api_named.h"


/* --- zones ---------------------------------------------------------------------- */

static struct zone_conf *
find_zone(struct api *a, str_t name)
{
    return zone_find(a->r->task.gen, name);
}


static bool
nth_slab(struct api *a, unsigned i, str_t *name)
{
    for (const struct zone_conf *z = a->r->task.gen->zones; z != NULL;
         z = z->next) {
        if (z->zone == NULL || i-- != 0)
            continue;
        *name = z->name;
        return true;
    }
    return false;
}


static void
put_slots(struct api *a, const struct zone_usage *u)
{
    struct json_text *o = &a->out;

    json_open(o, "slots", '{');
    for (unsigned i = 0; i < ZONE_SIZES; i++) {
        json_open(o, arena_printf(o->arena, "%u", u->slots[i].size).p, '{');
        json_put_number(o, "used", u->slots[i].used);
        json_put_number(o, "free", u->slots[i].free);
        json_put_number(o, "reqs", u->slots[i].reqs);
        json_put_number(o, "fails", u->slots[i].fails);
        json_close(o, '}');
    }
    json_close(o, '}');
}


static void
put_slab(struct api *a, str_t name)
{
    struct zone_usage u;

    zone_tell(find_zone(a, name)->zone, &u);
    if (api_wants(a, "pages")) {
        json_open(&a->out, "pages", '{');
        json_put_number(&a->out, "used", u.pages_used);
        json_put_number(&a->out, "free", u.pages_free);
        json_close(&a->out, '}');
    }
    if (api_wants(a, "slots"))
        put_slots(a, &u);
}


static void
forget_slab(struct api *a, str_t name)
{
    zone_forget_attempts(find_zone(a, name)->zone);
}


const struct api_kind api_slabs = {
    .text = "slab not found",
    .code = "SlabNotFound",
    .nth = nth_slab,
    .put = put_slab,
    .forget = forget_slab,
};


/* --- caches --------------------------------------------------------------------- */

static const struct disk_cache *
first_cache(struct api *a)
{
    const struct disk_caches *all
        = generation_main(a->r->task.gen, disk_cache_module.slot);

    return all->first;
}


static bool
nth_cache(struct api *a, unsigned i, str_t *name)
{
    for (const struct disk_cache *c = first_cache(a); c != NULL; c = c->next) {
        if (c->in->zone == NULL || i-- != 0)
            continue;
        *name = c->in->name;
        return true;
    }
    return false;
}


static void
put_state(struct api *a, const struct disk_cache *c)
{
    struct disk_totals totals;
    bool               is_cold;

    disk_index_lock(c->in->zone);
    totals = disk_index_totals(c->in->zone);
    is_cold = disk_index_is_cold(c->in->zone, c->folder);
    disk_index_unlock(c->in->zone);
    api_put_if_wanted(a, "size", totals.bytes);
    if (c->max_size != 0)
        api_put_if_wanted(a, "max_size", c->max_size);
    if (api_wants(a, "cold"))
        json_put_bool(&a->out, "cold", is_cold);
}


static void
put_cache(struct api *a, str_t name)
{
    static const struct {
        const char       *name;
        enum cache_status status;
        bool              is_stored;
    } objects[] = {
        { "hit", CACHE_HIT, false },
        { "stale", CACHE_STALE, false },
        { "updating", CACHE_UPDATING, false },
        { "revalidated", CACHE_REVALIDATED, false },
        { "miss", CACHE_MISS, true },
        { "expired", CACHE_EXPIRED, true },
        { "bypass", CACHE_BYPASS, true },
    };
    const struct tally      *t = tally_find(TALLY_CACHE, 0, name);
    const struct disk_cache *c = first_cache(a);
    struct json_text        *o = &a->out;

    while (!str_eq(c->in->name, name))
        c = c->next;
    put_state(a, c);
    for (unsigned i = 0; i < countof(objects); i++) {
        unsigned n = cache_count_of(objects[i].status);

        if (!api_wants(a, objects[i].name))
            continue;
        json_open(o, objects[i].name, '{');
        json_put_number(o, "responses", tally_get(t, n));
        json_put_number(o, "bytes", tally_get(t, n + 1));
        if (objects[i].is_stored) {
            n += CACHE_COUNTS_STORED;
            json_put_number(o, "responses_written", tally_get(t, n));
            json_put_number(o, "bytes_written", tally_get(t, n + 1));
        }
        json_close(o, '}');
    }
}


const struct api_kind api_caches = {
    .text = "cache not found",
    .code = "CacheNotFound",
    .nth = nth_cache,
    .put = put_cache,
    .kind = TALLY_CACHE,
    .n_tables = 1,
};
