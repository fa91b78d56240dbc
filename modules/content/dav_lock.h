/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The locks of WebDAV, in a zone that the workers share: a list of places of one
 * size, which is looked through as a whole, under the zone's lock.  A lock whose
 * file is gone, or whose time is over, is gone as well; the disk is asked without
 * the zone's lock.
 */
#pragma once

#include "core/base/arena.h"
#include "core/shm/registry.h"

struct log;

enum { DAV_TOKEN = sizeof("urn:uuid:01234567-0123-0123-0123-0123456789ab") - 1 };

struct dav_lock {
    char     token[DAV_TOKEN];
    bool     is_shared, is_deep; /* is_deep: it holds for all that is inside */
    uint64_t seconds; /* that are left                                       */
    str_t    path;    /* the file or folder, without a slash at its end      */
    str_t    uri;     /* with which it was locked                            */
    str_t    owner;   /* XML                                                 */
};

/* What is asked of the locks on a path. */
enum dav_reach {
    DAV_ON = 1,     /* those that hold for it: its own, and deep ones above   */
    DAV_INSIDE = 2, /* those of all that is inside                           */
    DAV_ABOVE = 4,  /* those that hold for the folder that it is in          */
};

extern const struct zone_use dav_lock_use;

enum dav_locked { DAV_LOCKED, DAV_IS_LOCKED, DAV_NO_ROOM };

/* Locks, if no other lock prevents it: token is filled in. */
enum dav_locked dav_lock_add(struct zone *z, struct dav_lock *l);
/* Prolongs the lock with that token that holds for path; *out is the lock,
 * copied to a.  False: there is none. */
bool dav_lock_renew(struct zone *z, struct arena *a, str_t path, str_t token,
                    uint64_t seconds, struct dav_lock *out);
/* False: no lock with that token holds for path. */
bool dav_lock_remove(struct zone *z, str_t path, str_t token);

/* Calls fn for each lock on the path (reach: enum dav_reach), which copies what
 * it wants, until it returns false. */
typedef bool (*dav_lock_fn)(const struct dav_lock *l, void *arg);
void dav_lock_each(struct zone *z, str_t path, unsigned reach, dav_lock_fn fn,
                   void *arg);
