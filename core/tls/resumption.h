/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of connections to upstreams, of this process: each is resumed only
 * where all is the same that it was made with, which its key says.
 */
#pragma once

#include "core/tls/tls.h"

/* Before the handshake of c: resumes the last session of that key, and keeps
 * those that come.  The context's identity becomes a part of the key. */
void tls_resume(struct conn *c, str_t key);
/* Something has come from the peer, or c ends: keeps the session, once there is
 * one that can be resumed.  (OpenSSL's own cache of a client would make each one
 * unusable by resuming it, and those that follow from it.) */
void tls_resumption_keep(struct conn *c);
/* Forgets the session of c: it has turned out to be of no use. */
void tls_resumption_drop(struct conn *c);
