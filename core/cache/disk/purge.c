/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules, in the zone.  Those about keys and tags are two hash tables with
 * eight places for each hash; those about prefixes are a list.  What makes room
 * is not lost but merged.  Of a table, everything that is older counts as purged,
 * but for main files of keys, which are deleted at once, if they were there; of
 * prefixes, the two oldest become what they begin with.
 */
#include "core/cache/disk/purge.h"

#include <openssl/evp.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/cache/disk/purge_rules.h"
#include "core/os/clock.h"

enum {
    ZONE_PART = 128,   /* of a zone that rules of one sort take              */
    MARKS_MAX = 65536, /* of a table                                         */
    LIFE_LEAST = 3600, /* seconds                                            */
};


/* --- making ------------------------------------------------------------------- */

static bool
make_marks(struct zone *z, struct purge_table *t)
{
    size_t most = zone_size(z) / ZONE_PART / sizeof(*t->marks);
    size_t n = PURGE_WAYS;

    while (n * 2 <= most && n * 2 <= MARKS_MAX)
        n *= 2;
    t->marks = zone_alloc(z, n * sizeof(*t->marks));
    if (t->marks == NULL)
        return false;
    memset(t->marks, 0, n * sizeof(*t->marks));
    t->sets = (uint32_t) (n / PURGE_WAYS);
    return true;
}


struct disk_purges *
disk_purges_make(struct zone *z)
{
    struct disk_purges *p = zone_alloc(z, sizeof(*p));
    size_t n = zone_size(z) / ZONE_PART / sizeof(struct purge_prefix);

    if (p == NULL)
        return NULL;
    *p = (struct disk_purges){ .last = 1 };
    p->room = n < 2 ? 2 : n < PREFIXES_MAX ? (uint32_t) n : PREFIXES_MAX;
    p->prefixes = zone_alloc(z, p->room * sizeof(*p->prefixes));
    if (p->prefixes == NULL || !make_marks(z, &p->keys)
        || !make_marks(z, &p->tags))
        return NULL;
    memset(p->prefixes, 0, p->room * sizeof(*p->prefixes));
    return p;
}


void
purge_rules_clear(struct disk_purges *p)
{
    struct purge_table *tables[] = { &p->keys, &p->tags };

    for (size_t i = 0; i < countof(tables); i++) {
        memset(tables[i]->marks, 0,
               (size_t) tables[i]->sets * PURGE_WAYS
                   * sizeof(struct purge_mark));
        tables[i]->hard = tables[i]->soft = (struct purge_when){ .number = 0 };
    }
    memset(p->prefixes, 0, p->room * sizeof(*p->prefixes));
    p->bytes = 0;
}


struct disk_purges *
purge_rules_of(const struct disk_cache *c)
{
    return disk_index_purges(c->in->zone);
}


/* --- time --------------------------------------------------------------------- */

/* What was not used for a time is deleted, so that nothing is older; what was
 * found in the folder counts as used then. */
struct purge_when
purge_rules_next(const struct disk_cache *c, struct disk_purges *p, uint32_t at)
{
    uint64_t end = (uint64_t) clock_seconds() + LIFE_LEAST;

    end += c->inactive < INT32_MAX ? 2 * c->inactive : INT32_MAX;
    return (struct purge_when){
        ++p->last, at, (uint32_t) (end < UINT32_MAX ? end : UINT32_MAX)
    };
}


static bool
has_ended(const struct purge_when *w)
{
    return w->number == 0 || w->ends < (uint64_t) clock_seconds();
}


static bool
is_older(const struct disk_age *age, const struct purge_when *w)
{
    if (w->number == 0)
        return false;
    return age->number != 0 ? age->number < w->number : age->date <= w->at;
}


static struct purge_when
later(struct purge_when a, struct purge_when b)
{
    return (struct purge_when){ a.number > b.number ? a.number : b.number,
                                a.at > b.at ? a.at : b.at,
                                a.ends > b.ends ? a.ends : b.ends };
}


/* --- marks -------------------------------------------------------------------- */

uint64_t
purge_hash_key(const struct disk_key *key)
{
    uint64_t n;

    memcpy(&n, key->b, sizeof(n));
    return n;
}


uint64_t
purge_hash_tag(str_t tag)
{
    struct disk_key digest;

    CHECK(EVP_Digest(tag.n != 0 ? tag.p : "", tag.n, digest.b, NULL, EVP_md5(),
                     NULL)
          == 1);
    return purge_hash_key(&digest);
}


static struct purge_mark *
set_of(const struct purge_table *t, uint64_t hash)
{
    return &t->marks[(size_t) (hash % t->sets) * PURGE_WAYS];
}


static struct purge_when
newest(const struct purge_mark *m)
{
    return later(m->hard, m->soft);
}


/* The place for a hash: its own, a free one, or the oldest one. */
static struct purge_mark *
place(struct purge_table *t, uint64_t hash)
{
    struct purge_mark *set = set_of(t, hash), *best = set;
    struct purge_when  when, oldest = { .number = UINT64_MAX };

    for (struct purge_mark *m = set; m < set + PURGE_WAYS; m++) {
        when = newest(m);
        if (when.number != 0 && m->hash == hash)
            return m;
        if (has_ended(&when))
            when.number = 0;
        if (when.number < oldest.number) {
            oldest = when;
            best = m;
        }
    }
    if (oldest.number != 0) {
        t->hard = later(t->hard, best->hard);
        t->soft = later(t->soft, best->soft);
    }
    IN_ORDER();
    *best = (struct purge_mark){ .hash = 0 };
    IN_ORDER();
    best->hash = hash;
    return best;
}


void
purge_rules_mark(struct purge_table *t, uint64_t hash, bool soft,
                 struct purge_when when)
{
    struct purge_mark *m = place(t, hash);

    *(soft ? &m->soft : &m->hard) = when;
}


static enum disk_purged
judge_mark(const struct purge_table *t, uint64_t hash, bool is_main,
           const struct disk_age *age)
{
    const struct purge_mark *set = set_of(t, hash);

    if (!is_main && is_older(age, &t->hard))
        return PURGED_HARD;
    for (const struct purge_mark *m = set; m < set + PURGE_WAYS; m++) {
        if (m->hash != hash)
            continue;
        if (is_older(age, &m->hard))
            return PURGED_HARD;
        if (is_older(age, &m->soft))
            return PURGED_SOFT;
    }
    return is_older(age, &t->soft) ? PURGED_SOFT : PURGED_NOT;
}


/* --- prefixes ----------------------------------------------------------------- */

static size_t
common(str_t a, str_t b)
{
    size_t n = 0;

    while (n < a.n && n < b.n && a.p[n] == b.p[n])
        n++;
    return n;
}


static str_t
text_of(const struct purge_prefix *p)
{
    return (str_t){ p->text, p->n };
}


/* Makes room: the oldest two become one. */
static struct purge_prefix *
merge(struct disk_purges *p)
{
    struct purge_prefix *a = NULL, *b = NULL;

    for (struct purge_prefix *it = p->prefixes; it < p->prefixes + p->room;
         it++) {
        if (a == NULL || it->when.number < a->when.number) {
            b = a;
            a = it;
        } else if (b == NULL || it->when.number < b->when.number) {
            b = it;
        }
    }
    b->n = (uint16_t) common(text_of(a), text_of(b));
    b->is_soft = a->is_soft && b->is_soft;
    IN_ORDER();
    return a;
}


void
purge_rules_prefix(struct disk_purges *p, str_t prefix, bool soft,
                   struct purge_when when)
{
    struct purge_prefix *at = NULL;

    if (prefix.n > PREFIX_ROOM)
        prefix.n = PREFIX_ROOM;
    for (struct purge_prefix *it = p->prefixes; it < p->prefixes + p->room;
         it++) {
        if (it->when.number != 0 && it->is_soft == soft
            && str_eq(text_of(it), prefix)) {
            it->when = when;
            return;
        }
        if (has_ended(&it->when))
            at = it;
    }
    if (at == NULL)
        at = merge(p);
    at->when.number = 0;
    IN_ORDER();
    memcpy(at->text, prefix.p != NULL ? prefix.p : "", prefix.n);
    at->n = (uint16_t) prefix.n;
    at->is_soft = soft;
    IN_ORDER();
    at->when = when;
}


static enum disk_purged
judge_text(const struct disk_purges *p, str_t text, const struct disk_age *age)
{
    enum disk_purged worst = PURGED_NOT;

    for (const struct purge_prefix *it = p->prefixes;
         it < p->prefixes + p->room; it++)
    {
        if (!is_older(age, &it->when) || !str_starts(text, text_of(it)))
            continue;
        if (!it->is_soft)
            return PURGED_HARD;
        worst = PURGED_SOFT;
    }
    return worst;
}


/* --- purging ------------------------------------------------------------------ */

static struct purge_when
next_of(const struct disk_cache *c, struct disk_purges *p)
{
    return purge_rules_next(c, p, (uint32_t) clock_seconds());
}


void
purge_rules_publish(struct disk_purges *p, struct purge_when when)
{
    __atomic_store_n(&p->last, when.number, __ATOMIC_RELEASE);
}


bool
disk_purge_is_unsure(const struct disk_cache *c, uint64_t number)
{
    bool is_unsure;

    disk_index_lock(c->in->zone);
    is_unsure = purge_rules_of(c)->keys.hard.number > number;
    disk_index_unlock(c->in->zone);
    return is_unsure;
}


uint64_t
disk_purge_number(const struct disk_cache *c)
{
    return __atomic_load_n(&purge_rules_of(c)->last, __ATOMIC_ACQUIRE);
}


bool
disk_purge_key(const struct disk_cache *c, const struct disk_key *key,
               bool soft)
{
    struct disk_purges *p = purge_rules_of(c);
    uint64_t            hash = purge_hash_key(key);
    struct purge_when   when;
    char                name[DISK_NAME_MAX] UNSET;

    disk_index_lock(c->in->zone);
    when = next_of(c, p);
    purge_rules_mark(&p->keys, hash, soft, when);
    purge_rules_publish(p, when);
    purge_file_add_mark(c, p, 'k', hash, soft);
    disk_index_unlock(c->in->zone);
    if (!soft)
        return disk_cache_remove(c, key);
    disk_cache_name(c, key, name);
    return access(name, F_OK) == 0;
}


void
disk_purge_invalid(const struct disk_cache *c, const struct disk_key *key)
{
    struct disk_purges *p = purge_rules_of(c);
    uint64_t            hash = purge_hash_key(key);
    struct purge_when   when;
    bool                had = disk_cache_remove(c, key);

    disk_index_lock(c->in->zone);
    when = next_of(c, p);
    purge_rules_mark(&p->keys, hash, false, when);
    purge_rules_publish(p, when);
    if (had)
        purge_file_add_mark(c, p, 'k', hash, false);
    disk_index_unlock(c->in->zone);
}


void
disk_purge_prefix(const struct disk_cache *c, str_t prefix, bool soft)
{
    struct disk_purges *p = purge_rules_of(c);
    struct purge_when   when;

    disk_index_lock(c->in->zone);
    when = next_of(c, p);
    purge_rules_prefix(p, prefix, soft, when);
    purge_rules_publish(p, when);
    purge_file_add_prefix(c, p, prefix, soft);
    disk_index_unlock(c->in->zone);
}


void
disk_purge_tag(const struct disk_cache *c, str_t tag, bool soft)
{
    struct disk_purges *p = purge_rules_of(c);
    uint64_t            hash = purge_hash_tag(tag);
    struct purge_when   when;

    disk_index_lock(c->in->zone);
    when = next_of(c, p);
    purge_rules_mark(&p->tags, hash, soft, when);
    purge_rules_publish(p, when);
    purge_file_add_mark(c, p, 't', hash, soft);
    disk_index_unlock(c->in->zone);
}


/* --- judging ------------------------------------------------------------------ */

enum disk_purged
disk_purge_of_key(const struct disk_cache *c, const struct disk_key *key,
                  str_t text, const struct disk_age *age, bool is_main)
{
    const struct disk_purges *p = purge_rules_of(c);
    enum disk_purged          by_mark, by_text;

    disk_index_lock(c->in->zone);
    by_mark = judge_mark(&p->keys, purge_hash_key(key), is_main, age);
    by_text = judge_text(p, text, age);
    disk_index_unlock(c->in->zone);
    return by_mark > by_text ? by_mark : by_text;
}


enum disk_purged
disk_purge_of_tag(const struct disk_cache *c, str_t tag,
                  const struct disk_age *age)
{
    enum disk_purged v;

    disk_index_lock(c->in->zone);
    v = judge_mark(&purge_rules_of(c)->tags, purge_hash_tag(tag), false, age);
    disk_index_unlock(c->in->zone);
    return v;
}


str_t
disk_purge_next_tag(str_t *list)
{
    const char *p = list->p, *end = p + list->n, *start;

    while (p < end && (*p == ' ' || *p == ',' || *p == '\t'))
        p++;
    for (start = p; p < end && *p != ' ' && *p != ',' && *p != '\t'; p++)
        continue;
    *list = str_span(p, end);
    return str_span(start, p);
}
