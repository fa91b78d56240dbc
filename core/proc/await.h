/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the master waits for: signals, one at a time, and descriptors.  Who
 * watches a descriptor embeds a struct awaited, and owns both.
 */
#pragma once

#include <poll.h>

#include "core/base/list.h"
#include "core/proc/signal.h"

struct awaited {
    struct list link;
    int         fd;
    short       events; /* POLLIN, POLLOUT; may be changed at any time.  0: it
                           is not waited for, errors neither                 */
    short       ready;  /* set by await_next until on_ready is called        */
    /* May remove any awaited, and free its own.  POLLERR and POLLHUP of poll()
     * count as ready, too: reading or writing tells. */
    void (*on_ready)(struct awaited *);
};

struct await {
    int         signals; /* descriptor to read them from                     */
    unsigned    n;       /* members of the list                              */
    struct list list;
};

enum { AWAIT_MAX = 2048 }; /* descriptors                                    */

/* False: logged. */
bool await_open(struct await *w, const struct log *log);
/* Closes the descriptor of the signals; the list's are their owners'. */
void await_close(struct await *w);

/* fd, events and on_ready are set.  False: there are AWAIT_MAX already. */
bool await_add(struct await *w, struct awaited *a);
/* Does nothing to one that is not in the list, if its link was initialised. */
void await_remove(struct await *w, struct awaited *a);

/* Waits until something happens, for at most max_wait_ms ((msec_t) -1: no
 * limit); calls on_ready of what is ready, and takes the next signal, if there
 * is one.  False: there was no signal. */
bool await_next(struct await *w, struct signal_info *out, msec_t max_wait_ms);

/* In a child of the master: closes all descriptors of w, which belong to the
 * master. */
void await_leave(struct await *w);
