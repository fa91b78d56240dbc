/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's user name and password; for CONNECT, those for a proxy.
 */
#include "http/credentials.h"

#include "core/base/escape.h"


bool
http_credentials(const struct http_request *r, str_t *user, str_t *password)
{
    str_t       given = fields_value(&r->in, r->method == HTTP_CONNECT
                                                 ? FIELD_PROXY_AUTHORIZATION
                                                 : FIELD_AUTHORIZATION);
    const char *colon;
    bool        is_ok;

    if (!str_istarts(given, STR("Basic ")))
        return false;
    given = str_skip(str_from(given, STR("Basic ").n), ' ');
    given = base64_decode(r->task.arena, given, false, &is_ok);
    colon = is_ok ? str_chr(given, ':') : NULL;
    if (colon == NULL || colon == given.p)
        return false;
    *user = str_span(given.p, colon);
    *password = str_span(colon + 1, given.p + given.n);
    return true;
}
