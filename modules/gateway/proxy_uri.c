/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The target of the upstream request.  It is the client's own target where
 * nothing changed it.  Otherwise it is the URI part of proxy_pass, followed by
 * what comes after the location's prefix in the decoded URI, which is encoded
 * again if anything in it had been decoded.
 */
#include "modules/gateway/proxy.h"


/* Whether the decoded URI may have characters that a request must encode. */
static bool
needs_escape(const struct http_request *r)
{
    return !r->is_uri_as_sent || r->is_internal
           || str_chr(r->target, '%') != NULL;
}


str_t
proxy_build_uri(struct arena *a, const struct http_request *r, str_t part,
                str_t location, bool replaces)
{
    str_t rest = r->uri;
    str_t tail;

    if (part.n == 0 && r->is_uri_as_sent)
        return r->target;
    if (!replaces)
        part = STR("");
    else if (part.n) /* try_files may have made it shorter than the prefix */
        rest = rest.n > location.n ? str_from(rest, location.n) : STR("");
    if (needs_escape(r))
        rest = escape_uri(a, rest, ESCAPE_URI);
    tail = r->args.n ? str_join(a, STR("?"), r->args) : STR("");
    return str_join3(a, part, rest, tail);
}
