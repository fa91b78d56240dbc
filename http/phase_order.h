/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of modules within each phase, the same as nginx's.  The modules
 * are listed by the name in their struct module (http_core is try_files before
 * content, and static in it); those that are not listed come last, in the
 * order of auto/modules.
 */
#pragma once

#define PHASE_ORDER(X)                                                         \
    X(PHASE_POST_READ, realip)                                                 \
    X(PHASE_SERVER_REWRITE, rewrite)                                           \
    X(PHASE_REWRITE, rewrite)                                                  \
    X(PHASE_REWRITE, more_input_headers)                                       \
    X(PHASE_PREACCESS, realip)                                                 \
    X(PHASE_PREACCESS, ban)                                                    \
    X(PHASE_PREACCESS, limit_req)                                              \
    X(PHASE_PREACCESS, limit_conn)                                             \
    X(PHASE_ACCESS, access)                                                    \
    X(PHASE_ACCESS, auth_basic)                                                \
    X(PHASE_ACCESS, auth_request)                                              \
    X(PHASE_PRECONTENT, http_core)                                             \
    X(PHASE_PRECONTENT, mirror)                                                \
    X(PHASE_CONTENT, random_index)                                             \
    X(PHASE_CONTENT, http_index)                                               \
    X(PHASE_CONTENT, http_autoindex)                                           \
    X(PHASE_CONTENT, http_dav)                                                 \
    X(PHASE_CONTENT, http_dav_ext)                                             \
    X(PHASE_CONTENT, http_gzip_static)                                         \
    X(PHASE_CONTENT, http_core)                                                \
    X(PHASE_LOG, log)
