/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS on a connection, as its io (core/net/conn.h): whoever reads and writes
 * does not see it.
 *
 * OpenSSL does not touch the socket.  What comes is read into a block, which is
 * there only while it holds something, and what goes out is gathered over as
 * many records as make sense and written with one call.  So an idle connection
 * holds no buffers, and the end of a handshake leaves with the first response.
 *
 * On the side of a server, OpenSSL is not asked before the whole ClientHello
 * is there: it is made with the settings of the server that the client means.
 */
#pragma once

#include "core/net/conn.h"
#include "core/tls/context.h"
#include "core/tls/hello.h"

struct pool;
struct tls;

extern const struct conn_io conn_tls;

/* Alerts (RFC 8446 6) that a server may send instead of a handshake. */
enum tls_alert {
    TLS_ALERT_INTERNAL_ERROR = 80,
    TLS_ALERT_UNRECOGNIZED_NAME = 112,
};

/* What a server decides. */
struct tls_server {
    /* The context for whom the client means.  NULL: that alert is sent. */
    struct tls_context *(*choose)(struct conn *c, const struct tls_hello *hello,
                                  enum tls_alert *alert);
    /* After that: the protocols that it speaks (ALPN), the best one first, each
     * behind a byte with its length. */
    str_t (*protocols)(struct conn *c);
    /* After choose, where the client asks for the status of the certificate, until
     * it says something else than STEP_WAIT, for which event.on_read is called
     * again.  NULL: nothing is waited for. */
    enum step (*status)(struct conn *c);
    /* After the handshake, until it says something else than STEP_WAIT: what else
     * is to be known of the client (tls_refuse).  NULL: nothing. */
    enum step (*check)(struct conn *c);
    /* After choose: the threads for what is done with the key; NULL: the loop
     * does that itself.  The member may be NULL, too. */
    struct pool *(*threads)(struct conn *c);
    /* Calls use with a task to evaluate variables with, which is there for that
     * long. */
    void (*with_task)(struct conn *c, void (*use)(struct task *, void *arg),
                      void *arg);
};

/* Makes c, which was accepted, a TLS connection: c->io->handshake follows.
 * early has bytes that have been read from it (behind a PROXY header). */
void tls_accept(struct conn *c, const struct tls_server *server, str_t early);
/* After a handshake: whether the client does not speak TLS at all.  Then c is
 * plain, and what it has sent is to be read from it. */
bool tls_is_plain(const struct conn *c);

/* Makes c, which is being connected, a TLS connection, with threads for what is
 * done with our key (NULL: none), and a name for SNI (empty: none); false:
 * logged. */
bool tls_connect(struct conn *c, struct tls_context *context,
                 struct pool *threads, str_t name);
/* Whether the handshake has failed because, as it seems, no name was sent. */
bool tls_wants_name(const struct conn *c);
/* Whether the certificate of the peer is for that name or address. */
bool tls_peer_is(const struct conn *c, str_t name);

/* Nothing will follow what is in c->out: the end leaves with it. */
void tls_end_after(struct conn *c);

/* Whether it is open and its handshake is not over: what has come may have been
 * sent by somebody else before (early.h). */
bool tls_is_early(const struct conn *c);

/* Of a connection that is open, or NULL: it has no TLS. */
SSL *tls_ssl(const struct conn *c);
/* The same before it. */
SSL *tls_handle(const struct conn *c);
/* The name that the client has sent, as it did, or STR_NONE. */
str_t tls_server_name(const struct conn *c);
/* enum tls_verify of the settings of the handshake. */
struct tls_context *tls_context_of(const struct conn *c);

/* A peer's certificate is refused for that (X509_V_ERR_...; X509_V_OK: there is
 * none): counts it. */
void tls_count_refused(long error);
/* What the check of the peer's certificate came to: X509_V_OK, or an error; an
 * expired certificate is none that a resumed session still makes good. */
long tls_verify_result(const struct conn *c);
/* ... and what is to be said against it besides: a constant text; NULL: nothing. */
void        tls_refuse(struct conn *c, const char *why);
const char *tls_refusal(const struct conn *c);

/* During a handshake: the client's verified chain will be needed, too, where its
 * session is resumed. */
void tls_peer_remember(SSL *ssl, const STACK_OF(X509) * chain);
/* ... whose certificates between its own and the trusted one are these; the
 * caller's. */
STACK_OF(X509) *tls_peer_between(SSL *ssl);
