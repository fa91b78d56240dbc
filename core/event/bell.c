/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One eventfd, that nobody reads: with edge-triggered events, each write to it
 * wakes every process that watches it.
 */
#include "core/event/bell.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

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


static void
on_read(struct event *e)
{
    struct bell *b = container_of(e, struct bell, event);

    e->readable = false;
    b->on_ring(b);
}


static void
on_write(struct event *e)
{
    (void) e;
}


void
bell_listen(struct bell *b, struct loop *l)
{
    if (b->is_on || bell_fd == -1)
        return;
    b->loop = l;
    b->event = (struct event){ .fd = bell_fd,
                               .on_read = on_read,
                               .on_write = on_write };
    b->is_on = event_add(l, &b->event);
}


void
bell_ignore(struct bell *b)
{
    if (b->is_on)
        event_remove(b->loop, &b->event);
    b->is_on = false;
}
