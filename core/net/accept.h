/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accepting in a worker: watches the listeners and hands new connections to
 * whoever speaks on them.  When the worker has no room for more (conns.max)
 * the longest idle connections go first; when that is not enough, accepting
 * pauses for a moment, and what nobody could take by then is refused.  Out of
 * descriptors, it pauses for half a second.
 */
#pragma once

#include "core/net/listen.h"

struct acceptor;

/* Of the worker of that number.  conns.max is set by the caller.  listeners and
 * log are borrowed. */
struct acceptor *acceptor_new(struct loop *l, const listeners_t *listeners,
                              unsigned number, bool multi_accept,
                              const struct log *log);
/* Starts accepting; false: logged.  exclusive: several workers wait on the
 * same sockets. */
bool acceptor_start(struct acceptor *a, bool exclusive);
/* Watches no more: the worker ends.  The descriptors stay open. */
void acceptor_stop(struct acceptor *a);
void acceptor_free(struct acceptor *a);
