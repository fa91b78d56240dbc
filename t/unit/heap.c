/* SPDX-License-Identifier: BSD-2-Clause */
/* Heap and list: against the plain way of doing it. */
#include "t/unit/tap.h"

#include "core/base/heap.h"
#include "core/base/list.h"

enum { NODES = 500, ROUNDS = 20000 };

static struct heap_node nodes[NODES];
static uint32_t         seed = 1;


/* The same numbers in each run. */
static uint32_t
next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}


static struct heap_node *
slow_min(void)
{
    struct heap_node *min = NULL;

    for (int i = 0; i < NODES; i++) {
        if (nodes[i].place && (!min || nodes[i].key < min->key))
            min = &nodes[i];
    }
    return min;
}


static void
test_heap(void)
{
    struct heap h = { 0 };
    int         wrong = 0;
    uint64_t    last = 0;

    is_same(heap_min(&h), NULL, "an empty heap");
    for (int i = 0; i < ROUNDS; i++) {
        struct heap_node *node = &nodes[next_random() % NODES], *min;

        if (!node->place) {
            node->key = next_random() % 1000;
            heap_push(&h, node);
        } else if (next_random() % 2) {
            node->key = next_random() % 1000;
            heap_moved(&h, node);
        } else {
            heap_remove(&h, node);
        }
        min = slow_min();
        wrong += (min ? min->key : 0) != (h.n ? heap_min(&h)->key : 0);
    }
    is(wrong, 0, "the smallest is always first");

    wrong = 0;
    while (h.n) {
        struct heap_node *min = heap_min(&h);

        wrong += min->key < last;
        last = min->key;
        heap_remove(&h, min);
        wrong += min->place != 0;
    }
    is(wrong, 0, "and they come in order");
    heap_fini(&h);
}


struct member {
    int         n;
    struct list link;
};


/* The members' numbers as digits of one. */
static int
digits(struct list *head)
{
    int n = 0;

    LIST_EACH(head, l)
        n = n * 10 + list_entry(l, struct member, link)->n;
    return n;
}


static void
test_list(void)
{
    struct list   head, other;
    struct member m[5];

    list_init(&head);
    list_init(&other);
    for (int i = 0; i < 5; i++)
        m[i].n = i + 1;
    is_same(list_pop(&head), NULL, "nothing to pop");

    list_append(&head, &m[1].link);
    list_append(&head, &m[2].link);
    list_insert(&head, &m[0].link);
    is(digits(&head), 123, "at the end and in front");

    list_remove(&m[1].link);
    list_remove(&m[1].link);
    is(digits(&head), 13, "removed, twice without harm");

    list_splice(&head, &other);
    list_append(&other, &m[3].link);
    list_append(&other, &m[4].link);
    list_splice(&head, &other);
    is(digits(&head), 1345, "spliced");
    ok(list_empty(&other), "and the other is empty");

    LIST_EACH(&head, l) {
        if (list_entry(l, struct member, link)->n != 4)
            list_remove(l);
    }
    is(digits(&head), 4, "members may go while they are walked over");
    ok(list_pop(&head) == &m[3].link && list_empty(&head), "popped");
}


int
main(void)
{
    test_heap();
    test_list();
    return done();
}
