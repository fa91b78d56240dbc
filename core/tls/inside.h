/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to core/tls: what a TLS connection has besides its struct conn.
 */
#pragma once

#include "core/tls/tls.h"

/* How long ago it was used, as far as that is known (sleep.h). */
enum tls_rest {
    REST_NONE,
    REST_QUIET, /* not since it was looked at last                          */
    REST_ASLEEP,
};

struct packed;

struct tls {
    SSL                     *handle;  /* by tls_awake alone; NULL: before the
                                         ClientHello                         */
    struct packed           *packed;  /* what handle points to, while asleep */
    struct tls_context      *context; /* a reference, with ssl               */
    const struct tls_server *server;  /* NULL: we are the client             */
    struct block            *in;      /* read, and not taken by OpenSSL      */
    struct block            *out;     /* records that the socket did not take */
    str_t                    name;    /* SNI of the client, on the heap      */
    const char              *refusal; /* why its certificate is none, although
                                         it was verified; or NULL            */
    struct pool             *threads; /* for what is done with our key; NULL:
                                         none                                */
    struct tls_op           *op;      /* with our key, by a thread (async.c);
                                         or NULL                             */
    str_t                    key;     /* of its session (resumption.h), on the
                                         heap; p NULL: none                  */
    uint32_t                 in_at, in_n, out_at, out_n; /* bytes of these   */
    uint32_t                 owed;    /* bytes of conn.out that are in
                                         records already                     */
    enum tls_rest rest : 8;
    char ahead;         /* a byte that was read before it was asked for      */
    bool has_ahead : 1;
    bool offers_early : 1; /* early data may come (early.c)                  */
    bool is_early : 1;  /* open, and the handshake is not over               */
    bool ends : 1;      /* tls_end_after                                     */
    bool is_eof : 1;
    bool is_drained : 1; /* the socket, by the last wire_receive             */
    bool is_open : 1;   /* may be read and written                           */
    bool is_broken : 1;
    bool is_plain : 1;  /* the client does not speak TLS                     */
    bool is_kept : 1;   /* its session, by resumption.c                      */
    bool sent_name : 1; /* we are the client                                 */
    bool in_job : 1;    /* its handshake runs as a job, by async.c ...       */
    bool is_signed : 1; /* ... which has done what a thread was needed for   */
    bool awaits_status : 1; /* server->status is to be asked                 */
    bool wants_name : 1; /* ... and the server has no certificate without    */
};

/* wire.c */
enum {
    WIRE_IN = 32768,     /* bytes of the block that is read into: two records */
    WIRE_ENOUGH = 65536, /* to be sent with one call                         */
};
/* Reads what there is into t->in, which has room behind what it holds; as
 * conn_io.read, but logs nothing. */
ssize_t wire_receive(struct conn *c);
/* Frees the block if it is empty. */
void wire_drop_in(struct tls *t);
/* Sends it behind what is held, where there is room for it; to be closed. */
void wire_alert(struct conn *c, const char *record, size_t n);
BIO    *wire_bio_new(struct conn *c);
/* It reads and writes nothing any more: its connection goes. */
void    wire_bio_leave(BIO *b);
/* Around calls of OpenSSL that may write. */
enum wire_when {
    WIRE_NOW,   /* all is sent, also what was held                           */
    WIRE_NEW,   /* the same if anything was written; what was held has its own
                   time                                                      */
    WIRE_LATER, /* all is held                                               */
};
void wire_enter(void);
/* Sends what was written, or holds it, as what the socket does not take.  False:
 * the connection is broken, which is not logged. */
bool wire_leave(struct conn *c, enum wire_when when);
/* Bytes that are held, with those written since wire_enter. */
size_t wire_made(const struct tls *t);
/* Sets event.readable to whether anything is left to be read: by OpenSSL, as
 * has_more says, here, or in the socket, as far as is known. */
void wire_note_rest(struct conn *c, bool has_more);

/* A handshake with a client has failed, as OpenSSL's queue says; has succeeded;
 * or nobody waited for its end any longer: counts it. */
void tls_count_failure(void);
void tls_count_success(struct tls *t);
void tls_count_timeout(void);
