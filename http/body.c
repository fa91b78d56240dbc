/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the body of a request: into memory up to client_body_buffer_size, then
 * into a temporary file; or passes it on as it arrives; or drops it.
 */
#include "http/body.h"

#include "http/codec.h"
#include "http/response.h"
#include "http/settings.h"
#include "http/temp_file.h"

struct body {
    struct http_body pub; /* first */
    off_t            file_at;
    bool             has_file;   /* data refers to the file and holds its
                                    reference                                */
    bool             is_cut_off; /* it failed: no more of it is read         */
};

enum { READ_AT_ONCE = 64 * 1024, ROUNDS = 16 };


static struct body *
body_of(struct http_request *r)
{
    struct body *b;

    if (r->body == NULL) {
        b = arena_make(r->task.arena, struct body);
        chain_init(&b->pub.data, r->task.arena);
        r->body = &b->pub;
    }
    return (struct body *) r->body;
}


static void
send_continue(struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_EXPECT);

    if (r->expect_done || f == NULL || r->version < HTTP_11)
        return;
    r->expect_done = true;
    if (str_ieq(f->value, STR("100-continue")))
        http_send_interim(r, 100, NULL);
}


/* Refuses a body of unknown length that exceeds client_max_body_size. */
static enum step
check_size(struct http_request *r, uint64_t before, uint64_t more)
{
    uint64_t max = body_conf(&r->task)->client_max_body_size;

    if (max == 0 || !http_is_length_unknown(r) || before + more <= max)
        return STEP_NEXT;
    log_error(r->task.log,
              "client intended to send too large chunked body: %ju+%ju bytes",
              (uintmax_t) before, (uintmax_t) more);
    r->keeps_alive = false;
    return http_fail(r, 413);
}


/* Drops what has arrived. */
static void
give_up(struct body *b)
{
    b->pub.state = HTTP_BODY_GONE;
    chain_clear(&b->pub.data);
}


static enum step
break_off(struct body *b)
{
    give_up(b);
    b->is_cut_off = true;
    return STEP_FAIL;
}


/* Appends the next bytes to out. */
static enum step
read_some(struct http_request *r, struct chain *out)
{
    struct body *b = (struct body *) r->body;
    uint64_t     before = out->n;
    enum step    step;

    step = r->codec->read_body(r, out, READ_AT_ONCE);
    if (step != STEP_FAIL
        && check_size(r, b->pub.received, out->n - before) != STEP_NEXT)
    {
        b->pub.is_too_large = true;
        step = STEP_FAIL;
    }
    if (step == STEP_FAIL) {
        chain_clear(out);
        return break_off(b);
    }
    b->pub.received += out->n - before;
    if (step == STEP_DONE)
        b->pub.is_complete = true;
    return step;
}


static enum temp_keep
keep_of(const struct http_body_conf *c)
{
    switch (c->client_body_in_file_only) {
    case BODY_FILE_ON:
        return TEMP_KEEP;
    case BODY_FILE_CLEAN:
        return TEMP_CLEAN;
    }
    return TEMP_CLEAN;
}


/* Releases the file of a body that was never completed. */
static void
put_file(void *arg)
{
    struct body *b = arg;

    if (!b->has_file)
        chain_file_put(b->pub.file);
}


/* Moves the bytes in memory to the temporary file. */
static enum step
spill(struct http_request *r, struct body *b)
{
    const struct http_body_conf *c = body_conf(&r->task);

    if (b->pub.file == NULL) {
        b->pub.file = temp_file_new(&r->task, &c->client_body_temp_path,
                                    keep_of(c), &b->pub.file_name);
        if (b->pub.file == NULL)
            return http_fail(r, 500);
        arena_defer(r->task.arena, put_file, b);
        if (c->client_body_in_file_only == BODY_FILE_OFF)
            log_warn(
                r->task.log,
                "a client request body is buffered to a temporary file " STR_F,
                STR_A(b->pub.file_name));
    }
    if (!temp_file_append(&r->task, b->pub.file, &b->file_at, &b->pub.data, 0))
        return http_fail(r, 500);
    return STEP_NEXT;
}


/* Joins several pieces of memory. */
static void
join_pieces(struct http_body *b)
{
    struct block *block;
    size_t        n = b->data.n;

    if (b->data.head == NULL || b->data.head->next == NULL)
        return;
    block = block_new(n);
    chain_peek(&b->data, block->data, n);
    chain_clear(&b->data);
    chain_add_block(&b->data, block, (str_t){ block->data, n });
    block_put(block);
}


static enum step
complete(struct http_request *r, struct body *b)
{
    const struct http_body_conf *c = body_conf(&r->task);

    b->pub.is_complete = true;
    b->pub.state = HTTP_BODY_WHOLE;
    if (c->client_body_in_file_only != BODY_FILE_OFF || b->pub.file != NULL) {
        if (spill(r, b) != STEP_NEXT)
            return break_off(b);
        if (b->file_at == 0)
            return STEP_NEXT;
        chain_add_file(&b->pub.data, b->pub.file, 0, (size_t) b->file_at);
        b->has_file = true;
        chain_file_put(b->pub.file);
    } else if (c->client_body_in_single_buffer) {
        join_pieces(&b->pub);
    }
    return STEP_NEXT;
}


/* The client sends fast: let other connections have a turn. */
static enum step
go_on_later(struct http_request *r)
{
    post_add_next(r->task.loop, &r->task.wake);
    return STEP_WAIT;
}


/*
 * How many bytes of a body are kept in memory.  Bytes that came with the head
 * do not count, and a body that exceeds the limit by less than a quarter is
 * kept too, which saves the file.
 */
static uint64_t
memory_of(const struct http_request *r)
{
    uint64_t size = body_conf(&r->task)->client_body_buffer_size;
    uint64_t length = (uint64_t) r->content_length;

    if (http_is_length_unknown(r))
        return r->body_with_head + size;
    return length - r->body_with_head < size + size / 4 ? UINT64_MAX : size;
}


/* Whether the body does not have to be read (any more); *answer is the result
 * then. */
static bool
is_settled(struct http_request *r, struct body *b, enum step *answer)
{
    *answer = STEP_NEXT;
    switch (b->pub.state) {
    case HTTP_BODY_UNREAD:
        send_continue(r);
        b->pub.state = HTTP_BODY_READING;
        break;
    case HTTP_BODY_READING:
        break;
    case HTTP_BODY_STREAM:
    case HTTP_BODY_SPENT:
        log_error(r->task.log, "client request body was passed on as it came, "
                               "and cannot be sent again");
        *answer = http_fail(r, 502);
        return true;
    case HTTP_BODY_WHOLE:
    case HTTP_BODY_GONE:
        return true;
    }
    if (r->has_body)
        return false;
    b->pub.is_complete = true;
    b->pub.state = HTTP_BODY_WHOLE;
    if (r->content_length == 0)
        *answer = complete(r, b);
    return true;
}


enum step
http_body_read(struct http_request *r)
{
    struct body *b;
    enum step    step;
    unsigned     rounds = ROUNDS;

    if (r != r->main)
        return STEP_NEXT;
    b = body_of(r);
    if (is_settled(r, b, &step))
        return step;
    while (step == STEP_NEXT) {
        if (rounds-- == 0)
            return go_on_later(r);
        step = read_some(r, &b->pub.data);
        if (step != STEP_FAIL && b->pub.data.n > memory_of(r)
            && spill(r, b) != STEP_NEXT)
            return break_off(b);
    }
    return step == STEP_DONE ? complete(r, b) : step;
}


enum step
http_body_stream(struct http_request *r)
{
    struct body *b;
    enum step    step;
    unsigned     rounds = ROUNDS;

    if (r != r->main)
        return STEP_DONE;
    b = body_of(r);
    if (is_settled(r, b, &step))
        return step == STEP_NEXT ? STEP_DONE : step;
    while (step == STEP_NEXT && rounds-- != 0 && b->pub.data.n <= memory_of(r))
        step = read_some(r, &b->pub.data);
    if (step == STEP_FAIL)
        return step;
    b->pub.state = step == STEP_DONE ? HTTP_BODY_WHOLE : HTTP_BODY_STREAM;
    return step == STEP_DONE ? STEP_DONE : STEP_NEXT;
}


enum step
http_body_some(struct http_request *r, struct chain *out)
{
    struct http_body *b = r->body;

    CHECK(b->state == HTTP_BODY_STREAM && !b->is_complete);
    if (chain_empty(&b->data))
        return read_some(r, out);
    chain_move(out, &b->data);
    return STEP_NEXT;
}


void
http_body_leave(struct http_request *r)
{
    if (r->body->state != HTTP_BODY_STREAM)
        return; /* it failed     */
    r->body->state = HTTP_BODY_SPENT;
    chain_clear(&r->body->data);
    if (!r->body->is_complete)
        task_wake(&r->task); /* to drop the rest */
}


static void
drop(struct http_request *r, struct body *b)
{
    enum step step = STEP_NEXT;
    unsigned  rounds = ROUNDS;

    while (step == STEP_NEXT) {
        if (rounds-- == 0)
            step = go_on_later(r);
        else
            step = r->codec->read_body(r, &b->pub.data, READ_AT_ONCE);
        chain_clear(&b->pub.data);
    }
    if (step == STEP_DONE)
        b->pub.is_complete = true;
    if (step == STEP_FAIL) {
        b->is_cut_off = true;
        r->keeps_alive = false;
    }
}


enum step
http_body_discard(struct http_request *r)
{
    struct body *b;

    if (r != r->main)
        return STEP_NEXT;
    if (r->body == NULL && !r->has_body) {
        send_continue(r);
        return STEP_NEXT;
    }
    b = body_of(r);
    if (b->pub.state == HTTP_BODY_WHOLE)
        return STEP_NEXT;
    send_continue(r);
    give_up(b);
    if (!r->has_body)
        b->pub.is_complete = true;
    if (!b->pub.is_complete && !b->is_cut_off)
        drop(r, b);
    return b->is_cut_off && !r->client_gone ? STEP_FAIL : STEP_NEXT;
}


void
http_body_discard_more(struct http_request *r)
{
    struct body *b = (struct body *) r->body;

    if (r == r->main && http_body_is_dropped(&b->pub) && !b->pub.is_complete
        && !b->is_cut_off)
        drop(r, b);
}
