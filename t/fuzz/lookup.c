/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables behind map and geo against plain lists that are searched from
 * end to end.  The first byte says which table.  For map lines follow: the
 * keys, an empty line, then what is looked up.  For geo five bytes make up a
 * network or range to be set, taken out or looked up.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <pcre2.h>
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/vec.h"
#include "core/conf/reader.h"
#include "core/expr/expr.h"
#include "core/expr/network.h"
#include "core/expr/ranges.h"
#include "core/expr/table.h"

enum { KEYS_MAX = 64, PATTERN_MAX = 16, ASKED_MAX = 300, PIECES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct module *const weir_modules[] = { NULL };

static struct log_targets quiet_targets = { .level = LEVEL_STDERR };
static struct log         quiet = { .targets = &quiet_targets };


/* --- map --------------------------------------------------------------------- */

struct key {
    str_t       text; /* lower case, or the pattern                         */
    pcre2_code *code; /* of a pattern                                       */
};

struct keys {
    struct key keys[KEYS_MAX];
    size_t     n;
    bool       has_hostnames;
};


static bool
matches(const pcre2_code *code, str_t s)
{
    pcre2_match_data *m = pcre2_match_data_create_from_pattern(code, NULL);
    int               rc
        = pcre2_match(code, (PCRE2_SPTR) (s.p ? s.p : ""), s.n, 0, 0, m, NULL);

    pcre2_match_data_free(m);
    return rc >= 0;
}


/* How well a key that is no pattern fits: more than any length for an exact
 * one, then the lengths of wildcards, leading ones first; 0: not. */
static size_t
fit(const struct keys *l, const struct key *k, str_t s)
{
    str_t key = k->text, rest;

    if (!l->has_hostnames || key.n < 2)
        return str_eq(key, s) ? SIZE_MAX : 0;
    if (key.p[0] == '.' && str_eq(str_from(key, 1), s))
        return SIZE_MAX;
    if (key.p[0] == '.' || (key.n > 2 && str_starts(key, STR("*.")))) {
        rest = key.p[0] == '.' ? key : str_from(key, 1);
        return s.n >= rest.n && str_ends(s, rest) ? 1000 + rest.n : 0;
    }
    if (!str_ends(key, STR(".*")))
        return str_eq(key, s) ? SIZE_MAX : 0;
    rest = (str_t){ key.p, key.n - 1 };
    return s.n > rest.n && str_starts(s, rest) ? rest.n : 0;
}


static const struct key *
search(const struct keys *l, struct arena *a, str_t s)
{
    const struct key *best = NULL;
    size_t            best_fit = 0;
    char             *low = arena_bytes(a, s.n + 1);

    str_lower_to(low, s);
    for (size_t i = 0; i < l->n; i++) {
        size_t f = l->keys[i].code ? 0
                                   : fit(l, &l->keys[i], (str_t){ low, s.n });

        if (f > best_fit) {
            best_fit = f;
            best = &l->keys[i];
        }
    }
    for (size_t i = 0; best == NULL && s.n != 0 && i < l->n; i++)
        if (l->keys[i].code != NULL && matches(l->keys[i].code, s))
            best = &l->keys[i];
    return best;
}


/* False: the table does not take the key. */
static bool
add_key(struct conf *cf, struct table *t, struct keys *l, str_t line)
{
    struct key *k = &l->keys[l->n];
    str_t       pattern = str_from(line, 1);
    int         number;
    size_t      at;
    bool        is_nocase;
    char       *low;

    if (line.n == 0 || line.p[0] != '~') {
        low = arena_bytes(cf->arena, line.n + 1);
        str_lower_to(low, line);
        *k = (struct key){ { low, line.n }, NULL };
        l->n++;
        return table_add(cf, t, line, l->has_hostnames, k) == NULL;
    }
    if (pattern.n > PATTERN_MAX)
        return true;
    is_nocase = str_starts(pattern, STR("*"));
    if (table_add_regex(cf, t, pattern, k) != NULL)
        return false;
    pattern = str_from(pattern, is_nocase);
    k->text = pattern;
    k->code = pcre2_compile((PCRE2_SPTR) pattern.p, pattern.n,
                            is_nocase ? PCRE2_CASELESS : 0, &number, &at, NULL);
    CHECK(k->code != NULL);
    l->n++;
    return true;
}


static bool
read_keys(struct conf *cf, struct table *t, struct keys *l, str_t *rest)
{
    while (rest->n != 0 && l->n < KEYS_MAX) {
        str_t line = str_cut(rest, '\n');

        if (line.n == 0)
            return true;
        if (!add_key(cf, t, l, line))
            return false;
    }
    return true;
}


static void
look_up_all(struct conf *cf, const struct table *t, const struct keys *l,
            str_t rest)
{
    struct task task = {
        .arena = arena_new(0), .log = &quiet, .gen = cf->gen, .kind = FOR_HTTP
    };

    vars_prepare(&task);
    while (rest.p != NULL) {
        void *found;
        str_t asked = str_cut(&rest, '\n');

        if (asked.n > ASKED_MAX)
            continue;
        CHECK(table_find(t, &task, asked, &found));
        CHECK(found == search(l, task.arena, asked));
        CHECK(captures_get(&task.captures, 1).n <= asked.n
              || task.captures.n == 0 || task.captures.at == NULL
              || task.captures.subject.p != asked.p);
    }
    arena_free(task.arena);
}


static void
try_map(str_t in, bool has_hostnames)
{
    struct arena      *a = arena_new(0);
    struct generation *g = arena_make(a, struct generation);
    struct conf_reader reader = { .arena = a, .log = &quiet };
    struct conf        cf
        = { .gen = g, .arena = a, .kind = CONF_HTTP, .reader = &reader };
    struct keys   l = { .has_hostnames = has_hostnames };
    struct table *t = table_new(a);

    g->arena = a;
    if (read_keys(&cf, t, &l, &in)) {
        vars_resolve(&cf);
        if (cf.errors == 0)
            look_up_all(&cf, t, &l, in);
    }
    for (size_t i = 0; i < l.n; i++)
        pcre2_code_free(l.keys[i].code);
    arena_free(a);
}


/* --- geo: networks --------------------------------------------------------------- */

struct network {
    struct cidr net;
    unsigned    bits;
    void       *value;
};

struct networks {
    struct network at[KEYS_MAX];
    size_t         n;
};


/* Bytes that differ in few bits, so that networks meet. */
static void
make_text(const uint8_t *p, bool is_network, char *text, size_t room)
{
    char     tail[8] = "";
    unsigned bits = p[4] & 0x7f;

    if (p[0] & 0x80) {
        if (is_network)
            snprintf(tail, sizeof(tail), "/%u", bits);
        snprintf(text, room, "%s%x:%x:%x%s",
                 p[0] & 0x40 ? "2001::" : "::ffff:", p[1] & 3, p[2] & 0x81,
                 p[3], tail);
        return;
    }
    if (is_network)
        snprintf(tail, sizeof(tail), "/%u", bits % 33);
    snprintf(text, room, "%u.%u.%u.%u%s", p[0] & 0x40 ? 10 : 138, p[1] & 3,
             p[2] & 0x81, p[3], tail);
}


static bool
is_same(const struct cidr *a, const struct cidr *b)
{
    return a->family == b->family && memcmp(a->addr, b->addr, 16) == 0
           && memcmp(a->mask, b->mask, 16) == 0;
}


static void *
find_network(const struct networks *l, const struct sockaddr *sa)
{
    void    *value = NULL;
    uint32_t ip4;
    bool     is_mapped = sa->sa_family == AF_INET6 && network_ip4(sa, &ip4);
    unsigned best = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct network *n = &l->at[i];

        if ((is_mapped && n->net.family == AF_INET6) || n->value == NULL
            || !cidr_match(&n->net, sa) || n->bits + 1 <= best)
            continue;
        best = n->bits + 1;
        value = n->value;
    }
    return value;
}


static struct network *
same_network(struct networks *l, const struct cidr *net)
{
    for (size_t i = 0; i < l->n; i++)
        if (is_same(&l->at[i].net, net))
            return &l->at[i];
    l->at[l->n] = (struct network){ .net = *net };
    for (unsigned i = 0; i < 128; i++)
        l->at[l->n].bits += net->mask[i / 8] >> (7 - i % 8) & 1;
    return &l->at[l->n++];
}


static void
try_networks(const uint8_t *p, size_t size)
{
    struct arena          *a = arena_new(0);
    struct network_table  *t = network_table_new(a);
    static struct networks l;
    char                   text[64];
    struct cidr            net;
    struct addr_any        at;

    l.n = 0;
    for (; size >= 5; p += 5, size -= 5) {
        bool            is_asked = (p[4] & 0x80) || l.n == KEYS_MAX;
        struct network *mine;
        void           *value = (void *) (uintptr_t) p;

        make_text(p, !is_asked, text, sizeof(text));
        if (is_asked) {
            if (addr_parse(str_of(text), &at))
                CHECK(network_find(t, &at.sa) == find_network(&l, &at.sa));
            continue;
        }
        if (cidr_parse(str_of(text), &net) == CIDR_BAD)
            continue;
        mine = same_network(&l, &net);
        if (p[3] % 5 == 0) {
            CHECK(network_remove(t, &net) == (mine->value != NULL));
            mine->value = NULL;
            continue;
        }
        CHECK(network_set(t, &net, value) == mine->value);
        mine->value = value;
    }
    arena_free(a);
}


/* --- geo: ranges ----------------------------------------------------------------- */

struct pieces {
    struct range_other at[PIECES];
    size_t             n;
};


/* Sets the part of a range within 65536 addresses. */
static enum range_verdict
set_part(struct pieces *l, struct range_other part, struct range_other *other)
{
    struct range_other *last = NULL, old;

    for (size_t i = 0; i < l->n; i++) {
        struct range_other *r = &l->at[i];

        if (r->first <= part.last && r->last >= part.first
            && (last == NULL || r->first > last->first))
            last = r;
    }
    if (last == NULL) {
        l->at[l->n++] = part;
        return RANGE_SET;
    }
    old = *last;
    if (old.first == part.first && old.last == part.last) {
        *other = old;
        last->value = part.value;
        return RANGE_REPLACED;
    }
    if (old.first > part.first || old.last < part.last) {
        *other = old;
        return RANGE_CLASH;
    }
    *last = part;
    if (old.first < part.first)
        l->at[l->n++]
            = (struct range_other){ old.first, part.first - 1, old.value };
    if (old.last > part.last)
        l->at[l->n++]
            = (struct range_other){ part.last + 1, old.last, old.value };
    return RANGE_SET;
}


static bool
remove_part(struct pieces *l, struct range_other part)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->at[i].first != part.first || l->at[i].last != part.last)
            continue;
        l->at[i] = l->at[--l->n];
        return true;
    }
    return false;
}


/* The part of a range that begins at or behind *from, and moves that on;
 * false: none is left. */
static bool
next_part(struct range_other all, uint64_t *from, struct range_other *part)
{
    if (*from > all.last)
        return false;
    *part = all;
    part->first = (uint32_t) *from;
    if (all.last > (part->first | 0xffff))
        part->last = part->first | 0xffff;
    *from = (uint64_t) part->last + 1;
    return true;
}


static enum range_verdict
set_slowly(struct pieces *l, struct range_other all, struct range_other *other)
{
    uint64_t           from = all.first;
    struct range_other part;
    enum range_verdict verdict = RANGE_SET, one;

    while (verdict != RANGE_CLASH && next_part(all, &from, &part)) {
        one = set_part(l, part, other);
        if (one != RANGE_SET)
            verdict = one;
    }
    return verdict;
}


static bool
remove_slowly(struct pieces *l, struct range_other all)
{
    uint64_t           from = all.first;
    struct range_other part;
    bool               had_all = true;

    while (next_part(all, &from, &part))
        had_all &= remove_part(l, part);
    return had_all;
}


static void
check_address(const struct ranges *t, const struct pieces *l, uint32_t at)
{
    struct sockaddr_in sin
        = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(at) };
    void *value = NULL;

    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].first <= at && at <= l->at[i].last)
            value = l->at[i].value;
    CHECK(ranges_find(t, (const struct sockaddr *) &sin) == value);
}


/* False: a range clashed. */
static bool
try_range(struct ranges *t, struct pieces *l, const uint8_t *p)
{
    static const uint32_t bases[] = { 0, 0x0a00fff0, 0x0a010000, 0xfffeff00 };
    struct range_other    all, mine = { 0 }, other = { 0 };
    enum range_verdict    verdict;

    all.first = bases[p[0] & 3] + p[1];
    all.last = all.first + p[2] + ((p[0] & 0x10) ? (uint32_t) p[3] << 10 : 0);
    all.value = (void *) (uintptr_t) (p[4] + 1);
    if (all.last < all.first)
        return true;
    if (p[0] & 0x80) {
        CHECK(ranges_remove(t, all.first, all.last) == remove_slowly(l, all));
    } else if (!(p[0] & 0x40)) {
        verdict = ranges_set(t, all.first, all.last, all.value, &other);
        CHECK(verdict == set_slowly(l, all, &mine));
        if (verdict != RANGE_SET)
            CHECK(other.first == mine.first && other.last == mine.last
                  && other.value == mine.value);
        if (verdict == RANGE_CLASH)
            return false;
    }
    check_address(t, l, all.first);
    check_address(t, l, all.last);
    check_address(t, l, all.first - 1);
    check_address(t, l, all.last + 1);
    check_address(t, l, all.first + p[4]);
    return true;
}


static void
try_ranges(const uint8_t *p, size_t size)
{
    static struct pieces l;
    struct arena        *a = arena_new(0);
    struct ranges       *t = ranges_new(a);

    l.n = 0;
    while (size >= 5 && l.n < PIECES - 1000 && try_range(t, &l, p)) {
        p += 5;
        size -= 5;
    }
    arena_free(a);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    log_to_stderr = false;
    switch (data[0] & 3) {
    case 0:
    case 1:
        try_map((str_t){ (const char *) data + 1, size - 1 }, data[0] & 1);
        break;
    case 2:
        try_networks(data + 1, size - 1);
        break;
    case 3:
        try_ranges(data + 1, size - 1);
        break;
    }
    return 0;
}
