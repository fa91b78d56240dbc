/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A gateway protocol for tests that needs all that the interface has: it frames
 * what it sends, has a window that the peer opens piece by piece, so that
 * bodies of requests stay behind, answers while it decodes, keeps a state with
 * its connections, and listens to idle ones.  Also sources of responses, which
 * are asked before a peer.  Client, engine and peer run in this process, turn
 * by turn.
 *
 * A frame is a letter, a length of two bytes, and that many bytes:
 *
 *     to the peer  H uri  D body  E end of the request  A answer to a ping
 *     from it      S head, 200  D body  E end of the response
 *                  W two bytes: the window grows  P ping  N to be ignored
 *                  G goodbye: what it has not answered it has not seen
 */
#pragma once

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/net/accept.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/proc/worker.h"
#include "http/gateway/gateway.h"
#include "modules/module.h"
#include "t/unit/tap.h"

/* All modules, with the one of this test in the place of another. */
#define stub_status_module framed_module
#include "modules.c"
#undef stub_status_module

enum { HEAD = 3, WINDOW = 8, PEERS = 32 };

/* Of a connection. */
struct talk {
    unsigned window; /* bytes of bodies that the peer takes now              */
    bool     has_window; /* false: of a new connection                       */
    char     part[HEAD + 2]; /* of a frame                                   */
    size_t   n_part;
};

static unsigned ends; /* of connections' states */


/* --- the protocol --------------------------------------------------------- */

static void
put_frame(struct chain *out, char type, size_t n)
{
    char head[HEAD] = { type, (char) (n >> 8), (char) n };

    chain_add_copy(out, (str_t){ head, HEAD });
}


/* The frame at the front of in; false: it is not complete. */
static bool
next_frame(str_t in, char *type, str_t *data)
{
    if (in.n < HEAD)
        return false;
    data->n = (size_t) (unsigned char) in.p[1] << 8 | (unsigned char) in.p[2];
    data->p = in.p + HEAD;
    *type = in.p[0];
    return in.n >= HEAD + data->n;
}


static unsigned
number_of(str_t data)
{
    return (unsigned) (unsigned char) data.p[0] << 8
           | (unsigned char) data.p[1];
}


static struct talk *
talk_of(struct exchange *x)
{
    struct talk *t = exchange_link_state(x);

    if (!t->has_window) {
        t->has_window = true;
        t->window = WINDOW;
    }
    return t;
}


/* What may come at any time. */
static bool
hear(struct talk *t, char type, str_t data, struct chain *out)
{
    if (type == 'W' && data.n == 2)
        t->window += number_of(data);
    else if (type == 'P')
        put_frame(out, 'A', 0);
    else
        return type == 'N';
    return true;
}


static enum step
prepare(struct gateway *g)
{
    g->uri = g->r->uri;
    g->group = g->data;
    return STEP_NEXT;
}


static enum step
encode_head(struct exchange *x, struct chain *out)
{
    str_t uri = exchange_request(x)->uri;

    put_frame(out, 'H', uri.n);
    chain_add(out, uri);
    return STEP_NEXT;
}


static enum step
encode_body(struct exchange *x, struct chain *in, struct chain *out, bool last)
{
    struct talk *t = talk_of(x);
    size_t       n = in->n < t->window ? (size_t) in->n : t->window;

    if (n != 0) {
        put_frame(out, 'D', n);
        chain_move_n(out, in, n);
        t->window -= (unsigned) n;
    }
    if (!chain_empty(in))
        return STEP_WAIT;
    if (last)
        put_frame(out, 'E', 0);
    return STEP_NEXT;
}


static enum step
take_frame(struct exchange *x, char type, str_t data)
{
    switch (type) {
    case 'S':
        exchange_status(x, 200, STR("OK"));
        exchange_reusable(x, true);
        return STEP_NEXT;
    case 'D':
        exchange_body(x, data);
        return STEP_WAIT;
    case 'E':
        return STEP_DONE;
    case 'G':
        exchange_unseen(x);
        return STEP_FAIL;
    default:
        exchange_skip(x, HEAD + data.n);
        return hear(talk_of(x), type, data, exchange_out(x)) ? STEP_WAIT
                                                             : STEP_FAIL;
    }
}


static enum step
decode(struct exchange *x, struct buf *in)
{
    enum step s = STEP_WAIT;
    char      type;
    str_t     data;

    while (s == STEP_WAIT && next_frame(buf_str(in), &type, &data)) {
        in->read = in->read + HEAD + data.n;
        s = take_frame(x, type, data);
    }
    return s;
}


static enum step
decode_eof(struct exchange *x)
{
    (void) x;
    return STEP_FAIL;
}


/* Byte by byte, since frames may be cut anywhere. */
static bool
on_idle(struct link *l, str_t in, struct chain *out)
{
    struct talk *t = l->state;
    char         type;
    str_t        data;

    for (size_t i = 0; i < in.n; i++) {
        if (t->n_part == sizeof(t->part))
            return false;
        t->part[t->n_part++] = in.p[i];
        if (!next_frame((str_t){ t->part, t->n_part }, &type, &data))
            continue;
        if (!hear(t, type, data, out))
            return false;
        t->n_part = 0;
    }
    return true;
}


static void
on_end(struct link *l)
{
    (void) l;
    ends++;
}


static const struct link_protocol framed_link = {
    .state_size = sizeof(struct talk),
    .on_idle = on_idle,
    .end = on_end,
};

static const struct gateway_protocol framed = {
    .prefix = "framed",
    .scheme = "framed",
    .link = &framed_link,
    .prepare = prepare,
    .encode_head = encode_head,
    .encode_body = encode_body,
    .decode = decode,
    .decode_eof = decode_eof,
};


/* --- sources that come before a peer --------------------------------------- */

static unsigned     looks;   /* of the first source                          */
static struct task *waiting; /* for the second one                           */


static enum step
look_in_vain(struct gateway *g)
{
    (void) g;
    looks++;
    return STEP_NEXT;
}


/* Waits for a moment, and then has what ends with "hit". */
static enum step
look_up(struct gateway *g)
{
    struct task     *t = &g->r->task;
    struct exchange *x;
    struct chain     body;

    if (waiting != t) {
        waiting = t;
        return STEP_WAIT;
    }
    waiting = NULL;
    if (g->uri.n > 6)
        return http_fail(g->r, 503);
    if (!str_eq(g->uri, STR("/c/hit")))
        return STEP_NEXT;
    x = gateway_answer(g);
    exchange_status(x, 200, STR("OK"));
    exchange_length(x, 6);
    (void) exchange_field(x, STR("X-From"), STR("source"));
    chain_init(&body, t->arena);
    chain_add(&body, STR("stored"));
    exchange_chain(x, &body);
    return STEP_DONE;
}


static const struct gateway_source        in_vain = { look_in_vain };
static const struct gateway_source        store = { look_up };
static const struct gateway_source *const sources[]
    = { &in_vain, &store, NULL };


/* --- the module ----------------------------------------------------------- */

struct framed_conf {
    struct gateway_conf    gateway; /* first */
    struct upstream_group *group;
    bool                   looks;
};


static enum step
serve(struct task *t)
{
    struct http_request      *r = http_of(t);
    struct gateway           *g = gateway_of(r);
    const struct framed_conf *c = conf_of(t, &framed_module);

    if (!g) {
        g = gateway_new(r, &framed, &c->gateway, r->location->identity);
        g->data = c->group;
    }
    return gateway_run(g);
}


static const struct content content = { .name = "framed_pass", .serve = serve };


static const char *
parse_pass(struct conf *cf, void *field)
{
    const char *error = NULL;

    *(struct upstream_group **) field
        = upstream_add(cf, cf->args[1], 1, NULL, &error);
    conf_set_content(cf, &content);
    return error;
}


static const struct conf_type pass_type = {
    .name = "server",
    .size = sizeof(struct upstream_group *),
    .parse = parse_pass,
};


static const char *
ready(struct conf *cf, void *at)
{
    struct framed_conf *c = at;

    if (c->looks)
        c->gateway.sources = sources;
    return gateway_ready(cf, &c->gateway, "framed");
}


#define C struct framed_conf
#define SHARED(rows) \
    { \
        rows, "framed", FIELD(C, gateway, struct gateway_conf), IN_WEB \
    }

static const struct directive directives[] = {
    { "framed_pass", IN_LOCATION, ARGS_1, &pass_type,
      FIELD(C, group, struct upstream_group *), NULL, NULL, "server", "" },
    FLAG("framed_sources", IN_LOCATION, C, looks, "off", ""),
    { .name = NULL },
};
static const struct template templates[] = {
    SHARED(gateway_peer_rows),
    SHARED(gateway_field_rows),
    SHARED(gateway_body_rows),
    { .rows = NULL },
};

struct module framed_module = {
    .name = "framed",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct framed_conf),
    .ready = ready,
};


/* --- the scene ------------------------------------------------------------ */

static const char text[]
    = "error_log stderr emerg;\n"
      "events { }\n"
      "http {\n"
      "  access_log off;\n"
      "  upstream u { server unix:%s/up; keepalive 4; }\n"
      "  upstream k { server 127.0.0.1:%u; keepalive 16; }\n"
      "  upstream l { server 127.0.0.1:%u; keepalive 16 local; }\n"
      "  server {\n"
      "    listen unix:%s/in;\n"
      "    location /f { framed_pass u; }\n"
      "    location /w { framed_pass u; framed_send_timeout 100ms; }\n"
      "    location /s { framed_pass u; framed_request_buffering off; }\n"
      "    location /c { framed_pass u; framed_sources on;\n"
      "      add_header X-Tried \"[$upstream_addr] $upstream_http_x_from\" always;"
      "    }\n"
      "    location /k/plain { framed_pass k; }\n"
      "    location /k/same { framed_pass k; }\n"
      "    location /k/rcvbuf { framed_pass k; framed_socket_rcvbuf 64k; }\n"
      "    location /k/sndbuf { framed_pass k; framed_socket_sndbuf 64k; }\n"
      "    location /k/probed { framed_pass k; framed_socket_keepalive on; }\n"
      "    location /k/from2 { framed_pass k; framed_bind 127.0.0.2; }\n"
      "    location /k/from3 { framed_pass k; framed_bind 127.0.0.3; }\n"
      "    location /k/var { framed_pass k; framed_bind $arg_from; }\n"
      "    location /l/one { framed_pass l; }\n"
      "    location /l/two { framed_pass l; }\n"
      "    location /p { proxy_pass http://k; }\n"
      "  }\n"
      "}\n";

static char       folder[] = "/tmp/weir-framed-XXXXXX";
static struct log quiet
    = { .targets = &(struct log_targets){ .level = LEVEL_EMERG } };
static struct worker self = { .number = 0 };
static struct port   port;
static int           listening[2]; /* on a path, and on a port              */
static unsigned      tcp_port;
static int           client = -1, peer = -1; /* the last ones               */
static int           peers[PEERS];
static unsigned      accepted;
static char          got[65536]; /* what take() has read                    */


static void
clean_up(void)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/up", folder);
    unlink(path);
    rmdir(folder);
}


static int
listen_at(const struct sockaddr *at, socklen_t n)
{
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

    CHECK(bind(fd, at, n) == 0 && listen(fd, 8) == 0);
    return fd;
}


static void
listen_as_upstream(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct addr_any    in;

    CHECK(mkdtemp(folder) != NULL);
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/up", folder);
    listening[0] = listen_at((struct sockaddr *) &un, sizeof(un));
    addr_parse(STR("127.0.0.1"), &in);
    listening[1] = listen_at(&in.sa, in.len);
    CHECK(getsockname(listening[1], &in.sa, &in.len) == 0);
    tcp_port = addr_port(&in.sa);
}


static struct generation *
read_conf(void)
{
    static char       conf[4096];
    struct conf_paths paths = { .prefix = STR("/nosuch/"),
                                .conf_file = STR("/nosuch/x.conf"),
                                .conf_prefix = STR("/nosuch/"),
                                .error_log = STR("stderr") };

    snprintf(conf, sizeof(conf), text, folder, tcp_port, tcp_port, folder);
    return generation_read_text(&paths, STR("x"), str_of(conf), &log_start);
}


static struct generation *
set_up(void)
{
    struct generation *gen;
    unsigned           n = 0;

    signal(SIGPIPE, SIG_IGN);
    listen_as_upstream();
    clock_update();
    modules_init();
    worker = &self;
    self.log = quiet;
    self.loop = loop_new(&quiet, 64);
    gen = read_conf();
    CHECK(gen != NULL);
    log_to_stderr = false;
    self.gen = gen;
    CHECK(modules_start(&self, &n) && modules_adopt(&self, gen));
    port = (struct port){ .listener = gen->listeners.at[0],
                          .addr = gen->listeners.at[0]->addr,
                          .type = SOCK_STREAM,
                          .refs = 1 };
    return gen;
}


static void
turn(void)
{
    int fd;

    for (unsigned i = 0; i < 8; i++) {
        loop_turn(self.loop, 1);
        fd = accept4(listening[i % 2], NULL, NULL, SOCK_NONBLOCK);
        if (fd == -1)
            continue;
        CHECK(accepted < PEERS);
        peer = peers[accepted++] = fd;
    }
}


static void
ask(const char *request)
{
    struct addr_any from = { .len = sizeof(from.sa.sa_family) };
    int             pair[2];

    if (client != -1)
        close(client);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    from.sa.sa_family = AF_UNIX;
    client = pair[1];
    port.listener->accept(&port, self.loop, pair[0], &from);
    CHECK(write(client, request, strlen(request)) == (ssize_t) strlen(request));
    turn();
}


static void
tear_down(const struct generation *gen)
{
    close(client);
    for (unsigned i = 0; i < accepted; i++)
        close(peers[i]);
    turn();
    is((int) conns.active, 0, "no connection is left");
    is((int) gen->refs, 1, "nothing holds the configuration");
    clean_up();
}
