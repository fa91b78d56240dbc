/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text in which bans are kept (weir-bans, version 1).  Pure.
 *
 *     weir-bans 1 EPOCH KIND
 *     UNTIL N KEY
 *     ...
 *
 * EPOCH counts the zones that had the file, one after the other; KIND is what
 * keys are made of (struct limit_zone).  UNTIL is in seconds since 1970; KEY has
 * the bytes of a struct limit_key, whose n is N, in hexadecimal digits.
 *
 * Whatever a file has, reading it ends, and takes only what could have been
 * written.
 */
#pragma once

#include "modules/gate/limit_table.h"

struct ban_head {
    uint64_t epoch;
    uint32_t kind;
};

struct ban_line {
    uint64_t         until;
    struct limit_key key; /* kind is that of the head                        */
};

enum { BAN_LINE_MAX = 128 }; /* bytes of a line, with its end               */

/* Write to p, which has room for BAN_LINE_MAX, and return the end. */
char *ban_state_put_head(char *p, const struct ban_head *h);
char *ban_state_put(char *p, const struct ban_line *l);

/* Take the first line of *rest.  False: it is no such line. */
bool ban_state_head(str_t *rest, struct ban_head *out);
bool ban_state_line(str_t *rest, struct ban_line *out);
