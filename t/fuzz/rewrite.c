/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rewrite module: bytes choose the rules of a server and its locations,
 * and the request that is run through them by the real engine.  Each request
 * ends, within the limit of changes of its URI, with a status; a second run
 * ends as the first.
 */
#include <stdio.h>

#include "core/conf/reader.h"
#include "core/expr/variable.h"
#include "core/net/worker.h"
#include "http/response.h"
#include "http/uri.h"
#include "t/fuzz/silent.h"

enum { TEXT_MAX = 16384, WORDS_MAX = 6, RULES_MAX = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern struct module http_module;
extern struct module http_listen_module;
extern struct module http_names_module;
extern struct module http_head_module;
extern struct module http_body_module;
extern struct module http_keep_module;
extern struct module http_send_module;
extern struct module http_reply_module;
extern struct module http_satisfy_module;
extern struct module http_error_page_module;
extern struct module http_post_action_module;
extern struct module variables_module;
extern struct module vars_module;
extern struct module rewrite_module;
extern struct module map_module;
extern struct module error_log_module;
extern struct module http_root_module;
extern struct module http_types_module;
extern struct module http_files_module;
extern struct module http_io_module;
extern struct module http_validate_module;

struct module *const weir_modules[] = { &http_module,
                                        &http_listen_module,
                                        &http_names_module,
                                        &http_head_module,
                                        &http_body_module,
                                        &http_keep_module,
                                        &http_send_module,
                                        &http_reply_module,
                                        &http_satisfy_module,
                                        &http_error_page_module,
                                        &http_post_action_module,
                                        &variables_module,
                                        &vars_module,
                                        &rewrite_module,
                                        &map_module,
                                        &error_log_module,
                                        &http_root_module,
                                        &http_types_module,
                                        &http_files_module,
                                        &http_io_module,
                                        &http_validate_module,
                                        NULL };


/* --- the program ----------------------------------------------------------------- */

struct program {
    const uint8_t *p;
    size_t         n;
    char           text[TEXT_MAX];
    size_t         length;
};


static unsigned
byte(struct program *s)
{
    if (s->n == 0)
        return 0;
    s->n--;
    return *s->p++;
}


static void
say(struct program *s, const char *text)
{
    size_t n = strlen(text);

    if (s->length + n >= TEXT_MAX / 2 && s->n != 0)
        s->n = 0; /* enough: what is open is closed */
    CHECK(s->length + n < TEXT_MAX);
    memcpy(s->text + s->length, text, n);
    s->length += n;
}


/* One of a list that NULL ends. */
static void
say_one(struct program *s, const char *const list[])
{
    unsigned n = 0;

    while (list[n] != NULL)
        n++;
    say(s, list[byte(s) % n]);
}


static void
say_words(struct program *s, const char *first)
{
    static const char *const words[] = { "$1",
                                         "$2",
                                         "$9",
                                         "$uri",
                                         "$args",
                                         "$arg_a",
                                         "$v",
                                         "${w}",
                                         "$m",
                                         "$name",
                                         "/",
                                         "/a",
                                         "/b/",
                                         "?",
                                         "&",
                                         "a=b",
                                         "%",
                                         "%41",
                                         "%3F",
                                         " ",
                                         "+",
                                         "x",
                                         "http://",
                                         "$scheme:",
                                         "$is_args",
                                         "/c",
                                         "$request_uri",
                                         "=",
                                         "@n",
                                         "#",
                                         "$query_string",
                                         "$http_x",
                                         "0",
                                         "$host",
                                         "%C3",
                                         "https://",
                                         "..",
                                         "//",
                                         "${args}",
                                         "~",
                                         NULL };
    unsigned                 n = byte(s) % WORDS_MAX;

    say(s, "\"");
    say(s, first);
    while (n-- != 0)
        say_one(s, words);
    say(s, "\" ");
}


static void
say_regex(struct program *s)
{
    static const char *const patterns[]
        = { "^",           "^/(.*)$",     "^/a(.*)$", "(.)(.)?",
            "^/b/([^/]*)", "(?<name>.+)", "x",        "(a)|(b)|(c)",
            "$",           "^$",          "(?i)/A",   "((((((((((.))))))))))",
            "/(.*)/(.*)",  "%",           "[ +]",     "^/(?<v>c)",
            ".",           "/+",          "\\\\?",    NULL };

    say(s, "\"");
    say_one(s, patterns);
    say(s, "\" ");
}


static void
say_condition(struct program *s)
{
    static const char *const vars[]
        = { "$uri", "$args", "$arg_a", "$v", "$w", "$m", "$name", NULL };
    static const char *const regex[] = { " ~ ", " ~* ", " !~ ", " !~* ", NULL };
    static const char *const equal[] = { " = ", " != ", NULL };
    static const char *const files[]
        = { "-f ", "!-f ", "-d ", "!-d ", "-e ", "!-e ", "-x ", "!-x ", NULL };
    unsigned kind = byte(s) % 4;

    say(s, "if (");
    if (kind == 3)
        say_one(s, files);
    else
        say_one(s, vars);
    if (kind == 1) {
        say_one(s, regex);
        say_regex(s);
    } else if (kind != 0) {
        if (kind == 2)
            say_one(s, equal);
        say_words(s, "");
    }
    say(s, ") {\n");
}


static void
say_return(struct program *s)
{
    static const char *const codes[]
        = { "200", "204", "301", "302", "304", "308", "400", "404", "418",
            "444", "499", "500", "599", "0",   "101", "999", NULL };

    say(s, "return ");
    if (byte(s) % 8 == 0) {
        say(s, "\"$scheme://x\"");
    } else {
        say_one(s, codes);
        say(s, " ");
        if (byte(s) % 2)
            say_words(s, "");
    }
}


static void
say_rewrite(struct program *s)
{
    static const char *const targets[] = { "/", "/a/", "/b/$1", "$1/", "?" };
    static const char *const flags[]
        = { "", "last", "break", "redirect", "permanent", "", NULL };

    say(s, "rewrite ");
    say_regex(s);
    say_words(s, targets[byte(s) % countof(targets)]);
    say_one(s, flags);
}


static void
say_set(struct program *s)
{
    static const char *const names[]
        = { "$v ", "$w ", "$args ", "$http_x ", "$name ", NULL };

    say(s, "set ");
    say_one(s, names);
    say_words(s, "");
}


static void
say_rules(struct program *s, bool in_if)
{
    unsigned n = byte(s) % RULES_MAX;

    while (n-- != 0 && s->n != 0) {
        switch (byte(s) % 8) {
        case 0:
        case 1:
        case 2:
            say_rewrite(s);
            break;
        case 3:
            say_set(s);
            break;
        case 4:
            say_return(s);
            break;
        case 5:
            say(s, "break");
            break;
        default:
            if (in_if)
                continue;
            say_condition(s);
            say_rules(s, true);
            say(s, "}\n");
            continue;
        }
        say(s, ";\n");
    }
}


static void
say_all(struct program *s)
{
    static const char *const locations[] = { "location /a {\n",
                                             "location ~ ^/b(.*) {\n",
                                             "location / {\n",
                                             "location = /x {\n",
                                             "location @n {\n",
                                             "location ~ (?<name>c) {\n",
                                             "location /b/ { internal;\n",
                                             NULL };

    say(s, "http {\n"
           "map $arg_a $m { default d$v; a \"$args\"; ~^(.)(.) \"$2$1\"; }\n"
           "server { listen 127.0.0.1:1; root /nosuch;\n");
    if (byte(s) % 2)
        say(s, "error_page 404 418 @n;\n");
    if (byte(s) % 2)
        say(s, "rewrite_log on;\n");
    say_rules(s, false);
    for (unsigned i = 0; locations[i] != NULL; i++) {
        say(s, locations[i]);
        if (byte(s) % 4 == 0)
            say(s, "absolute_redirect off;\n");
        say_rules(s, false);
        say(s, "}\n");
    }
    say(s, "set $v 1; set $w 2; if ($uri ~ (?<name>z)) { }\n} }\n");
}


/* --- a request ------------------------------------------------------------------- */

struct result {
    unsigned status, changes;
    str_t    uri, args, location;
};


/* False: no such URI reaches the phases. */
static bool
take_target(struct http_request *r, str_t target)
{
    str_t rest = target, path = str_cut(&rest, '?');
    char *out = arena_bytes(r->task.arena, path.n + 1);

    if (path.n == 0 || path.p[0] != '/' || str_chr(target, '\0')
        || !uri_normalize(path, true, out, &r->uri))
        return false;
    r->target = target;
    r->args = rest.p ? rest : (str_t){ path.p + path.n, 0 };
    return true;
}


static void
run(struct generation *g, str_t target, struct arena *keep, struct result *out)
{
    struct arena        *a = arena_new(0);
    struct http_request *r = silent_request(a, g);

    if (!take_target(r, target)) {
        arena_free(a);
        return;
    }
    fields_add(a, &r->in, STR("Host"), r->host);
    fields_add(a, &r->in, STR("X"), STR("x y"));
    silent_run(r);
    out->status = r->out.status;
    out->changes = r->uri_changes;
    out->uri = str_copy(keep, r->uri);
    out->args = str_copy(keep, r->args);
    out->location
        = str_copy(keep, fields_value(&r->out.fields, FIELD_LOCATION));
    arena_free(a);
}


static void
run_twice(struct generation *g, str_t target)
{
    struct arena *keep = arena_new(0);
    struct result one = { 0 }, two = { 0 };

    run(g, target, keep, &one);
    run(g, target, keep, &two);
    CHECK(one.status == two.status && one.changes == two.changes);
    CHECK(str_eq(one.uri, two.uri) && str_eq(one.args, two.args));
    CHECK(str_eq(one.location, two.location));
    arena_free(keep);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct program s;
    static struct worker  nobody;
    struct conf_paths     paths = { .prefix = STR("/nosuch/"),
                                    .conf_file = STR("/nosuch/x.conf"),
                                    .conf_prefix = STR("/nosuch/") };
    struct generation    *g;
    const uint8_t        *end = memchr(data, '\0', size);
    size_t                n = end ? (size_t) (end - data) : size;

    log_to_stderr = false;
    worker = &nobody;
    modules_init();
    s = (struct program){ .p = end ? end + 1 : data,
                          .n = end ? size - n - 1 : 0 };
    say_all(&s);
    g = generation_read_text(&paths, STR("x"), (str_t){ s.text, s.length },
                             &quiet);
    if (g == NULL)
        return 0;
    run_twice(g, (str_t){ (const char *) data, n });
    generation_put(g);
    return 0;
}
