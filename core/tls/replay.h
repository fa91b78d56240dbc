/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ClientHellos whose early data was accepted, in memory that all workers share:
 * none is accepted twice (RFC 8446 8.2).  They are remembered for longer than
 * OpenSSL takes one for fresh (8.3), so no more needs to be known.
 */
#pragma once

#include "core/base/number.h"
#include "core/base/str.h"

/* Makes room for them, or takes over that of the binary before: in the master,
 * before it forks.  False: logged, and no early data is accepted. */
bool tls_replay_init(void);

/* What this server puts into sessions whose early data it will accept, so that
 * it takes none that others with its ticket keys have seen, nor of the time
 * before a restart; empty: there is no memory. */
str_t tls_replay_instance(void);

/* Whether the ClientHello with that random (32 bytes), at now (monotonic), is
 * certainly the first one; it is remembered.  False where there is no room,
 * too. */
bool tls_replay_is_first(str_t random, msec_t now);
