/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that map an address to a value, by the longest network that contains
 * it.  Used by geo.
 */
#pragma once

#include "core/net/addr.h"

struct network_table;

struct network_table *network_table_new(struct arena *a);

/* Sets the value of a network (AF_UNSPEC: of all addresses) and returns the
 * previous one, or NULL. */
void *network_set(struct network_table *t, const struct cidr *net,
                  void *value);
/* Removes a value; false when there is none. */
bool network_remove(struct network_table *t, const struct cidr *net);

/* The value for an address; NULL: none, or of a family without networks. */
void *network_find(const struct network_table *t, const struct sockaddr *sa);

/* The IPv4 address, in host order, of an IPv4 or IPv4-mapped address; false: it
 * is neither. */
bool network_ip4(const struct sockaddr *sa, uint32_t *out);
