/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fastcgi: FastCGI applications, such as PHP-FPM, as responders.  A request is
 * its parameters and its body, whose length the application has to know before,
 * so that one of unknown length is read as a whole first.  A response is what
 * comes on the application's standard output, in the form of CGI; it is
 * complete when the application says so, and not when the connection ends.
 */
#include "config.h"
#include "modules/gateway/cgi.h"
#include "modules/gateway/fastcgi.h"
#include "modules/gateway/fastcgi_record.h"
#include "modules/gateway/params.h"

enum {
    STDERR_LINE = 4096,     /* of a text that is logged at once              */
    STDERR_MAX = 64 * 4096, /* of what is logged for one try                 */
};

/* Of a try. */
struct fastcgi_try {
    struct fastcgi_reader in;
    struct cgi_response   response;
    char                 *text; /* of stderr, not logged so far; or NULL     */
    size_t                text_n;
    size_t                logged;
    bool                  is_closed; /* the output has ended                 */
    bool                  has_body;  /* the request                          */
};


static const struct fastcgi_conf *
conf_at(const struct exchange *x)
{
    return (const struct fastcgi_conf *) (const void *) exchange_gateway(x)
        ->conf;
}


/* --- the request ---------------------------------------------------------- */

static enum step
encode_head(struct exchange *x, struct chain *out)
{
    struct fastcgi_try          *f = exchange_state(x);
    const struct gateway_upload *u = &exchange_gateway(x)->upload;
    struct params params         UNSET;

    params_init(&params, exchange_request(x)->task.arena, params_put_fastcgi);
    if (!app_collect(x, &params))
        return STEP_FAIL;
    f->has_body = u->is_streaming || !chain_empty(&u->body);
    chain_add(out, params_fastcgi(&params, conf_at(x)->keeps, f->has_body));
    return STEP_NEXT;
}


static enum step
encode_body(struct exchange *x, struct chain *in, struct chain *out, bool last)
{
    const struct fastcgi_try *f = exchange_state(x);
    char                      header[FASTCGI_HEADER];

    while (in->n != 0) {
        size_t n = in->n < FASTCGI_MAX ? (size_t) in->n : FASTCGI_MAX;

        fastcgi_put_header(header, FASTCGI_STDIN, n);
        chain_add_copy(out, (str_t){ header, FASTCGI_HEADER });
        chain_move_n(out, in, n);
    }
    if (last && f->has_body) {
        fastcgi_put_header(header, FASTCGI_STDIN, 0);
        chain_add_copy(out, (str_t){ header, FASTCGI_HEADER });
    }
    return STEP_NEXT;
}


/* --- what the application sends to its standard error --------------------- */

/* Logs what has come of a text.  False: fastcgi_catch_stderr names it. */
static bool
log_text(struct exchange *x, struct fastcgi_try *f)
{
    const struct fastcgi_conf *c = conf_at(x);
    const struct log          *log = exchange_request(x)->task.log;
    str_t                      text = { f->text, f->text_n }, line = text;

    f->text_n = 0;
    while (line.n && strchr("\r\n. ", line.p[line.n - 1]))
        line.n--;
    if (text.n == 0)
        return true;
    if (f->logged < STDERR_MAX)
        log_error(log, "FastCGI sent in stderr: \"" STR_F "\"", STR_A(line));
    else if (f->logged - text.n < STDERR_MAX)
        log_error(log, "FastCGI sent more in stderr, which is not logged");
    f->logged += text.n;
    if (f->response.has_head)
        return true;
    VEC_EACH(&c->catches.list, word)
        if (str_find(text, *word))
            return false;
    return true;
}


static bool
take_text(struct exchange *x, struct fastcgi_try *f, str_t data)
{
    while (data.n != 0) {
        size_t n = STDERR_LINE - f->text_n;

        n = n < data.n ? n : data.n;
        if (f->text == NULL)
            f->text = arena_bytes(exchange_request(x)->task.arena, STDERR_LINE);
        memcpy(f->text + f->text_n, data.p, n);
        f->text_n += n;
        data = str_from(data, n);
        if (f->text_n == STDERR_LINE && !log_text(x, f))
            return false;
    }
    return true;
}


/* --- the response --------------------------------------------------------- */

static enum step
tell_fault(struct exchange *x, const struct fastcgi_reader *in)
{
    const struct log *log = exchange_request(x)->task.log;

    switch (in->fault) {
    case FASTCGI_FAULT_VERSION:
        log_error(log, "upstream sent unsupported FastCGI protocol version: %u",
                  in->value);
        break;
    case FASTCGI_FAULT_TYPE:
        log_error(log, "upstream sent invalid FastCGI record type: %u",
                  in->value);
        break;
    case FASTCGI_FAULT_ID_HIGH:
        log_error(log,
                  "upstream sent unexpected FastCGI request id high byte: %u",
                  in->value);
        break;
    case FASTCGI_FAULT_ID_LOW:
        log_error(log,
                  "upstream sent unexpected FastCGI request id low byte: %u",
                  in->value);
        break;
    }
    return STEP_FAIL;
}


/* The output has ended: STEP_DONE, or STEP_WAIT where the connection is kept,
 * for the record that ends the request. */
static enum step
close_output(struct exchange *x, struct fastcgi_try *f, const char *what)
{
    if (!f->response.has_head || cgi_lacks_body(&f->response)) {
        log_error(exchange_request(x)->task.log,
                  "upstream prematurely closed FastCGI %s", what);
        return STEP_FAIL;
    }
    f->is_closed = true;
    return conf_at(x)->keeps ? STEP_WAIT : STEP_DONE;
}


static enum step
begin_record(struct exchange *x, struct fastcgi_try *f)
{
    if (f->in.type == FASTCGI_END && !f->response.has_head) {
        log_error(exchange_request(x)->task.log,
                  "upstream sent unexpected FastCGI record: %u", f->in.type);
        return STEP_FAIL;
    }
    if (f->in.type == FASTCGI_END)
        return close_output(x, f, "request");
    if (f->in.type == FASTCGI_STDOUT && f->in.left == 0)
        return close_output(x, f, "stdout");
    return STEP_WAIT;
}


static enum step
take_output(struct exchange *x, struct fastcgi_try *f, str_t *in)
{
    str_t     data = f->in.data;
    enum step s = STEP_WAIT;

    if (!f->response.has_head) {
        s = cgi_take_head(x, &f->response, &data);
        fastcgi_took(&f->in, in, f->in.data.n - data.n);
        return s;
    }
    if (!cgi_take_body(x, &f->response, data))
        s = STEP_DONE; /* nothing that follows can be of use */
    fastcgi_took(&f->in, in, data.n);
    return s;
}


static enum step
take_data(struct exchange *x, struct fastcgi_try *f, str_t *in)
{
    size_t n = f->in.data.n;

    switch (f->in.type) {
    case FASTCGI_STDOUT:
        return take_output(x, f, in);
    case FASTCGI_STDERR:
        exchange_skip(x, n);
        if (!take_text(x, f, f->in.data))
            return STEP_FAIL;
        break;
    default:
        break;
    }
    fastcgi_took(&f->in, in, n);
    return STEP_WAIT;
}


/* rest: what follows the record. */
static enum step
end_record(struct exchange *x, struct fastcgi_try *f, str_t rest)
{
    if (f->in.type == FASTCGI_STDERR)
        return log_text(x, f) ? STEP_WAIT : STEP_FAIL;
    if (f->in.type != FASTCGI_END)
        return STEP_WAIT;
    exchange_reusable(x, conf_at(x)->keeps && rest.n == 0);
    return STEP_DONE;
}


static enum step
decode(struct exchange *x, struct buf *in)
{
    struct fastcgi_try *f = exchange_state(x);
    enum fastcgi_event  event;
    enum step           s = STEP_WAIT;

    do {
        str_t rest = buf_str(in);

        event = fastcgi_next(&f->in, &rest);
        switch (event) {
        case FASTCGI_WANTS_MORE:
            break;
        case FASTCGI_SAW_RECORD:
            s = begin_record(x, f);
            break;
        case FASTCGI_SAW_DATA:
            s = take_data(x, f, &rest);
            break;
        case FASTCGI_SAW_END:
            s = end_record(x, f, rest);
            break;
        case FASTCGI_SAW_BROKEN:
            s = tell_fault(x, &f->in);
            break;
        }
        in->read = in->write - rest.n;
    } while (s == STEP_WAIT && event != FASTCGI_WANTS_MORE);
    return s;
}


/* Where the length is known, the record that ends the request may be missing.
 */
static enum step
decode_eof(struct exchange *x)
{
    struct fastcgi_try        *f = exchange_state(x);
    const struct cgi_response *c = &f->response;

    (void) log_text(x, f);
    return f->is_closed || (c->has_length && c->left == 0) ? STEP_DONE
                                                           : STEP_FAIL;
}


const struct gateway_protocol fastcgi_protocol = {
    .prefix = "fastcgi",
    .scheme = "fastcgi",
    .fields_row = "fastcgi_param",
    .state_size = sizeof(struct fastcgi_try),
    .prepare = app_prepare,
    .encode_head = encode_head,
    .encode_body = encode_body,
    .describe = app_describe,
    .decode = decode,
    .decode_eof = decode_eof,
    .hidden = CGI_HIDDEN,
};


/* --- directives ----------------------------------------------------------- */

static const char *
ready(struct conf *cf, void *at)
{
    struct fastcgi_conf *c = at;

    return gateway_ready_cached(cf, &c->gateway, "fastcgi",
                                &disk_index_fastcgi);
}

#define C struct fastcgi_conf

static const struct directive directives[] = {
    FLAG("fastcgi_keep_conn", IN_WEB, C, keeps, "off",
         "Asks the application to keep the connection, so that it can be "
         "reused where the group has keepalive."),
    { "fastcgi_catch_stderr", IN_WEB | ROW_MANY, ARGS_1, &conf_texts,
      FIELD(C, catches, struct texts), NULL, NULL, "string",
      "A text in the application's standard error that makes its response "
      "invalid, as for fastcgi_next_upstream invalid_header." },
    GATEWAY_BUFFER("fastcgi_buffer_size", C),
    GATEWAY_NEXT("fastcgi_next_upstream", C, gateway_next_cgi),
    GATEWAY_CACHE_PATH("fastcgi_cache_path", disk_index_fastcgi),
    GATEWAY_USE_STALE("fastcgi_cache_use_stale", C, gateway_next_cgi),
    TEMP_PATH("fastcgi_temp_path", IN_WEB, C, gateway.temp_path,
              WEIR_FASTCGI_TEMP_PATH, PASS_TEMP_PATH_SAYS),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_TEMPLATES("fastcgi", C),
    PASS_ROWS("fastcgi", C, gateway_cache_rows),
    PASS_ROWS("fastcgi", C, gateway_lowat_rows),
    { .rows = NULL },
};


struct module fastcgi_module = {
    .name = "fastcgi",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct fastcgi_conf),
    .ready = ready,
};
