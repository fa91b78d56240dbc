/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer in place of a response that failed. */
#pragma once

#include "http/request.h"

/* Whether there is an error_page for the status in r's location.  One that may
 * no longer be used (recursive_error_pages) counts too: the built-in page is
 * sent then. */
bool http_has_error_page(const struct http_request *r, unsigned status);

/* After http_fail: goes to the error page (STEP_NEXT with r->moved), or sends
 * the built-in one (STEP_DONE), or gives up the connection (STEP_FAIL). */
enum step http_refuse(struct http_request *r);

/* Sets the status of a request whose connection is closed without a response,
 * unless something was sent already, or an error page has set one before. */
void http_end_unanswered(struct http_request *r, unsigned status);

/* The built-in page of a status in r's arena: STR_NONE if there is none.
 * *shown is the status to send (400 for 494). */
str_t http_builtin_page(const struct http_request *r, unsigned status,
                        unsigned *shown);

/* A page that refreshes to Location, instead of a redirect, if the client and
 * the status need it (msie_refresh); otherwise STR_NONE. */
str_t http_refresh_page(const struct http_request *r, unsigned status);
/* Whether the client is Internet Explorer, according to User-Agent. */
bool http_is_msie(const struct http_request *r);

/* The text for Server and the built-in pages, according to server_tokens. */
const char *http_server_token(const struct http_request *r);
