/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a listen line asks for that can be changed on an open socket, so that
 * a reload applies it to the sockets that are kept.  None of it is fatal.
 */
#include <errno.h>
#include <netinet/tcp.h>

#include "core/net/listen.h"

enum { BACKLOG = 511, DEFER_SECONDS = 1 };

struct target {
    const struct listener *l;
    const struct log      *log;
    int                    fd;
};


static void
set(const struct target *t, int level, int name, int value, const char *text)
{
    if (setsockopt(t->fd, level, name, &value, sizeof(value)) == -1)
        log_at(t->log, LEVEL_ALERT, errno,
               "setsockopt(%s, %d) " STR_F " failed, ignored", text, value,
               STR_A(t->l->text));
}


static int
get(const struct target *t, int level, int name)
{
    int       value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(t->fd, level, name, &value, &len) == 0 ? value : 0;
}


static void
set_buffers(const struct target *t)
{
    const struct listen_options *o = &t->l->options;

    if (o->rcvbuf != -1)
        set(t, SOL_SOCKET, SO_RCVBUF, o->rcvbuf, "SO_RCVBUF");
    if (o->sndbuf != -1)
        set(t, SOL_SOCKET, SO_SNDBUF, o->sndbuf, "SO_SNDBUF");
}


static void
set_keepalive(const struct target *t)
{
    const struct listen_options *o = &t->l->options;
    bool is_kept = get(t, SOL_SOCKET, SO_KEEPALIVE) != 0;

    if (is_kept != (o->so_keepalive == 1))
        set(t, SOL_SOCKET, SO_KEEPALIVE, o->so_keepalive == 1, "SO_KEEPALIVE");
    if (o->keepidle != 0)
        set(t, IPPROTO_TCP, TCP_KEEPIDLE, o->keepidle, "TCP_KEEPIDLE");
    if (o->keepintvl != 0)
        set(t, IPPROTO_TCP, TCP_KEEPINTVL, o->keepintvl, "TCP_KEEPINTVL");
    if (o->keepcnt != 0)
        set(t, IPPROTO_TCP, TCP_KEEPCNT, o->keepcnt, "TCP_KEEPCNT");
}


static void
set_tcp(const struct target *t)
{
    const struct listen_options *o = &t->l->options;
    bool is_deferred = get(t, IPPROTO_TCP, TCP_DEFER_ACCEPT) != 0;

    if (o->fastopen != -1)
        set(t, IPPROTO_TCP, TCP_FASTOPEN, o->fastopen, "TCP_FASTOPEN");
    else if (get(t, IPPROTO_TCP, TCP_FASTOPEN) != 0)
        set(t, IPPROTO_TCP, TCP_FASTOPEN, 0, "TCP_FASTOPEN");
    if (o->deferred != is_deferred)
        set(t, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->deferred ? DEFER_SECONDS : 0,
            "TCP_DEFER_ACCEPT");
}


static void
configure(const struct target *t)
{
    const struct listener *l = t->l;
    int backlog = l->options.backlog > 0 ? l->options.backlog : BACKLOG;

    set_buffers(t);
    if (l->type != SOCK_STREAM)
        return;
    if (l->addr.sa.sa_family != AF_UNIX) {
        set_keepalive(t);
        set_tcp(t);
    }
    if (l->is_inherited && listen(t->fd, backlog) == -1)
        log_at(t->log, LEVEL_ALERT, errno,
               "listen() to " STR_F ", backlog %d failed, ignored",
               STR_A(l->text), backlog);
}


void
listeners_configure(listeners_t *all, const struct log *log)
{
    for (size_t i = 0; i < all->n; i++) {
        struct listener *l = all->at[i];
        unsigned         n = l->n_fds != 0 ? l->n_fds : 1;

        for (unsigned w = 0; w < n; w++) {
            struct target t = { l, log, listener_fd(l, w) };

            if (t.fd != -1)
                configure(&t);
        }
    }
}
