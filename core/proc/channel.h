/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages between the master and a worker, with descriptors: a pair of
 * connected sockets that keep the limits of messages (SOCK_SEQPACKET).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CHANNEL_FDS = 200 }; /* in one message; the kernel takes 253          */

/* Makes the two ends, close-on-exec and non-blocking; false: errno. */
bool channel_open(int ends[2]);

/* Sends n bytes and the descriptors, which stay open here, up to CHANNEL_FDS of
 * them.  False with errno, EAGAIN: the other end does not keep up. */
bool channel_send(int end, const void *message, size_t n, const int *fds,
                  unsigned n_fds);

/* Takes one message of n bytes, with *n_fds descriptors (close-on-exec), for
 * which there is room.  False with errno, EAGAIN: there is none; ENOTCONN: the
 * other end is closed; EBADMSG: it has another length, and what came with it is
 * dropped. */
bool channel_receive(int end, void *message, size_t n, int fds[CHANNEL_FDS],
                     unsigned *n_fds);
