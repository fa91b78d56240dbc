/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands behind a request's messages in the error log: client, server,
 * request, upstream, host, referrer.
 */
#pragma once

#include "http/request.h"

/* Puts the frame of r in front of its log's. */
void http_log_push(struct http_request *r);
