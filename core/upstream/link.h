/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to a peer: opening it, reading from it, waiting on it, and
 * keeping it for reuse.  Whoever asks a peer for something has one, whatever
 * is spoken over it.
 *
 * While a task uses a link, all that happens to the connection wakes the task,
 * which looks for itself what has changed.  In between the link is idle, in
 * the pool of its group (idle.c), which outlives generations: nothing that a
 * link refers to then may belong to one.
 */
#pragma once

#include "core/base/buf.h"
#include "core/event/task.h"
#include "core/net/conn.h"

/* Bytes from a peer while a link is idle. */
enum { LINK_HEARD_MAX = 65536 };

struct idle_pool;
struct link;
struct peer;
struct upstream_group;

/* What a connection is opened with. */
struct link_options {
    const struct addr_any *from; /* the own address; NULL: the system's choice */
    bool                   is_transparent; /* from need not be this machine's  */
    str_t                  preface; /* goes out first, before TLS; a few bytes  */
    const struct conn_io  *io;   /* NULL: plain                               */
    /* When the socket is open: puts another io in place of the plain one.
     * False: logged, and no fault of the peer's.  NULL: it stays. */
    bool (*wrap)(struct conn *c, void *arg);
    void                  *arg;
    size_t                 rcvbuf, sndbuf; /* bytes; 0: the system's           */
    bool                   keepalive;      /* SO_KEEPALIVE                     */
};

/* What is spoken over a link, where something of it lives as long as the
 * connection does: settings that both sides have agreed on, a table of a
 * header compression, numbers of streams.  A constant of the program. */
struct link_protocol {
    size_t state_size; /* of l->state, which begins zeroed; 0: NULL          */
    /* The peer has sent something on an idle link, or behind the end of its
     * last use.  Takes all of in (what is incomplete goes into the state), and
     * appends to out what is to be answered.  False: the link cannot be used
     * again and is closed, for instance because the peer has said that it will
     * close it.  It is closed as well when the answer cannot be sent at once,
     * or when more than LINK_HEARD_MAX have come while it was idle.  NULL: the peer
     * has no reason to send anything, and the link is closed if it does. */
    bool (*on_idle)(struct link *l, str_t in, struct chain *out);
    /* The connection ends: frees what the state refers to.  Or NULL. */
    void (*end)(struct link *l);
    /* Where a connection carries several uses at a time: begins one over a
     * connection that is there, a link inside of it (link_new_inner), which the
     * task uses from now on; the outer one is nobody's.  NULL: logged, and the
     * outer link is closed.  The member may be NULL: a link serves one task. */
    struct link *(*enter)(struct link *outer, struct task *t);
    /* Whether it could be called again now. */
    bool (*has_room)(const struct link *outer);
    /* Of links inside: the use ends, instead of all that link_release does. */
    void (*leave)(struct link *inner, struct upstream_group *g);
};

/* What a connection is opened for.  It is reused only where all of this is the
 * same: it never carries what it was not opened for. */
struct link_kind {
    const struct link_protocol *protocol; /* NULL: nothing lives with it      */
    uint64_t settings; /* digest (str_mix) of what a configuration says: the
                          name of the protocol, options, TLS, who may use it  */
    str_t    added;    /* the same that depends on the request, such as the
                          own address: a client can choose it, so that it is
                          compared as it is                                   */
    uint64_t owner;    /* the number of the client's connection that it is for;
                          0: of any                                           */
    unsigned most;     /* uses at a time, where the protocol has enter; not
                          compared                                            */
};

/* On the heap; its user may set conn's handlers, and leaves nothing in
 * conn.out when it gives the link back. */
struct link {
    struct conn       conn;
    struct task      *task;      /* that uses it; NULL: idle or closed       */
    struct list       place;     /* in the pool, if it waits there or is
                                    shared                                   */
    struct idle_pool *pool;      /* the same                                 */
    struct link      *outer;     /* that this one is inside of; NULL: none,
                                    or it has ended                          */
    unsigned          inner;     /* links inside of it                       */
    str_t             name;      /* of the peer                              */
    struct link_kind  kind;
    void             *state;     /* the protocol's                           */
    str_t             preface;   /* to be sent when it is connected           */
    struct block     *block;     /* that is read into, or NULL               */
    struct buf        in;        /* in block: read, and not taken so far     */
    uint64_t          idle_bytes; /* that have come since it became idle     */
    uint64_t          requests;  /* served, with the current one             */
    msec_t            opened_at; /* clock_ms                                 */
    msec_t            kept_at;   /* clock_ms, when it became idle            */
    msec_t            idle_limit; /* the peer closes it when it has been idle
                                     for longer; 0: it has not said          */
    msec_t            read_timeout;
    msec_t            send_timeout;
    uint64_t          sent_at_timer; /* conn.sent when the timer was set     */
    uint64_t          sent_before, received_before; /* this use              */
    struct post       reap;
    bool              has_outcome; /* of connecting                          */
    bool              is_connected;
    bool              is_untried; /* not opened: something is short here, no
                                     fault of the peer's                     */
    bool              was_idle;   /* taken from the pool                     */
    bool              is_doubtful; /* this use had no body, but the peer may
                                      send one all the same                   */
    bool              is_moved;   /* inside of another, which has ended for it:
                                     it is to ask over another connection    */
    bool              timed_out;
    bool              is_send_late; /* ... since the peer takes nothing      */
    bool              is_shared; /* more may go inside of it                 */
    bool              is_announced; /* others may wait for it (opening.c)    */
    bool              is_pending; /* being opened, with no outcome so far     */
    unsigned          n_awaits;
    struct list       awaits;    /* struct link_await; set while announced   */
    int               error;     /* errno of connecting, 0: none             */
};

/* A link that is not open yet to the peer of that name (copied, as the kind is),
 * in use by t: link_connect follows. */
struct link *link_new(struct task *t, str_t name,
                      const struct link_kind *kind);
/* The most recently used idle one of that kind to a peer, in use by t; or one
 * that others use and that has room (kind->most), for its protocol's enter;
 * NULL: there is none. */
struct link *link_take(struct task *t, struct upstream_group *g,
                       const struct peer *peer,
                       const struct link_kind *kind);
/* The latter only. */
struct link *link_join(struct upstream_group *g, const struct peer *peer,
                       const struct link_kind *kind);
/* The name of the peer to which that client's connection has had an idle one
 * most recently; empty: it has none. */
str_t link_owned(const struct upstream_group *g, uint64_t owner);
/* A new one has agreed with its peer on what is spoken. */
void link_speak(struct link *l, const struct link_protocol *protocol);
/* One inside of outer, in use by t, with an io that moves its bytes; protocol
 * has its leave. */
struct link *link_new_inner(struct link *outer, struct task *t,
                            const struct conn_io       *io,
                            const struct link_protocol *protocol);
/* For enter: the link is no task's any more, but carries others inside of it.
 * These are its conn's handlers; out has its pieces from the arena of links, and
 * takes the free ones of that, to which they are given back for the time when
 * it is idle.  It logs as the worker does, whatever generation that serves. */
void link_carry(struct link *l, struct chain *links,
                void (*on_read)(struct event *),
                void (*on_flushed)(struct conn *));
/* The outer link may be entered by others of the group, until it is discarded or
 * kept idle. */
void link_share(struct link *outer, struct upstream_group *g);
/* Nobody is inside any more: keeps it idle where g (or NULL) allows that and it
 * may be, else closes it. */
void link_settle(struct link *outer, struct upstream_group *g, bool may_be_idle);
/* --- links that are being opened (opening.c) ------------------------------ */

enum await_state {
    AWAIT_OPENING, /* not yet                                                */
    AWAIT_OVER,    /* there may be room, or another one to wait for          */
    AWAIT_VAIN,    /* it could not be opened, or carries one use only        */
    AWAIT_LATE,    /* the time is over                                       */
};

/* Of a task that waits for a link which another one opens; zeroed before it is
 * used. */
struct link_await {
    struct list      place; /* in link->awaits                               */
    struct link     *link;  /* NULL: the wait is over                        */
    struct task     *task;
    struct timer     timer;
    enum await_state state;
};

/* Others of the group may wait for l, which is being opened, until it is shared
 * or comes to another end. */
void link_announce(struct link *l, struct upstream_group *g);
/* What became of an announced one; nothing happens to others. */
void link_opened(struct link *l, enum await_state state);
/* Waits for one of that kind to that peer, for at most so long: the task is
 * woken, and w->state tells.  False: there is none that has room (kind->most). */
bool link_await(struct link_await *w, struct task *t,
                const struct upstream_group *g, const struct peer *peer,
                const struct link_kind *kind, msec_t timeout);
/* The task does not wait any more. */
void link_await_end(struct link_await *w);

/* Begins to connect.  STEP_WAIT: the task is woken, and asks link_connected;
 * STEP_NEXT: it asks at once; STEP_FAIL: logged, and is_untried tells whose
 * fault it is. */
enum step link_connect(struct link *l, const struct addr_any *to,
                       const struct link_options *o, msec_t timeout);
/* STEP_NEXT: it is there, with whatever its io begins with; STEP_WAIT: not
 * yet; STEP_FAIL: logged.  Whether the timeout has passed is l->timed_out. */
enum step link_connected(struct link *l);
/* Reads into l->in, about want bytes at most.  A block whose bytes others
 * refer to is left to them, and what has not been taken is moved to a new
 * one.  As conn_read: how many, 0 at the end, CONN_AGAIN, CONN_ERROR
 * (logged). */
ssize_t link_read(struct link *l, size_t want);
/* Forgets what has been read and was not taken; others keep what they refer
 * to. */
void link_drop_input(struct link *l);
/* The task is done with it: gives it to the pool of a group where it may be
 * used again, else closes it.  What is left in l->in is for the protocol's
 * on_idle.  g may be NULL: there is no pool. */
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
