/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An answer that does not fit into the socket is sent as the client reads it,
 * for so long; when all places are taken, the oldest one is cut off.
 */
#include "core/proc/inquiry.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/json_read.h"
#include "core/base/json_text.h"
#include "core/conf/module.h"

enum { PLACES = 8, PATIENCE_MS = 10000 };

struct inquiry {
    struct event  event; /* fd -1: the place is free                        */
    struct timer  timer;
    struct arena *arena; /* of the answer                                    */
    str_t         left;  /* of it, to be sent                                */
    bool          is_used;
};

static struct {
    struct inquiry at[PLACES];
    unsigned       next; /* the place that was taken the longest ago          */
} inquiries;


static void
end(struct inquiry *q)
{
    if (!q->is_used)
        return;
    timer_stop(&q->timer);
    if (q->event.added)
        event_remove(worker->loop, &q->event);
    close(q->event.fd);
    arena_free(q->arena);
    q->is_used = false;
}


static void
push(struct inquiry *q)
{
    ssize_t n;

    while (q->left.n != 0) {
        n = send(q->event.fd, q->left.p, q->left.n, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN && q->event.added) {
            q->event.writable = false;
            return;
        }
        if (n == -1)
            break;
        q->left = str_from(q->left, (size_t) n);
    }
    end(q);
}


/* One that only closes its side still gets the answer. */
static void
on_ready(struct event *e)
{
    push(container_of(e, struct inquiry, event));
}


static void
on_timeout(struct timer *t)
{
    end(container_of(t, struct inquiry, timer));
}


static void
say(struct worker *w, struct json_text *t, str_t line)
{
    str_t what;

    if (!json_member(line, "do", &what))
        what = STR("\"\"");
    for (unsigned i = 0; weir_modules[i] != NULL; i++)
        if (weir_modules[i]->answer != NULL
            && weir_modules[i]->answer(w, what, line, t))
            return;
    json_open(t, NULL, '{');
    json_put(t, "error", STR("unknown request"));
    json_close(t, '}');
}


void
inquiry_answer(struct worker *w, int fd, str_t line)
{
    struct inquiry  *q = &inquiries.at[inquiries.next++ % PLACES];
    struct json_text t = { .arena = arena_new(0) };

    end(q);
    *q = (struct inquiry){
        .event = { .fd = fd, .on_read = on_ready, .on_write = on_ready },
        .timer = { .on_timeout = on_timeout, .is_idle = true },
        .arena = t.arena,
        .is_used = true
    };
    say(w, &t, line);
    *vec_push(t.arena, &t.out) = '\n';
    q->left = (str_t){ t.out.at, t.out.n };
    timer_set(w->loop, &q->timer, PATIENCE_MS);
    event_add(w->loop, &q->event);
    push(q);
}


void
inquiries_stop(void)
{
    for (unsigned i = 0; i < PLACES; i++)
        end(&inquiries.at[i]);
}
