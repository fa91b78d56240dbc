/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gets a request's body: a codec gives one as it is told to, and every pair
 * of readers asks for it, at every place where the first may have stopped.
 */
#include "core/conf/module.h"
#include "core/event/loop.h"
#include "core/log/log.h"
#include "core/net/conn.h"
#include "core/os/clock.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/response.h"
#include "http/settings.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

enum { PIECE = 1000, ENDLESS = 1 << 30 };

/* What the client sends: so many pieces, and after `come` of them the others
 * are not there yet; piece number `bad` is none. */
static struct {
    int           pieces, come, bad, given;
    struct block *block;
} client;


static enum step
read_body(struct http_request *r, struct chain *out, size_t max)
{
    (void) max;
    if (client.given == client.bad)
        return http_fail(r, 400);
    if (client.given == client.come)
        return STEP_WAIT;
    chain_add_block(out, client.block, (str_t){ client.block->data, PIECE });
    return ++client.given == client.pieces ? STEP_DONE : STEP_NEXT;
}


static const struct http_codec codec
    = { .name = "test", .read_body = read_body };

static struct http_body_conf   conf = { .client_body_buffer_size = 1 << 20 };
static struct conf_page        page = { .at = { &conf } };
static struct conf_page *const pages[] = { &page };
static struct conn             conn;
static struct log   quiet = { .targets = &(struct log_targets){ 0 } };
static struct loop *loop;


/* A request whose body comes in so many pieces. */
static struct http_request *
new_request(struct arena *a, int pieces, bool is_chunked)
{
    struct http_request *r = arena_make(a, struct http_request);

    r->task.arena = a;
    r->task.log = &quiet;
    r->task.loop = loop;
    r->task.conn = &conn;
    r->task.peer = &conn.peer;
    r->task.conf = pages;
    http_request_init(r);
    r->codec = &codec;
    r->has_body = true;
    r->content_length = is_chunked ? -1 : (int64_t) pieces * PIECE;
    client.pieces = client.come = pieces;
    client.bad = -1;
    client.given = 0;
    return r;
}


static void
end(struct http_request *r)
{
    task_end(&r->task);
    chain_clear(&r->body->data);
}


/* --- readers: what each has had, or -1 when it was refused ------------------- */

static int
whole(struct http_request *r)
{
    enum step step = http_body_read(r);

    if (step == STEP_WAIT)
        return 0;
    return step == STEP_FAIL ? -1 : (int) r->body->data.n;
}


static int
stream(struct http_request *r)
{
    struct chain out;
    enum step    step = http_body_stream(r);
    int          n;

    if (step != STEP_NEXT)
        return step == STEP_FAIL ? -1 : (int) r->body->data.n;
    chain_init(&out, r->task.arena);
    do {
        step = http_body_some(r, &out);
    } while (step == STEP_NEXT);
    n = (int) out.n;
    chain_clear(&out);
    http_body_leave(r);
    return step == STEP_FAIL ? -1 : n;
}


static int
discard(struct http_request *r)
{
    (void) http_body_discard(r);
    return 0;
}


static int (*const readers[])(struct http_request *)
    = { whole, stream, discard };
static const char *const names[] = { "read", "stream", "discard" };


/* Two readers, the first of which stops when `come` pieces have come: the
 * second gets all of it, nothing, or a refusal. */
static void
test_pairs(struct arena *a, bool is_chunked)
{
    enum { PIECES = 4 };

    for (unsigned one = 0; one < countof(readers); one++)
        for (unsigned two = 0; two < countof(readers); two++)
            for (int come = 0; come <= PIECES; come++) {
                struct http_request *r = new_request(a, PIECES, is_chunked);
                int                  first, second;

                client.come = come;
                first = readers[one](r);
                client.come = PIECES;
                second = readers[two](r);
                ok((second == PIECES * PIECE || second <= 0)
                       && (first == come * PIECE || first <= 0),
                   "%s%s at %d, then %s: %d, %d", is_chunked ? "chunks, " : "",
                   names[one], come, names[two], first, second);
                end(r);
            }
}


/* A body that breaks when some of it is there is nobody's. */
static void
test_broken(struct arena *a)
{
    for (unsigned one = 0; one < countof(readers); one++)
        for (unsigned two = 0; two < countof(readers); two++) {
            struct http_request *r = new_request(a, 4, true);
            int                  second;

            client.bad = 2;
            (void) readers[one](r);
            second = readers[two](r);
            ok(second <= 0, "broken: %s, then %s: %d", names[one], names[two],
               second);
            end(r);
        }
}


static void
test_states(struct arena *a)
{
    struct http_request *r = new_request(a, 2, false);
    struct chain         out;

    chain_init(&out, a);
    is(http_body_stream(r), STEP_DONE, "whole at once: no stream");
    is(r->body->state, HTTP_BODY_WHOLE, "... and kept");
    is((int) r->body->data.n, 2 * PIECE, "... once");
    is(http_body_stream(r), STEP_DONE, "... for the next one");
    is((int) r->body->data.n, 2 * PIECE, "... who gets the same");
    end(r);

    r = new_request(a, 4, false);
    client.come = 1;
    is(http_body_stream(r), STEP_NEXT, "a stream");
    is((int) r->body->data.n, PIECE, "its beginning waits for the reader");
    is(http_body_read(r), STEP_FAIL, "another is refused");
    is(r->fail_status, 502, "... with a status");
    is(http_body_some(r, &out), STEP_NEXT, "the reader takes it");
    is(http_body_some(r, &out), STEP_WAIT, "... and waits");
    http_body_leave(r);
    is(r->body->state, HTTP_BODY_SPENT, "he leaves");
    is(http_body_stream(r), STEP_FAIL, "another is refused");
    (void) http_body_discard(r);
    is(http_body_read(r), STEP_NEXT, "who gives it up goes on");
    is((int) r->body->data.n, 0, "... without");
    client.come = 4;
    http_body_discard_more(r);
    ok(r->body->is_complete, "the rest is dropped");
    chain_clear(&out);
    end(r);
}


/* A client that never pauses: a stream begins when there is a buffer full, and
 * whoever keeps all of it, or drops it, lets others have their turn. */
static void
test_bounds(struct arena *a)
{
    struct http_request *r;

    conf.client_body_buffer_size = 8 * PIECE;
    for (int chunked = 0; chunked < 2; chunked++) {
        r = new_request(a, ENDLESS / PIECE, chunked);
        is(http_body_stream(r), STEP_NEXT, "endless: a stream");
        ok(client.given < 12, "... after %d pieces", client.given);
        end(r);
    }
    conf.client_body_buffer_size = ENDLESS;
    r = new_request(a, ENDLESS / PIECE, true);
    is(http_body_read(r), STEP_WAIT, "endless: to be read");
    ok(client.given < 100, "... %d pieces at once", client.given);
    ok(post_is_added(&r->task.wake), "... and more in the next turn");
    (void) http_body_discard(r);
    ok(client.given < 200, "the same when it is dropped: %d", client.given);
    is((int) r->body->data.n, 0, "... and nothing is held");
    end(r);
}


int
main(void)
{
    struct arena *a = arena_new(0);

    log_to_stderr = false;
    clock_update();
    loop = loop_new(&quiet, 8);
    client.block = block_new(PIECE);
    test_pairs(a, false);
    test_pairs(a, true);
    test_broken(a);
    test_states(a);
    test_bounds(a);
    is((int) client.block->refs, 1, "nothing is held");
    block_put(client.block);
    loop_free(loop);
    arena_free(a);
    return done();
}
