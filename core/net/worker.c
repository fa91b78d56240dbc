/* SPDX-License-Identifier: BSD-2-Clause */
/* The worker of this process, and what its settings allow. */
#include "core/net/worker.h"

#include "core/net/pressure.h"

struct worker *worker;


bool
worker_has_room(const struct log *log)
{
    bool soon;

    if (conns.max == 0 || conns.active < conns.max)
        return true;
    if (conns_evict(CONN_IDLE, 1) == 0 && conns_press(1, &soon) == 0)
        conns_evict(CONN_NEW, 1);
    if (conns.active < conns.max)
        return true;
    log_at(log, LEVEL_ALERT, 0, "%zu worker_connections are not enough",
           conns.max);
    return false;
}


bool
worker_debugs(const struct sockaddr *client)
{
    for (size_t i = 0; i < worker->n_debug; i++)
        if (cidr_match(&worker->debug[i], client))
            return true;
    return false;
}
