/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each name server has a c-ares channel of its own, so that the resolver
 * decides which server is asked.  Any answer is final, also an error
 * (ARES_FLAG_NOCHECKRESP), and every name is sent to the server, even
 * localhost.
 */
#include "core/net/name_server.h"

#include <ares.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/base/check.h"
#include "core/net/worker.h"

/* A query is repeated after 2, 6 and 14 seconds, and given up after 30. */
enum { FIRST_TIMEOUT_MS = 2000, TRIES = 4 };

enum { CLASS_IN = 1 };

struct question {
    name_server_done done;
    void            *arg;
};


void
name_server_init(struct name_server *s, const struct addr_any *addr)
{
    s->addr = addr;
    for (size_t i = 0; i < NAME_SERVER_SOCKETS; i++) {
        s->sockets[i].event.fd = -1;
        s->sockets[i].owner = s;
    }
}


/* --- the channel ---------------------------------------------------------- */

static void
arm(struct name_server *s)
{
    struct timeval  room;
    struct timeval *left = ares_timeout(s->channel, NULL, &room);

    if (left)
        timer_set(s->loop, &s->timer,
                  (msec_t) left->tv_sec * 1000 + (msec_t) left->tv_usec / 1000
                      + 1);
    else
        timer_stop(&s->timer);
}


static void
on_timer(struct timer *t)
{
    struct name_server *s = container_of(t, struct name_server, timer);

    ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(s);
}


/* The event reports new bytes only once: all of them have to be read here, so
 * that the next ones are reported again. */
static void
on_read(struct event *e)
{
    struct name_server *s
        = container_of(e, struct name_server_socket, event)->owner;
    int left = 0;

    do {
        int fd = e->fd;

        e->readable = false;
        ares_process_fd(s->channel, fd, ARES_SOCKET_BAD);
        if (e->fd != fd)
            break;
    } while (ioctl(e->fd, FIONREAD, &left) == 0 && left > 0);
    arm(s);
}


static void
on_write(struct event *e)
{
    struct name_server *s
        = container_of(e, struct name_server_socket, event)->owner;

    e->writable = false;
    if (e->fd != -1)
        ares_process_fd(s->channel, ARES_SOCKET_BAD, e->fd);
}


static struct event *
find_event(struct name_server *s, int fd)
{
    for (size_t i = 0; i < NAME_SERVER_SOCKETS; i++) {
        if (s->sockets[i].event.fd == fd)
            return &s->sockets[i].event;
    }
    return NULL;
}


static void
on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    struct name_server *s = data;
    struct event       *e = find_event(s, fd);

    if (s->is_closing)
        return;
    if (e && !readable && !writable) {
        event_remove(s->loop, e);
        e->fd = -1;
        return;
    }
    if (e || (!readable && !writable))
        return;
    e = find_event(s, -1);
    if (!e)
        return; /* leave it to the timeout of c-ares */
    memset(e, 0, sizeof(*e));
    e->fd = fd;
    e->on_read = on_read;
    e->on_write = on_write;
    if (!event_add(s->loop, e))
        e->fd = -1;
}


static bool
open_channel(struct name_server *s, struct loop *loop)
{
    struct ares_options o = { 0 };
    char                no_files[] = "b", text[ADDR_TEXT + 1];
    int                 rc;

    s->loop = loop;
    s->timer.on_timeout = on_timer;
    text[addr_text(text, &s->addr->sa, s->addr->len, true)] = '\0';
    o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP;
    o.timeout = FIRST_TIMEOUT_MS;
    o.tries = TRIES;
    o.lookups = no_files;
    o.sock_state_cb = on_socket;
    o.sock_state_cb_data = s;
    rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc == ARES_SUCCESS)
        rc = ares_init_options(&s->channel, &o,
                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS
                                   | ARES_OPT_TRIES | ARES_OPT_LOOKUPS
                                   | ARES_OPT_SOCK_STATE_CB);
    if (rc != ARES_SUCCESS)
        s->channel = NULL;
    else
        rc = ares_set_servers_ports_csv(s->channel, text);
    if (rc == ARES_SUCCESS)
        return true;
    log_at(&worker->log, LEVEL_ALERT, 0, "resolver: %s", ares_strerror(rc));
    if (s->channel)
        ares_destroy(s->channel);
    s->channel = NULL;
    return false;
}


void
name_server_close(struct name_server *s, const struct loop *loop)
{
    if (!s->channel)
        return;
    s->is_closing = true;
    if (loop)
        timer_stop(&s->timer);
    for (size_t i = 0; loop && i < NAME_SERVER_SOCKETS; i++) {
        if (s->sockets[i].event.fd != -1)
            event_remove(s->loop, &s->sockets[i].event);
    }
    ares_destroy(s->channel);
    s->channel = NULL;
}


/* --- queries ------------------------------------------------------------- */

static void
on_answer(void *arg, int status, int timeouts, unsigned char *answer, int n)
{
    struct question q = *(struct question *) arg;

    (void) timeouts;
    free(arg);
    q.done(q.arg, status,
           (str_t){ (const char *) answer, answer ? (size_t) n : 0 });
}


void
name_server_ask(struct name_server *s, struct loop *loop, const char *name,
                enum dns_type type, name_server_done done, void *arg)
{
    struct question *q;

    if (!s->channel && !open_channel(s, loop)) {
        done(arg, ARES_ESERVFAIL, STR_NONE);
        return;
    }
    q = malloc(sizeof(*q));
    if (!q)
        check_memory(sizeof(*q));
    *q = (struct question){ done, arg };
    ares_query(s->channel, name, CLASS_IN, (int) type, on_answer, q);
    arm(s);
}
