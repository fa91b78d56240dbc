/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection: a descriptor with an io vtable (plain, TLS), a queue of
 * output, two timers and a log.  It knows nothing of protocols.  Small, because
 * thousands of them are idle.  One inside of another (a stream) has no
 * descriptor, but all the rest: conn_init_inner.
 *
 * Reading: the owner calls conn_read until it says CONN_AGAIN; the event is
 * edge-triggered.  Writing: pieces are appended to c->out and conn_flush is
 * called, or conn_flush_late, which gathers what a turn brings into one
 * write.
 */
#pragma once

#include "core/base/chain.h"
#include "core/base/step.h"
#include "core/event/loop.h"
#include "core/log/log.h"
#include "core/net/addr.h"

struct conn;
struct generation;
struct pace;
struct port;
struct tls;

enum { CONN_AGAIN = -1, CONN_ERROR = -2 }; /* conn_read: or bytes, 0 at end  */

enum probe {
    PROBE_QUIET, /* nothing has come                                         */
    PROBE_INPUT,
    PROBE_END, /* the peer has closed it, or it is broken                  */
};

struct conn_io {
    const char *name;
    /* What has to be settled before the first byte; called again when the
     * connection is ready, until it says STEP_NEXT, or STEP_FAIL (logged).
     * NULL: nothing. */
    enum step (*handshake)(struct conn *);
    /* Bytes read (0: the peer has ended), CONN_AGAIN or CONN_ERROR. */
    ssize_t (*read)(struct conn *, char *out, size_t n);
    /* Sends from the front of the chain at most limit bytes in as few calls
     * as it can; consumes what went out.  Bytes sent, CONN_AGAIN (the
     * descriptor takes no more now), or CONN_ERROR. */
    ssize_t (*send)(struct conn *, struct chain *out, size_t limit);
    /* Whether there is something to read; takes nothing. */
    enum probe (*probe)(struct conn *);
    /* What is in the chain that it sends from is dropped: nothing of what follows
     * has been sent already.  NULL: that is nothing to it. */
    void (*dropped)(struct conn *);
    /* Bytes that send took and the peer does not have so far.  NULL: those that
     * it carries are no clients' connections, of which alone this is asked. */
    size_t (*unread)(const struct conn *);
    /* Ends the sending side.  NULL: the transport cannot. */
    void (*shutdown)(struct conn *);
    void (*close)(struct conn *);
};

/* What the process asks of whoever has a connection. */
struct conn_owner {
    /* It is idle (conn_set_reusable) and its place is wanted, or the worker
     * ends: closes it now.  Runs no request and opens nothing: where a request
     * has come by now, it posts that and keeps the connection. */
    void (*on_unwanted)(struct conn *);
    /* It is not idle, and the worker ends: tells the peer, and closes nothing.
     * NULL: there is nothing to tell. */
    void (*on_exit)(struct conn *);
    /* The worker's time ends before the connection does (conns_cut): ends what
     * is under way and closes it.  NULL: nothing is to be ended. */
    void (*on_cut)(struct conn *);
    /* It is idle, and the worker serves another generation from now on: moves
     * over to it, or closes.  NULL: that is nothing to it. */
    void (*on_adopt)(struct conn *);
    /* The generation that it runs under, where it has an on_cut. */
    const struct generation *(*generation)(const struct conn *);
    /* Connections are short: how fast the peer moves, where nothing but the peer
     * holds up what is under way; else NULL.  Never NULL for CONN_HEAD.  The
     * member itself may be NULL: is never slow. */
    struct pace *(*pace)(struct conn *);
    /* It is slow (core/net/pressure.h): ends what is under way, closes it. */
    void (*on_slow)(struct conn *);
};

/* What a connection is in use for, which says when it is closed for others. */
enum conn_use {
    CONN_BUSY,   /* when its peer is slow                                    */
    CONN_IDLE,   /* first; the longest idle before the others                */
    CONN_HEAD,   /* when a request's head has been coming for too long       */
    CONN_NEW,    /* last: nothing has come from it so far                    */
    CONN_TUNNEL, /* never                                                    */
    CONN_USES,
};

struct conn {
    struct event          event;
    const struct conn_io *io;
    struct tls           *tls; /* what conn_tls has to remember, or NULL */
    struct loop          *loop;
    struct log            log;
    const struct log     *lines; /* whose context its lines have: log, or
                                        that of the one request that it
                                        carries at present                   */
    struct port          *port;  /* where it was accepted, counted by its
                                        owner; NULL: we opened it            */
    struct addr           peer;
    uint32_t              limit; /* of one flush, for its continuation   */
    struct chain          out;   /* chain_init is the owner's            */
    struct timer          read_timer, write_timer;
    struct post           late; /* conn_flush_late, and continuing      */
    void (*on_flushed)(struct conn *); /* out became empty, or
                                        (flush_failed) will never            */
    uint64_t                 sent; /* bytes, in all                        */
    uint64_t                 received;
    struct list              link;  /* of conns.of[use] while it is idle or
                                        is_cuttable                          */
    const struct conn_owner *owner; /* NULL: is never idle, nor cut off     */
    uint32_t                 send_timeout; /* ms; arms write_timer whenever the
                                        peer takes no more; 0: does not      */
    uint16_t                 error; /* errno of what broke it, 0: none      */
    bool                     flush_failed : 1;
    bool is_flushing : 1; /* on_flushed is owed                              */
    bool has_unsent : 1;  /* io holds bytes of its own: it is to be asked to
                             send, whether there is something in out or not   */
    bool is_client : 1;   /* its faults are the peer's: logged at info       */
    bool is_open : 1;     /* until conn_close; has a descriptor, or is inside of
                             another                                         */
    bool is_quiet : 1;    /* a reset is not worth a line (idle keepalive)    */
    bool is_tcp : 1;
    bool nodelay : 1;     /* TCP_NODELAY is set                              */
    bool nopush : 1;      /* MSG_MORE before file pieces                     */
    bool no_sendfile : 1; /* read and write instead                          */
    uint8_t use : 3;      /* enum conn_use                                   */
    bool    is_eof : 1;   /* read said 0                                     */
    bool is_counted : 1;  /* in conns.active                                 */
    bool is_cuttable : 1; /* its owner has an on_cut, not called so far      */
};

/* The connections of this process, of all kinds, and its limit. */
struct conns {
    size_t       max; /* worker_connections; 0: none                     */
    size_t       active;
    struct list  of[CONN_USES]; /* who came to be that the longest ago first  */
    struct list *adopted; /* of idle and new ones: up to here, during slices  */
    void (*on_room)(void *arg); /* there may be some, after active was max */
    void (*on_pressed)(void *arg, size_t n); /* slow ones were closed   */
    void *arg;
};
extern struct conns conns;

extern const struct conn_io conn_plain;

/* A plain connection on fd, for the owner that embeds it (zeroed).  fd is an
 * accepted one, or -1 before conn_connect.  The owner sets event.on_read and
 * on_flushed before conn_start; event.on_write is the connection's own.  A
 * freshly accepted one may be read at once by setting event.readable. */
void conn_init(struct conn *c, struct loop *l, int fd,
               const struct log *parent);
/* One inside of another connection, which is open: io moves its bytes.  Who has
 * the outer one sets event.readable, writable and hangup as these change, and
 * then calls event.on_read and on_write.  It takes no place of its own in
 * worker_connections, and is not conn_start'ed. */
void conn_init_inner(struct conn *c, struct loop *l, const struct conn_io *io,
                     const struct log *parent);
/* Remembers the peer's address, and whether this is TCP. */
void conn_set_peer(struct conn *c, const struct sockaddr *sa, socklen_t len);
/* Starts watching; false (logged) when epoll refuses. */
bool conn_start(struct conn *c);
/* Closes the descriptor, timers and posts, and drops what was not sent; the
 * memory stays the owner's, until the tail of the turn at least. */
void conn_close(struct conn *c);

/* Bytes read, 0 at the end, CONN_AGAIN (also without a system call, when
 * nothing can have come since the last short read), CONN_ERROR (logged). */
ssize_t conn_read(struct conn *c, char *out, size_t n);

/* The same without taking them, of a plain connection; event.readable stays set
 * as long as there are any. */
ssize_t conn_peek(struct conn *c, char *out, size_t n);

/* Whether bytes, or the end, could be read. */
enum probe conn_probe(struct conn *c);

/* Whom to ask, from now on; before conn_set_use. */
void conn_set_owner(struct conn *c, const struct conn_owner *owner);
/* CONN_IDLE (between requests), CONN_NEW: also asked when the worker ends. */
void conn_set_use(struct conn *c, enum conn_use use);
static inline void
conn_set_reusable(struct conn *c, bool is_reusable)
{
    conn_set_use(c, is_reusable ? CONN_IDLE : CONN_BUSY);
}
/* Has up to n closed of CONN_IDLE or CONN_NEW, the oldest first; returns how many
 * really went: those that a request has come for stay, and only a few more are
 * asked. */
size_t conns_evict(enum conn_use use, size_t n);
/* The worker ends: asks all that are idle, and tells the others (on_exit). */
void conns_release(void);
/* ... and its time is over: calls on_cut of all that are not idle and run under
 * that generation (NULL: any). */
void conns_cut(const struct generation *g);
/* Another generation is served: calls on_adopt of all idle and new ones that
 * have one, a slice of them each time.  False: there are more. */
void conns_adopt_start(void);
bool conns_adopt_slice(void);

/* What a flush can say. */
enum flush {
    FLUSH_DONE,  /* all is out                                               */
    FLUSH_WAIT,  /* on_flushed will be called                                */
    FLUSH_ERROR, /* the connection is broken; c->error says how              */
};
/* Sends c->out.  After limit bytes (0: no limit) others get their turn and the
 * rest follows in the next one: who limits the rate puts no more into out
 * than may go now.  on_flushed is called by the loop alone, after FLUSH_WAIT
 * and when nothing of a later conn_flush has told the outcome before. */
enum flush conn_flush(struct conn *c, size_t limit);
/* Drops what is in c->out: it is not to be sent any more. */
void conn_drop_out(struct conn *c);
/* Once per loop turn, behind everything else; on_flushed tells of the end. */
void conn_flush_late(struct conn *c);

/* The first half of conn_connect: a socket of that family; false: errno. */
bool conn_open(struct conn *c, int family);

/* What event.on_write is, unless a connection is being opened. */
void conn_on_writable(struct event *e);

void conn_shutdown(struct conn *c);
/* So that close sends RST: reset_timedout_connection, return 444.  Does nothing
 * where there is no descriptor: that is for io's close. */
void conn_reset_on_close(struct conn *c);
void conn_set_nodelay(struct conn *c);

/* The address that the peer connected to (getsockname, remembered by the
 * caller). */
bool conn_local(const struct conn *c, struct addr_any *out);

/* Where an attempt to connect ended.  Only the last one is the peer's fault. */
enum connect_fault {
    CONNECT_BEGUN,     /* it goes on, or is there: event.writable            */
    CONNECT_NO_SOCKET, /* no descriptor                                      */
    CONNECT_NO_BIND,   /* the address to send from cannot be had             */
    CONNECT_SHORTAGE,  /* no port or memory                                  */
    CONNECT_REFUSED,
};

/* Opens a connection to an address without waiting, on a conn_init'ed c without
 * a descriptor, and starts watching it.  The owner has set event.on_write,
 * which is called (before any on_read) when there is an outcome: it asks
 * conn_connect_error, which gives event.on_write back to the connection.  To a
 * peer on this machine it is mostly there, and writable, at once: the owner asks
 * then.
 * bind_to may be NULL; transparent as proxy_bind's parameter.  What goes wrong
 * at once stands in errno and has been logged by nobody. */
enum connect_fault conn_connect(struct conn *c, const struct sockaddr *to,
                                socklen_t len, const struct sockaddr *bind_to,
                                socklen_t bind_len, bool transparent);
/* 0, or the errno of a finished connect. */
int conn_connect_error(struct conn *c);

/* Logs a failed call ("recv() failed") at the level that whose fault it is
 * asks for: info for a client's, error for an upstream's, alert for ours. */
void conn_log_error(struct conn *c, int errnum, const char *text);
