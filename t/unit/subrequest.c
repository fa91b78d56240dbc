/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subrequests: how deeply they may be nested.  With the modules of this build
 * none starts another, so that no request from outside gets there.
 */
#include <fcntl.h>
#include <unistd.h>

#include "core/conf/module.h"
#include "core/log/log.h"
#include "core/os/clock.h"
#include "http/subrequest.h"
#include "t/unit/tap.h"

/* nginx's: 50 levels below the main request. */
enum { LEVELS = 51 };

struct module *const weir_modules[] = { NULL };


static void
test_limit(struct arena *a, int fd, const struct log *log)
{
    struct http_request   *r = arena_make(a, struct http_request);
    struct http_subrequest sub = { .r = NULL };
    char                   text[1024];
    ssize_t                n;

    r->task.arena = a;
    r->task.log = (struct log *) log;
    http_request_init(r);
    is(r->subrequests, LEVELS, "levels of a main request");

    r->subrequests = 0;
    is(http_subrequest(r, &sub, STR("/inner"), STR("a=b")), STEP_FAIL,
       "no level is left");
    is(r->fail_status, 500, "the answer");
    ok(sub.r == NULL && list_empty(&r->children), "nothing was started");
    n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    ok(strstr(text, "[error]") != NULL
           && strstr(text, "subrequests cycle while processing \"/inner\"")
                  != NULL,
       "told: %s", text);
}


int
main(void)
{
    struct arena      *a = arena_new(0);
    char               path[] = "/tmp/weir-subrequest-XXXXXX";
    struct log_file    file = { .fd = mkstemp(path) };
    const char        *error;
    struct log_target *at[1];
    struct log_targets targets = { LEVEL_INFO, 1, at };
    struct log         log = { .targets = &targets };

    log_to_stderr = false;
    clock_update();
    file.path = str_of(path);
    at[0] = log_target_new(a, file.path, &file, LEVEL_INFO, &error);
    test_limit(a, file.fd, &log);
    unlink(path);
    arena_free(a);
    return done();
}
