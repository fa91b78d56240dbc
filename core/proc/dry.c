/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker without clients, for subcommands that need the real engine.  It
 * reads the configuration and starts the modules as the workers' user, as a
 * worker does, but it opens no sockets and no logs, and asks no name server unless the subcommand wants to.
 */
#include <unistd.h>

#include "core/os/resolve.h"
#include "core/proc/worker.h"

enum { EVENTS = 64 };


int
worker_dry(struct setup *s, const struct command *c, char **argv)
{
    struct worker      self = { .pid = getpid() };
    struct generation *g;
    unsigned           started = 0;
    int                rc = 1;

    if (!c->is_online)
        resolve_go_offline();
    g = setup_read(s, &log_start);
    if (g == NULL)
        return 1;
    worker = &self;
    self.gen = g;
    self.log = log_start;
    self.loop = loop_new(&log_start, EVENTS);
    if (self.loop != NULL
        && worker_become_user(&process_conf_of(g)->user, &log_start)
        && modules_start(&self, &started) && modules_adopt(&self, g))
        rc = c->dry(&self, argv);
    modules_stop(&self, &started);
    if (self.loop != NULL)
        loop_free(self.loop);
    self.loop = NULL; /* what ends with the generation knows by it */
    generation_put(g);
    return rc;
}
