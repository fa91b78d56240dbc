/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `weir ban` in a worker: lists, adds and removes bans.
 *
 *     {"do":"ban","action":"ls","zone":"bad"}
 *     {"do":"ban","action":"add","zone":"bad","key":"192.0.2.7","for":600}
 *     {"do":"ban","action":"rm","zone":"bad","key":"192.0.2.7"}
 *
 * zone is optional where there is only one, or to list all.
 */
#include "core/base/json_read.h"
#include "core/net/worker.h"
#include "modules/gate/ban.h"
#include "modules/module.h"

enum {
    LIST_MAX = 20000,     /* bans of a zone                                  */
    LIST_BYTES = 3 << 20, /* of all zones: weir takes an answer of 4 MB      */
};

struct query {
    struct arena *arena;
    str_t         action, zone, key; /* zone: empty: not given           */
    uint64_t      seconds;
    const char   *error;
};


static str_t
text_in(struct query *q, str_t line, const char *name)
{
    str_t value, text;

    if (json_member(line, name, &value) && json_string(q->arena, value, &text))
        return text;
    return STR("");
}


static void
say_error(struct json_text *t, const char *error)
{
    json_open(t, NULL, '{');
    json_put(t, "error", str_of(error));
    json_close(t, '}');
}


/* The only one if there is no name.  NULL: q->error. */
static const struct limit_zone *
find_zone(struct query *q, const struct ban_main *m)
{
    if (m->zones.all.n == 0) {
        q->error = "there is no ban_zone";
        return NULL;
    }
    if (q->zone.n == 0 && m->zones.all.n == 1)
        return m->zones.all.at[0];
    VEC_EACH(&m->zones.all, it)
        if (str_eq((*it)->in->name, q->zone))
            return *it;
    q->error = q->zone.n == 0 ? "there are several zones: name one"
                              : "there is no ban_zone of that name";
    return NULL;
}


/* --- listing ------------------------------------------------------------------ */

struct copy {
    VEC(struct limit_entry) all;
    bool                    is_cut;
};


/* So the lock is not held while texts are made. */
static void
copy_bans(struct query *q, const struct limit_zone *z, struct copy *out)
{
    struct zone        *zone = z->in->zone;
    struct limit_entry *e = NULL;
    msec_t              now = clock_ms();

    limit_lock(zone);
    while ((e = limit_next(zone, e)) != NULL && !out->is_cut) {
        if (!ban_is_on(e, now) || limit_kind(zone, e) != z->kind)
            continue;
        out->is_cut = out->all.n == LIST_MAX;
        if (!out->is_cut)
            *vec_push(q->arena, &out->all) = *e;
    }
    limit_unlock(zone);
}


/* Whether there are more. */
static bool
list_zone(struct query *q, struct json_text *t, const struct limit_zone *z)
{
    enum ban_key as = ban_key_of(expr_text(z->key));
    struct copy  copy = { .is_cut = false };
    msec_t       now = clock_ms();

    copy_bans(q, z, &copy);
    VEC_EACH(&copy.all, it) {
        uint64_t left = (it->at - now + 999) / 1000;

        if (t->out.n >= LIST_BYTES)
            return true;
        json_open(t, NULL, '{');
        json_put(t, "zone", z->in->name);
        json_put(t, "key", ban_key_text(q->arena, as, it->key, it->n));
        json_put_number(t, "until", (uint64_t) clock_seconds() + left);
        json_put_number(t, "left", left);
        json_close(t, '}');
    }
    return copy.is_cut;
}


static void
list(struct query *q, struct json_text *t, const struct ban_main *m)
{
    const struct limit_zone *only = q->zone.n != 0 ? find_zone(q, m) : NULL;
    bool                     is_cut = false;

    if (q->error != NULL) {
        say_error(t, q->error);
        return;
    }
    json_open(t, NULL, '{');
    json_open(t, "bans", '[');
    VEC_EACH(&m->zones.all, it)
        if (only == NULL || only == *it)
            is_cut |= list_zone(q, t, *it);
    json_close(t, ']');
    json_put_bool(t, "more", is_cut);
    json_close(t, '}');
}


/* --- changes ------------------------------------------------------------------- */

/* Whether there was a ban. */
static bool
remove_ban(struct zone *z, struct limit_key *key)
{
    struct limit_entry *e;
    bool                was_on;

    limit_lock(z);
    e = limit_find(z, key);
    was_on = e != NULL && ban_is_on(e, clock_ms());
    if (e != NULL)
        limit_remove(z, e);
    if (was_on)
        limit_notes(z)->changes++;
    limit_unlock(z);
    return was_on;
}


static void
change(struct query *q, struct json_text *t, const struct worker *w,
       const struct limit_zone *z)
{
    enum ban_key     as = ban_key_of(expr_text(z->key));
    struct zone     *zone = z->in->zone;
    struct limit_key key;
    bool             was_on = true;

    if (!ban_key_parse(q->arena, as, q->key, z->kind, &key)) {
        say_error(t, as == BAN_KEY_TEXT ? "invalid key" : "invalid address");
        return;
    }
    if (str_is(q->action, "rm")) {
        was_on = remove_ban(zone, &key);
    } else {
        limit_lock(zone);
        ban_set(zone, &key, clock_ms() + q->seconds * 1000);
        limit_unlock(zone);
    }
    ban_save(w->gen);
    json_open(t, NULL, '{');
    json_put_bool(t, "ok", was_on);
    json_put(t, "zone", z->in->name);
    json_put(t, "key", ban_key_text(q->arena, as, key.bytes, key.n));
    json_close(t, '}');
}


bool
ban_answer(struct worker *w, str_t what, str_t line, struct json_text *t)
{
    const struct ban_main   *m = generation_main(w->gen, ban_module.slot);
    struct query             q = { .arena = t->arena, .seconds = 600 };
    const struct limit_zone *z;
    str_t                    value;

    if (!str_is(what, "\"ban\""))
        return false;
    q.action = text_in(&q, line, "action");
    q.zone = text_in(&q, line, "zone");
    q.key = text_in(&q, line, "key");
    if (json_member(line, "for", &value)
        && (!json_number(value, &q.seconds) || q.seconds == 0
            || q.seconds > BAN_SECONDS_MAX))
    {
        say_error(t, "invalid time");
    } else if (str_is(q.action, "ls")) {
        list(&q, t, m);
    } else if (!str_is(q.action, "add") && !str_is(q.action, "rm")) {
        say_error(t, "unknown action");
    } else {
        z = find_zone(&q, m);
        if (z == NULL)
            say_error(t, q.error);
        else
            change(&q, t, w, z);
    }
    return true;
}
