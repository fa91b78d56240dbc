/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones with a key: definitions and uses in any order, and what the modules
 * say of them in the same words.
 */
#include "modules/gate/limit_zone.h"

#include <unistd.h>

#include "core/base/crc32.h"
#include "core/net/conn.h"
#include "modules/gate/limit_proxy.h"

static const struct conf_word levels[] = {
    { "info", LEVEL_INFO },
    { "notice", LEVEL_NOTICE },
    { "warn", LEVEL_WARN },
    { "error", LEVEL_ERROR },
    { NULL, 0 },
};

static const struct conf_range statuses = { 400, 599 };

const struct directive limit_rows[] = {
    NUMBER("_status", 0, struct limit_answer, status, "503", &statuses,
           "The status of requests that PREFIX refuses."),
    ENUM("_log_level", 0, struct limit_answer, log_level, "error", levels,
         "The level at which requests that PREFIX refuses are logged."),
    FLAG("_dry_run", 0, struct limit_answer, is_dry_run, "off",
         "Counts and logs, but PREFIX lets all requests through at once."),
    { .name = NULL },
};


const char *
limit_zone_parse(struct conf *cf, str_t word, str_t *name, uint64_t *size)
{
    str_t       value = str_from(word, strlen("zone="));
    const char *colon = str_chr(value, ':');

    if (colon != NULL)
        *name = str_cut(&value, ':');
    if (colon == NULL || !number_size(value, false, size))
        return conf_error(cf, "invalid zone size \"" STR_F "\"", STR_A(word));
    if (*size < ZONE_PAGES_LEAST * (uint64_t) sysconf(_SC_PAGESIZE))
        return conf_error(cf, "zone \"" STR_F "\" is too small", STR_A(word));
    return NULL;
}


const char *
limit_rate_parse(struct conf *cf, str_t word, uint64_t *n, uint64_t *rate)
{
    str_t    value = str_from(word, strlen("rate="));
    uint64_t minutes = str_ends(value, STR("r/m")) ? 1 : 60;
    uint64_t most = LIMIT_COUNT_MAX / 60;

    if (str_ends(value, STR("r/s")) || str_ends(value, STR("r/m")))
        value.n -= strlen("r/s");
    if (!number_parse(value, LIMIT_COUNT_MAX, n) || *n == 0)
        return conf_error(cf, "invalid rate \"" STR_F "\"", STR_A(word));
    *rate = (*n < most ? *n : most) * 1000 * minutes;
    return NULL;
}


struct limit_zone *
limit_zone_named(struct conf *cf, struct limit_zones *zones, str_t name,
                 uint64_t size, const struct zone_use *use, const char **error)
{
    struct zone_conf  *in = zone_add(cf, name, size, use, error);
    struct limit_zone *z;

    if (in == NULL)
        return NULL;
    VEC_EACH(&zones->all, it)
        if ((*it)->in == in)
            return *it;
    z = arena_make(cf->arena, struct limit_zone);
    *z = (struct limit_zone){
        .in = in, .user = cf->row->name, .file = cf->file, .line = cf->line
    };
    *vec_push(cf->arena, &zones->all) = z;
    return z;
}


const char *
limit_zone_define(struct conf *cf, struct limit_zone *z)
{
    const char *error = NULL;

    if (z->key != NULL)
        return conf_error(
            cf, "%s \"" STR_F "\" is already bound to key \"" STR_F "\"",
            cf->row->name, STR_A(z->in->name), STR_A(expr_text(z->key)));
    z->key = expr_compile(cf, cf->args[1], 0, &error);
    z->kind = crc32_of(cf->args[1]);
    z->is_address = str_is(cf->args[1], "$binary_remote_addr");
    z->is_of_client = z->is_address || str_is(cf->args[1], "$remote_addr")
                      || str_is(cf->args[1], "$remote_prefix");
    return error;
}


const char *
limit_zone_parse_whole(struct conf *cf, struct limit_zones *zones,
                       const struct zone_use *use)
{
    str_t              name = STR_NONE, word = cf->args[2];
    uint64_t           size = 0;
    const char        *error = NULL;
    struct limit_zone *z;

    if (!str_starts(word, STR("zone=")))
        return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
    error = limit_zone_parse(cf, word, &name, &size);
    if (error != NULL)
        return error;
    if (name.n == 0)
        return conf_error(cf, "\"%s\" must have \"zone\" parameter",
                          cf->row->name);
    z = limit_zone_named(cf, zones, name, size, use, &error);
    return z != NULL ? limit_zone_define(cf, z) : error;
}


const char *
limit_zones_ready(struct conf *cf, void *zones)
{
    const struct limit_zones *all = zones;

    VEC_EACH(&all->all, it) {
        const struct limit_zone *z = *it;

        if (z->key != NULL)
            continue;
        conf_hint(cf, "define it in http: %s_zone KEY zone=" STR_F ":10m%s;",
                  z->user, STR_A(z->in->name),
                  z->in->use == &limit_req_use ? " rate=10r/s" : "");
        conf_error_bare(cf, z->file, z->line,
                        "zero size shared memory zone \"" STR_F "\"",
                        STR_A(z->in->name));
    }
    return NULL;
}


static struct proxy_search proxy_search;


/* Where realip is told of some proxy, or has found the client, all is well. */
static void
look_for_proxy(const struct limit_zone *z, struct task *t)
{
    const struct http_request *r = http_of(t)->main;
    const struct conf_block   *b = r->location != NULL ? r->location->block
                                                       : r->server->block;
    char                       text[ADDR_TEXT];
    int                        n;

    if (t->peer != &t->conn->peer)
        proxy_search.is_over = true;
    if (!proxy_search_add(&proxy_search, t->peer,
                          fields_value(&r->in, FIELD_X_FORWARDED_FOR))
        || setting_in_force(b, "set_real_ip_from", NULL) != NULL)
        return;
    n = (int) addr_text(text, &t->peer->sa, sizeof(*t->peer), false);
    log_warn(t->log,
             "all clients are counted as one by zone \"" STR_F
             "\": so far all requests came from %.*s, with different addresses "
             "in X-Forwarded-For; see set_real_ip_from and real_ip_header",
             STR_A(z->in->name), n, text);
}


bool
limit_zone_key(const struct limit_zone *z, struct task *t, size_t max,
               struct limit_key *out)
{
    str_t value = z->is_address ? addr_bytes(&t->peer->sa)
                                : expr_eval(z->key, t);

    if (value.n == 0 || t->has_bad_value)
        return false;
    if (z->is_of_client && !proxy_search.is_over && t->kind == FOR_HTTP)
        look_for_proxy(z, t);
    if (value.n > max)
        log_error(t->log,
                  "the value of the \"" STR_F
                  "\" key is more than %zu bytes: \"" STR_F "\"",
                  STR_A(expr_text(z->key)), max, STR_A(value));
    limit_key_set(out, value, z->kind);
    return true;
}


void
limit_zone_full(const struct limit_zone *z, const struct log *log)
{
    log_warn(log,
             "zone \"" STR_F "\" is full: the keys that have not been used for "
             "the longest time are forgotten",
             STR_A(z->in->name));
}


str_t
limit_status_text(enum limit_status s)
{
    static const char *const texts[] = {
        [LIMIT_PASSED] = "PASSED",
        [LIMIT_DELAYED] = "DELAYED",
        [LIMIT_REJECTED] = "REJECTED",
        [LIMIT_DELAYED_DRY_RUN] = "DELAYED_DRY_RUN",
        [LIMIT_REJECTED_DRY_RUN] = "REJECTED_DRY_RUN",
    };

    return s == LIMIT_NONE ? STR_NONE : str_of(texts[s]);
}


enum step
limit_refuse(struct task *t, const struct limit_answer *c, enum limit_status *s)
{
    *s = c->is_dry_run ? LIMIT_REJECTED_DRY_RUN : LIMIT_REJECTED;
    return c->is_dry_run ? STEP_NEXT : task_fail(t, (unsigned) c->status);
}


void
limit_count(const struct limit_zone *z, enum tally_kind kind,
            enum limit_status s)
{
    tally_add(tally_of(kind, 0, z->in->name), s, 1);
}


void
limit_tell(struct task *t, const struct setting *limit)
{
    trace_setting(t, TRACE_ACCESS, "limited", limit, "within the limit");
}
