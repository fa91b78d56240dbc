/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reasons as words, as a header, and as counters.
 */
#include "http/gateway/cache_tell.h"

#include <inttypes.h>

#include "core/conf/types.h"
#include "core/net/counters.h"
#include "core/net/tally.h"
#include "core/os/clock.h"
#include "http/filter.h"
#include "http/gateway/cache_inside.h"
#include "http/response.h"

struct tell_conf {
    bool is_on;
};

static const struct {
    str_t word, forward;
} whys[] = {
#define X(name, word, forward) { STR_INIT(word), STR_INIT(forward) },
    CACHE_WHYS(X)
#undef X
};

static const char counted[] = "Requests to caches of gateways, by the reason.";

static const struct counter_row counters[] = {
#define X(name, word, forward) \
    { "cache_requests_total", "reason=\"" word "\"", COUNTER_TOTAL, counted },
    CACHE_WHYS(X)
#undef X
        { .name = NULL },
};


static void
count_response(const struct gateway *g, const struct cached *c)
{
    const struct exchange *x = g->x;
    struct tally          *t;
    uint64_t               bytes = 0;
    unsigned               n;

    if (c->status == CACHE_NONE || c->in == NULL || task_is_dry(&g->r->task))
        return;
    if (x != NULL && (x->length > 0 || x->body_bytes > 0))
        bytes = (uint64_t) (x->length > 0 ? x->length : x->body_bytes);
    t = tally_of(TALLY_CACHE, 0, c->in->in->name);
    n = cache_count_of(c->status);
    tally_add(t, n, 1);
    tally_add(t, n + 1, bytes);
    if (c->status > CACHE_EXPIRED || !c->is_stored)
        return;
    tally_add(t, CACHE_COUNTS_STORED + n, 1);
    tally_add(t, CACHE_COUNTS_STORED + n + 1, bytes);
}


void
cache_tell_end(const struct gateway *g)
{
    if (g->cache == NULL)
        return;
    counter_add(cache_status_module.first_counter + g->cache->why, 1);
    count_response(g, g->cache);
}


str_t
gateway_cache_reason(const struct gateway *g)
{
    const struct cached *c = g->cache;

    if (c == NULL || c->why == CACHE_WHY_NONE)
        return STR_NONE;
    if (c->unstored == NULL)
        return whys[c->why].word;
    return str_join3(g->r->task.arena, whys[c->why].word, STR(", not stored: "),
                     str_of(c->unstored));
}


/* --- Cache-Status --------------------------------------------------------------------- */

/* How the request was passed on; empty: it was not. */
static str_t
forward_of(const struct gateway *g)
{
    if (g->cache != NULL)
        return g->cache->status == CACHE_HIT || g->cache->status == CACHE_STALE
                       || g->cache->status == CACHE_UPDATING
                   ? STR("")
                   : whys[g->cache->why].forward;
    return STR("method");
}


static str_t
status_of(const struct http_request *r, const struct gateway *g)
{
    struct arena          *a = r->task.arena;
    const struct exchange *tried = r->exchanges->last;
    const struct cached   *c = g->cache;
    str_t                  value = gateway_name_of(r), forward = forward_of(g);

    if (forward.n == 0)
        value = str_join(a, value, STR("; hit"));
    else
        value = str_join3(a, value, STR("; fwd="), forward);
    if (forward.n != 0 && tried != NULL && tried->status != 0)
        value = arena_printf(a, STR_F "; fwd-status=%u", STR_A(value),
                             tried->status);
    if (c != NULL && forward.n == 0 && c->valid_at != 0)
        value = arena_printf(a, STR_F "; ttl=%" PRId64, STR_A(value),
                             c->valid_at - (int64_t) clock_seconds());
    if (gateway_cache_is_filling(g))
        value = str_join(a, value, STR("; stored"));
    if (c != NULL && c->unstored != NULL)
        value = str_join3(a, value, STR("; detail=\""),
                          str_join(a, str_of(c->unstored), STR("\"")));
    return value;
}


static enum step
tell_status(struct http_request *r, void *state)
{
    const struct tell_conf *c = conf_of(&r->task, &cache_status_module);
    const struct gateway   *g;

    (void) state;
    if (!c->is_on || r != r->main || r->exchanges == NULL)
        return STEP_NEXT;
    g = r->exchanges->last_run;
    if (g != NULL && cache_zone_is_on(&g->conf->cache.zone))
        fields_add(r->task.arena, &r->out.fields, STR("Cache-Status"),
                   status_of(r, g));
    return STEP_NEXT;
}


static const struct directive directives[] = {
    FLAG("cache_status", IN_WEB, struct tell_conf, is_on, "off",
         "Adds Cache-Status (RFC 9211) to responses of gateways with a cache: "
         "whether it is a hit, why it is none, and whether it is stored."),
    { .name = NULL },
};

static const struct http_filter filter
    = { .name = "cache_status", .head = tell_status };

struct module cache_status_module = {
    .name = "cache_status",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct tell_conf),
    .filter = &filter,
    .counters = counters,
};
