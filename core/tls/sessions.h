/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions in memory that all workers share (ssl_session_cache shared:), by
 * their ids.  The longest unused ones make room for new ones.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "core/base/str.h"

struct zone;

enum {
    TLS_SESSION_MAX = 8192, /* bytes of one                                  */
    TLS_SESSION_ID_MAX = 32,
};

/* What a zone for sessions is. */
extern const struct zone_use tls_sessions_use;

/* Keeps a session until that time, in place of one of the same id; false: it
 * is too large. */
bool tls_sessions_put(struct zone *z, str_t id, str_t session, time_t until);
/* Copies it to out (TLS_SESSION_MAX bytes); 0: there is none. */
size_t tls_sessions_get(struct zone *z, str_t id, time_t now, char *out);
void   tls_sessions_drop(struct zone *z, str_t id);
