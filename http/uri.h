/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request paths: decoding, dot segments, slashes; and the checks for paths
 * from configuration values and upstreams.  Pure functions on text.
 */
#pragma once

#include "core/base/arena.h"

/* Decodes %XX, removes dot segments, merges slashes (if wanted) and cuts off a
 * #fragment; out must have room for path.n bytes.  Returns false for what
 * nginx answers with 400: above the root, invalid escape, NUL byte.  A "?"
 * from %3F becomes part of the path. */
bool uri_normalize(str_t path, bool merge_slashes, char *out, str_t *result);

/* Splits "?args" off an unnormalised URI from X-Accel-Redirect, SSI or a
 * Destination field.  False for an empty path, or one with a ".." segment or
 * NUL, escaped or not: nginx's "unsafe URI".  A "#" is not special here.
 * *path still has its escapes: the caller uses unescape_uri(). */
bool uri_split_unsafe(str_t uri, str_t *path, str_t *args);

/* The extension after the last dot of the last segment, in lower case in a;
 * empty if there is none, or if the dot is the segment's first byte. */
str_t uri_extension(struct arena *a, str_t path);

/* The host of a request: removes the port (given in *port, 0 for none),
 * converts to lower case in a (*host points into in if it is lower case
 * already), removes a trailing dot; false for what nginx 1.31.5 answers with
 * 400 (see t/truth/servername.tsv and protocol.tsv: invalid IPv6 literals,
 * userinfo, bytes above 127, invalid or too large ports, slashes, empty). */
bool uri_host(struct arena *a, str_t in, str_t *host, uint16_t *port);
