/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configurations of tests: lines in the http block, read without messages.
 */
#pragma once

#include "core/conf/generation.h"

static struct log_targets quiet_targets = { .level = LEVEL_STDERR };
static struct log         quiet = { .targets = &quiet_targets };


/* NULL: there was an error. */
static inline struct generation *
read_http_block(const char *lines)
{
    struct arena      *a = arena_new(0);
    struct conf_paths  paths = { .prefix = STR("/"),
                                 .conf_file = STR("/t.conf"),
                                 .conf_prefix = STR("/"),
                                 .error_log = STR("stderr"),
                                 .globals = STR("") };
    struct generation *g
        = generation_read_text(&paths, STR("t.conf"),
                               arena_printf(a, "http { %s }", lines), &quiet);

    arena_free(a);
    return g;
}
