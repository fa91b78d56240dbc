/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of session tickets: from files, or those that all workers share,
 * which change every few hours.
 */
#pragma once

#include <openssl/ssl.h>

#include "core/base/vec.h"

struct tls_context;

struct tls_ticket_key {
    unsigned char name[16], hmac[32], aes[32];
    uint8_t       size; /* of hmac and aes, each                             */
};

/* Makes room for the shared keys, or takes over those of the binary
 * before: in the master, before it forks.  False: logged. */
bool tls_tickets_init(void);

/* A file of ssl_session_ticket_key: false if it has neither 48 nor 80
 * bytes. */
bool tls_ticket_key_read(str_t bytes, struct tls_ticket_key *out);

/* Has the tickets of a context made and read with its keys. */
void tls_tickets_use(struct tls_context *c);
