/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line of a group in its zone.  It stays there; places come and go.
 */
#include "core/upstream/line.h"

#include "core/os/clock.h"
#include "core/upstream/group.h"
#include "core/upstream/shared.h"

enum { STUCK_MS = 1000 };

struct place {
    struct place  *next;
    struct holder *who;
    uint64_t       n;     /* that wait                                       */
    uint64_t       first; /* ticket                                          */
    msec_t _Atomic looked_at; /* without the lock                            */
};

struct line {
    struct line          *next;
    uint64_t              group;   /* digest of its name                    */
    uint64_t              tickets; /* that were given                     */
    uint64_t              refused;
    struct place *_Atomic places;
};


static struct line *
find(struct zone *z, uint64_t group)
{
    void       **first = shared_lines(z);
    struct line *l = *first;

    while (l != NULL && l->group != group)
        l = l->next;
    if (l != NULL)
        return l;
    l = zone_alloc(z, sizeof(*l));
    if (l == NULL)
        return NULL;
    *l = (struct line){ .next = *first, .group = group };
    IN_ORDER();
    *first = l;
    return l;
}


void
line_join(struct line_end *e, struct zone *z, struct holder *who, str_t group)
{
    shared_zone_lock(z);
    *e = (struct line_end){ .zone = z,
                            .line = find(z, binding_key(group)),
                            .who = who };
    zone_unlock(z);
}


static uint64_t
count(const struct line *l)
{
    uint64_t n = 0;

    for (const struct place *p = l->places; p != NULL; p = p->next)
        n += p->n;
    return n;
}


static struct place *
add_place(struct line_end *e)
{
    struct place *p = zone_alloc(e->zone, sizeof(*p));

    if (p == NULL)
        return NULL;
    *p = (struct place){ .next = e->line->places,
                         .who = e->who,
                         .first = e->line->tickets + 1,
                         .looked_at = clock_ms() };
    IN_ORDER();
    e->line->places = p;
    return p;
}


static void
remove_place(struct zone *z, struct line *l, struct place *p)
{
    struct place *before = l->places;

    if (before == p) {
        l->places = p->next;
    } else {
        while (before->next != p)
            before = before->next;
        before->next = p->next;
    }
    IN_ORDER();
    zone_free(z, p);
}


bool
line_enter(struct line_end *e, uint64_t most, uint64_t *ticket)
{
    struct line *l = e->line;
    bool         is_in;

    shared_zone_lock(e->zone);
    is_in = count(l) < most;
    if (is_in && e->own == NULL)
        e->own = add_place(e);
    is_in = is_in && e->own != NULL;
    if (is_in) {
        *ticket = ++l->tickets;
        e->own->n++;
    } else {
        l->refused++;
    }
    zone_unlock(e->zone);
    return is_in;
}


void
line_leave(struct line_end *e, uint64_t first)
{
    shared_zone_lock(e->zone);
    e->own->first = first;
    if (--e->own->n == 0) {
        remove_place(e->zone, e->line, e->own);
        e->own = NULL;
    }
    zone_unlock(e->zone);
}


bool
line_has_some(const struct line_end *e)
{
    return atomic_load_explicit(&e->line->places, memory_order_relaxed) != NULL;
}


bool
line_is_first(const struct line_end *e)
{
    const struct place *first = NULL;
    msec_t              now = clock_ms();

    shared_zone_lock(e->zone);
    for (const struct place *p = e->line->places; p != NULL; p = p->next) {
        if (p != e->own && p->looked_at + STUCK_MS < now)
            continue;
        if (first == NULL || p->first < first->first)
            first = p;
    }
    zone_unlock(e->zone);
    return first != NULL && first == e->own;
}


void
line_look(const struct line_end *e)
{
    if (e->own != NULL)
        e->own->looked_at = clock_ms();
}


void
line_count(const struct line_end *e, uint64_t *n, uint64_t *refused)
{
    shared_zone_lock(e->zone);
    *n = count(e->line);
    *refused = e->line->refused;
    zone_unlock(e->zone);
}


void
lines_forget(struct zone *z, void *lines, const struct holder *who)
{
    struct place *next;

    for (struct line *l = lines; l != NULL; l = l->next) {
        for (struct place *p = l->places; p != NULL; p = next) {
            next = p->next;
            if (p->who == who)
                remove_place(z, l, p);
        }
    }
}
