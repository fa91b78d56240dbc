/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a CONNECT request goes.
 */
#pragma once

#include "core/base/arena.h"

/* "host:port" to be looked up, for what uri_host has found in the authority of a
 * request line; empty: there is no such port, or the text would mean something
 * else than a host in the network ("unix:80"). */
static inline str_t
tunnel_authority(struct arena *a, str_t host, unsigned port)
{
    if (port == 0 || str_ieq(host, STR("unix")))
        return STR("");
    return arena_printf(a, STR_F ":%u", STR_A(host), port);
}
