/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of response filters.  Heads run in the order of the first list,
 * bodies in that of the second.  Both orders are visible to clients (the order
 * of headers, what is compressed), and are the same as nginx's.
 */
#pragma once

#define HEAD_ORDER(X)                                                          \
    X(slice)                                                                   \
    X(not_modified)                                                            \
    X(more_headers)                                                            \
    X(headers)                                                                 \
    X(proxy_status)                                                            \
    X(cache_status)                                                            \
    X(limit_req)                                                               \
    X(userid)                                                                  \
    X(gunzip)                                                                  \
    X(addition)                                                                \
    X(sub)                                                                     \
    X(image_filter)                                                            \
    X(xslt)                                                                    \
    X(charset)                                                                 \
    X(ssi)                                                                     \
    X(parts)                                                                   \
    X(dictionary)                                                              \
    X(compress)                                                                \
    X(range)                                                                   \
    X(range_body)

#define BODY_ORDER(X)                                                          \
    X(range_body)                                                              \
    X(slice)                                                                   \
    X(more_headers)                                                            \
    X(headers)                                                                 \
    X(gunzip)                                                                  \
    X(addition)                                                                \
    X(sub)                                                                     \
    X(image_filter)                                                            \
    X(xslt)                                                                    \
    X(charset)                                                                 \
    X(ssi)                                                                     \
    X(parts)                                                                   \
    X(dictionary)                                                              \
    X(compress)
