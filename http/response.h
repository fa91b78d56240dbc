/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending responses: the functions for content handlers and gateways.
 *
 * Either send the whole response at once (http_reply), or the head and then
 * the body in parts: fill r->out, call http_send_head, and http_send for each
 * part.  STEP_WAIT from http_send means that enough is queued for now, and
 * that the task is woken when there is room again (or everything has been
 * sent).
 */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

/* Refuses or breaks off: stores the status for error_page and the built-in
 * pages; always STEP_FAIL.  444 closes without a response. */
enum step http_fail(struct http_request *r, unsigned status);

/* Closes the connection without a response, or without the rest of it; always
 * STEP_FAIL. */
enum step http_break_off(struct http_request *r);

/* A complete response with a body in memory (arena or literal). */
enum step http_reply(struct http_request *r, unsigned status, str_t type,
                     str_t body);

/* A redirect to a location (relative ones are completed according to
 * absolute_redirect etc.). */
enum step http_redirect(struct http_request *r, unsigned status,
                        str_t location);

/* Runs the head filters and queues the head.  STEP_NEXT: the body may follow;
 * STEP_DONE: no body may follow (HEAD, 304 ...), the response is complete;
 * STEP_FAIL: a filter chose another status. */
enum step http_send_head(struct http_request *r);

/* Hands over a part of the body, all of in; last: nothing follows.  STEP_NEXT:
 * continue; STEP_WAIT: continue later (the part was taken); STEP_DONE: this
 * was the last part; STEP_FAIL: the client is gone. */
enum step http_send(struct http_request *r, struct chain *in, bool last);

/* The rest of the body is missing: hands over all of in, and then closes the
 * connection without marking the end, so that the client notices.  STEP_DONE
 * or STEP_FAIL. */
enum step http_send_cut(struct http_request *r, struct chain *in);
/* The same for the body function of a filter: out ends with the last bytes. */
void http_cut(struct http_request *r, struct chain *out);

/* An interim response (100, 103) before the head. */
void http_send_interim(struct http_request *r, unsigned status,
                       const struct fields *fields);

/* Continues with another URI in the same server, as if it had been requested;
 * the caller returns the result. */
enum step http_internal_redirect(struct http_request *r, str_t uri,
                                 str_t args);
enum step http_named_location(struct http_request *r, str_t name);

/* For the driver: continues to send what is pending, when there is room or
 * time again.  Returns the same as http_send. */
enum step http_pump(struct http_request *r);
/* Sends a head that does not have to wait for the body (postpone_output):
 * called by http_send_head, with the same results. */
enum step http_flush_head(struct http_request *r);

/* Sets out.content_type by the extension of the request's URI. */
void http_set_content_type(struct http_request *r);
/* Sets ETag from last_modified and length, if etag is on. */
void http_set_etag(struct http_request *r);
/* The body will be replaced by an equivalent one: makes the ETag weak, or
 * removes it if it is malformed. */
void http_weaken_etag(struct http_request *r);
/* The body will be replaced by one that depends on more than the one at hand:
 * forgets its length, and when it was changed, unless that is to be kept (with
 * a weak ETag). */
void http_renew_body(struct http_request *r, bool keeps_last_modified);

/* Maps the URI to a file with root or alias.  The path is followed by a NUL
 * that is not part of its length; *root_len is the length of the part from
 * root or alias.  STR_NONE: failed, logged. */
str_t http_map_path(struct http_request *r, size_t *root_len);
/* The root alone, as $document_root; it may lie in the configuration. */
str_t http_root_text(struct http_request *r);
/* Whether the URI is a folder: it ends with a slash, or it is empty (after
 * try_files) and root or alias gives a path that does. */
bool http_uri_is_folder(struct http_request *r);
/* The path from root or alias, as a folder, which is "/" if it is empty ("root
 * /"); followed by a NUL, and fails, as above. */
str_t http_root_folder(struct http_request *r);
/* In a dry run, prints a file that was looked for, and how it was mapped. */
void http_trace_path(struct http_request *r, bool is_found, const char *by,
                     str_t path);

/* The reason phrase of a status, which is also the title of its built-in
 * page. */
str_t http_reason(unsigned status);
