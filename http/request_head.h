/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a request, as all versions of HTTP judge it, one fact after the
 * other.  A version calls these in the order in which it learns of the facts;
 * what returns a status refuses the request with it (0: go on), and has said
 * why in the log.
 */
#pragma once

#include "http/request.h"
#include "http/target.h"

/* The target as sent, which is $request_uri, and its parts. */
unsigned request_head_target(struct http_request *r, str_t target,
                             const struct target *parts);
/* A host of the request's target: chooses the server.  It counts more than a
 * Host field. */
unsigned request_head_host(struct http_request *r, str_t host);
/* A field, whose name and value are well-formed and live as long as r. */
unsigned request_head_field(struct http_request *r, str_t name, str_t value);
/* The same where the name has been recognised already. */
unsigned request_head_known(struct http_request *r, enum field_id id,
                            str_t name, str_t value);
/* After the fields: Content-Length. */
unsigned request_head_length(struct http_request *r);
/* Methods that are not served. */
unsigned request_head_method(struct http_request *r);
/* The head is good: the server, where no host has chosen it yet, and whether
 * that may be asked on this connection. */
unsigned request_head_end(struct http_request *r);

/* The head is bad: r answers with that status and nothing else, and what
 * follows on its connection has no meaning. */
void request_head_refuse(struct http_request *r, unsigned status);
