/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ban: refuses clients for some time, of whose requests too many were answered
 * with statuses that tell of guessing.
 *
 *     ban_zone $remote_prefix zone=bad:10m;
 *     ban zone=bad on=401,403,404 rate=20r/m for=10m;
 *
 * The answers of a key are counted in a bucket that holds as many as the number
 * of the rate, and drains at the rate: with 20r/m, the 21st within a moment bans,
 * and so does any rate above 20 a minute in the long run.
 */
#include "core/net/conn.h"
#include "http/variables.h"
#include "modules/gate/ban.h"
#include "modules/module.h"

#include <config.h>
#include <inttypes.h>

enum { KEY_MAX = 65535, STATUSES = 600, STATUS_LEAST = 100 };

struct rule {
    struct limit_zone    *zone;
    uint32_t              on[STATUSES / 32 + 1]; /* a bit for each           */
    uint64_t              most; /* thousandths of answers                    */
    uint64_t              rate; /* thousandths of answers a minute           */
    uint64_t              seconds;
    uint64_t              status;
    bool                  is_dry_run;
    const struct setting *setting;
};

struct ban_conf {
    VEC(struct rule) rules;
    struct temp_path state;
    bool             has_zones;
};

/* Where the request began, and not where an error page is. */
struct ban_state {
    const struct ban_conf *conf; /* NULL: it was not checked                 */
    struct limit_key      *keys; /* of its rules; n 0: it has none           */
    bool                   is_refused;
};


/* --- refusing ---------------------------------------------------------------- */

static bool
is_banned(const struct rule *rule, struct limit_key *key)
{
    struct zone              *z = rule->zone->in->zone;
    const struct limit_entry *e;
    bool                      is_on;

    if (limit_lacks(z, key))
        return false;
    limit_lock(z);
    e = limit_find(z, key);
    is_on = e != NULL && ban_is_on(e, clock_ms());
    limit_unlock(z);
    return is_on;
}


static void
begin(struct task *t, struct ban_state *s, const struct ban_conf *c)
{
    s->conf = c;
    s->keys = arena_array(t->arena, struct limit_key, c->rules.n);
    for (size_t i = 0; i < c->rules.n; i++)
        if (!limit_zone_key(c->rules.at[i].zone, t, KEY_MAX, &s->keys[i]))
            s->keys[i].n = 0;
}


static enum step
refuse(struct task *t, struct ban_state *s, const struct rule *by)
{
    s->is_refused = true;
    log_at(t->log, LEVEL_INFO, 0, "refused, banned by zone \"" STR_F "\"",
           STR_A(by->zone->in->name));
    return task_fail(t, (unsigned) by->status);
}


static enum step
check_bans(struct task *t)
{
    const struct ban_conf *c = conf_of(t, &ban_module);
    struct http_request   *r = http_of(t);
    struct ban_state      *s;

    if (c->rules.n == 0 || r != r->main)
        return STEP_NEXT;
    s = http_state_of(r, &ban_module);
    if (s->conf != NULL)
        return STEP_NEXT;
    if (task_is_dry(t)) {
        VEC_EACH(&c->rules, it)
            limit_tell(t, it->setting);
        return STEP_NEXT;
    }
    begin(t, s, c);
    for (size_t i = 0; i < c->rules.n; i++) {
        const struct rule *rule = &c->rules.at[i];

        if (!rule->is_dry_run && s->keys[i].n != 0
            && is_banned(rule, &s->keys[i]))
            return refuse(t, s, rule);
    }
    return STEP_NEXT;
}


/* --- counting ---------------------------------------------------------------- */

/* Whether the answer is one too many; then the key is banned, but in a dry run,
 * in which it begins anew.  *is_full: a ban had to be forgotten for it. */
static bool
count(const struct rule *rule, struct limit_key *key, bool *is_full)
{
    struct zone        *z = rule->zone->in->zone;
    struct limit_entry *e, lost = { .n = 0 };
    msec_t              now = clock_ms();
    bool                is_over = false;

    limit_lock(z);
    e = limit_find(z, key);
    if (e == NULL)
        e = limit_add(z, key, &lost);
    if (!ban_is_on(e, now)) {
        uint64_t before = e->count & BAN_MARK ? 0 : e->count;

        e->count = limit_drained(rule->rate, before, e->at, now) + 1000;
        e->at = now;
        is_over = e->count > rule->most;
        if (is_over && rule->is_dry_run)
            e->count = 0;
        else if (is_over)
            ban_set(z, key, now + rule->seconds * 1000);
    }
    *is_full = lost.n != 0 && ban_is_on(&lost, now) && limit_is_news(z);
    limit_unlock(z);
    return is_over;
}


static void
count_answer(struct task *t, const struct rule *rule, struct limit_key *key,
             unsigned status)
{
    enum ban_key as = ban_key_of(expr_text(rule->zone->key));
    bool         is_full;
    str_t        text;

    if (count(rule, key, &is_full)) {
        text = ban_key_text(t->arena, as, key->bytes, key->n);
        log_error(t->log,
                  "banned%s for %" PRIu64 " seconds by zone \"" STR_F
                  "\", status: %u, key: \"" STR_F "\"",
                  rule->is_dry_run ? ", dry run," : "", rule->seconds,
                  STR_A(rule->zone->in->name), status, STR_A(text));
        if (!rule->is_dry_run)
            ban_changed(t->gen);
    }
    if (is_full)
        limit_zone_full(rule->zone, t->log);
}


static enum step
end(struct task *t)
{
    struct http_request   *r = http_of(t);
    struct ban_state      *s = http_state_if(r, &ban_module);
    const struct ban_conf *c = conf_of(t, &ban_module);
    unsigned               status;

    if (s != NULL && s->conf != NULL)
        c = s->conf;
    if (c->rules.n == 0 || r != r->main || task_is_dry(t))
        return STEP_NEXT;
    status = http_status_of(r);
    s = http_state_of(r, &ban_module);
    if (s->conf == NULL)
        begin(t, s, c);
    for (size_t i = 0; i < c->rules.n && !s->is_refused; i++)
        if (status < STATUSES && s->keys[i].n != 0
            && (c->rules.at[i].on[status / 32] >> status % 32 & 1) != 0)
            count_answer(t, &c->rules.at[i], &s->keys[i], status);
    return STEP_NEXT;
}


/* --- the configuration ------------------------------------------------------- */

static const char *
parse_statuses(struct conf *cf, str_t word, struct rule *rule)
{
    str_t    rest = str_from(word, strlen("on="));
    uint64_t n;

    do {
        if (!number_parse(str_cut(&rest, ','), STATUSES - 1, &n)
            || n < STATUS_LEAST)
            return conf_error(cf, "invalid status in \"" STR_F "\"",
                              STR_A(word));
        rule->on[n / 32] |= UINT32_C(1) << n % 32;
    } while (rest.p != NULL);
    return NULL;
}


static const char *
parse_rule_word(struct conf *cf, str_t word, struct rule *rule, str_t *name)
{
    static const char *const words[]
        = { "zone=", "on=", "rate=", "for=", "status=", "dry_run", NULL };
    const char *error;
    str_t       value;
    uint64_t    n;

    if (conf_param(word, "zone", name))
        return NULL;
    if (str_starts(word, STR("on=")))
        return parse_statuses(cf, word, rule);
    if (str_starts(word, STR("rate="))) {
        error = limit_rate_parse(cf, word, &n, &rule->rate);
        rule->most = (n < LIMIT_COUNT_MAX ? n : LIMIT_COUNT_MAX) * 1000;
        return error;
    }
    if (conf_param(word, "for", &value)) {
        if (number_time(value, true, &rule->seconds) && rule->seconds != 0
            && rule->seconds <= BAN_SECONDS_MAX)
            return NULL;
        return conf_error(cf, "invalid time \"" STR_F "\"", STR_A(word));
    }
    if (conf_param(word, "status", &value)) {
        if (number_parse(value, STATUSES - 1, &rule->status)
            && rule->status >= 400)
            return NULL;
        return conf_error(cf, "invalid status \"" STR_F "\"", STR_A(word));
    }
    rule->is_dry_run = str_is(word, "dry_run");
    if (rule->is_dry_run)
        return NULL;
    conf_suggest(cf, word, words);
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
}


static const char *
parse_rule(struct conf *cf, void *field)
{
    struct ban_conf *c = field;
    struct ban_main *m = conf_main(cf, &ban_module);
    struct rule      rule
        = { .seconds = 600, .status = 403, .setting = cf->block->settings };
    str_t       name = STR_NONE;
    const char *error = NULL, *lacks = NULL;
    uint32_t    any = 0;

    for (unsigned i = 1; i < cf->n_args && error == NULL; i++)
        error = parse_rule_word(cf, cf->args[i], &rule, &name);
    if (error != NULL)
        return error;
    for (unsigned i = 0; i < countof(rule.on); i++)
        any |= rule.on[i];
    lacks = name.n == 0 ? "zone" : any == 0 ? "on" : NULL;
    if (lacks == NULL && rule.rate == 0)
        lacks = "rate";
    if (lacks != NULL)
        return conf_error(cf, "\"%s\" must have \"%s\" parameter",
                          cf->row->name, lacks);
    rule.zone
        = limit_zone_named(cf, &m->zones, name, 0, &limit_ban_use, &error);
    if (rule.zone == NULL)
        return error;
    VEC_EACH(&c->rules, it)
        if (it->zone == rule.zone)
            return conf_error(cf, "\"%s\" directive is duplicate",
                              cf->row->name);
    *vec_push(cf->arena, &c->rules) = rule;
    return NULL;
}


static const char *
parse_zone(struct conf *cf, void *field)
{
    struct ban_main *m = conf_main(cf, &ban_module);

    *(bool *) field = true;
    return limit_zone_parse_whole(cf, &m->zones, &limit_ban_use);
}


/* The folder is only made where there is something to keep. */
static const char *
ready(struct conf *cf, void *conf)
{
    struct ban_conf *c = conf;
    struct ban_main *m = conf_main(cf, &ban_module);

    if (!c->has_zones)
        c->state.path = STR_NONE;
    else if (c->state.path.n == 0)
        c->state.path = conf_path_prefix(cf, STR(WEIR_BAN_STATE_PATH));
    if (c->state.path.n != 0)
        m->folder = c->state.path;
    return NULL;
}


static const char *
main_ready(struct conf *cf, void *main)
{
    return limit_zones_ready(cf, &((struct ban_main *) main)->zones);
}


static const struct conf_type zone_type
    = { .name = "zone", .size = sizeof(bool), .parse = parse_zone };
static const struct conf_type rule_type = {
    .name = "ban",
    .size = sizeof(((struct ban_conf *) 0)->rules),
    .parse = parse_rule,
};

static const struct directive directives[] = {
    { "ban_zone", IN_HTTP | ROW_MANY, ARGS_2, &zone_type,
      FIELD(struct ban_conf, has_zones, bool), NULL, NULL, "key zone=name:size",
      "A zone that ban counts answers in, and keeps bans, for each value of the "
      "key. All workers share it. When it is full, the values that have not come "
      "for the longest time are forgotten." },
    { "ban", IN_WEB | ROW_MANY | ROW_LIMIT, ARGS_2_OR_MORE, &rule_type,
      offsetof(struct ban_conf, rules), NULL, NULL,
      "zone=name on=status,... rate=rate [for=time] [status=number] [dry_run]",
      "Bans a key for a time (10m) when more of its requests are answered with "
      "one of the statuses than the rate (20r/m) allows: its requests are "
      "refused with status (403) before anything else is done. `weir ban` shows "
      "and changes bans. With dry_run, bans are only logged." },
    { "ban_state_path", IN_HTTP, ARGS_1, &conf_temp_path,
      FIELD(struct ban_conf, state, struct temp_path), NULL, NULL, "path",
      "The folder in which bans are kept over restarts, a file for each zone; "
      "made if there is a ban_zone. The default is ban_state beside the folder "
      "of client_body_temp_path." },
    { .name = NULL },
};

struct module ban_module = {
    .name = "ban",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct ban_conf),
    .main_size = sizeof(struct ban_main),
    .state_size = sizeof(struct ban_state),
    .keeps_state = true,
    .ready = ready,
    .main_ready = main_ready,
    .phase = { [PHASE_PREACCESS] = check_bans, [PHASE_LOG] = end },
    .process_stop = ban_stop,
    .adopt = ban_adopt,
    .answer = ban_answer,
};
