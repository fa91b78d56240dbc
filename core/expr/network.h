/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that turn an address into something, by the longest network that
 * holds it.  The one behind geo.
 */
#pragma once

#include "core/net/addr.h"

struct network_table;

struct network_table *network_table_new(struct arena *a);

/* Sets the value of a network (AF_UNSPEC: of all addresses) and returns the
 * one that it had, or NULL. */
void *network_set(struct network_table *t, const struct cidr *net,
                  void *value);
/* Sets it for the addresses from first to last, both included (IPv4, in host
 * order).  Returns the value that exactly this range had, or NULL. */
void *network_set_range(struct network_table *t, uint32_t first, uint32_t last,
                        void *value);
/* Takes a value out; false when there is none. */
bool network_remove(struct network_table *t, const struct cidr *net);

/* The value for an address; NULL: none, or of a family without networks. */
void *network_find(const struct network_table *t, const struct sockaddr *sa);
