/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The "Basic" scheme of Authorization (RFC 7617).
 */
#pragma once

#include "http/request.h"

/* The name and password that the client sent; false: none, malformed, or the
 * name is empty.  They live as long as the request. */
bool http_credentials(const struct http_request *r, str_t *user,
                      str_t *password);
