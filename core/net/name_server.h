/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name server that questions are sent to, through c-ares: lost packets, long
 * answers by TCP, identifiers and ports by chance are its work.  Of a worker;
 * the channel is made at the first question.
 */
#pragma once

#include "core/event/loop.h"
#include "core/net/addr.h"

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
    msec_t silent_until; /* it has not answered: others are asked before     */
    bool   is_closing;
};

/* Fills a zeroed one; addr stays the caller's. */
void name_server_init(struct name_server *s, const struct addr_any *addr);
/* Ends all questions with ARES_EDESTRUCTION.  loop NULL: it is gone. */
void name_server_close(struct name_server *s, const struct loop *loop);

/* status: of ares.h; the answer is there for ARES_SUCCESS.  Called once for each
 * question, perhaps before name_server_ask returns. */
typedef void (*name_server_done)(void *arg, int status, str_t answer);

/* Asks for the addresses of a family (AF_INET, AF_INET6) that a name, with a
 * NUL behind, has. */
void name_server_ask(struct name_server *s, struct loop *loop,
                     const char *name, int family, name_server_done done,
                     void *arg);
