/* SPDX-License-Identifier: BSD-2-Clause */
/* Request methods as bits, so that sets of them are masks. */
#pragma once

#include "core/base/str.h"

enum http_method {
    HTTP_OTHER = 1 << 0, /* any token that is not in this list               */
    HTTP_GET = 1 << 1,
    HTTP_HEAD = 1 << 2,
    HTTP_POST = 1 << 3,
    HTTP_PUT = 1 << 4,
    HTTP_DELETE = 1 << 5,
    HTTP_MKCOL = 1 << 6,
    HTTP_COPY = 1 << 7,
    HTTP_MOVE = 1 << 8,
    HTTP_OPTIONS = 1 << 9,
    HTTP_PROPFIND = 1 << 10,
    HTTP_PROPPATCH = 1 << 11,
    HTTP_LOCK = 1 << 12,
    HTTP_UNLOCK = 1 << 13,
    HTTP_PATCH = 1 << 14,
    HTTP_TRACE = 1 << 15,
    HTTP_CONNECT = 1 << 16,
};

unsigned method_parse(str_t name); /* one bit; HTTP_OTHER if unknown    */
unsigned method_named(str_t name); /* the same, ignoring case, for
                                      directives                             */
