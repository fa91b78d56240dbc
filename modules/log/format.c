/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_format: a format is compiled to a list of operations, each of which adds
 * to the line.  What nearly every line has (status, times, sizes) is written
 * directly, without evaluating a variable.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "http/codec.h"
#include "http/variables.h"
#include "modules/log/access_log.h"

enum { LINE_START = 1024 };

typedef void log_write_fn(struct http_request *r, struct log_line *line);

struct log_op {
    str_t             text; /* if neither of the others is set              */
    const struct var *var;
    log_write_fn     *write;
};


void
log_line_free(void *line)
{
    free(((struct log_line *) line)->p);
}


/* Makes room for n more bytes. */
static char *
reserve(struct log_line *line, size_t n)
{
    size_t room = line->room ? line->room : LINE_START;
    char  *p;

    if (line->n + n > line->room) {
        while (room < line->n + n)
            room *= 2;
        p = realloc(line->p, room);
        if (p == NULL)
            check_memory(room);
        line->p = p;
        line->room = room;
    }
    return line->p + line->n;
}


void
log_line_add(struct log_line *line, str_t s)
{
    char *p = reserve(line, s.n);

    if (s.n != 0)
        memcpy(p, s.p, s.n);
    line->n += s.n;
}


void
log_line_number(struct log_line *line, uint64_t n)
{
    line->n += number_put(reserve(line, 20), n);
}


/* Adds a number with at least three digits: "007". */
static void
add_three(struct log_line *line, unsigned n)
{
    if (n < 100)
        log_line_add(line, n < 10 ? STR("00") : STR("0"));
    log_line_number(line, n);
}


/* --- what is written without a variable ------------------------------------- */

static void
write_pipe(struct http_request *r, struct log_line *line)
{
    log_line_add(line, r->is_pipelined ? STR("p") : STR("."));
}


static void
write_time_local(struct http_request *r, struct log_line *line)
{
    (void) r;
    log_line_add(line, clock_clf());
}


static void
write_time_iso8601(struct http_request *r, struct log_line *line)
{
    (void) r;
    log_line_add(line, clock_iso8601());
}


static void
write_msec(struct http_request *r, struct log_line *line)
{
    (void) r;
    log_line_number(line, (uint64_t) clock_seconds());
    log_line_add(line, STR("."));
    add_three(line, clock_millisecond());
}


static void
write_request_time(struct http_request *r, struct log_line *line)
{
    msec_t ms = clock_ms() - r->started_at;

    log_line_number(line, ms / 1000);
    log_line_add(line, STR("."));
    add_three(line, (unsigned) (ms % 1000));
}


static void
write_status(struct http_request *r, struct log_line *line)
{
    add_three(line, http_status_of(r));
}


static void
write_bytes_sent(struct http_request *r, struct log_line *line)
{
    log_line_number(line, r->codec->sent(r));
}


static void
write_body_bytes_sent(struct http_request *r, struct log_line *line)
{
    log_line_number(line, r->body_sent);
}


static void
write_request_length(struct http_request *r, struct log_line *line)
{
    log_line_number(line, r->head_bytes + r->body_bytes);
}


static const struct own {
    const char   *name;
    log_write_fn *write;
} owns[] = {
    { "pipe", write_pipe },
    { "time_local", write_time_local },
    { "time_iso8601", write_time_iso8601 },
    { "msec", write_msec },
    { "request_time", write_request_time },
    { "status", write_status },
    { "bytes_sent", write_bytes_sent },
    { "body_bytes_sent", write_body_bytes_sent },
    { "request_length", write_request_length },
};


/* --- compiling ------------------------------------------------------------------ */

static void
add_variable(struct conf *cf, struct log_format *f, str_t name)
{
    struct log_op *op = vec_push(cf->arena, &f->ops);

    for (size_t i = 0; i < countof(owns); i++) {
        if (str_eq(name, str_of(owns[i].name))) {
            op->write = owns[i].write;
            return;
        }
    }
    op->var = var_use(cf, name);
}


/* Takes a name that follows a "$" off *rest. */
static const char *
parse_variable(struct conf *cf, struct log_format *f, str_t *rest)
{
    str_t whole = str_span(rest->p - 1, rest->p + rest->n), name;
    bool  in_braces = rest->n != 0 && rest->p[0] == '{';

    if (in_braces)
        *rest = str_from(*rest, 1);
    name = (str_t){ rest->p, var_name_length(*rest) };
    *rest = str_from(*rest, name.n);
    if (in_braces) {
        if (rest->n == 0 || rest->p[0] != '}')
            return conf_error(
                cf, "the closing bracket in \"" STR_F "\" variable is missing",
                STR_A(name));
        *rest = str_from(*rest, 1);
    }
    if (name.n == 0)
        return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(whole));
    add_variable(cf, f, name);
    return NULL;
}


const char *
log_format_add(struct conf *cf, struct log_format *f, str_t text)
{
    str_t       rest = str_copy(cf->arena, text);
    const char *error;

    while (rest.n != 0) {
        const char *dollar = str_chr(rest, '$');
        size_t      plain = dollar ? (size_t) (dollar - rest.p) : rest.n;

        if (plain != 0) {
            vec_push(cf->arena, &f->ops)->text = (str_t){ rest.p, plain };
            rest = str_from(rest, plain);
            continue;
        }
        rest = str_from(rest, 1);
        error = parse_variable(cf, f, &rest);
        if (error != NULL)
            return error;
    }
    return NULL;
}


/* --- writing -------------------------------------------------------------------- */

static void
write_variable(const struct log_format *f, const struct var *v, struct task *t,
               struct log_line *line)
{
    str_t s = var_get(t, v);

    switch (f->escape) {
    case ESCAPE_DEFAULT:
        log_line_add(line, s.p ? escape_log(t->arena, s) : STR("-"));
        break;
    case ESCAPE_JSON:
        log_line_add(line, escape_json(t->arena, s));
        break;
    case ESCAPE_NONE:
        log_line_add(line, s);
        break;
    }
}


void
log_format_write(const struct log_format *f, struct http_request *r,
                 struct log_line *line)
{
    VEC_EACH(&f->ops, op) {
        if (op->write != NULL)
            op->write(r, line);
        else if (op->var != NULL)
            write_variable(f, op->var, &r->task, line);
        else
            log_line_add(line, op->text);
    }
}
