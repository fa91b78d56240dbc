/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request paths: decoding, dot segments, slashes; and the checks that paths
 * from configuration values and upstreams need.  Pure functions on text.
 */
#pragma once

#include "core/base/arena.h"

/* Decodes %XX, removes dot segments, merges slashes (if asked) and cuts a
 * #fragment; out has room for path.n bytes.  Returns false for what nginx
 * answers with 400: above the root, bad escape, NUL byte.  A "?" found as
 * %3F becomes part of the path. */
bool uri_normalize(str_t path, bool merge_slashes, char *out, str_t *result);

/* Cuts "?args" off an unnormalised URI that comes from X-Accel-Redirect, SSI
 * or a Destination field, and refuses an empty path, a ".." segment and NUL in
 * it, escaped or not: false then, nginx's "unsafe URI".  A "#" is no mark
 * there.  *path still has its escapes: unescape_uri() is the caller's. */
bool uri_split_unsafe(str_t uri, str_t *path, str_t *args);

/* The extension behind the last dot of the last segment, in lower case in a;
 * empty without one, and where the dot is the segment's first byte. */
str_t uri_extension(struct arena *a, str_t path);

/* Host of a request: strips the port (given in *port, 0 for none), lower-cases into a (*host lies in in where it is lower-case
 * already), drops a trailing dot; false for what nginx 1.31.5
 * answers with 400 (see t/truth/servername.tsv and protocol.tsv: bad IPv6
 * literals, userinfo, bytes above 127, bad or too large ports, slashes,
 * empty). */
bool uri_host(struct arena *a, str_t in, str_t *host, uint16_t *port);
