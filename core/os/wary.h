/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening files as root in folders that another user may control.
 */
#pragma once

#include <sys/types.h>

/* As open(), but does not follow links in folders that belong to user, or
 * below such a folder: that user could have made them lead anywhere.  -1 with
 * errno, ELOOP or ENOTDIR for such a link.  If user is root, all links are
 * followed. */
int wary_open(const char *path, int flags, mode_t mode, uid_t user);
