/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole connection: what a client and the peers of an upstream send, byte
 * by byte where the input wants it so, goes through the real engine with all
 * modules.  Requests, pipelined and cut off, are read, proxied (buffered and
 * not), compressed, mirrored, cut into slices, asked for by subrequests, and
 * turned into tunnels; peers answer with anything.  When both sides have gone
 * nothing is left: no connection, no count on the configuration, no wait.
 *
 * The input is a list of steps: a byte that says what to do, and for those that
 * send, a length and so many bytes.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/net/accept.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/proc/worker.h"
#include "http/main.h"

#include "modules.c" /* all of this build */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 16, TURNS_AT_END = 200 };

enum what {
    CLIENT_SENDS,
    CLIENT_SENDS_MORE, /* 256 bytes more than its length says                */
    PEER_SENDS,
    PEER_SENDS_MORE,
    PEER_ENDS,
    CLIENT_READS,
    CLIENT_ENDS, /* its side                                                 */
    TIME_PASSES, /* one turn of the loop                                     */
    WHATS,
};

static const char text[]
    = "error_log /dev/null info;\n"
      "events { }\n"
      "http {\n"
      "  access_log off;\n"
      "  client_header_buffer_size 256; large_client_header_buffers 3 512;\n"
      "  client_body_buffer_size 64; client_max_body_size 4k;\n"
      "  proxy_http_version 1.1; proxy_set_header Connection $http_x;\n"
      "  gzip_types *; gzip_min_length 0; gzip_proxied any;\n"
      "  upstream u { server unix:%s/up.sock; keepalive 4; }\n"
      "  server {\n"
      "    listen unix:%s/in.sock; http2 on;\n"
      "    root %s;\n"
      "    error_page 413 502 504 = /r;\n"
      "    location /r { return 200 \"$uri $request_body\"; }\n"
      "    location /p { proxy_pass http://u; gzip on; }\n"
      "    location /s { proxy_pass http://u; proxy_buffering off;\n"
      "                  proxy_request_buffering off; }\n"
      "    location /c { proxy_pass http://u/; proxy_buffer_size 128;\n"
      "                  proxy_buffers 2 128; proxy_busy_buffers_size 128;\n"
      "                  proxy_max_temp_file_size 1k; postpone_output 0;\n"
      "                  proxy_pass_trailers on; }\n"
      "    location /i { proxy_pass http://u; proxy_intercept_errors on;\n"
      "                  error_page 404 500 = /p; }\n"
      "    location /a { auth_request /s; proxy_pass http://u; }\n"
      "    location /m { mirror /s; mirror /p; proxy_pass http://u;\n"
      "                  proxy_request_buffering off; }\n"
      "    location /l { slice 8; proxy_pass http://u;\n"
      "                  proxy_set_header Range $slice_range; }\n"
      "    location /b { add_before_body /p; add_after_body /s;\n"
      "                  addition_types *; gzip on; try_files /page =404; }\n"
      "    location /o { post_action /s; proxy_pass http://u; }\n"
      "    location /u { proxy_pass http://u;\n"
      "                  proxy_set_header Upgrade $http_upgrade;\n"
      "                  proxy_set_header Connection upgrade; }\n"
      "    location /t { proxy_pass http://u; proxy_store %s/stored; }\n"
      "  }\n"
      "}\n";

static char               folder[] = "/tmp/weir-fuzz-XXXXXX";
static struct log_targets quiet_targets = { .level = LEVEL_EMERG };
static struct log         quiet = { .targets = &quiet_targets };
static struct worker      self = { .number = 0 };
static struct generation *gen;
static struct port        port;
static int                waiting = -1; /* where the upstream listens      */

struct play {
    const uint8_t *p;
    size_t         n;
    int            client;
    int            peers[PEERS];
    unsigned       n_peers;
#ifdef FUZZ_H2
    uint8_t head[9]; /* of the frame that is being read               */
    size_t  n_head, left;
    bool    has_settings;
#endif
};


/* --- the scene ------------------------------------------------------------ */

static void
clean_up(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s stays\n", folder);
}


static void
make_folders(void)
{
    static const char *const names[] = { "client_body_temp", "proxy_temp",
                                         "fastcgi_temp", "uwsgi_temp",
                                         "scgi_temp" };
    char                     path[128];
    int                      fd;

    CHECK(mkdtemp(folder) != NULL);
    atexit(clean_up);
    for (size_t i = 0; i < countof(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        CHECK(mkdir(path, 0700) == 0);
    }
    snprintf(path, sizeof(path), "%s/page", folder);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK(fd != -1 && write(fd, "a page of some length\n", 22) == 22);
    close(fd);
}


static void
listen_as_upstream(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    snprintf(at.sun_path, sizeof(at.sun_path), "%s/up.sock", folder);
    waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(bind(waiting, (struct sockaddr *) &at, sizeof(at)) == 0);
    CHECK(listen(waiting, 64) == 0);
}


static void
set_up(void)
{
    static char       conf[8192];
    static char       prefix[64];
    struct conf_paths paths = { .conf_file = STR("/nosuch/x.conf"),
                                .conf_prefix = STR("/nosuch/"),
                                .error_log = STR("stderr") };
    unsigned          n = 0;

    log_to_stderr = false;
    signal(SIGPIPE, SIG_IGN);
    make_folders();
    listen_as_upstream();
    snprintf(prefix, sizeof(prefix), "%s/", folder);
    paths.prefix = str_of(prefix);
    snprintf(conf, sizeof(conf), text, folder, folder, folder, folder);
    clock_update();
    modules_init();
    worker = &self;
    self.log = quiet;
    self.loop = loop_new(&quiet, 64);
    gen = generation_read_text(&paths, STR("x"), str_of(conf), &log_start);
    CHECK(gen != NULL && generation_open_files(gen, &log_start));
    self.gen = gen;
    CHECK(modules_start(&self, &n) && modules_adopt(&self, gen));
    port = (struct port){ .listener = gen->listeners.at[0],
                          .addr = gen->listeners.at[0]->addr,
                          .type = SOCK_STREAM,
                          .refs = 1 };
}


/* --- the play -------------------------------------------------------------- */

static void
turn(struct play *p)
{
    int fd;

    loop_turn(self.loop, 0);
    while ((fd = accept4(waiting, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))
           != -1) {
        if (p->n_peers == PEERS)
            close(fd);
        else
            p->peers[p->n_peers++] = fd;
    }
}


/* With FUZZ_H2 (h2.c) the client begins with the preface of HTTP/2, and what it
 * gets are whole frames of known kinds, and no more than one of the end. */
#ifdef FUZZ_H2
static void
open_client(struct play *p)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\0\4\0\0\0\0";

    CHECK(send(p->client, hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello));
}


static void
check_answer(struct play *p)
{
    uint8_t in[65536];
    ssize_t n = recv(p->client, in, sizeof(in), MSG_DONTWAIT);

    for (ssize_t i = 0; i < n; i++) {
        size_t size;

        if (p->left != 0) {
            p->left--;
            continue;
        }
        p->head[p->n_head++] = in[i];
        if (p->n_head < sizeof(p->head))
            continue;
        p->n_head = 0;
        size = (size_t) p->head[0] << 16 | (size_t) p->head[1] << 8
               | p->head[2];
        CHECK(size <= 16384 && p->head[3] <= 9 && p->head[3] != 5);
        CHECK(p->head[3] == 4 || p->has_settings);
        p->has_settings = true;
        p->left = size;
    }
}
#else
static void
open_client(struct play *p)
{
    (void) p;
}


static void
check_answer(struct play *p)
{
    char in[4096];

    while (recv(p->client, in, sizeof(in), MSG_DONTWAIT) > 0)
        continue;
}
#endif


/* What a reader sends is read, so that nobody waits for it. */
static void
drain(int fd)
{
    char in[4096];

    while (fd != -1 && recv(fd, in, sizeof(in), MSG_DONTWAIT) > 0)
        continue;
}


static void
say(struct play *p, int fd, size_t more)
{
    size_t n = p->n != 0 ? *p->p + more : 0;

    if (p->n == 0)
        return;
    p->p++;
    p->n--;
    if (n > p->n)
        n = p->n;
    if (fd != -1 && send(fd, p->p, n, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
        return;
    p->p += n;
    p->n -= n;
}


/* The peer that a step means: one of those that are there. */
static int *
peer_of(struct play *p, unsigned which)
{
    static int nobody = -1;

    return p->n_peers == 0 ? &nobody : &p->peers[which % p->n_peers];
}


static void
play_step(struct play *p)
{
    uint8_t  step = *p->p++;
    unsigned which = step / WHATS;
    int     *peer = peer_of(p, which);

    p->n--;
    switch ((enum what)(step % WHATS)) {
    case CLIENT_SENDS:
        say(p, p->client, 0);
        break;
    case CLIENT_SENDS_MORE:
        say(p, p->client, 256);
        break;
    case PEER_SENDS:
        drain(*peer);
        say(p, *peer, 0);
        break;
    case PEER_SENDS_MORE:
        say(p, *peer, 256);
        break;
    case PEER_ENDS:
        if (*peer != -1)
            close(*peer);
        *peer = -1;
        break;
    case CLIENT_READS:
        check_answer(p);
        break;
    case CLIENT_ENDS:
        shutdown(p->client, SHUT_WR);
        break;
    case TIME_PASSES:
    case WHATS:
        break;
    }
    turn(p);
}


/* Both sides leave: nothing may stay. */
static void
end(struct play *p)
{
    close(p->client);
    for (unsigned i = 0; i < TURNS_AT_END; i++) {
        turn(p);
        while (p->n_peers != 0) {
            int fd = p->peers[--p->n_peers];

            if (fd != -1)
                close(fd);
        }
        if (conns.active == 0 && i > 2)
            break;
    }
    CHECK(conns.active == 0);
    CHECK(gen->refs == 1);
    CHECK(port.refs == 1);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play     p = { .p = data, .n = size };
    struct addr_any from = { .len = sizeof(from.sa.sa_family) };
    int             pair[2];

    if (gen == NULL)
        set_up();
    CHECK(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair)
        == 0);
    from.sa.sa_family = AF_UNIX;
    p.client = pair[1];
    open_client(&p);
    port.listener->accept(&port, self.loop, pair[0], &from);
    turn(&p);
    while (p.n != 0)
        play_step(&p);
    turn(&p);
    check_answer(&p);
    end(&p);
    return 0;
}
