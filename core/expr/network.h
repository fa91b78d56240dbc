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
/* Takes a value out; false when there is none. */
bool network_remove(struct network_table *t, const struct cidr *net);

/* The value for an address; NULL: none, or of a family without networks. */
void *network_find(const struct network_table *t, const struct sockaddr *sa);

/* The IPv4 address, in host order, that an address is or maps to; false: it
 * is none. */
bool network_ip4(const struct sockaddr *sa, uint32_t *out);
