/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of servers that are added and removed while a group is served.  Each
 * process has those of the lines that it knows: one for all added lines with the
 * same question, in an arena of its own, which ends when no line has it any more.
 */
#include "core/base/hash.h"
#include "core/upstream/build.h"
#include "core/upstream/names_inside.h"


bool
names_may_come(const struct upstream_group *g)
{
    return g->names != NULL && g->names->conf->resolver != NULL;
}


/* Takes an added name off the list. */
static void
drop(struct names *n, struct name **at)
{
    struct name *it = *at;

    *at = it->next;
    n->n--;
    name_stop(it);
    arena_free(it->own);
}


static void
drop_unwanted(struct names *n)
{
    struct name **at = &n->first;

    while (*at != NULL)
        if ((*at)->own != NULL && !(*at)->is_wanted)
            drop(n, at);
        else
            at = &(*at)->next;
}


/* It is looked up if it is wanted again, or has just been added. */
static void
look(struct name *n)
{
    if (!n->is_wanted)
        name_idle(n);
    else if (n->is_idle || (n->own != NULL && !n->has_outcome))
        name_look(n);
}


static void
want_none(struct names *n)
{
    for (struct name *it = n->first; it != NULL; it = it->next)
        it->is_wanted = false;
}


void
names_drop(struct names *n)
{
    want_none(n);
    drop_unwanted(n);
}


/* Those that were added, by what they ask. */
static struct hash *
index_added(struct arena *a, const struct names *n)
{
    struct hash *added = hash_new(a, n->n, HASH_EXACT);

    for (struct name *it = n->first; it != NULL; it = it->next)
        if (it->own != NULL)
            (void) hash_set(added, it->key, it);
    return added;
}


/* The one that is there if it asks the same, else the new one. */
static struct name *
get(struct names *n, struct hash *added, const struct upstream_server *s)
{
    struct arena *a = arena_new(0);
    struct name  *made = name_make(a, n, s, false);
    struct name  *it = hash_get(added, made->key);

    if (it != NULL) {
        n->first = made->next;
        n->n--;
        arena_free(a);
        return it;
    }
    made->own = a;
    (void) hash_set(added, made->key, made);
    name_start(made, &s->at);
    return made;
}


/* A line that asks for a name, and whose name was not configured. */
static bool
wants_name(const struct upstream_server *s)
{
    return s->name == NULL && s->group == NULL && s->resolves && s->at.n == 0
           && !s->at.is_unix;
}


void
names_follow(struct upstream_group *g, struct upstream_server *lines, size_t n)
{
    struct names *names = g->names;
    struct arena *a;
    struct hash  *added;

    if (names == NULL || names->loop == NULL)
        return;
    a = arena_new(0);
    added = index_added(a, names);
    want_none(names);
    for (size_t i = 0; i < n; i++) {
        if (wants_name(&lines[i]) && names_may_come(g))
            lines[i].name = get(names, added, &lines[i]);
        if (lines[i].name != NULL)
            lines[i].name->is_wanted = true;
    }
    arena_free(a);
}


void
names_look(struct upstream_group *g)
{
    struct names *n = g->names;

    if (n == NULL || n->loop == NULL)
        return;
    drop_unwanted(n);
    for (struct name *it = n->first; it != NULL; it = it->next)
        look(it);
    names_settle(n);
}
