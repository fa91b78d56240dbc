/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lines of the error log tell of a request: client, server, request,
 * upstream, host, referrer.
 */
#pragma once

#include "http/request.h"

/* From now on lines of r's log tell of r, and of nothing else. */
void http_log_push(struct http_request *r);
