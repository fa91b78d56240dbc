/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is to get gzip: what the filter that makes it, files that are gzip
 * already, and the filter that undoes it have in common.
 */
#pragma once

#include "http/request.h"

/* Whether the client takes gzip, and gzip_http_version, gzip_proxied and
 * gzip_disable let it have that.  Asked when the response's fields stand. */
bool gzip_is_allowed(const struct http_request *r);

/* The response depends on Accept-Encoding: it says so where gzip_vary is
 * on. */
void gzip_set_vary(struct http_request *r);
