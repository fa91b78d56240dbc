/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug messages that need more than log_debug.  Like it, they compile to
 * nothing unless the build is --with-debug.
 */
#pragma once

#include "http/request.h"

/* Logs the phase and the number of the next handler. */
void http_debug_phase_now(const struct http_request *r);
/* A request ended with that status; 0: it was answered. */
void http_debug_end_now(const struct http_request *r, unsigned status);
/* Logs each line of a head, between the two texts. */
void http_debug_head_now(const struct log *log, const char *before, str_t head,
                         const char *after);

#ifdef WEIR_DEBUG
#define http_debug_if(log, call)                                               \
    do {                                                                       \
        if (log_enabled(log, LEVEL_DEBUG))                                     \
            call;                                                              \
    } while (0)
#else
#define http_debug_if(log, call) ((void) sizeof(log))
#endif

#define http_debug_phase(r)                                                    \
    http_debug_if((r)->task.log, http_debug_phase_now(r))
#define http_debug_end(r, status)                                              \
    http_debug_if((r)->task.log, http_debug_end_now(r, status))
#define http_debug_head(log, before, head, after)                              \
    http_debug_if(log, http_debug_head_now(log, before, head, after))
