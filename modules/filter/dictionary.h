/* SPDX-License-Identifier: BSD-2-Clause */
/* compression_dictionary, for the coding that uses dictionaries (zstd.c). */
#pragma once

#include "http/request.h"
#include "modules/filter/coder.h"

/* The dictionary that the client has, where the location knows it, the client
 * wants it used at least as much as what has that weight, and it may be; a
 * reference, ready for that level.  NULL: none.  The response then varies by
 * what decided that. */
struct coder_with *dictionary_choose(struct http_request *r, unsigned weight,
                                     int level);
