/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of lint on any configuration that can be read: they end, stay
 * within their texts, and find the same when asked again.
 */
#include "core/base/check.h"
#include "core/conf/lint.h"
#include "core/os/resolve.h"
#include "http/main.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MODULES(X) \
    X(http) \
    X(http_listen) \
    X(http_names) \
    X(http_head) \
    X(http_body) \
    X(http_keep) \
    X(http_send) \
    X(http_reply) \
    X(http_satisfy) \
    X(http_error_page) \
    X(http_post_action) \
    X(http_lint) \
    X(rewrite) \
    X(upstream) \
    X(variables) \
    X(vars) \
    X(access) \
    X(map) \
    X(error_log) \
    X(tls) \
    X(http_tls) \
    X(gateway) \
    X(http_resolver) \
    X(proxy) \
    X(proxy_pass) \
    X(proxy_headers) \
    X(http_root) \
    X(http_types) \
    X(http_files) \
    X(http_io) X(http_validate) X(stub_status) X(try_files) X(headers)
#define X(name) extern struct module name##_module;
MODULES(X)
#undef X

struct module *const weir_modules[] = {
#define X(name) &name##_module,
    MODULES(X) NULL
#undef X
};

static const struct log_targets no_targets = { .level = LEVEL_STDERR };
static struct log               quiet = { .targets = &no_targets };


static size_t
count(const struct generation *g)
{
    struct arena *a = arena_new(0);
    struct lint   l;
    size_t        n;

    lint_run(&l, g, a);
    VEC_EACH(&l.findings, f)
        CHECK(f->line > 0 && f->message.n != 0 && f->cure.n != 0);
    n = l.findings.n;
    arena_free(a);
    return n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_paths  paths = { .prefix = STR("/nosuch/"),
                                 .conf_file = STR("/nosuch/x.conf"),
                                 .conf_prefix = STR("/nosuch/"),
                                 .lints = true };
    str_t              text = { (const char *) data, size };
    struct generation *g;

    log_to_stderr = false;
    resolve_go_offline();
    modules_init();
    if (str_find(text, STR("include")) != NULL
        || str_find(text, STR("error_log")) != NULL)
        return 0; /* no files */
    g = generation_read_text(&paths, STR("x"), text, &quiet);
    if (g != NULL)
        CHECK(count(g) == count(g));
    generation_put(g);
    return 0;
}
