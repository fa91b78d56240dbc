/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone NAME [SIZE]: all workers count failures and connections of the group's
 * servers together.  What is shared is the state of the peers; the size only has
 * to make sense, as the memory is made to measure.
 */
#include <errno.h>
#include <unistd.h>

#include "core/conf/types.h"
#include "core/upstream/build.h"

enum { PAGES_LEAST = 8 };


static struct upstream_zone *
find_zone(struct conf *cf, str_t name)
{
    struct upstreams     *u = conf_main(cf, &upstream_module);
    struct upstream_zone *z;

    VEC_EACH(&u->zones, it)
        if (str_eq(it->name, name))
            return it;
    z = vec_push(cf->arena, &u->zones);
    z->name = str_copy(cf->arena, name);
    z->file = cf->file;
    z->line = cf->line;
    return z;
}


static const char *
set_size(struct conf *cf, struct upstream_zone *z, str_t text)
{
    uint64_t size;

    if (!number_size(text, false, &size))
        return conf_error(cf, "invalid zone size \"" STR_F "\"", STR_A(text));
    if (size < PAGES_LEAST * (uint64_t) sysconf(_SC_PAGESIZE))
        return conf_error(cf, "zone \"" STR_F "\" is too small",
                          STR_A(z->name));
    if (z->size != 0 && z->size != size)
        return conf_error(cf,
                          "the size %llu of shared memory zone \"" STR_F
                          "\" conflicts with already declared size %llu",
                          (unsigned long long) size, STR_A(z->name),
                          (unsigned long long) z->size);
    z->size = size;
    return NULL;
}


static const char *
parse(struct conf *cf, void *field)
{
    (void) field;
    if (cf->args[1].n == 0)
        return conf_error(cf, "invalid zone name \"\"");
    upstream_at_hand(cf)->has_zone = true;
    if (cf->n_args == 2) {
        find_zone(cf, cf->args[1]);
        return NULL;
    }
    return set_size(cf, find_zone(cf, cf->args[1]), cf->args[2]);
}


const struct conf_type upstream_zone_type = { .name = "zone", .parse = parse };


void
zones_check(struct conf *cf, const struct upstreams *u)
{
    VEC_EACH(&u->zones, z)
        if (z->size == 0)
            conf_error_bare(cf, z->file, z->line,
                            "zero size shared memory zone \"" STR_F "\"",
                            STR_A(z->name));
}


bool
group_share(struct conf *cf, struct upstream_group *g)
{
    struct peer_set   *set = g->set;
    size_t             n = set->n_peers * sizeof(struct peer_state);
    struct peer_state *states;
    char              *memory;

    memory = shared_zalloc(cf->arena, n + sizeof(struct shared_lock)
                                          + held_size(set->n_peers));
    if (memory == NULL) {
        conf_error_bare(cf, g->file, g->line, "mmap(%zu) failed: %s", n,
                        strerror(errno));
        return false;
    }
    states = (struct peer_state *) (void *) memory;
    for (unsigned i = 0; i < set->n_peers; i++) {
        states[i] = *set->peers[i].state;
        set->peers[i].state = &states[i];
    }
    set->lock = (struct shared_lock *) (void *) (memory + n);
    shared_lock_init(set->lock);
    set->held = (struct held *) (void *) (set->lock + 1);
    held_init(set->held, set->n_peers);
    return true;
}


/* Its connections ended with it, and nobody but the master knows. */
static void
take_back(struct peer_set *set, pid_t pid)
{
    unsigned *lost;

    shared_lock_take(set->lock);
    lost = held_find(set->held, pid);
    if (lost != NULL) {
        for (unsigned i = 0; i < set->n_peers; i++)
            set->peers[i].state->conns -= lost[i];
        held_give(set->held, lost);
    }
    shared_lock_give(set->lock);
}


void
zones_take_back(const struct upstreams *u, pid_t pid)
{
    VEC_EACH(&u->all, g)
        if ((*g)->set != NULL && (*g)->set->held != NULL)
            take_back((*g)->set, pid);
}
