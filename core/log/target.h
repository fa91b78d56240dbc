/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log targets, internal to core/log.
 */
#pragma once

#include "core/log/log.h"

enum target_kind { TARGET_FILE, TARGET_STDERR, TARGET_SYSLOG, TARGET_MEMORY };

/* The last size bytes of log; to be read with a debugger. */
struct log_ring {
    char  *p;
    size_t size, at;
};

struct log_target {
    enum target_kind      kind;
    enum log_level        level;
    bool                  is_json;
    struct log_file      *file;
    struct syslog_target *syslog;
    struct log_ring       ring;
};
