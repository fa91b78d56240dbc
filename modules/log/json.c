/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format "json": each line is an object of typed values.  Names and types
 * are an interface: fields may be added anywhere, but never change.  Fields
 * that a request does not have are left out.  A field about upstream tries is
 * a single value for one try, and a list for several, with null for missing
 * values.
 */
#include "core/base/check.h"
#include "core/base/json.h"
#include "core/net/worker.h"
#include "http/codec.h"
#include "http/gateway/gateway.h"
#include "http/variables.h"
#include "modules/log/access_log.h"


static void
add_string(struct log_line *line, str_t s)
{
    char   room[JSON_ESCAPE];
    size_t n;

    log_line_add(line, STR("\""));
    while (s.n != 0) {
        n = json_plain(s);
        log_line_add(line, (str_t){ s.p, n });
        s = str_from(s, n);
        if (s.n == 0)
            break;
        n = json_escape(&s, room);
        log_line_add(line, (str_t){ room, n });
    }
    log_line_add(line, STR("\""));
}


/* --- numbers of the request ------------------------------------------------- */

static uint64_t
status(const struct http_request *r)
{
    return http_status_of(r);
}


static uint64_t
bytes_sent(const struct http_request *r)
{
    return r->codec->sent(r);
}


static uint64_t
body_bytes_sent(const struct http_request *r)
{
    return r->body_sent;
}


static uint64_t
request_length(const struct http_request *r)
{
    return r->head_bytes + r->body_bytes;
}


static uint64_t
request_time(const struct http_request *r)
{
    return clock_ms() - r->started_at;
}


static uint64_t
pid(const struct http_request *r)
{
    (void) r;
    return (uint64_t) worker->pid;
}


static uint64_t
connection(const struct http_request *r)
{
    return r->task.conn->log.serial;
}


static uint64_t
connection_requests(const struct http_request *r)
{
    return r->number;
}


/* --- fields --------------------------------------------------------------------- */

enum kind {
    TEXT,   /* a variable                               */
    DIGITS, /* a variable whose text is a number        */
    NUMBER,
    SECONDS, /* from a number of milliseconds            */
    TIME,    /* of the log line                          */
    LINE,    /* the request line, if it is not HTTP      */
    BOOLEAN, /* whether the response was sent whole      */
    TRIES,   /* of upstream tries: texts                 */
    TRIES_N, /* ... numbers                              */
};

static const struct field_row {
    str_t       key;
    enum kind   kind;
    const char *variable;
    uint64_t (*number)(const struct http_request *r);
    enum gateway_told told;
} rows[] = {
#define KEY(name) STR_INIT("\"" name "\":")
    { .key = KEY("time"), .kind = TIME },
    { KEY("remote_addr"), TEXT, .variable = "remote_addr" },
    { KEY("remote_port"), DIGITS, .variable = "remote_port" },
    { KEY("remote_user"), TEXT, .variable = "remote_user" },
    { KEY("pid"), NUMBER, .number = pid },
    { KEY("connection"), NUMBER, .number = connection },
    { KEY("connection_requests"), NUMBER, .number = connection_requests },
    { KEY("request_id"), TEXT, .variable = "request_id" },
    { KEY("scheme"), TEXT, .variable = "scheme" },
    { KEY("host"), TEXT, .variable = "host" },
    { KEY("server_name"), TEXT, .variable = "server_name" },
    { KEY("method"), TEXT, .variable = "request_method" },
    { KEY("target"), TEXT, .variable = "request_uri" },
    { KEY("uri"), TEXT, .variable = "uri" },
    { KEY("protocol"), TEXT, .variable = "server_protocol" },
    { KEY("request"), LINE },
    { KEY("status"), NUMBER, .number = status },
    { KEY("complete"), BOOLEAN },
    { KEY("request_length"), NUMBER, .number = request_length },
    { KEY("bytes_sent"), NUMBER, .number = bytes_sent },
    { KEY("body_bytes_sent"), NUMBER, .number = body_bytes_sent },
    { KEY("request_time"), SECONDS, .number = request_time },
    { KEY("referer"), TEXT, .variable = "http_referer" },
    { KEY("user_agent"), TEXT, .variable = "http_user_agent" },
    { KEY("forwarded_for"), TEXT, .variable = "http_x_forwarded_for" },
    { KEY("upstream_addr"), TRIES, .told = TOLD_ADDR },
    { KEY("upstream_status"), TRIES_N, .told = TOLD_STATUS },
    { KEY("upstream_connect_time"), TRIES_N, .told = TOLD_CONNECT_TIME },
    { KEY("upstream_header_time"), TRIES_N, .told = TOLD_HEADER_TIME },
    { KEY("upstream_response_time"), TRIES_N, .told = TOLD_RESPONSE_TIME },
    { KEY("upstream_bytes_sent"), TRIES_N, .told = TOLD_SENT },
    { KEY("upstream_bytes_received"), TRIES_N, .told = TOLD_RECEIVED },
    { KEY("upstream_error"), TRIES, .told = TOLD_ERROR },
    { KEY("upstream_cache_status"), TEXT, .variable = "upstream_cache_status" },
#undef KEY
};


static void
add_key(struct log_line *line, const struct field_row *row)
{
    if (row != rows)
        log_line_add(line, STR(","));
    log_line_add(line, row->key);
}


static void
add_text(struct log_line *line, const struct field_row *row, str_t s)
{
    if (s.n == 0)
        return;
    add_key(line, row);
    if (row->kind == DIGITS)
        log_line_add(line, s);
    else
        add_string(line, s);
}


static void
add_seconds(struct log_line *line, uint64_t ms)
{
    unsigned rest = (unsigned) (ms % 1000);
    char     digits[] = { '.', (char) ('0' + rest / 100),
                          (char) ('0' + rest / 10 % 10), (char) ('0' + rest % 10) };

    log_line_number(line, ms / 1000);
    log_line_add(line, (str_t){ digits, sizeof(digits) });
}


static void
add_number(struct log_line *line, const struct field_row *row, uint64_t n)
{
    add_key(line, row);
    if (row->kind == SECONDS)
        add_seconds(line, n);
    else
        log_line_number(line, n);
}


static void
add_told(struct log_line *line, const struct field_row *row,
         const struct exchange *x)
{
    char  room[TOLD_MAX];
    str_t s = gateway_told(x, row->told, room);

    if (s.n == 0)
        log_line_add(line, STR("null"));
    else if (row->kind == TRIES)
        add_string(line, s);
    else
        log_line_add(line, s);
}


static void
add_tries(struct log_line *line, const struct field_row *row,
          const struct http_request *r)
{
    const struct exchange *first = gateway_try(r, NULL), *x;
    bool                   is_list;
    char                   room[TOLD_MAX];

    if (first == NULL && row->told == TOLD_ERROR)
        add_text(line, row, gateway_untried(r));
    if (first == NULL)
        return;
    is_list = gateway_try(r, first) != NULL;
    if (!is_list && gateway_told(first, row->told, room).n == 0)
        return;
    add_key(line, row);
    if (is_list)
        log_line_add(line, STR("["));
    for (x = first; x != NULL; x = gateway_try(r, x)) {
        if (x != first)
            log_line_add(line, STR(","));
        add_told(line, row, x);
    }
    if (is_list)
        log_line_add(line, STR("]"));
}


static void
add_row(struct log_line *line, const struct field_row *row,
        const struct var *var, struct http_request *r)
{
    switch (row->kind) {
    case TEXT:
    case DIGITS:
        add_text(line, row, var_get(&r->task, var));
        break;
    case NUMBER:
    case SECONDS:
        add_number(line, row, row->number(r));
        break;
    case TIME:
        add_text(line, row, clock_iso8601_ms());
        break;
    case LINE:
        if (r->main->target.n == 0)
            add_text(line, row, r->main->line);
        break;
    case BOOLEAN:
        add_key(line, row);
        log_line_add(line, r->out.is_complete ? STR("true") : STR("false"));
        break;
    case TRIES:
    case TRIES_N:
        add_tries(line, row, r);
        break;
    }
}


void
log_json_init(struct conf *cf, struct log_format *f)
{
    f->vars = arena_alloc(cf->arena, sizeof(*f->vars) * countof(rows));
    for (size_t i = 0; i < countof(rows); i++)
        f->vars[i] = rows[i].variable ? var_use(cf, str_of(rows[i].variable))
                                      : NULL;
}


void
log_json_write(const struct log_format *f, struct http_request *r,
               struct log_line *line)
{
    log_line_add(line, STR("{"));
    for (size_t i = 0; i < countof(rows); i++)
        add_row(line, &rows[i], f->vars[i], r);
    log_line_add(line, STR("}"));
}
