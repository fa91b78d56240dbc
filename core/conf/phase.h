/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The phases that a task runs through, in order.  Stream sessions use
 * post-read, pre-access, access, pre-content (preread), content and log.  The
 * order of handlers within a phase is in http/phase_order.h.
 */
#pragma once

enum phase {
    PHASE_POST_READ,      /* realip                                          */
    PHASE_SERVER_REWRITE,
    PHASE_FIND_LOCATION,  /* the engine's own                                */
    PHASE_REWRITE,
    PHASE_POST_REWRITE,   /* the engine's own: back to find location?        */
    PHASE_PREACCESS,      /* limits                                          */
    PHASE_ACCESS,         /* satisfy any or all of them                      */
    PHASE_POST_ACCESS,    /* the engine's own                                */
    PHASE_PRECONTENT,     /* try_files, mirror                               */
    PHASE_CONTENT,
    PHASE_LOG,
    PHASE_COUNT
};
