/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the request: a connection of the listener that it would come to, with a
 * client at the other end that sends it and keeps the head of the response.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/explain/explain.h"

enum {
    HEAD_MAX = 65536,
    BODY_MAX = 64 << 20, /* bytes of a request's body that are sent, at most */
    TIME_MAX = 10000,    /* ms */
    BODY_TIME_MAX = 500, /* of a response; the rest of it is not waited for  */
};

struct client {
    struct explain *explain;
    struct event    event;
    struct timer    limit;
    str_t           text; /* still to be sent                                */
    uint64_t        body; /* zeros that follow                               */
    char            head[HEAD_MAX];
    size_t          n;
    bool            has_head;
};


/* --- the listener ----------------------------------------------------------- */

static str_t
lower(struct arena *a, str_t s)
{
    char *p = arena_bytes(a, s.n);

    str_lower_to(p, s);
    return (str_t){ p, s.n };
}


/* How well an address fits the URL; 0: not at all.  For a URL with a host name,
 * an address whose servers know the name is best, else one that accepts any
 * address. */
static unsigned
fits(const struct explain *e, const struct http_address *a)
{
    const struct sockaddr *sa = &a->listener.addr.sa;
    struct addr_any        named;
    unsigned               n = 1;

    if (e->ask.path.n != 0)
        return str_eq(a->text, e->ask.path);
    if (e->ask.port == 0)
        return 1;
    if (sa->sa_family == AF_UNIX || addr_port(sa) != e->ask.port)
        return 0;
    if (sa->sa_family == e->ask.from.sa.sa_family)
        n++;
    if (!addr_parse(e->ask.host, &named))
        return n + (addr_is_wildcard(sa) ? 2 : 0)
               + (http_knows(a, lower(e->arena, e->ask.host)) ? 4 : 0);
    if (addr_same(&named.sa, sa, false))
        return 16;
    return n
           + (addr_is_wildcard(sa) && named.sa.sa_family == sa->sa_family ? 8
                                                                          : 0);
}


static void
list_listeners(const struct explain *e)
{
    if (e->ask.path.n != 0)
        fprintf(stderr, "%s: explain: no server listens on " STR_F "\n",
                log_program, STR_A(e->ask.path));
    else if (e->ask.port != 0)
        fprintf(stderr, "%s: explain: no server listens on port %u\n",
                log_program, e->ask.port);
    else
        fprintf(stderr, "%s: explain: no server listens\n", log_program);
    VEC_EACH(&e->worker->gen->listeners, l)
        if ((*l)->accept == http_accept)
            fprintf(stderr, "    listen " STR_F "\n", STR_A((*l)->text));
}


/* The local address of a connection to a wildcard: one that has no servers of
 * its own. */
static struct addr_any
any_address(const struct explain *e, const struct http_socket *s)
{
    static const char *const plain[] = { "127.0.0.1", "192.0.2.1" },
                             *plain6[] = { "::1", "2001:db8::1" };
    bool            is_six = e->address->listener.addr.sa.sa_family == AF_INET6;
    struct addr_any at;
    unsigned        i;
    bool            is_taken = true;

    for (i = 0; i < countof(plain) && is_taken; i++) {
        (void) addr_parse(str_of(is_six ? plain6[i] : plain[i]), &at);
        is_taken = false;
        VEC_EACH(&s->others, a)
            is_taken |= addr_same(&(*a)->listener.addr.sa, &at.sa, false);
    }
    return at;
}


/* The address that the client would connect to; a client of a unix socket has
 * no address. */
static void
choose_addresses(struct explain *e)
{
    static const struct addr_any nameless
        = { .sa.sa_family = AF_UNIX, .len = sizeof(sa_family_t) };
    const struct addr_any *own = &e->address->listener.addr;
    struct addr_any        named;

    if (own->sa.sa_family == AF_UNIX && !e->ask.has_from
        && !e->listener->has_proxy_protocol)
        e->ask.from = nameless;
    e->local = *own;
    if (!addr_is_wildcard(&own->sa))
        return;
    if (!addr_parse(e->ask.host, &named)
        || named.sa.sa_family != own->sa.sa_family)
        named = any_address(e, e->listener->owner);
    addr_set_port(&named.sa, addr_port(&own->sa));
    e->local = named;
}


static void
consider(struct explain *e, struct listener *l, const struct http_address *a,
         unsigned *best)
{
    unsigned fit = fits(e, a);

    if (fit <= *best)
        return;
    *best = fit;
    e->listener = l;
    e->address = a;
}


static bool
choose_listener(struct explain *e)
{
    const struct http_socket *s;
    unsigned                  best = 0;

    VEC_EACH(&e->worker->gen->listeners, l) {
        if ((*l)->accept != http_accept || (*l)->type != SOCK_STREAM)
            continue;
        s = (*l)->owner;
        consider(e, *l, s->own, &best);
        VEC_EACH(&s->others, a)
            consider(e, *l, *a, &best);
    }
    if (best == 0) {
        list_listeners(e);
        return false;
    }
    choose_addresses(e);
    return true;
}


/* --- the client --------------------------------------------------------------- */

static struct client *
client_of(struct event *event)
{
    return container_of(event, struct client, event);
}


static void
leave(struct client *c)
{
    timer_stop(&c->limit);
    if (c->event.fd == -1)
        return;
    event_forget(c->explain->worker->loop, &c->event);
    close(c->event.fd);
    c->event.fd = -1;
}


/* Skips interim responses. */
static void
look_for_head(struct client *c)
{
    str_t       all = { c->head, c->n };
    const char *end;

    while (!c->has_head && (end = str_find(all, STR("\r\n\r\n"))) != NULL) {
        if (!str_starts(all, STR("HTTP/1.1 1"))
            || str_starts(all, STR("HTTP/1.1 101"))) {
            c->has_head = true;
            timer_set(c->explain->worker->loop, &c->limit, BODY_TIME_MAX);
            c->explain->head
                = str_copy(c->explain->arena, str_span(all.p, end + 2));
        }
        all = str_span(end + 4, all.p + all.n);
    }
}


static void
on_read(struct event *event)
{
    struct client *c = client_of(event);
    char           dropped[8192];
    ssize_t        n;

    for (;;) {
        n = c->has_head || c->n == sizeof(c->head)
                ? recv(event->fd, dropped, sizeof(dropped), MSG_DONTWAIT)
                : recv(event->fd, c->head + c->n, sizeof(c->head) - c->n,
                       MSG_DONTWAIT);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (!c->has_head && c->n < sizeof(c->head)) {
            c->n += (size_t) n;
            look_for_head(c);
        }
    }
    event->readable = false;
    if (n == 0)
        leave(c);
}


static void
on_write(struct event *event)
{
    static const char zeros[8192];
    struct client    *c = client_of(event);
    ssize_t           n = 0;

    while (c->text.n != 0 || c->body != 0) {
        if (c->text.n != 0)
            n = send(event->fd, c->text.p, c->text.n,
                     MSG_DONTWAIT | MSG_NOSIGNAL);
        else
            n = send(event->fd, zeros,
                     c->body < sizeof(zeros) ? (size_t) c->body : sizeof(zeros),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            break;
        if (c->text.n != 0)
            c->text = str_from(c->text, (size_t) n);
        else
            c->body -= (uint64_t) n;
    }
    event->writable = n > 0;
}


static void
on_limit(struct timer *t)
{
    leave(container_of(t, struct client, limit));
}


/* The client closes the connection when its request is done, and the loop ends
 * when the connection is freed. */
static void
after_turn(void *arg)
{
    struct client *c = arg;

    if (c->explain->is_over && c->event.fd != -1) {
        on_read(&c->event);
        leave(c);
    }
    if (conns.active == 0)
        loop_stop(c->explain->worker->loop);
}


static bool
start(struct explain *e, struct client *c)
{
    int fds[2];

    c->explain = e;
    c->event.fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds)
        == -1)
    {
        fprintf(stderr, "%s: explain: socketpair() failed\n", log_program);
        return false;
    }
    c->event.fd = fds[1];
    c->event.on_read = on_read;
    c->event.on_write = on_write;
    c->limit.on_timeout = on_limit;
    c->text = ask_text(e, &c->body);
    if (c->body > BODY_MAX)
        c->body = BODY_MAX;
    e->worker->debug = &e->sender;
    e->worker->n_debug = 1;
    e->worker->trace = &e->trace.trace;
    e->worker->local = &e->local;
    e->port = (struct port){ .listener = e->listener,
                             .addr = e->listener->addr,
                             .type = e->listener->type,
                             .refs = 1 };
    e->listener->accept(&e->port, e->worker->loop, fds[0], &e->ask.from);
    on_write(&c->event);
    timer_set(e->worker->loop, &c->limit, TIME_MAX);
    return event_add(e->worker->loop, &c->event);
}


bool
drive(struct explain *e)
{
    struct client *c;

    if (!choose_listener(e))
        return false;
    c = arena_make(e->arena, struct client);
    if (!start(e, c)) {
        leave(c);
        return false;
    }
    loop_each_turn(e->worker->loop, after_turn, c);
    loop_run(e->worker->loop);
    leave(c);
    if (e->is_over)
        record_limits(e);
    else
        fprintf(stderr, "%s: explain: the request did not come to an end\n",
                log_program);
    return e->is_over;
}
