/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets: what configuration asks of them, opening and inheriting
 * them over reloads and binary upgrades, and accepting in a worker.
 */
#pragma once

#include "core/base/vec.h"
#include "core/net/conn.h"

struct port;

/* The parameters of one listen line (or all that name the same address). */
struct listen_options {
    int      backlog;    /* -1: the default, 511                             */
    int      rcvbuf, sndbuf, fastopen; /* -1: not set                        */
    int      keepidle, keepintvl, keepcnt; /* seconds, seconds, count; 0     */
    uint8_t  so_keepalive; /* 0: not set, 1: on, 2: off                      */
    uint8_t  ipv6only;   /* 1: on (the default), 0: off                      */
    bool     deferred, reuseport, bind, multipath;
};

/* One socket of a generation. */
struct listener {
    struct addr_any       addr;
    str_t                 text;   /* "0.0.0.0:80", "unix:/path": for logs    */
    struct listen_options options;
    int                   type;   /* SOCK_STREAM or SOCK_DGRAM               */
    const char           *file;   /* of the first line that asks for it, or
                                     NULL                                    */
    unsigned              line;
    int                   fd;     /* -1 until opened; of worker 0 when
                                     reuseport                               */
    int                  *fds;    /* reuseport: one a worker; fds[0] is fd   */
    unsigned              n_fds;  /* 0 without reuseport                     */
    bool                  is_inherited; /* of the generation before          */
    bool                  has_proxy_protocol;
    bool                  has_ssl;
    /* Who speaks on its connections: */
    void                (*accept)(struct port *, struct loop *, int fd,
                                  const struct addr_any *peer);
    void                 *owner;  /* the address table of http or stream     */
};

typedef VEC(struct listener *) listeners_t;

/* Takes over from old what has the same address and type, and opens the rest;
 * where a listener has reuseport, one socket for each of workers (fds, in a).
 * False: logged in nginx's words, what was opened is closed again, old is as
 * it was.  A busy address is tried five times, unless is_test, which forgives
 * it (fd stays -1). */
bool listeners_open(struct arena *a, listeners_t *all, const listeners_t *old,
                    bool is_test, unsigned workers, const struct log *log);
/* Sets what may be changed on an open socket (backlog, buffers ...). */
void listeners_configure(listeners_t *all, const struct log *log);
/* Closes those of old that now does not have (NULL: all), unlinking unix
 * sockets. */
void listeners_close_unused(listeners_t *old, const listeners_t *now,
                            const struct log *log);
/* The same in a process that has inherited them all: unlinks nothing. */
void listeners_close_foreign(listeners_t *old, const listeners_t *now);
/* In a new worker: closes those on which only others accept.  A socket of a
 * listener with reuseport that nobody accepts on would swallow connections. */
void listeners_keep_own(listeners_t *all, unsigned worker);
/* A worker that lives on gets listeners from the master, with the master's
 * descriptors in them.  listener_lacks: where the one belongs on which it
 * accepts, when it has none from old, the listeners that it serves now; or NULL.
 * The master finds the same.  listeners_localize, in the worker: replaces
 * those of the master by its own where it has them, and else by -1. */
int *listener_lacks(struct listener *l, const listeners_t *old,
                    unsigned worker);
void listeners_localize(listeners_t *all, const listeners_t *old,
                        unsigned worker);
/* Closes all descriptors and leaves unix sockets in the file system: for a
 * worker that ends, or a master that has handed them to another. */
void listeners_close(listeners_t *all);
/* Sockets handed down in the environment (NGINX=6;7;), as listeners; and the
 * text that hands these down. */
bool  listeners_inherit(struct arena *a, listeners_t *out, str_t env,
                        const struct log *log);
str_t listeners_export(struct arena *a, const listeners_t *all);

/* The descriptor on which that worker (from 0) accepts. */
int listener_fd(const struct listener *l, unsigned worker);
/* nginx's defaults: no backlog given, nothing set. */
void listen_options_init(struct listen_options *o);
