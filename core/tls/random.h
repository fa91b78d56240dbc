/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSSL's random numbers, fetched in larger pieces.  For each number its
 * generator asks the kernel for the id of the process, to see whether it was
 * forked: half a dozen times in a handshake.
 */
#pragma once

/* Has all of OpenSSL take them from here, unless its configuration names some
 * other source. */
void tls_random_init(void);
