/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash: a key determines the peer.  With "consistent", adding or removing a
 * server moves only that server's share of the keys (ketama: 160 points on a
 * circle for each unit of weight, placed as Cache::Memcached::Fast places
 * them).
 *
 *     upstream app { hash $request_uri consistent; server 10.0.0.1; ... }
 */
#include <stdlib.h>

#include "core/base/crc32.h"
#include "core/upstream/group.h"
#include "modules/module.h"

enum { TRIES = 20, POINTS_PER_WEIGHT = 160 };

/* On a circle.  Weights may come from DNS or the API; of larger ones, only the
 * proportions count. */
enum { POINTS_MAX = 1 << 20 };

struct point {
    uint32_t hash;
    unsigned first, n; /* peers of a server, which stand in a row            */
};

/* set->balance, with "consistent" */
struct circle {
    struct point *points; /* sorted by hash */
    size_t        n;
};

struct state {
    str_t    key;
    uint32_t hash;   /* plain: sum so far; consistent: index of a point      */
    unsigned rounds; /* how often the key was hashed                         */
    unsigned tries;
};


/* Starts with the hash of the key; each further call adds that of "1key",
 * "2key" and so on. */
static void
rehash(struct state *s)
{
    char     digits[20];
    uint32_t crc = CRC32_START;

    if (s->rounds != 0)
        crc = crc32_more(crc, (str_t){ digits, number_put(digits, s->rounds) });
    s->hash += crc32_end(crc32_more(crc, s->key)) >> 16 & 0x7fff;
    s->rounds++;
}


static const struct peer *
next_plain(struct pick *p, struct state *s, time_t now)
{
    while (s->tries < TRIES) {
        const struct peer *peer;

        rehash(s);
        peer = peer_set_at(p->set, s->hash);
        if (peer_is_usable(p, peer, now))
            return peer_choose(peer, now);
        s->tries++;
    }
    return NULL;
}


/* The index of the first point whose hash is not lower; c->n when there is
 * none, and the circle starts again. */
static size_t
find_point(const struct circle *c, uint32_t hash)
{
    size_t low = 0, high = c->n, mid;

    while (low < high) {
        mid = (low + high) / 2;
        if (c->points[mid].hash < hash)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}


/* Round robin among the addresses of one server. */
static const struct peer *
choose_of(struct pick *p, const struct point *point, time_t now)
{
    struct smooth s = { .set = p->set };

    for (unsigned i = point->first; i < point->first + point->n; i++) {
        const struct peer *peer = &p->set->peers[i];

        if (peer_is_usable(p, peer, now))
            smooth_add(&s, peer);
    }
    return smooth_end(&s, now);
}


static const struct peer *
next_consistent(struct pick *p, const struct circle *c, struct state *s,
                time_t now)
{
    if (s->rounds == 0) {
        s->rounds = 1;
        s->hash = (uint32_t) find_point(c, crc32_of(s->key));
    }
    while (s->tries < TRIES) {
        const struct point *point = &c->points[s->hash % c->n];
        const struct peer  *peer;

        peer = choose_of(p, point, now);
        if (peer != NULL)
            return peer;
        s->hash++;
        s->tries++;
    }
    return NULL;
}


static void
start(struct pick *p)
{
    struct state *s = p->state;

    s->key = expr_eval(p->group->balance, p->task);
}


static const struct peer *
next(struct pick *p)
{
    const struct circle *c = p->set->balance;
    struct state        *s = p->state;
    time_t               now = pick_now();
    const struct peer   *peer;

    if (p->set->is_single || s->key.n == 0)
        return round_robin.next(p);
    peer = c ? next_consistent(p, c, s, now) : next_plain(p, s, now);
    return peer != NULL ? peer : round_robin.next(p);
}


static int
compare(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}


/* The part that the hashes of all points of a server have in common: HOST NUL
 * PORT. */
static uint32_t
hash_server(str_t text)
{
    str_t  host = text, port = STR_NONE;
    size_t i;

    if (str_istarts(text, STR("unix:"))) {
        host = str_from(text, 5);
    } else {
        for (i = text.n; i > 0 && text.p[i - 1] >= '0' && text.p[i - 1] <= '9';
             i--)
            continue;
        if (i > 0 && text.p[i - 1] == ':') {
            host.n = i - 1;
            port = str_from(text, i);
        }
    }
    return crc32_more(crc32_more(crc32_more(CRC32_START, host), STR("\0")),
                      port);
}


static uint64_t
points_wanted(const struct peer_set *set)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < set->n_primary; i++)
        n += (uint64_t) set->peers[i].server->weight * POINTS_PER_WEIGHT;
    return n;
}


/* Of one address. */
static size_t
points_of(const struct upstream_server *s, uint64_t wanted)
{
    uint64_t n = (uint64_t) s->weight * POINTS_PER_WEIGHT;

    if (wanted > POINTS_MAX)
        n = (uint64_t) ((double) n / (double) wanted * POINTS_MAX);
    return n != 0 ? (size_t) n : 1;
}


static void
add_points(struct circle *c, const struct upstream_server *s, unsigned first,
           unsigned n, size_t points)
{
    uint32_t start = hash_server(s->text), hash = 0;

    for (size_t i = 0; i < points * n; i++) {
        char bytes[4] = { (char) hash, (char) (hash >> 8), (char) (hash >> 16),
                          (char) (hash >> 24) };

        hash = crc32_end(crc32_more(start, (str_t){ bytes, 4 }));
        c->points[c->n++] = (struct point){ hash, first, n };
    }
}


static void
sort_points(struct circle *c)
{
    size_t n = 0;

    qsort(c->points, c->n, sizeof(*c->points), compare);
    for (size_t i = 0; i < c->n; i++)
        if (n == 0 || c->points[n - 1].hash != c->points[i].hash)
            c->points[n++] = c->points[i];
    c->n = n;
}


static void *
build_circle(struct arena *a, const struct peer_set *set)
{
    struct circle *c = arena_make(a, struct circle);
    uint64_t       wanted = points_wanted(set);
    size_t         n = 0;

    for (unsigned i = 0; i < set->n_primary; i++)
        n += points_of(set->peers[i].server, wanted);
    c->points = arena_array(a, struct point, n);
    for (unsigned i = 0, end; i < set->n_primary; i = end) {
        const struct upstream_server *s = set->peers[i].server;

        for (end = i + 1; end < set->n_primary; end++)
            if (set->peers[end].server != s)
                break;
        add_points(c, s, i, end - i, points_of(s, wanted));
    }
    sort_points(c);
    return c;
}


static const struct balancer plain = {
    .name = "hash",
    .words = "hash",
    .state_size = sizeof(struct state),
    .takes_weight = true,
    .refuses_backup = true,
    .start = start,
    .next = next,
};

static const struct balancer consistent = {
    .name = "hash",
    .words = "consistent hash",
    .state_size = sizeof(struct state),
    .takes_weight = true,
    .refuses_backup = true,
    .build = build_circle,
    .start = start,
    .next = next,
};


static const char *
parse(struct conf *cf, void *field)
{
    struct expr *key;
    const char  *error = NULL;

    (void) field;
    if (cf->n_args > 2 && !str_is(cf->args[2], "consistent"))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[2]));
    key = expr_compile(cf, cf->args[1], 0, &error);
    if (key == NULL)
        return error;
    return upstream_use(cf, cf->n_args > 2 ? &consistent : &plain, key);
}


static const struct conf_type type = { .name = "hash", .parse = parse };

static const struct directive directives[] = {
    { "hash", IN_UPSTREAM | IN_STREAM_UPSTREAM | ROW_MANY, ARGS_1 | ARGS_2,
      &type, 0, NULL, NULL, "key [consistent]",
      "Chooses the server by a key, so that equal keys go to the same server. "
      "With consistent (ketama), few keys move when servers are added or "
      "removed. Not with backup servers." },
    { .name = NULL },
};

struct module hash_module = {
    .name = "upstream_hash",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};
