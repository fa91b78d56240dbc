/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll() over a list: it is short, and changes seldom.
 */
#include "core/proc/await.h"

#include <limits.h>
#include <unistd.h>


bool
await_open(struct await *w, const struct log *log)
{
    list_init(&w->list);
    w->n = 0;
    w->signals = signals_open(log);
    return w->signals != -1;
}


void
await_close(struct await *w)
{
    close(w->signals);
    w->signals = -1;
}


bool
await_add(struct await *w, struct awaited *a)
{
    list_init(&a->link);
    a->ready = 0;
    if (w->n == AWAIT_MAX)
        return false;
    list_append(&w->list, &a->link);
    w->n++;
    return true;
}


void
await_remove(struct await *w, struct awaited *a)
{
    if (list_empty(&a->link))
        return;
    list_remove(&a->link);
    a->ready = 0;
    w->n--;
}


static struct awaited *
find_ready(const struct await *w)
{
    LIST_EACH(&w->list, l) {
        struct awaited *a = list_entry(l, struct awaited, link);

        if (a->ready != 0)
            return a;
    }
    return NULL;
}


/* A callback may change the list in any way, so each search begins at the
 * front. */
static void
call_ready(struct await *w)
{
    struct awaited *a;

    while ((a = find_ready(w)) != NULL) {
        a->ready = 0;
        a->on_ready(a);
    }
}


/* Longer waits only wake up once in vain. */
static int
timeout_of(msec_t max_wait_ms)
{
    if (max_wait_ms == (msec_t) -1)
        return -1;
    return max_wait_ms < INT_MAX ? (int) max_wait_ms : INT_MAX;
}


bool
await_next(struct await *w, struct signal_info *out, msec_t max_wait_ms)
{
    struct pollfd p[1 + AWAIT_MAX];
    nfds_t        n = 1;

    p[0] = (struct pollfd){ .fd = w->signals, .events = POLLIN };
    LIST_EACH(&w->list, l) {
        struct awaited *a = list_entry(l, struct awaited, link);

        /* With no events, poll() would still be woken by each of them. */
        p[n++] = (struct pollfd){ .fd = a->events != 0 ? a->fd : -1,
                                  .events = a->events };
    }
    if (poll(p, n, timeout_of(max_wait_ms)) <= 0)
        return false;
    n = 1;
    LIST_EACH(&w->list, l)
        list_entry(l, struct awaited, link)->ready = p[n++].revents;
    call_ready(w);
    return signals_read(w->signals, out);
}


void
await_leave(struct await *w)
{
    LIST_EACH(&w->list, l)
        close(list_entry(l, struct awaited, link)->fd);
    await_close(w);
}
