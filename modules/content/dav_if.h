/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header field If (RFC 4918 section 10.4): lists of conditions on what is
 * locked, and on entity tags.  A pure parser.
 */
#pragma once

#include "core/base/vec.h"

enum { DAV_CONDITIONS_MAX = 64 };

struct dav_condition {
    unsigned list;     /* conditions of a list hold together                 */
    str_t    resource; /* the URI that the list is about; empty: the
                          request's                                          */
    str_t    value;    /* the token of a lock, or an entity tag              */
    bool     is_tag, is_not;
};

struct dav_if {
    VEC(struct dav_condition) conditions;
};

/* Strings point into value.  False: it is malformed, or has too many. */
bool dav_if_parse(struct arena *a, str_t value, struct dav_if *out);
