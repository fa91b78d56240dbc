/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An answer that nobody wants is parsed like others, but its key is not known
 * any more.
 */
#include "modules/gateway/memcached_order.h"

enum { LINE_MAX = 1024 }; /* the longest key has 250 bytes                   */


void
memcached_order_init(struct memcached_order *o)
{
    *o = (struct memcached_order){ .n = 0 };
    list_init(&o->queue);
}


static struct memcached_turn *
first(const struct memcached_order *o)
{
    return list_empty(&o->queue)
               ? NULL
               : list_entry(o->queue.next, struct memcached_turn, place);
}


struct memcached_turn *
memcached_order_current(const struct memcached_order *o)
{
    struct memcached_turn *t = first(o);

    return t != NULL && t->skip == 0 ? t : NULL;
}


void
memcached_order_ask(struct memcached_order *o, struct memcached_turn *t)
{
    t->is_asked = true;
    t->skip = o->skip;
    o->skip = 0;
    o->n++;
    list_append(&o->queue, &t->place);
}


void
memcached_order_leave(struct memcached_order *o, struct memcached_turn *t)
{
    struct list *next = t->place.next;

    list_remove(&t->place);
    if (next != &o->queue)
        list_entry(next, struct memcached_turn, place)->skip += t->skip + 1;
    else
        o->skip += t->skip + 1;
}


static void
finish(struct memcached_order *o)
{
    struct memcached_turn *t = memcached_order_current(o);

    o->n--;
    o->answer = (struct memcached_answer){ .left = 0 };
    if (t != NULL) {
        t->is_whole = true;
        list_remove(&t->place);
    } else if (first(o) != NULL) {
        first(o)->skip--;
    } else {
        o->skip--;
    }
}


enum memcached_part
memcached_order_take(struct memcached_order *o, str_t *in)
{
    const struct memcached_turn *t = memcached_order_current(o);

    if (o->n == 0)
        return MEMCACHED_BROKEN;
    o->answer.key = t != NULL ? t->key : STR_NONE;
    for (;;)
        switch (memcached_next(&o->answer, in)) {
        case MEMCACHED_WANTS_MORE:
            return in->n > LINE_MAX ? MEMCACHED_BROKEN : MEMCACHED_COMING;
        case MEMCACHED_SAW_VALUE:
            if (o->answer.line.n >= LINE_MAX)
                return MEMCACHED_BROKEN;
            break;
        case MEMCACHED_SAW_NOTHING:
        case MEMCACHED_SAW_DATA:
            break;
        case MEMCACHED_SAW_END:
            finish(o);
            return MEMCACHED_COMPLETE;
        case MEMCACHED_BAD_END:
        case MEMCACHED_BAD_LINE:
            return MEMCACHED_BROKEN;
        }
}
