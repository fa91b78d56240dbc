/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection: a descriptor with an io vtable (plain, TLS, a stream inside
 * of another connection), a queue of output, two timers and a log.  It knows
 * nothing of protocols.  Small, because thousands of them are idle.
 *
 * Reading: the owner calls conn_read until it says CONN_AGAIN; the event is
 * edge-triggered.  Writing: pieces are appended to c->out and conn_flush is
 * called, or conn_flush_late, which gathers what a turn brings into one
 * write.
 */
#pragma once

#include "core/base/chain.h"
#include "core/event/loop.h"
#include "core/log/log.h"
#include "core/net/addr.h"

struct conn;
struct listener;

enum { CONN_AGAIN = -1, CONN_ERROR = -2 }; /* conn_read: or bytes, 0 at end  */

struct conn_io {
    const char *name;
    /* Bytes read (0: the peer has ended), CONN_AGAIN or CONN_ERROR. */
    ssize_t (*read)(struct conn *, char *out, size_t n);
    /* Sends from the front of the chain at most limit bytes in as few calls
     * as it can; consumes what went out.  Bytes sent, CONN_AGAIN (the
     * descriptor takes no more now), or CONN_ERROR. */
    ssize_t (*send)(struct conn *, struct chain *out, size_t limit);
    /* Ends the sending side where the transport can. */
    void    (*shutdown)(struct conn *);
    void    (*close)(struct conn *);
};

struct conn {
    struct event           event;
    const struct conn_io  *io;
    struct loop           *loop;
    struct log             log;
    const struct listener *listener; /* NULL on connections that we opened   */
    struct addr            peer;
    struct chain           out;
    struct timer           read_timer, write_timer;
    struct post            late;     /* conn_flush_late                      */
    void                 (*on_flushed)(struct conn *); /* out became empty, or
                                        (flush_failed) will never            */
    void                  *tls;      /* of core/tls                          */
    uint64_t               sent;     /* bytes, in all                        */
    uint64_t               received;
    int                    error;    /* errno of what broke it, 0: none      */
    bool flush_failed : 1;
    bool is_tcp : 1;
    bool nodelay : 1;     /* TCP_NODELAY is set                              */
    bool nopush : 1;      /* MSG_MORE before file pieces                     */
    bool no_sendfile : 1; /* read and write instead                          */
    bool is_reusable : 1; /* may be closed when connections are short        */
    bool is_unwanted : 1; /* asked to close, by on_read (net/worker.h)       */
    bool is_eof : 1;      /* read said 0                                     */
    struct list            reusable; /* of the worker's idle list            */
};

/* A plain connection on fd, for the owner that embeds it (zeroed).  Handlers
 * are set before conn_start. */
void conn_init(struct conn *c, struct loop *l, int fd,
               const struct log *parent);
/* Starts watching; false (logged) when epoll refuses. */
bool conn_start(struct conn *c);
/* Closes the descriptor, timers and posts; the memory stays the owner's. */
void conn_close(struct conn *c);

ssize_t conn_read(struct conn *c, char *out, size_t n);

/* What a flush can say. */
enum flush {
    FLUSH_DONE,  /* all is out                                               */
    FLUSH_WAIT,  /* on_flushed will be called                                */
    FLUSH_ERROR, /* the connection is broken; c->error says how              */
};
/* Sends c->out, at most limit bytes (0: no limit) in this call. */
enum flush conn_flush(struct conn *c, size_t limit);
/* Once per loop turn, behind everything else; on_flushed tells of the end. */
void conn_flush_late(struct conn *c);

void conn_shutdown(struct conn *c);
/* So that close sends RST: reset_timedout_connection, return 444. */
void conn_reset_on_close(struct conn *c);
void conn_set_nodelay(struct conn *c);

/* The address that the peer connected to (getsockname, remembered by the
 * caller). */
bool conn_local(const struct conn *c, struct addr_any *out);

/* Opens a connection to an address without waiting; on_write tells when it is
 * established, and conn_connect_error gives the outcome.  bind_to may be
 * NULL; transparent as proxy_bind's parameter.  0, or an errno that has been
 * logged by nobody. */
int conn_connect(struct conn *c, const struct sockaddr *to, socklen_t len,
                 const struct sockaddr *bind_to, socklen_t bind_len,
                 bool transparent);
/* 0, or the errno of a finished connect. */
int conn_connect_error(struct conn *c);
