/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who holds the address that somebody else wants to listen at.
 */
#pragma once

#include <sys/types.h>

#include "core/net/addr.h"

enum { HOLDER_NAME = 32 };

/* The process that listens at the port of a TCP address, on that address or
 * a wildcard, and its name.  0: nobody does, or it cannot be seen (another
 * user's, for instance).  Reads /proc. */
pid_t holder_find(const struct sockaddr *sa, char name[HOLDER_NAME]);
