/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answering: what content handlers and gateways call.
 *
 * Either the whole response at once (http_reply), or the head and then the
 * body piece by piece: fill r->out, http_send_head, and http_send for each
 * piece; a STEP_WAIT from http_send means that enough is queued for now and
 * that the task is woken when there is room again (or all is out).
 */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

/* Refuses or breaks off: remembers the status for error_page and the built-in
 * pages; always STEP_FAIL.  444 closes without a response. */
enum step http_fail(struct http_request *r, unsigned status);

/* Closes the connection with no response, or with no more of it; always
 * STEP_FAIL. */
enum step http_break_off(struct http_request *r);

/* A complete response of a body in memory (arena or literal). */
enum step http_reply(struct http_request *r, unsigned status, str_t type,
                     str_t body);

/* A redirect to a location (relative ones are completed as absolute_redirect
 * and its kin say). */
enum step http_redirect(struct http_request *r, unsigned status,
                        str_t location);

/* Runs the head filters and queues the head.  STEP_NEXT: the body may follow;
 * STEP_DONE: none may (HEAD, 304 ...), the response is complete; STEP_FAIL:
 * a filter chose another status. */
enum step http_send_head(struct http_request *r);

/* Hands over a piece of the body, all of in; last: nothing follows.
 * STEP_NEXT: go on; STEP_WAIT: come back later (the piece was taken);
 * STEP_DONE: was the last one; STEP_FAIL: the client is gone. */
enum step http_send(struct http_request *r, struct chain *in, bool last);

/* The rest of the body will not come: hands over all of in, and when everything
 * is out the connection is closed without a mark of the end, so that the client
 * can tell.  STEP_DONE or STEP_FAIL. */
enum step http_send_cut(struct http_request *r, struct chain *in);
/* The same of a filter's body: out ends with its last bytes. */
void http_cut(struct http_request *r, struct chain *out);

/* An interim response (100, 103) before the head. */
void http_send_interim(struct http_request *r, unsigned status,
                       const struct fields *fields);

/* Goes on with another URI in the same server, as if it had come so; the
 * caller returns its answer. */
enum step http_internal_redirect(struct http_request *r, str_t uri,
                                 str_t args);
enum step http_named_location(struct http_request *r, str_t name);

/* Goes on with what is pending, when there is room or time again: of the
 * driver.  As http_send. */
enum step http_pump(struct http_request *r);
/* Sends a head that need not wait for the body (postpone_output): as
 * http_send_head, which calls it. */
enum step http_flush_head(struct http_request *r);

/* The type of the request's URI by its extension: sets out.content_type. */
void http_set_content_type(struct http_request *r);
/* ETag from last_modified and length, where etag is on. */
void http_set_etag(struct http_request *r);
/* The body is going to be another one of the same meaning: the ETag becomes
 * weak, and goes where it is none. */
void http_weaken_etag(struct http_request *r);

/* Maps the URI to a file by root or alias.  The path ends with a NUL that
 * does not count; *root_len is how much of it root or alias gave.  STR_NONE:
 * failed, logged. */
str_t http_map_path(struct http_request *r, size_t *root_len);
/* Whether the URI asks for a folder: it ends with a slash, or is empty (after
 * try_files) where root or alias gives a path that does. */
bool http_uri_is_folder(struct http_request *r);
/* What root or alias gives, as the path of a folder, which is "/" where it
 * gives nothing ("root /"); ends and fails as above. */
str_t http_root_folder(struct http_request *r);
/* Tells a dry run of a file that was looked for, and of what it is mapped by. */
void http_trace_path(struct http_request *r, bool is_found, const char *by,
                     str_t path);

/* The reason phrase of a status, and its built-in page's title. */
str_t http_reason(unsigned status);
