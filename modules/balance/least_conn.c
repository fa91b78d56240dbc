/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * least_conn: the peer with the fewest connections relative to its weight;
 * round robin among equals.
 *
 *     upstream app { least_conn; server 10.0.0.1; server 10.0.0.2; }
 */
#include "core/upstream/group.h"
#include "modules/module.h"


/* Negative: a is less busy than b. */
static long
compare(const struct peer *a, const struct peer *b)
{
    return (long) a->state->conns * (long) b->server->weight
           - (long) b->state->conns * (long) a->server->weight;
}


static const struct peer *
choose(struct pick *p, unsigned from, unsigned to)
{
    const struct peer_set *set = p->set;
    const struct peer     *least = NULL;
    struct smooth          s = { NULL, 0 };
    time_t                 now = pick_now();

    for (unsigned i = from; i < to; i++) {
        const struct peer *peer = &set->peers[i];

        if (peer_is_usable(p, peer, now)
            && (least == NULL || compare(peer, least) < 0))
            least = peer;
    }
    for (unsigned i = from; least != NULL && i < to; i++) {
        const struct peer *peer = &set->peers[i];

        if (peer_is_usable(p, peer, now) && compare(peer, least) == 0)
            smooth_add(&s, peer);
    }
    return smooth_end(&s, now);
}


static const struct peer *
next(struct pick *p)
{
    const struct peer_set *set = p->set;
    const struct peer     *peer;

    if (set->is_single)
        return round_robin.next(p);
    if (!p->on_backup) {
        peer = choose(p, 0, set->n_primary);
        if (peer != NULL)
            return peer;
        p->on_backup = true;
    }
    return choose(p, set->n_primary, set->n_peers);
}


static const struct balancer least_conn = {
    .name = "least_conn",
    .words = "least conn",
    .takes_weight = true,
    .next = next,
};


static const char *
parse(struct conf *cf, void *field)
{
    (void) field;
    return upstream_use(cf, &least_conn, NULL);
}


static const struct conf_type type = { .name = "least_conn", .parse = parse };

static const struct directive directives[] = {
    { "least_conn", IN_UPSTREAM | IN_STREAM_UPSTREAM | ROW_MANY, ARGS_0, &type,
      0, NULL, NULL, "",
      "Chooses the server with the fewest connections relative to its weight." },
    { .name = NULL },
};

struct module least_conn_module = {
    .name = "upstream_least_conn",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};
