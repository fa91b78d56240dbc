/* SPDX-License-Identifier: BSD-2-Clause */
/* The filters that joined a response, in the order of their bodies. */
#pragma once

#include <stdbool.h>

struct http_filter;

struct http_join {
    const struct http_filter *filter;
    void                     *state;
    bool                      waits;
    bool                      had_last; /* it got last, and waits            */
};

struct http_joined {
    unsigned         n;
    struct http_join at[];
};
