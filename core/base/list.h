/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doubly linked list with the links embedded in the members; container_of
 * leads from a link to its owner.  A link that is in no list points to itself,
 * so removing it twice does no harm.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/check.h"

struct list {
    struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts l behind at: with a list's head, at its front. */
static inline void
list_insert(struct list *at, struct list *l)
{
    l->next = at->next;
    l->prev = at;
    at->next->prev = l;
    at->next = l;
}

/* Puts l before at: with a list's head, at its end. */
static inline void
list_append(struct list *at, struct list *l)
{
    list_insert(at->prev, l);
}

static inline void
list_remove(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

/* Removes and returns the first member; NULL when there is none. */
static inline struct list *
list_pop(struct list *head)
{
    struct list *l = head->next;

    if (l == head)
        return NULL;
    list_remove(l);
    return l;
}

/* Moves all members of from to the end of to; from is empty then. */
static inline void
list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(l, type, member) container_of(l, type, member)

/* Each member; the body may remove the current one. */
#define LIST_EACH(head, l)                                                     \
    for (struct list *l = (head)->next, *l##_next = l->next; l != (head);      \
         l = l##_next, l##_next = l->next)
