/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit_req: how many requests a key may have in a second or minute (a leaky
 * bucket).
 *
 *     limit_req_zone $binary_remote_addr zone=one:10m rate=5r/s;
 *     location / { limit_req zone=one burst=10 nodelay; }
 *
 * What is above the rate is the excess, in thousandths of requests.  Up to burst
 * it is let through, late where it is more than delay.
 *
 * A request is counted in all zones of a location or in none: where one refuses
 * it, those that had counted it before take it back.
 */
#include <inttypes.h>

#include "modules/gate/limit_quota.h"
#include "modules/gate/limit_zone.h"

enum { KEY_MAX = 65535 };

/* In requests, where thousandths of them have to fit. */
#define COUNT_MAX LIMIT_COUNT_MAX

struct limit {
    struct limit_zone    *zone;
    uint64_t              burst, delay; /* thousandths of requests           */
    const struct setting *setting;      /* where it is set                   */
};

struct limit_req_conf {
    VEC(struct limit)   limits;
    struct limit_answer answer;
    bool                has_headers;
};

struct limit_req_state {
    enum limit_status       status;
    VEC(struct limit_quota) quotas; /* to be told                            */
};

/* A limit that a request is counted by. */
struct check {
    const struct limit *limit;
    struct limit_key    key;
    struct limit_entry *entry; /* where it is counted                        */
    uint64_t            word;  /* ... as it was then                         */
    uint64_t            excess;
};

enum { CHECKS = 4 }; /* more are rare, and have memory of their own          */

struct checks {
    struct check *at;
    size_t        n;
    struct check  few[CHECKS];
};

extern struct module limit_req_module;


/* --- the bucket ------------------------------------------------------------- */

static struct zone *
zone_of(const struct check *c)
{
    return c->limit->zone->in->zone;
}


static uint64_t
empty_at(uint64_t word)
{
    return word >> LIMIT_REQ_TAG;
}


static bool
has_same_key(uint64_t a, uint64_t b)
{
    return (uint8_t) a == (uint8_t) b;
}


/* What one more request makes of the word; false: that is above the burst.  The
 * clock of whoever counted the last one may be ahead of the one that is read once
 * in a turn of the loop, and the time between them is not to be taken for
 * requests. */
static bool
weigh(struct check *c, uint64_t word, uint64_t *next)
{
    uint64_t cost = c->limit->zone->cost, now = limit_moment(clock_ms()), empty;

    if (empty_at(word) > now)
        now = limit_moment(clock_fresh_ms());
    empty = limit_with_one(empty_at(word), cost, now);
    c->excess = limit_excess(empty, cost, now);
    *next = empty << LIMIT_REQ_TAG | (uint8_t) word;
    return c->excess <= c->limit->burst;
}


enum count { COUNTED, REFUSED, LOST };


/* LOST: the entry has got another key. */
static enum count
count_in(struct check *c, struct limit_entry *e, uint64_t word)
{
    uint64_t next, was = word;

    do {
        if (!has_same_key(was, word))
            return LOST;
        if (!weigh(c, word, &next))
            return REFUSED;
    } while (!limit_swap(e, &word, next));
    c->entry = e;
    c->word = next;
    return COUNTED;
}


/* For a key that is new, or has not been used for some time. */
static enum count
count_locked(struct check *c, const struct log *log)
{
    struct zone             *z = zone_of(c);
    const struct limit_zone *by = c->limit->zone;
    struct limit_entry *e, lost UNSET;
    uint64_t   now = limit_moment(clock_ms());
    enum count is;

    lost.n = 0;
    limit_lock(z);
    e = limit_find(z, &c->key);
    if (e == NULL)
        e = limit_add(z, &c->key, &lost);
    is = count_in(c, e, e->word);
    limit_unlock(z);
    if (lost.n != 0 && empty_at(lost.word) + by->cost > now && limit_is_news(z))
        limit_zone_full(by, log);
    return is;
}


static enum count
count(struct check *c, const struct log *log)
{
    uint64_t            word;
    struct limit_entry *e = limit_peek(zone_of(c), &c->key, &word);
    enum count          is = e != NULL ? count_in(c, e, word) : LOST;

    return is == LOST ? count_locked(c, log) : is;
}


static void
take_back(const struct check *c)
{
    uint64_t word = c->word, cost = c->limit->zone->cost << LIMIT_REQ_TAG;

    while (has_same_key(word, c->word)
           && !limit_swap(c->entry, &word, word - cost))
        ;
}


/* Whether it is within the burst, without counting it. */
static bool
look(struct check *c)
{
    uint64_t word, next;

    return limit_peek(zone_of(c), &c->key, &word) == NULL
           || weigh(c, word, &next);
}


/* Counts it by all of them, or by none: then that one is returned which is
 * above its burst.  All are looked at before, so that in most cases none has to
 * take it back. */
static const struct check *
judge(struct checks *all, const struct log *log)
{
    size_t i;

    for (i = 0; all->n > 1 && i < all->n; i++)
        if (!look(&all->at[i]))
            return &all->at[i];
    for (i = 0; i < all->n; i++) {
        if (count(&all->at[i], log) != REFUSED)
            continue;
        for (size_t k = 0; k < i; k++)
            take_back(&all->at[k]);
        return &all->at[i];
    }
    return NULL;
}


/* --- the gate --------------------------------------------------------------- */

/* Without those whose keys are empty. */
static void
find_checks(struct task *t, const struct limit_req_conf *c, struct checks *all)
{
    bool is_few = c->limits.n <= CHECKS;

    all->n = 0;
    all->at = is_few ? all->few
                     : arena_array(t->arena, struct check, c->limits.n);
    VEC_EACH(&c->limits, it) {
        struct check *check = &all->at[all->n];

        if (!limit_zone_key(it->zone, t, KEY_MAX, &check->key))
            continue;
        check->limit = it;
        check->excess = 0;
        all->n++;
    }
}


static enum step
refuse(struct task *t, const struct limit_req_conf *c,
       struct limit_req_state *s, const struct check *by)
{
    enum step step;

    log_at(t->log, c->answer.log_level, 0,
           "limiting requests%s, excess: %" PRIu64 ".%03" PRIu64
           " by zone \"" STR_F "\"",
           c->answer.is_dry_run ? ", dry run" : "", by->excess / 1000,
           by->excess % 1000, STR_A(by->limit->zone->in->name));
    step = limit_refuse(t, &c->answer, &s->status);
    limit_count(by->limit->zone, TALLY_LIMIT_REQ, s->status);
    return step;
}


static msec_t
delay_of(const struct check *c)
{
    uint64_t excess = c->excess, delay = c->limit->delay;

    return excess > delay
               ? (excess - delay) * LIMIT_MINUTE_MS / c->limit->zone->rate
               : 0;
}


/* The one with the longest delay, the last one of equals. */
static const struct check *
slowest(const struct checks *all)
{
    const struct check *found = &all->at[all->n - 1];

    for (size_t i = all->n - 1; i-- != 0;)
        if (delay_of(&all->at[i]) > delay_of(found))
            found = &all->at[i];
    return found;
}


static enum step
delay(struct task *t, const struct limit_req_conf *c, struct limit_req_state *s,
      const struct check *by)
{
    unsigned level = c->answer.log_level == LEVEL_INFO
                         ? LEVEL_INFO
                         : c->answer.log_level + 1;

    s->status = LIMIT_PASSED;
    if (delay_of(by) == 0)
        return STEP_NEXT;
    log_at(t->log, level, 0,
           "delaying request%s, excess: %" PRIu64 ".%03" PRIu64
           ", by zone \"" STR_F "\"",
           c->answer.is_dry_run ? ", dry run" : "", by->excess / 1000,
           by->excess % 1000, STR_A(by->limit->zone->in->name));
    if (c->answer.is_dry_run) {
        s->status = LIMIT_DELAYED_DRY_RUN;
        return STEP_NEXT;
    }
    s->status = LIMIT_DELAYED;
    timer_set(t->loop, &http_of(t)->delay, delay_of(by));
    return STEP_WAIT;
}


/* A request that was delayed counts for the zone that did it. */
static void
tell_zones(const struct checks *all, enum limit_status status)
{
    const struct check *one = status != LIMIT_PASSED ? slowest(all) : NULL;

    for (size_t i = 0; i < all->n; i++)
        if (one == NULL || one == &all->at[i])
            limit_count(all->at[i].limit->zone, TALLY_LIMIT_REQ, status);
}


/* Notes what the response says.  Zones that would have let a request through
 * that another one refuses have not counted it. */
static void
note_quotas(struct task *t, struct limit_req_state *s, const struct checks *all,
            const struct check *refuses)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct check *c = &all->at[i];

        if (refuses != NULL && c != refuses)
            continue;
        *vec_push(http_of(t)->main->task.arena, &s->quotas)
            = (struct limit_quota){ .name = c->limit->zone->in->name,
                                    .rate = c->limit->zone->rate,
                                    .burst = c->limit->burst,
                                    .excess = c->excess,
                                    .is_refused = refuses != NULL };
    }
}


static enum step
limit_requests(struct task *t)
{
    const struct limit_req_conf *c = conf_of(t, &limit_req_module);
    struct http_request         *r = http_of(t);
    struct limit_req_state      *s;
    struct checks all            UNSET;
    const struct check          *refuses;
    enum step                    step;

    if (c->limits.n == 0)
        return STEP_NEXT;
    if (timer_is_set(&r->delay))
        return STEP_WAIT;
    s = http_state_of(r->main, &limit_req_module);
    if (s->status != LIMIT_NONE)
        return STEP_NEXT;
    if (task_is_dry(t)) {
        VEC_EACH(&c->limits, it)
            limit_tell(t, it->setting);
        return STEP_NEXT;
    }
    find_checks(t, c, &all);
    if (all.n == 0 || t->has_bad_value)
        return STEP_NEXT;
    refuses = judge(&all, t->log);
    if (c->has_headers && !c->answer.is_dry_run)
        note_quotas(t, s, &all, refuses);
    if (refuses != NULL)
        return refuse(t, c, s, refuses);
    step = delay(t, c, s, slowest(&all));
    tell_zones(&all, s->status);
    return step;
}


/* A zone is kept over a change of its rate. */
static bool
adopt_zones(struct worker *w, struct generation *g)
{
    const struct limit_zones *all = generation_main(g, limit_req_module.slot);

    (void) w;
    VEC_EACH(&all->all, it)
        if ((*it)->in->zone != NULL)
            limit_set_cost((*it)->in->zone, (*it)->cost);
    return true;
}


/* --- headers ---------------------------------------------------------------- */

/* Adds to a list (RFC 9651 section 3.1). */
static void
append(struct arena *a, str_t *list, str_t item)
{
    *list = list->n == 0
                ? item
                : arena_printf(a, STR_F ", " STR_F, STR_A(*list), STR_A(item));
}


/* If an upstream has some, too, these continue its lists. */
static enum step
add_headers(struct http_request *r, void *state)
{
    const struct limit_req_state *s = http_state_if(r, &limit_req_module);
    struct arena                 *a = r->task.arena;
    struct fields                *out = &r->out.fields;
    str_t                         policy = STR_NONE, left = STR_NONE;

    (void) state;
    if (s == NULL || s->quotas.n == 0)
        return STEP_NEXT;
    VEC_EACH(&s->quotas, it) {
        append(a, &policy, limit_quota_policy(a, it));
        append(a, &left, limit_quota_left(a, it));
    }
    fields_add(a, out, STR("RateLimit-Policy"), policy);
    fields_add(a, out, STR("RateLimit"), left);
    if (s->status == LIMIT_REJECTED && r->out.status >= 400
        && fields_find(out, STR("Retry-After")) == NULL)
        fields_add(
            a, out, STR("Retry-After"),
            arena_printf(a, "%" PRIu64, limit_quota_wait(&s->quotas.at[0])));
    return STEP_NEXT;
}


static const struct http_filter headers
    = { .name = "limit_req", .head = add_headers };


static str_t
get_status(struct task *t, uintptr_t arg)
{
    const struct limit_req_state *s
        = http_state_if(http_of(t)->main, &limit_req_module);

    (void) arg;
    return limit_status_text(s != NULL ? s->status : LIMIT_NONE);
}


/* --- the configuration ------------------------------------------------------ */

/* The number behind the name of a parameter, from 1. */
static bool
read_count(str_t word, const char *name, uint64_t *out)
{
    str_t value = str_from(word, strlen(name));

    return number_parse(value, INT64_MAX, out) && *out != 0;
}


static uint64_t
thousandths(uint64_t n)
{
    return (n < COUNT_MAX ? n : COUNT_MAX) * 1000;
}


static const char *
parse_limit_word(struct conf *cf, str_t word, struct limit *l, str_t *name)
{
    static const char *const words[]
        = { "zone=", "burst=", "delay=", "nodelay", NULL };
    uint64_t n;

    if (conf_param(word, "zone", name))
        return NULL;
    if (str_starts(word, STR("burst="))) {
        if (!read_count(word, "burst=", &n))
            return conf_error(cf, "invalid burst value \"" STR_F "\"",
                              STR_A(word));
        l->burst = thousandths(n);
    } else if (str_starts(word, STR("delay="))) {
        if (!read_count(word, "delay=", &n))
            return conf_error(cf, "invalid delay value \"" STR_F "\"",
                              STR_A(word));
        l->delay = thousandths(n);
    } else if (str_is(word, "nodelay")) {
        l->delay = thousandths(COUNT_MAX);
    } else {
        conf_suggest(cf, word, words);
        return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
    }
    return NULL;
}


static const char *
parse_limit(struct conf *cf, void *field)
{
    struct limit_req_conf *c = field;
    struct limit           l = { .setting = cf->block->settings };
    str_t                  name = STR_NONE;
    const char            *error = NULL;

    for (unsigned i = 1; i < cf->n_args && error == NULL; i++)
        error = parse_limit_word(cf, cf->args[i], &l, &name);
    if (error != NULL)
        return error;
    if (name.p == NULL)
        return conf_error(cf, "\"%s\" must have \"zone\" parameter",
                          cf->row->name);
    l.zone = limit_zone_named(cf, conf_main(cf, &limit_req_module), name, 0,
                              &limit_req_use, &error);
    if (l.zone == NULL)
        return error;
    VEC_EACH(&c->limits, it)
        if (it->zone == l.zone)
            return conf_error(cf, "\"%s\" directive is duplicate",
                              cf->row->name);
    *vec_push(cf->arena, &c->limits) = l;
    return NULL;
}


static const char *
parse_zone(struct conf *cf, void *field)
{
    str_t              name = STR_NONE;
    uint64_t           size = 0, rate = 60000, n;
    const char        *error = NULL;
    struct limit_zone *z;

    (void) field;
    for (unsigned i = 2; i < cf->n_args && error == NULL; i++) {
        if (str_starts(cf->args[i], STR("zone=")))
            error = limit_zone_parse(cf, cf->args[i], &name, &size);
        else if (str_starts(cf->args[i], STR("rate=")))
            error = limit_rate_parse(cf, cf->args[i], &n, &rate);
        else
            error = conf_error(cf, "invalid parameter \"" STR_F "\"",
                               STR_A(cf->args[i]));
    }
    if (error != NULL)
        return error;
    if (name.n == 0)
        return conf_error(cf, "\"%s\" must have \"zone\" parameter",
                          cf->row->name);
    z = limit_zone_named(cf, conf_main(cf, &limit_req_module), name, size,
                         &limit_req_use, &error);
    if (z == NULL)
        return error;
    z->rate = rate;
    z->cost = limit_cost(rate);
    return limit_zone_define(cf, z);
}


static const struct conf_type zone_type
    = { .name = "zone", .parse = parse_zone };
static const struct conf_type limit_type = {
    .name = "limit",
    .size = sizeof(((struct limit_req_conf *) 0)->limits),
    .parse = parse_limit,
};

static const struct directive directives[] = {
    { "limit_req_zone", IN_HTTP | ROW_MANY, ARGS_3, &zone_type, 0, NULL, NULL,
      "key zone=name:size rate=rate",
      "A zone that limit_req counts requests in, for each value of the key, and "
      "their rate: 5r/s or 30r/m. All workers share it. When it is full, the "
      "values that have not come for the longest time are forgotten." },
    { "limit_req", IN_WEB | ROW_MANY | ROW_LIMIT, ARGS_1 | ARGS_2 | ARGS_3,
      &limit_type, offsetof(struct limit_req_conf, limits), NULL, NULL,
      "zone=name [burst=number] [nodelay | delay=number]",
      "Refuses requests above the rate of the zone. burst lets so many more "
      "through: late, so that they keep the rate, or at once those up to delay, "
      "with nodelay all. Late ones are logged one level below "
      "limit_req_log_level. A request may be limited by several zones." },
    FLAG("limit_req_headers", IN_WEB, struct limit_req_conf, has_headers, "off",
         "Tells clients, for each zone of limit_req that counts the request, "
         "how many more it would let through, in the headers RateLimit-Policy "
         "and RateLimit, and when to try again in Retry-After if it refuses."),
    { .name = NULL },
};

static const struct template templates[] = {
    { limit_rows, "limit_req", offsetof(struct limit_req_conf, answer),
      IN_WEB },
    { .rows = NULL },
};

static const struct variable variables[] = {
    { .name = "limit_req_status",
      .get = get_status,
      .flags = VAR_VOLATILE,
      .says = "what limit_req did: PASSED, DELAYED, REJECTED, "
              "DELAYED_DRY_RUN or REJECTED_DRY_RUN" },
    { .name = NULL },
};

struct module limit_req_module = {
    .name = "limit_req",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .variables = variables,
    .conf_size = sizeof(struct limit_req_conf),
    .main_size = sizeof(struct limit_zones),
    .state_size = sizeof(struct limit_req_state),
    .keeps_state = true,
    .main_ready = limit_zones_ready,
    .phase = { [PHASE_PREACCESS] = limit_requests },
    .filter = &headers,
    .adopt = adopt_zones,
};
