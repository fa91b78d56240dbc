/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request to the API: a server as a JSON object.
 */
#pragma once

#include "core/upstream/group.h"
#include "http/request.h"

/* Why it is refused. */
struct api_fault {
    unsigned    status;
    const char *text, *code;
};

/* Sets what json says of a server, whose strings are copied to a; a new one has
 * no text so far, and needs an address.  False: *fault says what is wrong. */
bool api_server_read(struct arena *a, const struct upstream_group *g,
                     str_t json, struct upstream_server *s,
                     struct api_fault *fault);
/* The same with the body of a request, which has been read. */
bool api_body_apply(struct http_request *r, const struct upstream_group *g,
                    struct upstream_server *s, struct api_fault *fault);
