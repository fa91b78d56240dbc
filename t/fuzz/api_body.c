/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers as JSON, as clients of the API send them: what is taken is one line of
 * text, which says the same when it is read again.
 */
#include "core/base/check.h"
#include "core/conf/conf.h"
#include "core/upstream/live.h"
#include "core/upstream/names_inside.h"
#include "modules/content/api_body.h"

struct module *const weir_modules[] = { NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_line(struct arena *a, const struct upstream_group *g,
           const struct upstream_server *s)
{
    str_t                  line = live_text(a, s, ' ');
    struct upstream_server again;

    for (size_t i = 0; i < line.n; i++)
        CHECK((unsigned char) line.p[i] >= ' ' && line.p[i] != ';');
    CHECK(live_parse(a, g, line, ' ', &again) == NULL);
    CHECK(str_eq(live_text(a, &again, ' '), line));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct resolver_conf  conf = { .resolver = (void *) &conf };
    static struct names                names = { .conf = &conf };
    static const struct upstream_group g
        = { .kind = CONF_HTTP, .balancer = &round_robin, .names = &names };
    struct arena          *a = arena_new(0);
    struct upstream_server s
        = { .weight = 1, .max_fails = 1, .fail_timeout = 10 };
    struct api_fault fault = { .code = NULL };

    if (api_server_read(a, &g, (str_t){ (const char *) data, size }, &s,
                        &fault))
        check_line(a, &g, &s);
    else
        CHECK(fault.status >= 400 && fault.code != NULL);
    arena_free(a);
    return 0;
}
