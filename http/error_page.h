/* SPDX-License-Identifier: BSD-2-Clause */
/* What is answered in place of a response that failed. */
#pragma once

#include "http/request.h"

/* Whether error_page names the status where r is; one that may not be used
 * any more (recursive_error_pages) counts, and the built-in page stands in. */
bool http_has_error_page(const struct http_request *r, unsigned status);

/* After http_fail: takes the error page (STEP_NEXT with r->moved), or sends
 * the built-in one (STEP_DONE), or gives up on the connection (STEP_FAIL). */
enum step http_refuse(struct http_request *r);

/* The status of a request that is closed without a word: that one, unless
 * something went out, or an error page chose one before. */
void http_end_unanswered(struct http_request *r, unsigned status);

/* The built-in page of a status in r's arena: STR_NONE where it has none.
 * *shown is the status that goes out (494 goes out as 400). */
str_t http_builtin_page(const struct http_request *r, unsigned status,
                        unsigned *shown);

/* The page that refreshes to Location in place of a redirect, for a client and
 * a status that want it (msie_refresh); else STR_NONE. */
str_t http_refresh_page(const struct http_request *r, unsigned status);
/* Internet Explorer, as far as User-Agent tells. */
bool http_is_msie(const struct http_request *r);

/* What the Server field and the built-in pages say, as server_tokens wants. */
const char *http_server_token(const struct http_request *r);
