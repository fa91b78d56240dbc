/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the access log: formats and their three kinds of escaping.
 */
#include <unistd.h>

#include "core/conf/types.h"
#include "http/codec.h"
#include "modules/log/format.c"
#include "t/unit/http_block.h"
#include "t/unit/tap.h"

enum { MOST = 16 };

static struct log_format *formats[MOST];
static unsigned           n_formats;
static char               message[256];
static str_t              given; /* the value of $given */


/* format ESCAPE PIECE ... */
static const char *
parse_format(struct conf *cf, void *field)
{
    struct log_format *f = arena_make(cf->arena, struct log_format);
    const char        *error = NULL;

    (void) field;
    f->escape = str_is(cf->args[1], "json")   ? ESCAPE_JSON
                : str_is(cf->args[1], "none") ? ESCAPE_NONE
                                              : ESCAPE_DEFAULT;
    for (unsigned i = 2; i < cf->n_args && error == NULL; i++)
        error = log_format_add(cf, f, cf->args[i]);
    if (error == NULL)
        formats[n_formats++] = f;
    else
        snprintf(message, sizeof(message), "%s", error);
    return error;
}


static const struct conf_type format_type
    = { .name = "x", .parse = parse_format };
static const struct conf_opener http_opener = { .inside = IN_HTTP };

static const struct directive directives[]
    = { BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
        { "format", IN_HTTP | ROW_MANY, ARGS_2_OR_MORE, &format_type, 0, NULL,
          NULL },
        { .name = NULL } };


static str_t
get_given(struct task *t, uintptr_t arg)
{
    (void) t;
    (void) arg;
    return given;
}


static const struct variable variables[]
    = { { "given", get_given, 0, VAR_VOLATILE, NULL }, { .name = NULL } };

static struct module test_module = {
    .name = "test",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
};

struct module *const weir_modules[] = { &test_module, &vars_module, NULL };


unsigned
http_status_of(const struct http_request *r)
{
    return r->out.status;
}


static struct generation *
read_conf(const char *lines)
{
    n_formats = 0;
    message[0] = '\0';
    return read_http_block(lines);
}


static void
is_line(unsigned which, struct http_request *r, const char *want,
        const char *what)
{
    struct log_line line = { .p = NULL };

    log_format_write(formats[which], r, &line);
    is_str(str_span(line.p, line.p + line.n), want, "%s", what);
    log_line_free(&line);
}


static void
test_escapes(struct http_request *r)
{
    given = (str_t){ "a\"b\\c\n\x01\x7f\xe4/ ", 11 };
    is_line(0, r, "[a\\x22b\\x5Cc\\x0A\\x01\\x7F\\xE4/ ]", "default");
    is_line(1, r, "[a\\\"b\\\\c\\n\\u0001\x7f\xe4/ ]", "json");
    is_line(2, r, "[a\"b\\c\n\x01\x7f\xe4/ ]", "none");

    given = STR_NONE;
    is_line(0, r, "[-]", "default: not there");
    is_line(1, r, "[]", "json: not there");
    is_line(2, r, "[]", "none: not there");
    given = STR("");
    is_line(0, r, "[]", "default: empty");
}


static uint64_t
sent(const struct http_request *r)
{
    (void) r;
    return 1000;
}


static void
test_own(struct http_request *r)
{
    static const struct http_codec codec = { .sent = sent };
    struct conn                    c = { .sent = 1500 };

    r->codec = &codec;
    r->task.conn = &c;
    r->task.peer = &c.peer;
    r->body_sent = 300;
    r->out.status = 7;
    r->head_bytes = 80;
    is_line(3, r, "007|1000|300|80|.", "sizes, a status below 100");
    r->out.status = 204;
    r->body_bytes = 7;
    r->is_pipelined = true;
    is_line(3, r, "204|1000|300|87|p", "with a body, pipelined");
    r->started_at = clock_ms() - 1023;
    is_line(4, r, "1.023", "milliseconds have three digits");
}


static void
test_pieces(struct http_request *r)
{
    given = STR("x");
    is_line(5, r, "one x two x", "pieces follow each other");
    is_line(6, r, "", "a format of nothing");
}


int
main(void)
{
    struct http_request r = { .out.status = 200 };
    struct generation  *g, *refused;

    log_to_stderr = false;
    modules_init();
    clock_update();
    g = read_conf("format default '[$given]'; format json '[$given]';"
                  "format none '[${given}]'; format default '$status|"
                  "$bytes_sent|$body_bytes_sent|$request_length|$pipe';"
                  "format default $request_time;"
                  "format default 'one $given' ' two ' ${given};"
                  "format default '';");
    if (ok(g != NULL, "formats are read")) {
        r.task.arena = arena_new(0);
        r.task.gen = g;
        r.task.kind = FOR_HTTP;
        test_escapes(&r);
        test_own(&r);
        test_pieces(&r);
        arena_free(r.task.arena);
    }
    generation_put(g);

    refused = read_conf("format default 'a $-';");
    is_text(message, "invalid parameter \"$-\"", "a dollar without a name");
    generation_put(refused);
    refused = read_conf("format default '${given';");
    is_text(message, "the closing bracket in \"given\" variable is missing",
            "an open bracket");
    generation_put(refused);
    return done();
}
