/* SPDX-License-Identifier: BSD-2-Clause */
/* What HTTP counts. */
#pragma once

#include "core/conf/module.h"
#include "core/net/counters.h"

enum http_counter {
    HTTP_REQUESTS,
    HTTP_READING, /* connections on which a request's head is being read     */
    HTTP_WRITING, /* ... from a complete request to the end of its response  */
    HTTP_WAITING, /* ... kept alive without a request                        */
};

extern const struct counter_row http_counters[];
extern struct module            http_module;

static inline void
http_count(enum http_counter which, int n)
{
    counter_add(http_module.first_counter + which, n);
}
