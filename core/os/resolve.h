/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host names to addresses through the system's resolver.  It blocks, so it is
 * only for reading a configuration, never for a running worker.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "core/base/arena.h"

union resolved {
    struct sockaddr     sa;
    struct sockaddr_in  in4;
    struct sockaddr_in6 in6;
};

/* From now on, no name server is asked: names are only looked up in the hosts
 * file, and all others get the same address, which belongs to nobody (RFC
 * 5737).  For explaining a configuration away from where it runs. */
void resolve_go_offline(void);
bool resolve_is_offline(void);

/* The addresses of host in a, IPv4 before IPv6, each once, with port set.
 * Returns how many there are; 0: not found. */
size_t resolve_host(struct arena *a, str_t host, unsigned port,
                    union resolved **out);
