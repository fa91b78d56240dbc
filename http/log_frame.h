/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request's part of lines in the error log: client, server, request,
 * upstream, host, referrer.
 */
#pragma once

#include "http/request.h"

/* Pushes the frame of r onto its log. */
void http_log_push(struct http_request *r);
