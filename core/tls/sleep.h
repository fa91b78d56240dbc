/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS connections that nobody has used for some seconds sleep: what OpenSSL holds
 * for them is packed (slot.h), until it is used again, whatever for.  So struct
 * tls.handle is not for OpenSSL's functions: tls_awake is.
 */
#pragma once

#include "core/tls/inside.h"

/* How long, in ms; 0: for ever. */
void sleep_set(msec_t after_ms);
/* The handshake of c is over. */
void sleep_watch(struct conn *c);
/* c is awake, and goes, whether or not its handshake is over. */
void sleep_leave(struct conn *c);
void sleep_end(struct tls *t);

/* That of t, or NULL: there is none so far. */
static inline SSL *
tls_awake(struct tls *t)
{
    if (t->rest != REST_NONE)
        sleep_end(t);
    return t->handle;
}
