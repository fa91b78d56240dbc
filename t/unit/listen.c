/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets: opening, busy addresses, keeping them over a change of
 * configuration, handing them down; and accepting with and without room.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/net/accept.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

static struct arena      *arena;
static char               folder[] = "/tmp/weir-listen-XXXXXX";
static struct log_file    file;
static struct log_targets targets;
static struct log         logger = { .targets = &targets };


static const char *
logged(void)
{
    static char out[8192];
    ssize_t     n = pread(file.fd, out, sizeof(out) - 1, 0);

    out[n > 0 ? n : 0] = '\0';
    if (ftruncate(file.fd, 0) == -1)
        exit(1);
    return out;
}


static struct listener *
listener(const char *where)
{
    struct listener *l = arena_make(arena, struct listener);
    struct endpoint  e;

    endpoint_parse(arena, str_of(where), 80, ENDPOINT_LISTEN, &e);
    l->addr = e.at[0];
    l->text = e.names[0];
    l->type = SOCK_STREAM;
    l->fd = -1;
    listen_options_init(&l->options);
    return l;
}


static listeners_t
listeners(struct listener *a, struct listener *b)
{
    listeners_t all = { 0 };

    *vec_push(arena, &all) = a;
    if (b != NULL)
        *vec_push(arena, &all) = b;
    return all;
}


/* A loopback port that was free a moment ago. */
static const char *
free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t          len = sizeof(at);
    int                fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (struct sockaddr *) &at, sizeof(at));
    getsockname(fd, (struct sockaddr *) &at, &len);
    close(fd);
    return arena_printf(arena, "127.0.0.1:%d", ntohs(at.sin_port)).p;
}


static bool
can_connect(const struct listener *l)
{
    int fd = socket(l->addr.sa.sa_family, SOCK_STREAM, 0);
    int rc = connect(fd, &l->addr.sa, l->addr.len);

    close(fd);
    return rc == 0;
}


static int
option(int fd, int level, int name)
{
    int       value = -1;
    socklen_t len = sizeof(value);

    getsockopt(fd, level, name, &value, &len);
    return value;
}


static void
test_open(void)
{
    struct listener *l = listener(free_port());
    listeners_t      all = listeners(l, NULL), none = { 0 };

    l->options.deferred = true;
    l->options.so_keepalive = 1;
    l->options.keepidle = 30;
    l->options.rcvbuf = 8192;
    ok(listeners_open(arena, &all, &none, false, 1, &logger), "opened");
    listeners_configure(&all, &logger);
    is_text(logged(), "", "nothing to say");
    ok(l->fd != -1 && listener_fd(l, 5) == l->fd, "one for all workers");
    ok(can_connect(l), "it listens");
    ok(option(l->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0, "deferred");
    is(option(l->fd, SOL_SOCKET, SO_KEEPALIVE), 1, "keepalive");
    is(option(l->fd, IPPROTO_TCP, TCP_KEEPIDLE), 30, "idle time");
    ok(fcntl(l->fd, F_GETFL) & O_NONBLOCK, "does not block");
    listeners_close_unused(&all, NULL, &logger);
    ok(l->fd == -1 && !can_connect(l), "closed");
}


static void
test_busy(void)
{
    const char      *where = free_port();
    struct listener *l = listener(where), *other = listener(where);
    struct listener *fine = listener(free_port());
    listeners_t      all = listeners(l, NULL), more = listeners(fine, other);
    listeners_t      none = { 0 };
    const char      *line, *at;
    int              n = 0;
    str_t            want = arena_printf(arena,
                                         "bind() to %s failed (98: "
                                                    "Address already in use)\n",
                                         where);

    ok(listeners_open(arena, &all, &none, false, 1, &logger), "opened");
    ok(listeners_open(arena, &more, &none, true, 1, &logger), "a test");
    is(other->fd, -1, "forgives a busy address");
    is_text(logged(), "", "silently");
    listeners_close_unused(&more, NULL, &logger);

    ok(!listeners_open(arena, &more, &none, false, 1, &logger), "refused");
    line = logged();
    for (at = line; (at = strstr(at, want.p)) != NULL; at++)
        n++;
    is(n, 5, "five tries");
    ok(strstr(line, "[notice]")
           && strstr(line, "try again to bind() after "
                           "500ms"),
       "told");
    ok(strstr(line, "still could not bind()\n"), "given up");
    ok(fine->fd == -1 && !can_connect(fine), "nothing is left open");
    ok(can_connect(l), "the first still listens");
    listeners_close_unused(&all, NULL, &logger);
}


static void
test_unix(void)
{
    str_t            path = arena_printf(arena, "%s/sock", folder);
    str_t            where = arena_printf(arena, "unix:%s", path.p);
    struct listener *l = listener(where.p), *same = listener(where.p);
    listeners_t      all = listeners(l, NULL), now = listeners(same, NULL);
    listeners_t      none = { 0 };
    struct stat      st;

    ok(listeners_open(arena, &all, &none, false, 1, &logger), "opened");
    ok(stat(path.p, &st) == 0 && (st.st_mode & 0777) == 0666, "mode");
    ok(can_connect(l), "it listens");
    ok(listeners_open(arena, &now, &all, false, 1, &logger), "kept");
    ok(same->fd == l->fd && same->is_inherited, "the same descriptor");
    listeners_close_unused(&all, &now, &logger);
    ok(can_connect(same), "which stays");
    listeners_close_unused(&now, NULL, &logger);
    ok(stat(path.p, &st) == -1 && errno == ENOENT, "unlinked at the end");
    is_text(logged(), "", "nothing to say");
}


static void
test_reload(void)
{
    const char      *where = free_port();
    struct listener *a = listener(where), *b = listener(free_port());
    struct listener *a2 = listener(where), *c = listener(free_port());
    struct listener *bad = listener("192.0.2.1:1");
    listeners_t      one = listeners(a, b), two = listeners(a2, c);
    listeners_t      three = listeners(listener(where), bad), none = { 0 };
    int              fd;

    ok(listeners_open(arena, &one, &none, false, 1, &logger), "opened");
    fd = a->fd;
    a2->options.backlog = 7;
    ok(listeners_open(arena, &two, &one, false, 1, &logger), "reloaded");
    listeners_configure(&two, &logger);
    is(a2->fd, fd, "kept");
    listeners_close_unused(&one, &two, &logger);
    ok(!can_connect(b) && can_connect(c) && can_connect(a2), "changed");

    is_text(logged(), "", "nothing to say");
    ok(!listeners_open(arena, &three, &two, false, 1, &logger), "fails");
    ok(strstr(logged(), "bind() to 192.0.2.1:1 failed (99: "), "says why");
    ok(can_connect(a2), "the old one goes on");
    listeners_close_unused(&two, NULL, &logger);
}


static void
test_reuseport(void)
{
    const char      *where = free_port();
    struct listener *plain = listener(where), *many = listener(where);
    struct listener *fewer = listener(where);
    listeners_t      one = listeners(plain, NULL), two = listeners(many, NULL);
    listeners_t      three = listeners(fewer, NULL), none = { 0 }, got = { 0 };
    str_t            text;

    many->options.reuseport = fewer->options.reuseport = true;
    ok(listeners_open(arena, &one, &none, false, 3, &logger), "opened");
    ok(listeners_open(arena, &two, &one, false, 3, &logger), "now reuseport");
    listeners_close_unused(&one, &two, &logger);
    is(many->n_fds, 3, "three");
    ok(many->fds[0] == many->fd && many->fds[1] != many->fd
           && many->fds[2] != -1,
       "of their own");
    is(listener_fd(many, 2), many->fds[2], "by worker");
    is(listener_fd(many, 3), -1, "no fourth");

    text = listeners_export(arena, &two);
    is_str(text,
           arena_printf(arena, "%d;%d;%d;", many->fds[0], many->fds[1],
                        many->fds[2])
               .p,
           "handed down");
    ok(listeners_inherit(arena, &got, text, &logger), "inherited");
    ok(strstr(logged(),
              arena_printf(arena, "using inherited sockets from \"" STR_F "\"",
                           STR_A(text))
                  .p),
       "told");
    ok(got.n == 1 && got.at[0]->n_fds == 3, "as one listener");

    ok(listeners_open(arena, &three, &got, false, 2, &logger), "two workers");
    listeners_close_unused(&got, &three, &logger);
    ok(fewer->n_fds == 2 && fewer->fds[1] == many->fds[1], "kept");
    is(fcntl(many->fds[2], F_GETFD), -1, "the third is closed");
    ok(can_connect(fewer), "it listens");
    listeners_close_unused(&three, NULL, &logger);
}


static void
test_inherit(void)
{
    struct listener *a = listener(free_port()), *b = listener(free_port());
    listeners_t      all = listeners(a, b), none = { 0 }, got = { 0 };
    str_t            text;

    ok(!listeners_inherit(arena, &got, STR_NONE, &logger), "nothing to get");
    ok(listeners_open(arena, &all, &none, false, 1, &logger), "opened");
    text = arena_printf(arena, "%d:%d;", a->fd, b->fd);
    ok(listeners_inherit(arena, &got, text, &logger), "both separators");
    is(got.n, 2, "two");
    ok(str_eq(got.at[1]->text, b->text), "their texts");
    ok(addr_same(&got.at[0]->addr.sa, &a->addr.sa, true), "and addresses");
    is(got.at[0]->type, SOCK_STREAM, "and types");
    logged();

    got = (listeners_t){ 0 };
    text = arena_printf(arena, "%d;x;%d;", a->fd, b->fd);
    listeners_inherit(arena, &got, text, &logger);
    is(got.n, 1, "up to what is no number");
    ok(strstr(logged(), "invalid socket number \"x\" in NGINX environment "
                        "variable, ignoring the rest of the variable"),
       "told");
    got = (listeners_t){ 0 };
    listeners_inherit(arena, &got, STR("9999;"), &logger);
    is(got.n, 0, "no such socket");
    ok(strstr(logged(), "getsockname() of the inherited socket #9999 failed "
                        "(9: Bad file descriptor)"),
       "told");
    listeners_close(&all);
    ok(!can_connect(a), "closed");
}


/* -- accepting --------------------------------------------------------- */

static struct conn *accepted[64];
static unsigned     n_accepted;


static void
on_read(struct event *e)
{
    (void) e;
}


static const struct conn_owner owner = { .on_unwanted = conn_close };


static void
on_accept(struct port *p, struct loop *loop, int fd,
          const struct addr_any *peer)
{
    struct conn *c = arena_make(arena, struct conn);

    (void) p;
    conn_init(c, loop, fd, &logger);
    conn_set_peer(c, &peer->sa, peer->len);
    c->event.on_read = on_read;
    conn_set_owner(c, &owner);
    conn_start(c);
    accepted[n_accepted++] = c;
}


static void
knock(const struct listener *l, int *fds, int n)
{
    for (int i = 0; i < n; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fds[i], &l->addr.sa, l->addr.len) == -1)
            exit(1);
    }
}


static void
turns(struct loop *loop, unsigned want)
{
    for (int i = 0; i < 50 && n_accepted < want; i++)
        loop_turn(loop, 20);
    for (int i = 0; i < 3; i++)
        loop_turn(loop, 0);
}


static void
close_all(int *fds, int n)
{
    for (int i = 0; i < n; i++)
        close(fds[i]);
    for (unsigned i = 0; i < n_accepted; i++)
        conn_close(accepted[i]);
    n_accepted = 0;
}


static void
test_accept(bool multi)
{
    struct loop     *loop = loop_new(&logger, 16);
    struct listener *l = listener(free_port());
    listeners_t      all = listeners(l, NULL), none = { 0 };
    struct acceptor *a;
    int              fds[8];
    char             byte;

    l->accept = on_accept;
    listeners_open(arena, &all, &none, false, 1, &logger);
    a = acceptor_new(loop, 0, &logger);
    ok(acceptor_adopt(a, &all, multi, true), "started");
    knock(l, fds, 8);
    turns(loop, 8);
    is(n_accepted, 8, "all accepted, multi_accept %d", multi);
    ok(accepted[0]->is_tcp && accepted[0]->is_client, "clients");
    ok(addr_port(&accepted[0]->peer.sa) != 0, "the peer's address");
    close_all(fds, 8);

    conns.max = 3;
    knock(l, fds, 5);
    turns(loop, 5);
    is(n_accepted, 3, "no more than there is room for");
    ok(strstr(logged(), "[alert]"), "told");
    is(recv(fds[4], &byte, 1, 0), 0, "the others are refused");
    conn_close(accepted[0]);
    knock(l, fds + 5, 1);
    turns(loop, 4);
    is(n_accepted, 4, "room again");
    knock(l, fds + 6, 1);
    loop_turn(loop, 1000);
    is(n_accepted, 4, "none for now");
    conn_close(accepted[2]);
    turns(loop, 5);
    is(n_accepted, 5, "but in time");
    conn_set_reusable(accepted[1], true);
    logged();
    knock(l, fds + 7, 1);
    turns(loop, 6);
    is(n_accepted, 6, "an idle one makes room");
    is(accepted[1]->event.fd, -1, "it is closed");
    ok(strstr(logged(), "3 worker_connections are not enough, reusing "
                        "connections"),
       "told");
    conns.max = 0;
    close_all(fds, 8);

    acceptor_stop(a);
    knock(l, fds, 1);
    turns(loop, 1);
    is(n_accepted, 0, "stopped");
    close_all(fds, 1);
    acceptor_free(a);
    listeners_close(&all);
    loop_free(loop);
}


static struct port *port_of_last;


static void
remember_port(struct port *p, struct loop *loop, int fd,
              const struct addr_any *peer)
{
    port_of_last = p;
    on_accept(p, loop, fd, peer);
}


/* One generation's addresses, and then another's. */
static void
test_adopt(void)
{
    struct loop     *loop = loop_new(&logger, 16);
    struct listener *kept = listener(free_port()),
                    *gone = listener(free_port());
    struct listener  again = *kept, *come = listener(free_port());
    listeners_t      one = listeners(kept, gone), two = listeners(&again, come);
    listeners_t      none = { 0 };
    struct acceptor *a = acceptor_new(loop, 0, &logger);
    struct port     *port;
    int              fds[3];

    kept->accept = gone->accept = again.accept = come->accept = remember_port;
    ok(listeners_open(arena, &one, &none, false, 1, &logger), "one");
    ok(acceptor_adopt(a, &one, false, false), "adopted");
    knock(gone, fds + 1, 1);
    turns(loop, 1);
    port = port_of_last;
    port->refs++; /* a connection */
    ok(port->listener == gone, "a port knows who listens there");
    knock(kept, fds, 1);
    turns(loop, 2);
    ok(port_of_last->listener == kept, "each of them");
    ok(port->listener == gone, "for as long as a connection counts it");
    port_put(port);
    port = port_of_last;

    ok(listeners_open(arena, &two, &one, false, 1, &logger), "two");
    ok(acceptor_adopt(a, &two, false, false), "adopted beside it");
    listeners_close_unused(&one, &two, &logger);
    ok(port->listener == &again, "the same port, another listener");
    knock(come, fds + 2, 1);
    turns(loop, 3);
    is(n_accepted, 3, "a port that came");
    ok(!can_connect(gone), "a port that went");
    close_all(fds, 3);
    acceptor_free(a);
    listeners_close(&two);
    loop_free(loop);
}


/* No descriptor is left: half a second's pause instead of a busy loop. */
static void
test_no_descriptors(void)
{
    struct loop     *loop = loop_new(&logger, 16);
    struct listener *l = listener(free_port());
    listeners_t      all = listeners(l, NULL), none = { 0 };
    struct acceptor *a;
    struct rlimit    before, none_left;
    int              fds[1];
    msec_t           start;

    l->accept = on_accept;
    listeners_open(arena, &all, &none, false, 1, &logger);
    a = acceptor_new(loop, 0, &logger);
    acceptor_adopt(a, &all, false, false);
    knock(l, fds, 1);
    getrlimit(RLIMIT_NOFILE, &before);
    none_left = before;
    none_left.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none_left);
    start = clock_fresh_ms();
    loop_turn(loop, 1000);
    setrlimit(RLIMIT_NOFILE, &before);
    ok(strstr(logged(), "[crit]"), "told");
    for (int i = 0; i < 50 && n_accepted == 0; i++)
        loop_turn(loop, 1000);
    is(n_accepted, 1, "accepted in the end");
    ok(clock_fresh_ms() - start >= 400, "after a pause");
    close_all(fds, 1);
    acceptor_free(a);
    listeners_close(&all);
    loop_free(loop);
}


int
main(void)
{
    struct worker me = { .number = 0 };
    const char   *error;

    worker = &me;
    log_to_stderr = false;
    arena = arena_new(0);
    if (mkdtemp(folder) == NULL)
        return 1;
    file.path = arena_printf(arena, "%s/error.log", folder);
    ok(log_file_open(&file, &log_start), "a log");
    close(file.fd);
    file.fd = open(file.path.p, O_RDWR | O_APPEND);
    targets
        = (struct log_targets){ LEVEL_INFO, 1,
                                arena_array(arena, struct log_target *, 1) };
    targets.at[0] = log_target_new(arena, STR("/x"), &file, LEVEL_INFO, &error);

    test_open();
    test_busy();
    test_unix();
    test_reload();
    test_reuseport();
    test_inherit();
    test_accept(false);
    test_accept(true);
    test_adopt();
    test_no_descriptors();
    unlink(file.path.p);
    rmdir(folder);
    arena_free(arena);
    close(file.fd);
    return done();
}
