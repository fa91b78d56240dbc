/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root and alias: from a request's URI to the path of a file.  The mapping
 * itself is http_map_path, in http/response.h.
 */
#pragma once

#include "http/request.h"

/* How much of the location's name alias stands in place of. */
#define ALIAS_ALL SIZE_MAX /* a regular expression: the value is the path    */

/* The alias of the location in force: 0 for root, else bytes of the URI, or
 * ALIAS_ALL. */
size_t http_alias(const struct http_request *r);

/* From now on the URI is put behind the value of an alias in a location with
 * a regular expression (after try_files found a file below it). */
void http_alias_appends(struct http_request *r);

extern struct module http_root_module;
