/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of OpenSSL on pages of a connection's own.  Some of what a connection
 * allocates is large, is reached through it alone, and is mostly zeroes: struct
 * SSL, the states of its ciphers, its copy of the context's settings.  That lies
 * in a slot, which can be packed while nobody uses the connection: then it takes
 * what is not zero.  Everything else is malloc's, as what other threads
 * allocate.
 */
#pragma once

#include <openssl/ssl.h>
#include <stddef.h>

#include "core/base/list.h"
#include "core/base/number.h"

struct packed;
struct tls;

enum { SLOT_CELLS = 8 };

/* The beginning of a slot; the rest is cells. */
struct slot {
    struct list  link;    /* for the owner; of a free one: the next          */
    struct tls  *owner;   /* ... too                                         */
    msec_t       look_at; /* ... too                                         */
    uint16_t     top;     /* bytes behind which nothing has been used        */
    uint8_t      n_cells; /* of these, so far                                */
    uint8_t      n_used;  /* 0: it is free                                   */
    struct {
        uint16_t at, n; /* bytes                                             */
        bool     is_used;
    } cells[SLOT_CELLS];
};

/* Has OpenSSL allocate with this file's functions.  Before anything of it is
 * used; else there are no slots, and nothing is different. */
void slot_init(void);
/* As SSL_new, into a slot where there is one.  It is free again when OpenSSL has
 * freed all that is in it. */
SSL *slot_ssl_new(SSL_CTX *context);
/* That of ssl, or NULL. */
struct slot *slot_of(const SSL *ssl);
/* What this thread allocates from here on may go there: during a handshake.
 * NULL: no longer.  Returns what was there before. */
struct slot *slot_use(struct slot *s);

/* Nothing of it is to be used until it is unpacked, which frees p. */
struct packed *slot_pack(struct slot *s);
void           slot_unpack(struct packed *p);
/* Gives pages of free slots back, of those that have not been used since it was
 * called last. */
void slot_trim(void);
/* Whether free slots have pages. */
bool slot_can_trim(void);
