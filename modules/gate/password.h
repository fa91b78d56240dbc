/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passwords against what files of users keep of them: {PLAIN}, {SHA}, {SSHA},
 * $apr1$ (Apache's MD5), and all that the system's crypt() knows: DES, MD5,
 * bcrypt, SHA-crypt, yescrypt.
 */
#pragma once

#include "core/base/arena.h"

enum password {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_ERROR, /* no memory; errno                                      */
};

/* stored is a whole entry, with its prefix.  The time does not depend on how
 * much of the result agrees. */
enum password password_check(struct arena *a, str_t given, str_t stored);

/* The entry of user among lines of "user:entry", or STR_NONE; it lies in
 * lines.  A second colon ends an entry, and so does a CR; a "#" in front makes
 * a line a comment. */
str_t password_find(str_t lines, str_t user);
