/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root and alias: from a request's URI to the path of a file.  The mapping
 * itself is http_map_path, in http/response.h.
 */
#pragma once

#include "http/request.h"

/* How much of the URI the value of an alias replaces. */
#define ALIAS_ALL SIZE_MAX /* a regular expression: the value is the path    */

/* The alias of the location in force: 0 for root, otherwise the number of
 * bytes of the URI that it replaces, or ALIAS_ALL. */
size_t http_alias(const struct http_request *r);

/* From now on, the URI is appended to the value of an alias in a location with
 * a regular expression (after try_files found a file there). */
void http_alias_appends(struct http_request *r);

extern struct module http_root_module;
