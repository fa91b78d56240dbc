/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip_hash: the client's address determines the peer (of an IPv4 address, the
 * first three bytes), so that a client stays with its server.
 *
 *     upstream app { ip_hash; server 10.0.0.1; server 10.0.0.2; }
 */
#include "core/net/conn.h"
#include "core/upstream/group.h"
#include "modules/module.h"

enum { TRIES = 20, START = 89, FACTOR = 113, RANGE = 6271 };

struct state {
    str_t    key; /* up to 16 bytes                                          */
    unsigned hash;
};


/* All clients of other families (unix sockets) have the same key. */
static str_t
key_of(const struct task *t)
{
    const struct sockaddr *sa = &t->peer->sa;
    str_t                  bytes;

    if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
        return STR("\0\0\0");
    bytes = addr_bytes(sa);
    if (sa->sa_family == AF_INET)
        bytes.n = 3;
    return bytes;
}


static void
start(struct pick *p)
{
    struct state *s = p->state;

    s->key = key_of(p->task);
    s->hash = START;
}


static const struct peer *
next(struct pick *p)
{
    struct state *s = p->state;
    time_t        now = pick_now();

    if (p->set->is_single)
        return round_robin.next(p);
    for (unsigned n = 0; n < TRIES; n++) {
        const struct peer *peer;

        for (size_t i = 0; i < s->key.n; i++)
            s->hash = (s->hash * FACTOR + (unsigned char) s->key.p[i]) % RANGE;
        peer = peer_set_at(p->set, s->hash);
        if (!peer_is_usable(p, peer, now))
            continue;
        return peer_choose(peer, now);
    }
    return round_robin.next(p);
}


static const struct balancer ip_hash = {
    .name = "ip_hash",
    .words = "ip hash",
    .state_size = sizeof(struct state),
    .takes_weight = true,
    .refuses_backup = true,
    .start = start,
    .next = next,
};


static const char *
parse(struct conf *cf, void *field)
{
    (void) field;
    return upstream_use(cf, &ip_hash, NULL);
}


static const struct conf_type type = { .name = "ip_hash", .parse = parse };

static const struct directive directives[] = {
    { "ip_hash", IN_UPSTREAM | ROW_MANY, ARGS_0, &type, 0, NULL, NULL, "",
      "Chooses the server by the client's address: the first three "
      "bytes of IPv4, all of IPv6. Not with backup servers." },
    { .name = NULL },
};

struct module ip_hash_module = {
    .name = "upstream_ip_hash",
    .serves = FOR_HTTP,
    .directives = directives,
};
