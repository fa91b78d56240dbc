/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The target of a request in origin-form (RFC 9112 section 3.2.1), which a
 * pseudo-header field ":path" has, too: a pure parser.
 */
#pragma once

#include "core/base/str.h"

struct target {
    str_t path;       /* as sent, without arguments                          */
    str_t args;       /* after "?", without it and without #fragment         */
    bool  has_args;   /* there was a "?"                                     */
    bool  is_complex; /* path needs uri_normalize: %, //, /.                 */
};

/* Takes "/path?args#fragment" from p on; returns the first byte that no target
 * has (a control, space, DEL), or end.  t is zeroed before. */
const char *target_take(struct target *t, const char *p, const char *end);
/* The same from the "?" or the "#" on. */
const char *target_take_args(struct target *t, const char *p, const char *end);
