/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entity tags that a filter has made weak.  The client comes back with the weak
 * tag, and an upstream that compares literally does not know that: so the strong
 * one is given back to it, but only where it was this server that made the tag
 * weak, since another upstream may have weak tags of its own and compare those
 * literally.  Which tags were made weak, for which host and target, all workers
 * remember together (core/shm/seen.h).
 */
#pragma once

#include "http/request.h"

/* An upstream's strong tag becomes weak. */
void own_tag_note(const struct http_request *r, str_t strong);
/* Replaces such tags in If-None-Match; then r->has_own_tag is set. */
void own_tag_undo(struct http_request *r);
