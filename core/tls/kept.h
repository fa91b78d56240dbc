/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Things in memory that all workers share, by their ids, each until its time is
 * over: sessions, statuses of clients' certificates, OCSP responses of our own.
 * Those that were not used for the longest time make room for new ones.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "core/base/str.h"

struct zone;

enum {
    TLS_KEPT_MAX = 32768, /* bytes of one                                    */
    TLS_KEPT_ID = 32,     /* bytes of an id, at most                         */
};

/* What zones with such things are: ssl_session_cache, ssl_ocsp_cache, and that
 * of the process for ssl_stapling. */
extern const struct zone_use tls_kept_sessions, tls_kept_statuses,
    tls_kept_staples;

/* Keeps something until that time, in place of what has the same id; false: it
 * is too large. */
bool tls_kept_put(struct zone *z, str_t id, str_t bytes, time_t until);
/* Keeps nothing but the fact, so that of all who ask only one does something
 * until that time.  False: another one has claimed it until *until, or there is
 * no room. */
bool tls_kept_claim(struct zone *z, str_t id, time_t now, time_t *until);
/* Copies it to out; 0: there is none, or no room for it. */
size_t tls_kept_get(struct zone *z, str_t id, time_t now, char *out,
                    size_t room);
void   tls_kept_drop(struct zone *z, str_t id);
