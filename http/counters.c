/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of HTTP's counters. */
#include "http/counters.h"

static const char by_state[] = "Connections from clients by what is under way.";

const struct counter_row http_counters[] = {
    [HTTP_REQUESTS]
    = { "http_requests_total", NULL, COUNTER_TOTAL, "Requests from clients." },
    [HTTP_READING]
    = { "http_connections", "state=\"reading\"", COUNTER_NOW, by_state },
    [HTTP_WRITING]
    = { "http_connections", "state=\"writing\"", COUNTER_NOW, by_state },
    [HTTP_WAITING]
    = { "http_connections", "state=\"waiting\"", COUNTER_NOW, by_state },
    { .name = NULL },
};
