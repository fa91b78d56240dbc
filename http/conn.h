/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's connection, as far as all versions of HTTP share it.  A version
 * embeds it as the first member of its own.
 *
 *     http_accept > PROXY header > handshake > protocol > its start
 *
 * The stages before the start are in stages[] of conn.c.  Each reads what is
 * its own and not a byte more: a PROXY header is looked at before it is taken,
 * so that the handshake finds its first byte in the socket.  shake_hands is
 * the place of TLS: it calls the io's handshake until that is over.
 * http_protocol_find (protocols.c) then chooses who speaks on the connection.
 *
 * The connection, its timers and its place in worker_connections are
 * http/conn.c's until the protocol starts, and the protocol's afterwards.
 */
#pragma once

#include "core/conf/generation.h"
#include "core/net/conn.h"
#include "core/net/pressure.h"
#include "core/net/proxy_protocol.h"
#include "http/request.h"

struct http_address;
struct http_conn;
struct http_ocsp;

/* A version of HTTP as seen from a new connection; what its requests need of
 * it is in codec.h. */
struct http_protocol {
    const char *name;
    size_t      conn_size; /* of its connection, which begins with a struct
                              http_conn.  All have the memory of the largest:
                              what idle ones can do without is elsewhere     */
    /* The connection is open; the rest of its memory is zeroed.  Sets
     * event.on_read, on_flushed, both timers' on_timeout, and the owner.
     * read_timer runs already (client_header_timeout). */
    void      (*start)(struct http_conn *);
    /* Frees what it has besides; at the tail of the turn in which it was
     * closed. */
    void      (*free)(struct http_conn *);
};

struct http_conn {
    struct conn                  conn; /* first */
    const struct http_address   *address; /* with a reference to its
                                           generation                        */
    const struct http_server    *server; /* whose settings hold until a request
                                            has chosen one                   */
    struct arena                *arena; /* of what was found meanwhile, or
                                           NULL                              */
    const struct proxy_protocol *proxy; /* its PROXY header, or NULL         */
    char                        *server_addr; /* $server_addr, if a request has
                                           asked for it, or NULL             */
    struct http_ocsp            *ocsp; /* its certificate is being asked about;
                                          or NULL                            */
    struct log_frame             frame;
    struct post                  later; /* watches it, at first; goes on with a
                                           handshake that waits; frees it    */
    msec_t                       opened_at; /* monotonic                     */
    struct pace                  pace;  /* of the client                     */
    uint32_t                     requests; /* begun so far                   */
    uint8_t                      stage; /* of being opened                   */
    uint8_t                      staple_looks; /* how often its handshake has
                                          looked for an OCSP response        */
    uint8_t                      protocol; /* its number in protocols.c; 0: none
                                              so far                         */
    bool                         is_secure : 1; /* its scheme is https       */
    bool                         has_proxy_header : 1;
    bool                         is_closed : 1;
};

static inline struct http_conn *
http_conn_of_conn(struct conn *c)
{
    return container_of(c, struct http_conn, conn);
}

/* The connection that r came on. */
static inline struct http_conn *
http_conn_of(const struct http_request *r)
{
    return container_of(r->task.conn, struct http_conn, conn);
}

/* accept of listeners: what it accepts is read at once, before it is watched. */
void http_accept(struct port *p, struct loop *loop, int fd,
                 const struct addr_any *peer);

/* A module's settings in h->server: the default one, or that which the client
 * has named in its handshake. */
const void *http_conn_conf(const struct http_conn *h, const struct module *m);
/* From now on it is served by what the current generation has at its port, and
 * logs to the targets of the default server.  False: nobody is there, or only
 * for connections that begin in another way. */
bool http_conn_rebind(struct http_conn *h);
/* For conn_owner. */
const struct generation *http_conn_generation(const struct conn *c);
/* The client was too slow: as http_conn_close, with a reset where
 * reset_timedout_connection asks for it. */
void http_conn_timed_out(struct http_conn *h);
/* Closes it; does nothing when that has been done. */
void http_conn_close(struct http_conn *h);

/* protocols.c: finds out who speaks on a connection that is open, and notes his
 * number in it.  STEP_WAIT: that cannot be told so far. */
enum step http_protocol_find(struct http_conn *h);
/* ... whom a client may choose from in a handshake (ALPN), the best one
 * first, each behind a byte with its length. */
str_t http_protocol_names(const struct http_conn *h);
/* ... and who that is; NULL: h is being opened. */
const struct http_protocol *http_protocol_of(const struct http_conn *h);
/* The memory of a connection, whoever will speak on it. */
size_t http_protocols_conn_size(void);
