/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master's part in renewing certificates (core/tls/renewal.h): it watches
 * the files, waits until those who write them have done so, and tells the
 * workers.  Once a day, and when a generation begins to be served, it warns of
 * certificates that are at their end.
 */
#pragma once

#include "core/os/changes.h"
#include "core/proc/await.h"

struct master;

struct renew {
    struct awaited awaited; /* changes.fd                                    */
    struct changes changes;
    msec_t         first_at; /* of the changes that were not looked at so far */
    msec_t         listen_at; /* to these again; (msec_t) -1: not waited for  */
    msec_t         look_at, poll_at; /* (msec_t) -1: not at all              */
    msec_t         warn_at; /* of certificates at their end                  */
};

/* Once, before the others. */
void renew_init(struct renew *r);

/* m->gen is served from now on: its files are looked at once, as they may have
 * changed since they were read, and watched. */
void renew_follow(struct master *m);
void renew_stop(struct master *m);

/* When there is something to be done, and doing what is due. */
msec_t renew_next(const struct master *m);
void   renew_work(struct master *m);
