/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which permissions keep a process from a file.
 */
#pragma once

#include "core/base/arena.h"

/* "user www-data may not enter /home/u (0700)": the first folder of an
 * absolute path (followed by a NUL), or the file itself, that the user of this
 * process may not enter or read; STR_NONE: permissions are not the reason. */
str_t reach_refusal(struct arena *a, str_t path);
