/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One eventfd, that nobody reads: with edge-triggered events, each write to it
 * wakes every process that watches it.
 */
#include "core/event/bell.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/log/log.h"

static int bell_fd = -1;


bool
bell_hang(const struct log *log)
{
    bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell_fd == -1)
        log_at(log, LEVEL_EMERG, errno, "eventfd() failed");
    return bell_fd != -1;
}


void
bell_ring(void)
{
    uint64_t one = 1;

    if (bell_fd != -1)
        (void) !write(bell_fd, &one, sizeof(one));
}


/* Each loop can have a descriptor once: all bells of the process share it. */
static struct list  bells = { &bells, &bells };
static unsigned     n_bells;
static struct loop *heard_by;


static void
on_read(struct event *e)
{
    struct list todo, *l;

    e->readable = false;
    list_init(&todo);
    list_splice(&todo, &bells);
    while ((l = list_pop(&todo)) != NULL) {
        struct bell *b = container_of(l, struct bell, link);

        list_append(&bells, l);
        b->on_ring(b);
    }
}


static void
on_write(struct event *e)
{
    (void) e;
}


static struct event event = { .on_read = on_read, .on_write = on_write };


void
bell_listen(struct bell *b, struct loop *l)
{
    if (b->is_on || bell_fd == -1)
        return;
    if (n_bells == 0) {
        event.fd = bell_fd;
        heard_by = l;
        if (!event_add(l, &event))
            return;
    }
    CHECK(heard_by == l);
    list_append(&bells, &b->link);
    b->is_on = true;
    n_bells++;
}


void
bell_ignore(struct bell *b)
{
    if (!b->is_on)
        return;
    list_remove(&b->link);
    b->is_on = false;
    if (--n_bells == 0)
        event_remove(heard_by, &event);
}
