/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssl_async: what is done with our RSA key in a handshake, by a server or by a
 * client that has a certificate, is done by a thread, and the worker serves
 * others meanwhile.
 *
 * OpenSSL calls for it deep inside of SSL_do_handshake.  So that one runs as an
 * ASYNC job, on a stack of its own (32 kB), which is left while the thread works
 * and entered again when it has ended:
 *
 *     tls_async_shake > SSL_do_handshake > perform > pool_submit, ASYNC_pause_job
 *     done > on_read of the connection > tls_async_shake > ... perform goes on
 *
 * A job begins where a certificate is needed, behind the ClientHello or the
 * server's question for one: callbacks that evaluate variables have run by then,
 * and resumed sessions need none.  It ends with the operation, or the handshake:
 * no later call has one.
 *
 * The thread writes to the job's stack.  So a connection that is closed meanwhile
 * leaves its SSL behind: when the thread is ready, the operation fails, with it
 * the handshake and the job, and then the SSL is freed.
 *
 * Of the stack OpenSSL needs 8 kB; a callback may not need more than 16.
 */
#pragma once

#include "core/tls/inside.h"

/* Whether this system can leave and enter stacks. */
bool tls_async_is_possible(void);

/* From now on, RSA keys that are made in this process can be used by threads.
 * Done once, by the loop's thread. */
void tls_async_use(void);
/* No operation is under way any more, and none will be. */
void tls_async_stop(void);

/* The SSL of c was made, for which there are threads, or NULL: none.  They are
 * there as long as the generation of c is. */
void tls_async_start(struct conn *c, struct pool *threads);

/* tls_early_shake, with its results; -1 also while a thread is at work. */
int tls_async_shake(struct conn *c, const char **what);

/* Whether a thread is at work: nothing may be asked of OpenSSL.  When it has
 * ended, event.on_read is called. */
bool tls_async_waits(const struct tls *t);

/* c is closed, of whose handshake an operation is under way or its result not
 * taken (t->op): takes over t->ssl and t->context. */
void tls_async_leave(struct conn *c);
