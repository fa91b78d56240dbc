/* SPDX-License-Identifier: BSD-2-Clause */
/* The filters that joined one response, in the order of their bodies. */
#pragma once

struct http_filter;

struct http_join {
    const struct http_filter *filter;
    void                     *state;
};

struct http_joined {
    unsigned         n;
    struct http_join at[];
};
