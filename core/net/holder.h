/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which process listens on an address that is already in use.
 */
#pragma once

#include <sys/types.h>

#include "core/net/addr.h"

enum { HOLDER_NAME = 32 };

/* The process that listens on the port of a TCP address, on that address or a
 * wildcard, and its name.  0: none, or it is not visible (another user's, for
 * example).  Reads /proc. */
pid_t holder_find(const struct sockaddr *sa, char name[HOLDER_NAME]);
