/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error_log directive: where the log lines of each place go.  The targets
 * of the innermost level that has any are used; without any, those of the main
 * level.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/task.h"

struct error_log {
    struct log_targets targets;
    bool               has_file; /* a file or stderr is among them           */
};

struct error_log_conf {
    struct error_log log;
};

extern struct module error_log_module;

/* Of a place in the configuration. */
static inline const struct log_targets *
error_log_targets(struct conf_page *const *confs)
{
    const struct error_log_conf *c = confs_get(confs, &error_log_module);

    return &c->log.targets;
}
