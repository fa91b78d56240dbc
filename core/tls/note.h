/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a session carries for us, in its ticket or in a cache, besides what
 * OpenSSL needs to resume it: notes, one of each kind.
 */
#pragma once

#include <openssl/ssl.h>

#include "core/base/str.h"

enum tls_note {
    TLS_NOTE_MAKER, /* which server has made it (core/tls/early.c)           */
    TLS_NOTE_CHAIN, /* the certificates above the client's (core/tls/peer.c) */
};

enum { TLS_NOTES_MAX = 8192 }; /* bytes of all                               */

/* Replaces the note of that kind.  False: there is no room. */
bool tls_note_set(SSL_SESSION *s, enum tls_note kind, str_t text);
/* As long as the session; empty: there is none. */
str_t tls_note_get(SSL_SESSION *s, enum tls_note kind);
