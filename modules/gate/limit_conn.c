/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit_conn: how many requests of a key may be served at the same time.
 *
 *     limit_conn_zone $binary_remote_addr zone=addr:10m;
 *     location /download/ { limit_conn addr 2; }
 *
 * A request counts from here until it has been logged, or its memory is freed.
 * What a process holds is noted in the zone, so that others give it back when it
 * dies.
 */
#include "modules/gate/limit_zone.h"

enum { KEY_MAX = 255, CONNS_MAX = 65535 };

struct limit {
    struct limit_zone    *zone;
    uint64_t              most;
    const struct setting *setting; /* where it is set                        */
};

struct limit_conn_conf {
    VEC(struct limit)   limits;
    struct limit_answer answer;
};

/* That a request is counted in a zone. */
struct hold {
    struct limit_zone *zone;
    struct limit_hold  held;
};

struct limit_conn_state {
    enum limit_status status;
    bool              is_held; /* first is                                   */
    struct hold       first;
    VEC(struct hold)  more;
};

extern struct module limit_conn_module;


/* --- counting --------------------------------------------------------------- */

static void
end_hold(const struct hold *h)
{
    limit_give_back(h->zone->in->zone, &h->zone->mine, &h->held);
}


static void
give_back(void *arg)
{
    struct limit_conn_state *s = arg;

    if (s->is_held)
        end_hold(&s->first);
    s->is_held = false;
    VEC_EACH(&s->more, it)
        end_hold(it);
    s->more.n = 0;
}


/* False: the key has as many as it may. */
static bool
hold(struct task *t, const struct limit *l, struct limit_key *key,
     struct hold *out)
{
    struct zone            *z = l->zone->in->zone;
    struct limit_entry lost UNSET;
    bool                    is_held;

    out->zone = l->zone;
    is_held = limit_hold(z, &l->zone->mine, key, l->most, &out->held, &lost);
    if (lost.n != 0 && limit_held(&lost) != 0 && limit_is_news(z))
        limit_zone_full(l->zone, t->log);
    return is_held;
}


/* --- the gate --------------------------------------------------------------- */

static enum step
refuse(struct task *t, const struct limit_conn_conf *c,
       struct limit_conn_state *s, const struct limit *by)
{
    enum step step;

    give_back(s);
    log_at(t->log, c->answer.log_level, 0,
           "limiting connections%s by zone \"" STR_F "\"",
           c->answer.is_dry_run ? ", dry run," : "", STR_A(by->zone->in->name));
    step = limit_refuse(t, &c->answer, &s->status);
    limit_count(by->zone, TALLY_LIMIT_CONN, s->status);
    return step;
}


static enum step
limit_connections(struct task *t)
{
    const struct limit_conn_conf *c = conf_of(t, &limit_conn_module);
    struct http_request          *r = http_of(t)->main;
    struct limit_conn_state      *s;
    struct limit_key key          UNSET;
    struct hold                   one;

    if (c->limits.n == 0)
        return STEP_NEXT;
    s = http_state_of(r, &limit_conn_module);
    if (s->status != LIMIT_NONE)
        return STEP_NEXT;
    if (task_is_dry(t)) {
        VEC_EACH(&c->limits, it)
            limit_tell(t, it->setting);
        return STEP_NEXT;
    }
    VEC_EACH(&c->limits, it) {
        if (!limit_zone_key(it->zone, t, KEY_MAX, &key))
            continue;
        if (s->status == LIMIT_NONE)
            arena_defer(r->task.arena, give_back, s);
        s->status = LIMIT_PASSED;
        if (!hold(t, it, &key, &one))
            return refuse(t, c, s, it);
        if (s->is_held)
            *vec_push(r->task.arena, &s->more) = one;
        else
            s->first = one;
        s->is_held = true;
    }
    if (s->is_held)
        VEC_EACH(&c->limits, it)
            limit_count(it->zone, TALLY_LIMIT_CONN, LIMIT_PASSED);
    return STEP_NEXT;
}


/* The next request of the connection comes before the memory of this one is
 * freed. */
static enum step
end(struct task *t)
{
    struct http_request     *r = http_of(t);
    struct limit_conn_state *s = http_state_if(r, &limit_conn_module);

    if (s != NULL && r == r->main)
        give_back(s);
    return STEP_NEXT;
}


static str_t
get_status(struct task *t, uintptr_t arg)
{
    const struct limit_conn_state *s
        = http_state_if(http_of(t)->main, &limit_conn_module);

    (void) arg;
    return limit_status_text(s != NULL ? s->status : LIMIT_NONE);
}


/* --- the configuration ------------------------------------------------------ */

static const char *
parse_limit(struct conf *cf, void *field)
{
    struct limit_conn_conf *c = field;
    struct limit            l = { .setting = cf->block->settings };
    const char             *error = NULL;

    l.zone = limit_zone_named(cf, conf_main(cf, &limit_conn_module),
                              cf->args[1], 0, &limit_conn_use, &error);
    if (l.zone == NULL)
        return error;
    VEC_EACH(&c->limits, it)
        if (it->zone == l.zone)
            return conf_error(cf, "\"%s\" directive is duplicate",
                              cf->row->name);
    if (!number_parse(cf->args[2], INT64_MAX, &l.most) || l.most == 0)
        return conf_error(cf, "invalid number of connections \"" STR_F "\"",
                          STR_A(cf->args[2]));
    if (l.most > CONNS_MAX)
        return conf_error(cf, "connection limit must be less 65536");
    *vec_push(cf->arena, &c->limits) = l;
    return NULL;
}


static const char *
parse_zone(struct conf *cf, void *field)
{
    (void) field;
    return limit_zone_parse_whole(cf, conf_main(cf, &limit_conn_module),
                                  &limit_conn_use);
}


static const struct conf_type zone_type
    = { .name = "zone", .parse = parse_zone };
static const struct conf_type limit_type = {
    .name = "limit",
    .size = sizeof(((struct limit_conn_conf *) 0)->limits),
    .parse = parse_limit,
};

static const struct directive directives[] = {
    { "limit_conn_zone", IN_HTTP | ROW_MANY, ARGS_2, &zone_type, 0, NULL, NULL,
      "key zone=name:size",
      "A zone that limit_conn counts requests in, for each value of the key. "
      "All workers share it. When it is full, the values that have not come for "
      "the longest time are forgotten." },
    { "limit_conn", IN_WEB | ROW_MANY | ROW_LIMIT, ARGS_2, &limit_type,
      offsetof(struct limit_conn_conf, limits), NULL, NULL, "zone number",
      "Refuses requests when so many of the same key are being served already. "
      "Each stream of HTTP/2 counts. A request may be limited by several "
      "zones." },
    { .name = NULL },
};

static const struct template templates[] = {
    { limit_rows, "limit_conn", offsetof(struct limit_conn_conf, answer),
      IN_WEB },
    { .rows = NULL },
};

static const struct variable variables[] = {
    { .name = "limit_conn_status",
      .get = get_status,
      .flags = VAR_VOLATILE,
      .says = "what limit_conn did: PASSED, REJECTED or REJECTED_DRY_RUN" },
    { .name = NULL },
};

struct module limit_conn_module = {
    .name = "limit_conn",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .variables = variables,
    .conf_size = sizeof(struct limit_conn_conf),
    .main_size = sizeof(struct limit_zones),
    .state_size = sizeof(struct limit_conn_state),
    .keeps_state = true,
    .main_ready = limit_zones_ready,
    .phase = { [PHASE_PREACCESS] = limit_connections, [PHASE_LOG] = end },
};
