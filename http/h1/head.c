/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a request's head: first into a small buffer, then, for lines that do
 * not fit, into a limited number of large ones.  A line is taken when it is
 * complete; buffers that lines were taken from do not move.
 */
#include <stdlib.h>

#include "http/h1/conn.h"
#include "http/request_head.h"
#include "http/settings.h"


static const struct http_head_conf *
conf_at_hand(const struct h1 *h)
{
    if (h->r != NULL)
        return head_conf(&h->r->task);
    return http_conn_conf(&h->http, &http_head_module);
}


/* Freed buffers of the usual size: malloc takes its time for more than 1 kB. */
enum { SPARE_SIZE = 1024, SPARE_MAX = 64 };
static struct {
    struct head_buf *first;
    unsigned         n;
} spare;


static struct head_buf *
new_buf(struct head_buf *before, size_t size)
{
    struct head_buf *b = spare.first;

    if (b != NULL && size == SPARE_SIZE) {
        spare.first = b->before;
        spare.n--;
    } else {
        b = malloc(sizeof(*b) + size);
    }
    if (b == NULL)
        check_memory(sizeof(*b) + size);
    b->before = before;
    buf_init(&b->buf, b + 1, size);
    return b;
}


static void
drop_buf(struct head_buf *b)
{
#ifdef WEIR_EMULATE_ARENA
    free(b);
    return;
#endif
    if (b->buf.end - b->buf.start != SPARE_SIZE || spare.n == SPARE_MAX) {
        free(b);
        return;
    }
    b->before = spare.first;
    spare.first = b;
    spare.n++;
}


bool
h1_has_rest(const struct h1 *h)
{
    return h->head != NULL && buf_len(&h->head->buf) != 0;
}


void
h1_free_heads(struct h1 *h, bool keep_rest)
{
    struct head_buf *b, *before;

    if (h->head == NULL)
        return;
    for (b = h->head->before; b != NULL; b = before) {
        before = b->before;
        drop_buf(b);
    }
    h->head->before = NULL;
    h->n_large = 0;
    if (keep_rest && h1_has_rest(h)) {
        buf_compact(&h->head->buf);
        return;
    }
    drop_buf(h->head);
    h->head = NULL;
}


/* --- starting a request ------------------------------------------------------- */

static void
begin_request(struct h1 *h)
{
    struct http_request *r;

    r = h->r = http_request_new(&h->http, &h1_codec);
    r->log.action = "reading client request line";
    r->is_pipelined = h->is_kept && h1_has_rest(h) && h->had_rest;
    h->sent_before = h->http.conn.sent;
    h->seen = 0;
    h->http.conn.lines = r->task.log;
    chain_init(&h->http.conn.out, r->task.arena);
}


/* --- lines ------------------------------------------------------------------------ */

static const char *
error_text(enum h1_error error)
{
    switch (error) {
    case H1_BAD_METHOD:
        return "client sent invalid method";
    case H1_BAD_VERSION:
        return "client sent invalid version";
    case H1_BAD_09_METHOD:
        return "client sent invalid method in HTTP/0.9 request";
    case H1_BAD_REQUEST:
    case H1_OK:
        break;
    }
    return "client sent invalid request";
}


static void
refuse(struct h1 *h, unsigned status, const char *text)
{
    log_info(h->http.conn.lines, "%s", text);
    h1_start_bad(h, status);
}


str_t
h1_first_line(str_t line, size_t max)
{
    for (size_t i = 0; i < line.n; i++) {
        if (i == max || line.p[i] == '\r' || line.p[i] == '\n')
            return (str_t){ line.p, i };
    }
    return line;
}


/* size is the length of the line with its end.  False: refused, and the
 * request has begun. */
static bool
take_request_line(struct h1 *h, str_t text, size_t size)
{
    struct http_request   *r = h->r;
    struct h1_request_line line;
    enum h1_error          error;
    unsigned               status;

    r->line = text;
    error = h1_request_line(&line, text);
    if (error != H1_OK) {
        r->version = error == H1_BAD_09_METHOD ? HTTP_09 : HTTP_11;
        if (error == H1_BAD_METHOD) /* as looks_wrong has it */
            r->line = h1_first_line(text, SIZE_MAX);
        refuse(h, error == H1_BAD_VERSION ? 505 : 400, error_text(error));
        return false;
    }
    h->has_line = true;
    r->head_bytes += size;
    r->method_name = line.method;
    r->method = method_parse(line.method);
    r->version = line.major == 0   ? HTTP_09
                 : line.minor == 0 ? HTTP_10
                                   : HTTP_11;
    r->protocol = line.protocol;
    status = request_head_target(r, line.target, &line.parts);
    if (status != 0) {
        h1_start_bad(h, status);
        return false;
    }
    log_debug(h->http.conn.lines, "http request line: \"" STR_F "\"",
              STR_A(text));
    log_debug(h->http.conn.lines, "http uri: \"" STR_F "\"", STR_A(r->uri));
    log_debug(h->http.conn.lines, "http args: \"" STR_F "\"", STR_A(r->args));
    h->r->log.action = "reading client request headers";
    if (line.host.p != NULL) {
        status = request_head_host(r, line.host);
        if (status != 0) {
            h1_start_bad(h, status);
            return false;
        }
    }
    return true;
}


enum progress { GO_ON, NEED_MORE, STARTED };


/* Takes all complete lines. */
static enum progress
take_lines(struct h1 *h)
{
    struct buf *b = &h->head->buf;
    size_t      n, seen;
    unsigned    status;
    str_t       line;

    for (;;) {
        seen = h->seen;
        n = h1_line(buf_str(b), &seen, &line);
        h->seen = (uint32_t) seen;
        if (n == 0)
            return NEED_MORE;
        if (!h->has_line) {
            if (line.n == 0) { /* empty lines before a request */
                b->read += n;
                continue;
            }
            b->read += n;
            if (!take_request_line(h, line, n))
                return STARTED;
            if (h->r->version == HTTP_09) {
                h1_start(h);
                return STARTED;
            }
            continue;
        }
        h->r->head_bytes += n;
        b->read += n;
        if (line.n == 0) {
            h1_start(h);
            return STARTED;
        }
        status = h1_take_field(h, line);
        if (status != 0) {
            h1_start_bad(h, status);
            return STARTED;
        }
    }
}


/* --- buffers -------------------------------------------------------------------------- */

static void
refuse_long(struct h1 *h)
{
    struct buf *b = &h->head->buf;
    size_t      n = buf_len(b);

    if (!h->has_line) {
        h->r->line = h1_first_line(buf_str(b), SIZE_MAX);
        refuse(h, 414, "client sent too long URI");
        return;
    }
    log_info(h->http.conn.lines,
             "client sent too long header line: \"%.*s...\"",
             (int) (n < 1748 ? n : 1748), b->read);
    h1_start_bad(h, 494);
}


/* Makes room for a longer line: a large buffer.  False: refused. */
static bool
grow(struct h1 *h)
{
    const struct http_head_conf *c = conf_at_hand(h);
    struct buf                  *full = &h->head->buf, *b;

    if (buf_len(full) >= c->large_client_header_buffers.size
        || h->n_large >= c->large_client_header_buffers.n)
    {
        refuse_long(h);
        return false;
    }
    h->n_large++;
    h->head = new_buf(h->head, c->large_client_header_buffers.size);
    b = &h->head->buf;
    buf_put(b, buf_str(full));
    return true;
}


/* A CR in the middle of an incomplete line is an error already, so there is no
 * need to wait for its end. */
static bool
has_stray_cr(struct h1 *h)
{
    const struct buf *b = &h->head->buf;
    const char *cr = buf_len(b) ? memchr(b->read, '\r', buf_len(b)) : NULL;

    if (cr == NULL || cr + 1 == b->write || cr[1] == '\n' || h->has_line)
        return false;
    h->r->line = str_trim(str_span(b->read, cr));
    h->r->version = HTTP_11;
    refuse(h, 400, "client sent invalid request");
    return true;
}


/* Refuses bytes that cannot begin a request, before the line is complete. */
static bool
looks_wrong(struct h1 *h)
{
    struct buf *b = &h->head->buf;

    if (h->has_line || h1_may_be_request(buf_str(b)))
        return false;
    h->r->line = h1_first_line(buf_str(b), SIZE_MAX);
    h->r->version = HTTP_11;
    refuse(h, 400, "client sent invalid method");
    return true;
}


void
h1_keep_line(struct h1 *h)
{
    if (h->r != NULL && h->r->line.p == NULL && h->head != NULL)
        h->r->line = h1_first_line(buf_str(&h->head->buf), SIZE_MAX);
}


static void
end_of_stream(struct h1 *h, ssize_t n)
{
    h1_keep_line(h);
    if (n == 0 && h->state == H1_HEAD)
        log_info(h->http.conn.lines, "client prematurely closed connection");
    else if (n == 0 && !h->is_kept)
        log_info(h->http.conn.lines,
                 "client closed connection while waiting for request");
    if (h->r != NULL)
        http_terminate(h->r, 400);
    else
        h1_close(h);
}


/* Reads once: GO_ON, NEED_MORE (later) or STARTED (refused, closed). */
static enum progress
read_more(struct h1 *h)
{
    struct buf *b;
    ssize_t     n;

    if (h->head == NULL)
        h->head = new_buf(NULL, conf_at_hand(h)->client_header_buffer_size);
    if (buf_room(&h->head->buf) == 0 && !grow(h))
        return STARTED;
    b = &h->head->buf;
    n = conn_read(&h->http.conn, b->write, buf_room(b));
    if (n == CONN_AGAIN)
        return NEED_MORE;
    if (n <= 0) {
        if (h->state == H1_WAIT)
            h->http.conn.log.action = NULL;
        end_of_stream(h, n);
        return STARTED;
    }
    b->write += n;
    h->had_rest = false;
    if (h->r == NULL)
        begin_request(h);
    return GO_ON;
}


void
h1_read_head(struct h1 *h)
{
    enum progress p = GO_ON;

    if (h->state == H1_CLOSED)
        return;
    CHECK(h->r == NULL || !h->r->has_run);
    /* Between the switch to another generation and its turn to move over, an
     * idle connection may get its next request.  The first one is answered even
     * if nobody listens there any more. */
    if (h->r == NULL && !http_conn_rebind(&h->http) && h->is_kept) {
        h1_close(h);
        return;
    }
    if (h->r == NULL && h1_has_rest(h)) {
        h->had_rest = true;
        begin_request(h);
    } else {
        p = read_more(h);
    }
    while (p == GO_ON) {
        p = take_lines(h);
        if (p == NEED_MORE && h->state == H1_WAIT)
            h1_set_state(h, H1_HEAD);
        if (p == NEED_MORE)
            p = looks_wrong(h) || has_stray_cr(h) ? STARTED : read_more(h);
    }
    if (p != NEED_MORE)
        return;
    if (h->r == NULL) {
        h1_free_heads(h, false);
    } else if (!h->head_timer) {
        h->head_timer = true;
        conn_set_use(&h->http.conn, CONN_HEAD);
        pace_start(&h->http.pace);
        timer_set(h->http.conn.loop, &h->http.conn.read_timer,
                  conf_at_hand(h)->client_header_timeout);
    }
}
