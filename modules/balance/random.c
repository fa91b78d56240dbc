/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random: a random peer, in proportion to the weights; with "two", the less
 * busy of two random peers.
 *
 *     upstream app { random two least_conn; server 10.0.0.1; ... }
 */
#include <stdlib.h>

#include "modules/balance/least.h"

enum { TRIES = 20 };

/* group->balance */
struct chance {
    bool         is_two;
    struct least least; /* of two                                            */
};


static const struct peer *
next(struct pick *p)
{
    const struct chance *c = p->group->balance;
    const struct peer   *first = NULL;
    time_t               now = pick_now();

    if (p->set->is_single)
        return round_robin.next(p);
    for (unsigned n = 0; n < TRIES; n++) {
        const struct peer *peer = peer_set_at(p->set, (unsigned) random());

        if (peer == first || !peer_is_usable(p, peer, now))
            continue;
        if (c->is_two && first == NULL) {
            first = peer;
            continue;
        }
        if (first != NULL
            && least_measure(&c->least, p->set, first)
                   <= least_measure(&c->least, p->set, peer))
            peer = first;
        return peer_choose(peer, now);
    }
    return first != NULL ? first : round_robin.next(p);
}


static const struct balancer by_chance = {
    .name = "random",
    .words = "random",
    .takes_weight = true,
    .refuses_backup = true,
    .next = next,
};


static bool
take_measure(str_t word, struct least *out)
{
    str_t by;

    out->by = LEAST_CONNS;
    return str_is(word, "least_conn")
           || (conf_param(word, "least_time", &by) && least_parse(by, out));
}


static const char *
parse(struct conf *cf, void *field)
{
    struct chance *c = arena_make(cf->arena, struct chance);

    (void) field;
    if (cf->n_args > 1 && !str_is(cf->args[1], "two"))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[1]));
    if (cf->n_args > 2 && !take_measure(cf->args[2], &c->least))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[2]));
    c->is_two = cf->n_args > 1;
    return upstream_use(cf, &by_chance, c);
}


static const struct conf_type type = { .name = "random", .parse = parse };

static const struct directive directives[] = {
    { "random", IN_UPSTREAM | IN_STREAM_UPSTREAM | ROW_MANY,
      ARGS_0 | ARGS_1 | ARGS_2, &type, 0, NULL, NULL,
      "[two [least_conn | least_time=header|last_byte]]",
      "Chooses a random server, by weight; with two, the less busy of two "
      "random servers. Not with backup servers." },
    { .name = NULL },
};

struct module random_module = {
    .name = "upstream_random",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};
