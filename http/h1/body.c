/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the body of a request from the connection: first the bytes that came
 * with the head, then from the socket, by length or in chunks.  Bytes are read
 * into reference-counted blocks, and passed on without copying.
 */
#include <stdlib.h>

#include "http/body.h"
#include "http/h1/conn.h"
#include "http/response.h"
#include "http/settings.h"

enum { BLOCK_SIZE = 16 * 1024, BIG_BLOCK = 64 * 1024 - 64, ROOM_MIN = 4096 };


static void
take_rest(struct h1 *h, struct h1_body *b)
{
    size_t n = h1_has_rest(h) ? buf_len(&h->head->buf) : 0;

    if (n == 0)
        return;
    if (!http_is_length_unknown(h->r) && n > b->left)
        n = b->left;
    b->block = block_new(n > BLOCK_SIZE ? n : BLOCK_SIZE);
    buf_init(&b->buf, b->block->data, b->block->size);
    buf_put(&b->buf, (str_t){ h->head->buf.read, n });
    h->head->buf.read += n;
}


static struct h1_body *
body_of(struct h1 *h)
{
    struct http_request *r = h->r;
    struct h1_body      *b = r->codec_state;

    if (b != NULL)
        return b;
    b = r->codec_state = arena_make(r->task.arena, struct h1_body);
    b->left = r->content_length > 0 ? (uint64_t) r->content_length : 0;
    b->is_done = !r->has_body;
    if (!b->is_done)
        take_rest(h, b);
    return b;
}


bool
h1_waits_for_body(const struct http_request *r)
{
    const struct h1_body *b = r->codec_state;

    return b != NULL && b->is_waiting;
}


void
h1_free_body(struct http_request *r)
{
    struct h1_body *b = r->codec_state;

    if (b != NULL && b->block != NULL) {
        block_put(b->block);
        b->block = NULL;
    }
}


/* Makes room for a read, in the block or in a new one, keeping an unfinished
 * line. */
static void
make_room(struct h1_body *b, size_t size)
{
    struct block *fresh;
    size_t        rest;

    if (b->block != NULL && buf_room(&b->buf) < ROOM_MIN)
        buf_compact(&b->buf);
    if (b->block != NULL && buf_room(&b->buf) >= ROOM_MIN)
        return;
    rest = b->block ? buf_len(&b->buf) : 0;
    fresh = block_new(size > rest + ROOM_MIN ? size : rest + ROOM_MIN);
    if (b->block != NULL) {
        memcpy(fresh->data, b->buf.read, rest);
        block_put(b->block);
    }
    b->block = fresh;
    buf_init(&b->buf, fresh->data, fresh->size);
    b->buf.write += rest;
}


/* Bytes after a chunked body belong to the next request. */
static void
give_back(struct h1 *h, struct h1_body *b)
{
    struct head_buf *head;
    size_t           n = b->block ? buf_len(&b->buf) : 0;

    if (n == 0)
        return;
    head = malloc(sizeof(*head) + n + 1024);
    if (head == NULL)
        check_memory(sizeof(*head) + n + 1024);
    head->before = h->head;
    buf_init(&head->buf, head + 1, n + 1024);
    buf_put(&head->buf, buf_str(&b->buf));
    h->head = head;
}


static void
finish(struct h1 *h, struct h1_body *b)
{
    b->is_done = true;
    give_back(h, b);
    h1_free_body(h->r);
}


/* Counts for $request_length, which does not include dropped bytes. */
static void
count(struct http_request *r, size_t n)
{
    if (r->body == NULL || !http_body_is_dropped(r->body))
        r->body_bytes += n;
}


static enum step
take_counted(struct h1 *h, struct h1_body *b, struct chain *out)
{
    size_t n = buf_len(&b->buf);

    if (n == 0)
        return STEP_WAIT;
    if (n > b->left)
        n = b->left;
    chain_add_block(out, b->block, (str_t){ b->buf.read, n });
    b->buf.start = b->buf.read += n;
    b->left -= n;
    count(h->r, n);
    if (b->left != 0)
        return STEP_NEXT;
    finish(h, b);
    return STEP_DONE;
}


/* False: too many (logged). */
static bool
keep_trailer(struct http_request *r, const struct h1_field *f)
{
    struct arena  *a = r->task.arena;
    struct fields *t = fields_want(a, &r->in_trailers);

    if (t->list.n >= FIELDS_MAX
        || t->list.n >= head_conf(&r->task)->max_headers) {
        log_info(r->task.log, "client sent too many trailer lines");
        return false;
    }
    fields_add(a, t, str_copy(a, f->name), str_copy(a, f->value));
    return true;
}


/* The end of the body can no longer be found. */
static enum step
refuse(struct http_request *r)
{
    r->keeps_alive = false;
    return http_fail(r, 400);
}


static enum step
take_chunked(struct h1 *h, struct h1_body *b, struct chain *out)
{
    struct http_request *r = h->r;
    struct h1_field      field;
    str_t                in, data;
    uint64_t             before = out->n;
    enum parse           p;

    for (;;) {
        in = buf_str(&b->buf);
        p = h1_chunked_next(&b->chunked, &in, &data, &field);
        count(r, (size_t) (b->buf.write - in.n - b->buf.read));
        b->buf.read = b->buf.write - in.n;
        switch (p) {
        case PARSE_OK:
            if (data.n != 0)
                b->buf.start = chain_add_packed(out, b->block, data);
            else if (data.p == NULL && !keep_trailer(r, &field))
                return refuse(r);
            break;
        case PARSE_AGAIN:
            return out->n != before ? STEP_NEXT : STEP_WAIT;
        case PARSE_END:
            finish(h, b);
            return STEP_DONE;
        case PARSE_BAD:
            log_error(r->task.log, "client sent invalid chunked body");
            return refuse(r);
        }
    }
}


static enum step
client_ended(struct h1 *h)
{
    struct http_request *r = h->r;

    if (h->http.conn.is_eof)
        log_info(r->task.log, "client prematurely closed connection");
    r->keeps_alive = false;
    r->client_gone = r->is_silent = true;
    return http_fail(r, 400);
}


msec_t
h1_body_left(const struct http_request *r)
{
    return slow_left(&r->slow_body, slow_conf(&r->task), r->body_bytes);
}


/* No timeout for a body that is dropped while its response is being sent. */
static void
set_timer(struct h1 *h)
{
    struct http_request *r = h->r;

    if (r->body != NULL && http_body_is_dropped(r->body))
        timer_stop(&h->http.conn.read_timer);
    else
        timer_set(r->task.loop, &h->http.conn.read_timer,
                  slow_timer(slow_conf(&r->task),
                             body_conf(&r->task)->client_body_timeout,
                             h1_body_left(r)));
}


enum step
h1_read_body(struct http_request *r, struct chain *out, size_t max)
{
    struct h1      *h = h1_of(r);
    struct h1_body *b = body_of(h);
    enum step       step;
    uint64_t        before;
    size_t          size;
    ssize_t         n;

    b->is_waiting = false;
    slow_end(&r->slow_body);
    if (b->is_done)
        return STEP_DONE;
    before = out->n;
    for (;;) {
        step = STEP_WAIT;
        if (b->block != NULL)
            step = http_is_length_unknown(r) ? take_chunked(h, b, out)
                                             : take_counted(h, b, out);
        if (!b->has_read)
            r->body_with_head += out->n - before;
        if (step != STEP_WAIT)
            return step;
        b->has_read = true;

        size = http_is_length_unknown(r) || b->left > BLOCK_SIZE ? BIG_BLOCK
                                                                 : BLOCK_SIZE;
        make_room(b, size < max ? size : max);
        size = buf_room(&b->buf);
        if (!http_is_length_unknown(r) && size > b->left)
            size = b->left;
        n = conn_read(&h->http.conn, b->buf.write, size);
        if (n == CONN_AGAIN) {
            b->is_waiting = true;
            slow_begin(&r->slow_body);
            set_timer(h);
            return STEP_WAIT;
        }
        if (n <= 0)
            return client_ended(h);
        b->buf.write += n;
    }
}
