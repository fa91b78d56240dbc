/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups in groups: "server @blue weight=9;" stands for the upstream blue.  A
 * pick of such a peer is one of the outer group that has another one within it.
 *
 * The inner pick goes on until it has no peer left; then the outer one chooses
 * another peer, as when one was passed over.
 */
#include "core/upstream/build.h"

enum { DEPTH_MAX = 8 };


static struct upstream_group *
find(const struct upstreams *u, const struct upstream_group *of, str_t name)
{
    VEC_EACH(&u->all, g)
        if ((*g)->is_explicit && (*g)->kind == of->kind
            && str_ieq((*g)->name, name))
            return *g;
    return NULL;
}


/* How many groups are one in the other, up to more than there may be. */
static unsigned
depth_of(const struct upstream_group *g, unsigned left)
{
    unsigned most = 0, depth;

    if (left == 0)
        return 1;
    VEC_EACH(&g->servers, s) {
        depth = s->group != NULL ? depth_of(s->group, left - 1) : 0;
        if (depth > most)
            most = depth;
    }
    return most + 1;
}


static bool
contains(const struct upstream_group *g, const struct upstream_group *what,
         unsigned left)
{
    VEC_EACH(&g->servers, s)
        if (s->group != NULL
            && (s->group == what
                || (left != 0 && contains(s->group, what, left - 1))))
            return true;
    return false;
}


static void
link(struct conf *cf, const struct upstreams *u, struct upstream_group *g)
{
    VEC_EACH(&g->servers, s) {
        str_t name;

        if (!upstream_names_group(s->text))
            continue;
        name = str_from(s->text, 1);
        s->group = find(u, g, name);
        if (s->group != NULL)
            continue;
        upstream_suggest(cf, name);
        conf_error_at(cf, s->file, s->line,
                      "no upstream \"" STR_F "\" for server \"" STR_F "\"",
                      STR_A(name), STR_A(s->text));
    }
}


void
groups_link(struct conf *cf, const struct upstreams *u)
{
    bool has_cycle = false;

    VEC_EACH(&u->all, g)
        link(cf, u, *g);
    VEC_EACH(&u->all, g) {
        if (!contains(*g, *g, DEPTH_MAX))
            continue;
        has_cycle = true;
        conf_error_at(cf, (*g)->file, (*g)->line,
                      "upstream \"" STR_F "\" contains itself",
                      STR_A((*g)->name));
    }
    VEC_EACH(&u->all, g)
        if (!has_cycle && depth_of(*g, DEPTH_MAX + 1) > DEPTH_MAX)
            conf_error_at(cf, (*g)->file, (*g)->line,
                          "more than %d upstreams are one within the other",
                          DEPTH_MAX);
}


bool
upstream_names_group(str_t text)
{
    return text.n > 1 && text.p[0] == '@';
}


void
upstream_stand_for_group(struct arena *a, struct upstream_server *s)
{
    s->at = (struct endpoint){ .host = s->text, .n = 1 };
    s->at.at = arena_array(a, struct addr_any, 1);
    s->at.names = arena_array(a, str_t, 1);
    s->at.names[0] = s->text;
}


unsigned
peer_set_tries(const struct peer_set *set)
{
    unsigned n = set->n_tries;

    for (unsigned i = 0; set->has_groups && i < set->n_peers; i++) {
        const struct upstream_server *s = set->peers[i].server;

        if (s->group != NULL && !s->is_down && s->group->set != NULL)
            n += peer_set_tries(s->group->set) - 1;
    }
    return n;
}


/* --- picks --------------------------------------------------------------------- */

bool
pick_enter(struct pick *p)
{
    struct pick *in = arena_make(p->task->arena, struct pick);

    pick_start(in, p->task, p->own->server->group);
    if (pick_next(in) == NULL) {
        pick_end(in, PEER_NEXT);
        return false;
    }
    p->inner = in;
    p->inner_how = PEER_OK;
    p->peer = in->peer;
    return true;
}


bool
pick_stay(struct pick *p)
{
    if (p->inner->tries != 0 && pick_next(p->inner) != NULL) {
        p->peer = p->inner->peer;
        return true;
    }
    pick_end(p->inner, PEER_NEXT);
    p->inner = NULL;
    return false;
}


struct upstream_group *
pick_group(const struct pick *p)
{
    while (p->inner != NULL)
        p = p->inner;
    return p->group;
}
