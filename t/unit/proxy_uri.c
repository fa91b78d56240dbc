/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What proxy_pass asks of its upstream: t/truth has the whole table, this the
 * pieces that it is made of.
 */
#include "modules/gateway/proxy_uri.c" /* NOLINT: a module is in no library */

/* Behind it, since its short names are members elsewhere. */
#include "t/unit/tap.h"

struct sample {
    const char *target, *uri, *args;
    bool        is_as_sent, is_internal;
    const char *part, *location;
    bool        replaces;
    const char *want;
};

static const struct sample samples[] = {
    { "/a%2fb?x", "/a/b", "x", true, false, "", "/", true, "/a%2fb?x" },
    { "/s/a?x", "/s/a", "x", true, false, "/", "/s/", true, "/a?x" },
    { "/s/a", "/s/a", "", true, false, "/t", "/s/", true, "/ta" },
    { "/s/a%20b", "/s/a b", "", true, false, "/t/", "/s/", true, "/t/a%20b" },
    { "/s/\"", "/s/\"", "", true, false, "/t/", "/s/", true, "/t/\"" },
    { "/s/%22", "/s/\"", "", true, false, "/t/", "/s/", true, "/t/%22" },
    { "/s", "/s", "", true, false, "/t", "/s", true, "/t" },
    { "/r/a b", "/new/a b", "", false, true, "/t/", "/r/", false,
      "/new/a%20b" },
    { "/r/a", "/new/a", "q=1", false, false, "", "/", true, "/new/a?q=1" },
    { "/q/a?b", "/q/a", "b", true, false, "/x?p=", "/q/", true, "/x?p=a?b" },
    { "/long/x", "/a", "", false, true, "/up/", "/long/", true, "/up/" },
    { "/long/x", "/a", "q", false, true, "/up/", "/long/", true, "/up/?q" },
};


int
main(void)
{
    struct arena *a = arena_new(0);

    for (size_t i = 0; i < countof(samples); i++) {
        const struct sample *s = &samples[i];
        struct http_request  r = {
             .target = str_of(s->target),
             .uri = str_of(s->uri),
             .args = str_of(s->args),
             .is_uri_as_sent = s->is_as_sent,
             .is_internal = s->is_internal,
        };

        is_str(proxy_build_uri(a, &r, str_of(s->part), str_of(s->location),
                               s->replaces),
               s->want, "%s to %s", s->target, s->want);
    }
    arena_free(a);
    return done();
}
