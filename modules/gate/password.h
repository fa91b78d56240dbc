/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks passwords against the entries of htpasswd files: {PLAIN}, {SHA},
 * {SSHA}, $apr1$ (Apache's MD5), and all schemes of the system's crypt(): DES,
 * MD5, bcrypt, SHA-crypt, yescrypt.
 */
#pragma once

#include "core/base/arena.h"

enum password {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_ERROR, /* no memory; errno                                      */
};

/* stored is a whole entry, with its prefix.  The comparison takes constant
 * time. */
enum password password_check(struct arena *a, str_t given, str_t stored);

/* Finds the entry of user in lines of "user:entry"; the result points into
 * lines, STR_NONE when there is none.  A second colon or a CR ends an entry; a
 * line that begins with "#" is a comment. */
str_t password_find(str_t lines, str_t user);
