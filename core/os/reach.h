/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose rights keep a process from a file.
 */
#pragma once

#include "core/base/arena.h"

/* "user www-data may not enter /home/u (0700)", for the first folder of an
 * absolute path (with a NUL behind it), or the file itself, that the user of
 * this process may not enter or read; STR_NONE: it is not that. */
str_t reach_refusal(struct arena *a, str_t path);
