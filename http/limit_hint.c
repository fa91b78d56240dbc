/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text is made when a limit is hit, from the settings of the location.
 */
#include "http/limit_hint.h"

#include "core/conf/types.h"
#include "http/server.h"

struct error_hints_conf {
    bool is_on;
};


/* The file's name, without its folder. */
static str_t
base_of(const char *file)
{
    const char *slash = strrchr(file, '/');

    return str_of(slash ? slash + 1 : file);
}


static void
say(struct http_request *r, str_t name, str_t value)
{
    const struct error_hints_conf *c = conf_of(&r->task, &error_hints_module);
    struct arena                  *a = r->task.arena;
    const struct setting          *s;
    str_t                          text, file;

    if (!c->is_on || r->location == NULL)
        return;
    s = setting_in_force(r->location->block, name.p, NULL);
    if (s == NULL) {
        r->limit = arena_printf(a, STR_F " " STR_F ", the default", STR_A(name),
                                STR_A(value));
        return;
    }
    text = setting_text(a, s);
    text.n--; /* the semicolon */
    file = base_of(s->file);
    r->limit = arena_printf(a, STR_F ", " STR_F ":%u", STR_A(text), STR_A(file),
                            s->line);
}


void
limit_hint_ms(struct http_request *r, const char *prefix, const char *name,
              msec_t value)
{
    struct arena *a = r->task.arena;

    say(r, arena_printf(a, "%s_%s", prefix, name),
        value % 1000
            ? arena_printf(a, "%llums", (unsigned long long) value)
            : arena_printf(a, "%llus", (unsigned long long) value / 1000));
}


void
limit_hint_size(struct http_request *r, const char *prefix, const char *name,
                uint64_t value)
{
    struct arena *a = r->task.arena;

    say(r, arena_printf(a, "%s_%s", prefix, name),
        value % 1024
            ? arena_printf(a, "%llu", (unsigned long long) value)
            : arena_printf(a, "%lluk", (unsigned long long) value / 1024));
}


void
limit_hint_end(struct http_request *r)
{
    r->limit = STR("");
}


void
limit_hint_write(const struct http_request *r, struct log_record *l)
{
    if (r->limit.n != 0)
        log_hint(l, "limit", STR_F, STR_A(r->limit));
}


static const struct directive directives[] = {
    FLAG("error_hints", IN_WEB, struct error_hints_conf, is_on, "on",
         "Lines of the error log about a limit that was hit end with the "
         "directive that has set it, its file and line."),
    { .name = NULL },
};


struct module error_hints_module = {
    .name = "error_hints",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct error_hints_conf),
};
