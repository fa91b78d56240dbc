/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many requests at the same time on one connection: a codec that interleaves
 * them, and shows what such a codec has to do.  It frames each part of a
 * response as
 *
 *     the stream's letter, H D E or R, and a length of two bytes
 *
 * for head, data, end and reset.  Requests are begun by the test itself; client,
 * codec and engine run in this process, turn by turn.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/net/accept.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/proc/worker.h"
#include "http/codec.h"
#include "http/conn.h"
#include "http/main.h"
#include "http/reply_head.h"
#include "http/request_head.h"
#include "modules/module.h"
#include "t/unit/tap.h"

/* All modules, with the one of this test in the place of another. */
#define stub_status_module many_module
#include "modules.c"
#undef stub_status_module

enum { FRAME = 4, DATA_MAX = 8192, ROOM = 65536, BIG = 300000 };

struct stream {
    struct list          link; /* of mux.streams                             */
    struct http_request *r;
    char                 letter;
    str_t                head;   /* of the response, until it is framed       */
    struct chain         out;    /* its body, as far as it is not framed      */
    struct chain         body;   /* of the request, that has come             */
    uint64_t             n_sent; /* with framing                             */
    bool                 has_last, is_told, is_body_whole, waits_for_body;
};

struct mux {
    struct http_conn http;  /* first */
    struct arena    *links; /* of the chain that goes out                    */
    struct list      streams;
    struct post      gather;
};

static struct mux mux;
static unsigned   sends; /* calls of the io                                  */

/* What became of those that are over. */
static struct {
    char     letter;
    unsigned status;
    uint64_t sent;
} ended[16];
static unsigned n_ended;


/* --- the codec: what goes out ----------------------------------------------- */

static struct stream *
stream_of(const struct http_request *r)
{
    return r->codec_state;
}


/* Copies what it queues, so that nothing on the connection points into the
 * memory of a request. */
static void
queue_frame(struct stream *s, char type, str_t data)
{
    char head[FRAME] = { s->letter, type, (char) (data.n >> 8), (char) data.n };

    chain_add_copy(&mux.http.conn.out, (str_t){ head, FRAME });
    if (data.n != 0)
        chain_add_copy(&mux.http.conn.out, data);
    s->n_sent += FRAME + data.n;
}


static enum step
send_head(struct http_request *r)
{
    struct reply_head h;

    reply_head_make(r, &h);
    stream_of(r)->head = arena_printf(r->task.arena, "%u", r->out.status);
    for (unsigned i = 0; i < h.n; i++)
        if (h.at[i].id == FIELD_CONTENT_LENGTH)
            stream_of(r)->head = str_join3(r->task.arena, stream_of(r)->head,
                                           STR(" "), h.at[i].value);
    r->head_size = FRAME + stream_of(r)->head.n;
    return STEP_NEXT;
}


static void
send_body(struct http_request *r, struct chain *in, bool last)
{
    chain_move(&stream_of(r)->out, in);
    if (last)
        stream_of(r)->has_last = true;
}


static uint64_t
sent(const struct http_request *r)
{
    return stream_of(r)->n_sent;
}


static uint64_t
queued(const struct http_request *r)
{
    const struct stream *s = stream_of(r);

    return s->head.n + s->out.n + (s->has_last && !s->is_told);
}


/* However many ask for it: one write, at the end of the turn. */
static enum flush
flush(struct http_request *r, size_t limit, bool late)
{
    (void) limit, (void) late;
    if (queued(r) == 0)
        return FLUSH_DONE;
    post_add_late(mux.http.conn.loop, &mux.gather);
    return FLUSH_WAIT;
}


static void
drop(struct http_request *r)
{
    stream_of(r)->head.n = 0;
    chain_clear(&stream_of(r)->out);
    stream_of(r)->has_last = false;
}


/* The next frame of a stream; false: it has none. */
static bool
frame_one(struct stream *s)
{
    static char data[DATA_MAX];
    size_t      n;

    if (s->head.n != 0) {
        queue_frame(s, 'H', s->head);
        s->head.n = 0;
        return true;
    }
    n = chain_peek(&s->out, data, sizeof(data));
    if (n != 0) {
        queue_frame(s, 'D', (str_t){ data, n });
        chain_skip(&s->out, n);
        return true;
    }
    if (!s->has_last || s->is_told)
        return false;
    queue_frame(s, 'E', STR(""));
    s->is_told = true;
    return true;
}


/* A frame of each in turn, as long as there is room, and then one write.  Who
 * has had something taken may go on. */
static void
gather(struct post *p)
{
    bool did = true;

    (void) p;
    while (did && mux.http.conn.out.n < ROOM) {
        did = false;
        LIST_EACH(&mux.streams, l) {
            struct stream *s = container_of(l, struct stream, link);

            if (!frame_one(s))
                continue;
            did = true;
            task_wake(&s->r->task);
        }
    }
    (void) conn_flush(&mux.http.conn, 0);
}


static void
on_flushed(struct conn *c)
{
    struct list *l, *next;

    if (!c->flush_failed) {
        post_add_late(c->loop, &mux.gather);
        return;
    }
    for (l = mux.streams.next; l != &mux.streams; l = next) {
        next = l->next;
        http_terminate(container_of(l, struct stream, link)->r, 499);
    }
}


/* --- the codec: what comes in ------------------------------------------------ */

static enum step
read_body(struct http_request *r, struct chain *out, size_t max)
{
    struct stream *s = stream_of(r);

    if (s->body.n != 0) {
        chain_move_n(out, &s->body, s->body.n < max ? s->body.n : max);
        if (!s->is_body_whole || s->body.n != 0)
            return STEP_NEXT;
    }
    s->waits_for_body = !s->is_body_whole;
    return s->is_body_whole ? STEP_DONE : STEP_WAIT;
}


static void
enter(struct http_request *r)
{
    (void) r;
}


static void
end_stream(struct http_request *r)
{
    struct stream *s = stream_of(r);

    ended[n_ended].letter = s->letter;
    ended[n_ended].status = r->out.status;
    ended[n_ended++].sent = r->body_sent = sent(r);
    list_remove(&s->link);
    chain_clear(&s->out);
    chain_clear(&s->body);
    http_request_free(r);
}


/* Its end may be told already, or there is none. */
static void
reset(struct http_request *r)
{
    if (!mux.http.conn.flush_failed) {
        queue_frame(stream_of(r), 'R', STR(""));
        post_add_late(mux.http.conn.loop, &mux.gather);
    }
    end_stream(r);
}


static struct conn *
hijack(struct http_request *r, struct chain *early)
{
    (void) r, (void) early;
    return NULL;
}


static const struct http_codec codec = {
    .name = "mux",
    .send_head = send_head,
    .send_interim = NULL,
    .send_body = send_body,
    .sent = sent,
    .queued = queued,
    .flush = flush,
    .drop = drop,
    .read_body = read_body,
    .enter = enter,
    .finish = end_stream,
    .abort = reset,
    .hijack = hijack,
};


/* As when a head has come.  With a body, of unknown length. */
static struct stream *
begin(char letter, const char *uri, bool has_body)
{
    struct http_request *r = http_request_new(&mux.http, &codec);
    struct stream       *s = arena_make(r->task.arena, struct stream);

    r->codec_state = s;
    s->r = r;
    s->letter = letter;
    s->is_body_whole = !has_body;
    chain_init(&s->out, r->task.arena);
    chain_init(&s->body, r->task.arena);
    list_append(&mux.streams, &s->link);
    r->method = has_body ? HTTP_POST : HTTP_GET;
    r->method_name = has_body ? STR("POST") : STR("GET");
    r->version = HTTP_20;
    r->protocol = STR("HTTP/2.0");
    r->has_body = has_body;
    r->target = r->uri = str_of(uri);
    CHECK(request_head_field(r, STR("Host"), STR("h.test")) == 0);
    request_head_end(r);
    http_run(&r->task);
    return s;
}


static void
body_comes(struct stream *s, const char *part, bool last)
{
    chain_add_copy(&s->body, str_of(part));
    s->is_body_whole = last;
    if (s->waits_for_body)
        task_wake(&s->r->task);
}


/* --- a module whose requests wait, or send back what they got ------------------ */

static struct task *waiting;
static char         big[BIG];


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct chain         c;
    enum step            step = http_body_read(r);

    if (step != STEP_NEXT)
        return step;
    if (str_eq(r->uri, STR("/many/wait")) && waiting != t) {
        waiting = t;
        return STEP_WAIT;
    }
    if (!r->has_body)
        return http_reply(r, 200, STR("text/plain"), (str_t){ big, BIG });
    r->out.status = 200;
    r->out.length = (int64_t) r->body->data.n;
    step = http_send_head(r);
    chain_init(&c, t->arena);
    chain_share(&c, &r->body->data);
    return step == STEP_NEXT ? http_send(r, &c, true) : step;
}


static const struct content   content = { .name = "many", .serve = serve };
static const struct directive directives[] = {
    CONTENT("many", IN_LOCATION, ARGS_0, &content, "", ""),
    { .name = NULL },
};

struct module many_module = {
    .name = "many",
    .serves = FOR_HTTP,
    .directives = directives,
};


/* --- the scene ----------------------------------------------------------------- */

static const char text[]
    = "error_log stderr emerg;\n"
      "events { }\n"
      "http {\n"
      "  access_log off;\n"
      "  server {\n"
      "    listen unix:/nosuch/in;\n"
      "    location /one { return 200 1; }\n"
      "    location /two { return 200 \"$connection_requests $scheme\"; }\n"
      "    location /gone { return 444; }\n"
      "    location /slow { return 200 0123456789; limit_rate 12; }\n"
      "    location /many { many; }\n"
      "  }\n"
      "}\n";

static struct log quiet
    = { .targets = &(struct log_targets){ .level = LEVEL_EMERG } };
static struct worker self = { .number = 0 };
static int           client;
static char          got[1 << 20];
static struct port   port;


static ssize_t
send_counted(struct conn *c, struct chain *out, size_t limit)
{
    sends++;
    return conn_plain.send(c, out, limit);
}


static void
set_up(void)
{
    struct conf_paths paths = { .prefix = STR("/nosuch/"),
                                .conf_file = STR("/nosuch/x.conf"),
                                .conf_prefix = STR("/nosuch/"),
                                .error_log = STR("stderr") };
    unsigned          n = 0;

    signal(SIGPIPE, SIG_IGN);
    clock_update();
    modules_init();
    worker = &self;
    self.log = quiet;
    self.loop = loop_new(&quiet, 64);
    self.gen = generation_read_text(&paths, STR("x"), str_of(text), &log_start);
    CHECK(self.gen != NULL);
    log_to_stderr = false;
    CHECK(modules_start(&self, &n) && modules_adopt(&self, self.gen));
    memset(big, 'x', sizeof(big));
}


/* As http_accept and a start of the codec would. */
static void
open_mux(void)
{
    static struct conn_io counted;
    struct conn          *c = &mux.http.conn;
    int                   pair[2], size = 8192;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    client = pair[1];
    memset(&mux, 0, sizeof(mux));
    port.refs = 2;
    conn_init(c, self.loop, pair[0], &quiet);
    counted = conn_plain;
    counted.send = send_counted;
    c->io = &counted;
    c->port = &port;
    c->on_flushed = on_flushed;
    mux.links = arena_new(0);
    chain_init(&c->out, mux.links);
    list_init(&mux.streams);
    mux.gather.run = gather;
    mux.http.address = http_main_of(self.gen)->addresses.at[0];
    mux.http.server = http_default_server(mux.http.address);
    CHECK(conn_start(c));
    n_ended = sends = 0;
}


static void
close_mux(void)
{
    post_cancel(&mux.gather);
    conn_close(&mux.http.conn);
    if (client != -1)
        close(client);
    loop_turn(self.loop, 0);
    arena_free(mux.links);
}


static str_t
take(void)
{
    ssize_t n = recv(client, got, sizeof(got), MSG_DONTWAIT);

    return (str_t){ got, n > 0 ? (size_t) n : 0 };
}


/* Frames as text, with the data of short ones: "aH:200 1 aD:1 aE ". */
static const char *
frames(str_t in)
{
    static char said[4096];
    size_t      n = 0;

    said[0] = '\0';
    while (in.n >= FRAME) {
        size_t size = (size_t) (unsigned char) in.p[2] << 8
                      | (unsigned char) in.p[3];

        n += (size_t) snprintf(said + n, sizeof(said) - n, "%.2s%s%.*s ", in.p,
                               size != 0 ? ":" : "", (int) size, in.p + FRAME);
        in = str_from(in, FRAME + size);
    }
    return said;
}


static void
turns(unsigned n)
{
    while (n-- != 0)
        loop_turn(self.loop, 0);
}


/* --- the play --------------------------------------------------------------------- */

/* One answers, one waits, one is broken off, and another answers. */
static void
test_side_by_side(void)
{
    struct stream *a, *b;

    open_mux();
    a = begin('a', "/one", false);
    b = begin('b', "/many/wait", false);
    ok(a->r->task.log != b->r->task.log, "each has a log of its own");
    ok(mux.http.conn.lines == &mux.http.conn.log, "as has the connection");
    (void) begin('c', "/gone", false);
    (void) begin('d', "/two", false);
    is((int) sends, 0, "nothing goes out at once");
    turns(1);
    is((int) sends, 1, "one write for all");
    is_str(str_of(frames(take())), "cR aH:200 1 dH:200 6 aD:1 dD:4 http aE dE ",
           "interleaved");
    turns(2);
    is((int) n_ended, 3, "three are over");
    is(ended[0].letter, 'c', "the broken one first");
    is((int) ended[1].sent, 3 * FRAME + 5 + 1, "each knows what it has sent");
    is((int) ended[2].sent, 3 * FRAME + 5 + 6, "and not what others have");

    is(waiting == &b->r->task, true, "the last one waits still");
    b->out.n = 0;
    task_wake(&b->r->task);
    turns(1);
    ok(str_starts(take(), STR("bH\0\012200 300000bD")), "until it is woken");
    http_terminate(b->r, 408);
    turns(2);
    is(ended[3].letter, 'b', "it may be ended in the middle");
    ok(list_empty(&mux.streams), "nothing is left");
    close_mux();
}


/* Bodies in both directions, more than the connection takes at once. */
static void
test_big(void)
{
    size_t         n[2] = { 0, 0 };
    unsigned       changes = 0;
    char           last = 0;
    struct stream *e;
    static char    all[3 * BIG];
    size_t         n_all = 0;

    open_mux();
    (void) begin('a', "/many/a", false);
    (void) begin('b', "/many/b", false);
    e = begin('e', "/many/echo", true);
    body_comes(e, "in ", false);
    for (unsigned i = 0; i < 10000 && (n_ended < 3 || mux.http.conn.out.n != 0);
         i++)
    {
        str_t in;

        turns(1);
        in = take();
        memcpy(all + n_all, in.p, in.n);
        n_all += in.n;
        if (i == 3)
            body_comes(e, "pieces", true);
    }
    is((int) n_ended, 3, "all come to their ends");
    for (size_t at = 0; at + FRAME <= n_all;) {
        size_t size = (size_t) (unsigned char) all[at + 2] << 8
                      | (unsigned char) all[at + 3];

        if (all[at] != 'e' && all[at + 1] == 'D')
            n[all[at] - 'a'] += size;
        if (all[at] == 'e' && all[at + 1] == 'D')
            is_bytes(all + at + FRAME, size, "in pieces", 9, "the body");
        changes += all[at] != last;
        last = all[at];
        at += FRAME + size;
    }
    is((int) n[0], BIG, "the first is whole");
    is((int) n[1], BIG, "and the second");
    ok(changes > 40, "they take turns: %u times", changes);
    close_mux();
}


/* A rate is that of one request. */
static void
test_rate(void)
{
    struct stream *s;

    open_mux();
    s = begin('s', "/slow", false);
    (void) begin('a', "/one", false);
    turns(3);
    is_str(str_of(frames(take())), "sH:200 10 aH:200 1 sD:012345 aD:1 aE ",
           "another one does not wait for its time");
    ok(timer_is_set(&s->r->delay), "which has not come");
    http_terminate(s->r, 408);
    turns(2);
    close_mux();
}


static void
test_broken(void)
{
    open_mux();
    (void) begin('a', "/many/a", false);
    (void) begin('b', "/many/wait", false);
    (void) begin('e', "/many/echo", true);
    turns(3);
    close(client);
    client = -1;
    for (unsigned i = 0; i < 100 && n_ended < 3; i++)
        turns(1);
    is((int) n_ended, 3, "all end with their connection");
    ok(list_empty(&mux.streams), "nothing is left");
    close_mux();
}


int
main(void)
{
    set_up();
    test_side_by_side();
    test_big();
    test_rate();
    test_broken();
    is((int) conns.active, 0, "no connection is left");
    is((int) self.gen->refs, 1, "nothing holds the configuration");
    return done();
}
