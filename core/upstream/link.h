/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to a peer: opening it, waiting on it, and keeping it for
 * another use.  Whoever asks a peer for something has one, whatever is spoken
 * over it.
 *
 * While a task uses a link, all that happens to the connection wakes the task,
 * which looks for itself what has changed.  In between it waits in the pool
 * of its group (idle.c), which outlives generations.
 */
#pragma once

#include "core/event/task.h"
#include "core/net/conn.h"

struct idle_pool;
struct peer;
struct upstream_group;

/* What a connection is opened with. */
struct link_options {
    const struct addr_any *from; /* the own address; NULL: the system's choice */
    bool                   is_transparent; /* from need not be this machine's  */
    const struct conn_io  *io;   /* NULL: plain                               */
    size_t                 rcvbuf, sndbuf; /* bytes; 0: the system's           */
    bool                   keepalive;      /* SO_KEEPALIVE                     */
};

/* On the heap; its user may set conn's handlers, and leaves nothing in
 * conn.out when it gives the link back. */
struct link {
    struct conn       conn;
    struct task      *task;      /* that uses it; NULL: idle or closed       */
    struct list       place;     /* in the pool                              */
    struct idle_pool *pool;      /* while it waits there                     */
    str_t             name;      /* of the peer                              */
    uint64_t          kind;      /* what it was opened for, and by whom:
                                    serves nothing of another kind          */
    uint64_t          requests;  /* served, with the current one             */
    msec_t            opened_at; /* clock_ms                                 */
    msec_t            kept_at;   /* clock_ms, when it became idle            */
    msec_t            send_timeout;
    uint64_t          sent_at_timer; /* conn.sent when the timer was set     */
    uint64_t          sent_before, received_before; /* this use              */
    struct post       reap;
    bool              has_outcome; /* of connecting                          */
    bool              is_connected;
    bool              is_untried; /* not opened: something is short here, no
                                     fault of the peer's                     */
    bool              was_idle;   /* taken from the pool                     */
    bool              timed_out;
};

/* A link that is not open yet to the peer of that name (copied), in use by t:
 * link_connect follows. */
struct link *link_new(struct task *t, str_t name, uint64_t kind);
/* The most recently used idle one of that kind to a peer, in use by t; NULL:
 * there is none. */
struct link *link_take(struct task *t, struct upstream_group *g,
                       const struct peer *peer, uint64_t kind);
/* Begins to connect.  STEP_WAIT: the task is woken, and asks link_connected;
 * STEP_FAIL: logged, and is_untried tells whose fault it is. */
enum step link_connect(struct link *l, const struct addr_any *to,
                       const struct link_options *o, msec_t timeout);
/* STEP_NEXT: it is there, with whatever its io begins with; STEP_WAIT: not
 * yet; STEP_FAIL: logged.  Whether the timeout has passed is l->timed_out. */
enum step link_connected(struct link *l);
/* The task is done with it: gives it to the pool of a group where it may be
 * used again, else closes it.  g may be NULL: there is no pool. */
void link_release(struct link *l, struct upstream_group *g, bool may_be_idle);
/* Closes one that nobody uses; the memory goes at the end of the turn. */
void link_discard(struct link *l);

/* From now on, for so long: until something comes (whoever reads calls it
 * again or stops conn.read_timer), or as long as the peer takes something. */
void link_wait_read(struct link *l, msec_t timeout);
void link_wait_write(struct link *l, msec_t timeout);

/* Bytes in this use. */
static inline uint64_t
link_sent(const struct link *l)
{
    return l->conn.sent - l->sent_before;
}


static inline uint64_t
link_received(const struct link *l)
{
    return l->conn.received - l->received_before;
}
