/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gets gzip, if the client accepts it: shared by the filter that
 * compresses, by precompressed files, and by the filter that decompresses.
 */
#pragma once

#include "http/request.h"

/* Whether gzip_http_version, gzip_proxied and gzip_disable allow it.  Call it
 * when the response's headers are complete. */
bool gzip_is_allowed(const struct http_request *r);

/* gzip_vary. */
bool gzip_varies(const struct http_request *r);
/* The response depends on Accept-Encoding: adds Vary where gzip_vary is on. */
void gzip_set_vary(struct http_request *r);
