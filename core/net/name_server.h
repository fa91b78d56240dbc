/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name server that is queried through c-ares, which takes care of lost
 * packets, long answers over TCP, and random identifiers and ports.  Belongs
 * to a worker; the channel is opened for the first query.
 */
#pragma once

#include "core/event/loop.h"
#include "core/net/addr.h"
#include "core/net/dns_answer.h"

struct ares_channeldata;
struct name_server;

enum { NAME_SERVER_SOCKETS = 8 };

/* A socket of c-ares. */
struct name_server_socket {
    struct event        event; /* fd -1: free                                */
    struct name_server *owner;
};

struct name_server {
    const struct addr_any    *addr;
    struct ares_channeldata  *channel; /* NULL: not open                     */
    struct loop              *loop;
    struct timer              timer;
    struct name_server_socket sockets[NAME_SERVER_SOCKETS];
    msec_t silent_until; /* did not answer: until then, other servers are
                            asked first                                      */
    bool   is_refusing; /* it was not there when it was asked last             */
    bool   is_closing;
};

/* Initialises a zeroed s; addr remains the caller's. */
void name_server_init(struct name_server *s, const struct addr_any *addr);
/* Ends all queries with ARES_EDESTRUCTION.  loop NULL: it no longer exists. */
void name_server_close(struct name_server *s, const struct loop *loop);

/* status is from ares.h; answer is only set for ARES_SUCCESS.  Called once for
 * each query, possibly before name_server_ask returns. */
typedef void (*name_server_done)(void *arg, int status, str_t answer);

/* Asks for the records of a type of a name, which ends with a NUL. */
void name_server_ask(struct name_server *s, struct loop *loop,
                     const char *name, enum dns_type type, name_server_done done,
                     void *arg);
