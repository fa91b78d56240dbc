/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accepting in a worker: watches the listeners and hands new connections to
 * whoever speaks on them.  When the worker has no room for more (conns.max)
 * the longest idle connections go first, then slow clients; when that is not
 * enough, accepting pauses for a moment, and what nobody could take by then is
 * refused.  Out of descriptors, it pauses for half a second.
 */
#pragma once

#include "core/net/listen.h"

struct acceptor;

/* An address that this process accepts at.  It outlives generations: each has
 * a listener of its own there, and connections find by their port the one that
 * is in force when they begin a request. */
struct port {
    struct event           event;
    struct port           *next;
    struct acceptor       *acceptor;
    const struct listener *listener; /* of the generation that is served; NULL:
                                        it has none there                    */
    struct addr_any        addr;
    int                    type;
    unsigned               accepted;
    unsigned               refs; /* connections, and the acceptor            */
};

void port_put(struct port *p);

/* Of the worker of that number.  conns.max is set by the caller.  log is borrowed. */
struct acceptor *acceptor_new(struct loop *l, unsigned number,
                              const struct log *log);
/* Accepts at these addresses from now on, and at no others.  False: logged.
 * exclusive: several workers wait on the same sockets.  The descriptors stay
 * the listeners'. */
bool acceptor_adopt(struct acceptor *a, const listeners_t *listeners,
                    bool multi_accept, bool exclusive);
/* Watches no more.  The descriptors stay open.  acceptor_leave: the worker ends,
 * and takes what waits at sockets that no other has (reuseport). */
void acceptor_stop(struct acceptor *a);
void acceptor_leave(struct acceptor *a);
void acceptor_free(struct acceptor *a);
