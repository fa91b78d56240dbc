/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups as configuration makes them, the order in which round robin asks
 * their peers, what failures do to it, opening links, and the pool of idle ones.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf/types.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"
#include "core/upstream/shared.h"
#include "t/unit/http_block.h"
#include "t/unit/servers.h"
#include "t/unit/tap.h"

static const struct conf_opener http_opener = { .inside = IN_HTTP };

static const struct directive directives[]
    = { BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
        { .name = NULL } };

static struct module http_module = {
    .name = "http",
    .serves = FOR_HTTP,
    .directives = directives,
};

struct module *const weir_modules[] = { &http_module, &upstream_module, NULL };


static void
is_order(struct upstream_group *g, const char *want, const char *what)
{
    char   got[64];
    size_t n = strlen(want);

    for (size_t i = 0; i < n; i++)
        got[i] = ask(g, PEER_OK);
    is_str(str_span(got, got + n), want, "%s", what);
}


static void
test_weights(void)
{
    struct generation *g;

    g = read_servers("server 127.0.0.1:1 weight=5; server 127.0.0.1:2;"
                     "server 127.0.0.1:3;");
    is_order(group_of(g), "11213111121311", "weights 5, 1, 1");
    generation_put(g);

    g = read_servers("server 127.0.0.1:1; server 127.0.0.1:2 down;"
                     "server 127.0.0.1:3; server 127.0.0.1:4 backup;");
    is_order(group_of(g), "131313", "down and backup servers are passed over");
    is(group_of(g)->set->n_tries, 3, "three may be asked");
    generation_put(g);

    g = read_servers("server 127.0.0.1:1 weight=3; server 127.0.0.1:2 "
                     "weight=2; server 127.0.0.1:3;");
    is_order(group_of(g), "121321121321", "weights 3, 2, 1");
    generation_put(g);
}


static void
test_failures(void)
{
    struct generation     *gen;
    struct upstream_group *g;
    struct pick            p;

    gen = read_servers("server 127.0.0.1:1; server 127.0.0.1:2;"
                       "server 127.0.0.1:3 backup;");
    g = group_of(gen);
    pick_start(&p, &task, g);
    is(letter(pick_next(&p)), '1', "the first");
    pick_done(&p, PEER_FAILED);
    is(letter(pick_next(&p)), '2', "the next, after a failure");
    pick_done(&p, PEER_FAILED);
    ok(pick_has_more(&p), "one more may be asked");
    is(letter(pick_next(&p)), '3', "the backup, when all have failed");
    pick_done(&p, PEER_FAILED);
    ok(!pick_has_more(&p), "that was all");
    is(ask(g, PEER_OK), '-', "nobody is left for fail_timeout seconds");

    g->set->peers[1].state->checked_at -= 11;
    g->set->peers[1].state->failed_at -= 11;
    is(ask(g, PEER_OK), '2', "who failed gets one more chance after that");
    is(g->set->peers[1].state->fails, 0,
       "and is as good as new when it uses it");
    generation_put(gen);

    gen = read_servers("server 127.0.0.1:1 max_fails=1;");
    g = group_of(gen);
    ask(g, PEER_FAILED);
    is(ask(g, PEER_FAILED), '1', "a single peer never fails");
    is(g->set->peers[0].state->fails, 0, "its failures are not counted");
    generation_put(gen);

    gen = read_servers("server 127.0.0.1:1 max_fails=0;"
                       "server 127.0.0.1:2 max_fails=2;");
    g = group_of(gen);
    for (int i = 0; i < 4; i++)
        ask(g, PEER_FAILED);
    is_order(g, "1111", "max_fails");
    generation_put(gen);
}


static void
test_limits(void)
{
    struct generation     *gen;
    struct upstream_group *g;
    struct pick            p[4];

    gen = read_servers("server 127.0.0.1:1 max_conns=1;"
                       "server 127.0.0.1:2 max_conns=2;");
    g = group_of(gen);
    for (int i = 0; i < 4; i++)
        pick_start(&p[i], &task, g);
    is(letter(pick_next(&p[0])), '1', "max_conns: one");
    is(letter(pick_next(&p[1])), '2', "max_conns: two");
    is(letter(pick_next(&p[2])), '2', "max_conns: three");
    is(letter(pick_next(&p[3])), '-', "max_conns: full");
    pick_done(&p[1], PEER_OK);
    pick_start(&p[3], &task, g);
    is(letter(pick_next(&p[3])), '2', "max_conns: room again");
    generation_put(gen);
}


static unsigned starts;


/* The letter in /proc/PID/stat: S for a process that waits. */
static char
state_of(pid_t pid)
{
    char  path[32], state = '?';
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
    f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (f != NULL)
        fclose(f);
    return state;
}


/* Whether another process has to wait for the lock. */
static bool
is_locked(const struct upstream_group *g)
{
    int   status, ready[2];
    char  byte = 0;
    pid_t pid = pipe(ready) == 0 ? fork() : -1;

    if (pid == 0) {
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        zone_lock(g->set->zone);
        zone_unlock(g->set->zone);
        _exit(0);
    }
    if (pid == -1 || read(ready[0], &byte, 1) != 1)
        exit(1);
    close(ready[0]);
    close(ready[1]);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (state_of(pid) == 'S')
            kill(pid, SIGKILL);
        usleep(100);
    }
    return WIFSIGNALED(status);
}


static void
start_unlocked(struct pick *p)
{
    ok(!is_locked(p->group), "what a balancer asks of a task is not locked");
    starts++;
}


static const struct peer *
next_locked(struct pick *p)
{
    ok(is_locked(p->group), "how it chooses is");
    return round_robin.next(p);
}


static void
test_balancer(void)
{
    static const struct balancer b
        = { .words = "test", .start = start_unlocked, .next = next_locked };
    struct generation     *gen;
    struct upstream_group *g;
    struct pick            p;

    gen = read_servers("zone z 64k; server 127.0.0.1:1; server 127.0.0.1:2;");
    g = group_of(gen);
    zones_open(gen, NULL, false, &quiet);
    upstream_module.adopt(worker, gen);
    g->balancer = &b;
    pick_start(&p, &task, g);
    pick_next(&p);
    pick_done(&p, PEER_FAILED);
    pick_next(&p);
    pick_done(&p, PEER_OK);
    is(starts, 1, "it asks once");
    generation_put(gen);
}


static void
on_gone(void *arg)
{
    *(bool *) arg = true;
}


/* An arena with servers, which says when it ends. */
static struct arena *
make_servers(const char *ports, struct upstream_server *out, bool *is_gone)
{
    struct arena *a = arena_new(0);

    for (size_t i = 0; ports[i] != '\0'; i++) {
        out[i] = (struct upstream_server){ .weight = 1,
                                           .max_fails = 1,
                                           .fail_timeout = 10 };
        endpoint_parse(a, arena_printf(a, "127.0.0.1:%c", ports[i]), 0,
                       ENDPOINT_RESOLVE, &out[i].at);
    }
    arena_defer(a, on_gone, is_gone);
    return a;
}


static void *
count_peers(struct arena *a, const struct peer_set *set)
{
    unsigned *n = arena_make(a, unsigned);

    *n = set->n_peers;
    return n;
}


static const struct peer *
next_counted(struct pick *p)
{
    is(*(unsigned *) p->set->balance, p->set->n_peers,
       "the balancer has what it built for the set");
    return round_robin.next(p);
}


static void
test_replace(void)
{
    static const struct balancer b
        = { .words = "test", .build = count_peers, .next = next_counted };
    struct upstream_server one[3], two[1], none[1];
    bool                   gone[3] = { false, false, false };
    struct generation     *gen;
    struct upstream_group *g;
    struct arena          *a;
    struct pick            p[2];

    gen = read_servers("server 127.0.0.1:1; server 127.0.0.1:2;");
    upstream_module.adopt(worker, gen);
    g = group_of(gen);
    g->balancer = &b;
    g->set->balance = count_peers(task.arena, g->set);
    pick_start(&p[0], &task, g);
    is(letter(pick_next(&p[0])), '1', "a pick begins");
    a = make_servers("345", one, &gone[0]);
    ok(upstream_replace(g, a, one, 3), "the group gets other peers");
    is_order(g, "34534", "who begins now asks them");
    pick_done(&p[0], PEER_FAILED);
    is(letter(pick_next(&p[0])), '2', "who has begun asks the old ones");
    pick_end(&p[0], PEER_OK);

    pick_start(&p[0], &task, g);
    pick_start(&p[1], &task, g);
    is(letter(pick_next(&p[0])), '5', "two more begin");
    a = make_servers("6", two, &gone[1]);
    ok(upstream_replace(g, a, two, 1), "the group gets a single peer");
    is_order(g, "66", "which is asked");
    pick_end(&p[0], PEER_OK);
    ok(!gone[0], "one of the two runs on");
    is(letter(pick_next(&p[1])), '3', "and may ask");
    pick_end(&p[1], PEER_OK);
    ok(gone[0], "the set ends with the last pick that runs on it");

    a = make_servers("7", none, &gone[2]);
    none[0].is_backup = true;
    ok(!upstream_replace(g, a, none, 1), "a backup alone is no set");
    ok(!gone[2], "its arena is the caller's");
    arena_free(a);
    is_order(g, "6", "nothing has changed");
    generation_put(gen);
    ok(gone[1], "the last set ends with the group");
}


/* A group gets other servers: those that stay are as they were. */
static void
test_states_of_sets(void)
{
    struct upstream_server other[4], same[3];
    bool                   gone[2] = { false, false };
    struct generation     *gen;
    struct upstream_group *g;
    struct arena          *a;
    struct pick            p;

    gen = read_servers("server 127.0.0.1:1 max_conns=1; server 127.0.0.1:2;"
                       "server 127.0.0.1:3;");
    upstream_module.adopt(worker, gen);
    g = group_of(gen);
    pick_start(&p, &task, g);
    is(letter(pick_next(&p)), '1', "one has a connection");
    is(ask(g, PEER_FAILED), '2', "another one fails");

    a = make_servers("2414", other, &gone[0]);
    other[2].max_conns = 1;
    other[1].weight = 2;
    ok(upstream_replace(g, a, other, 4), "a third one goes, a fourth comes");
    is(g->set->peers[0].state->fails, 1, "the failure stays");
    is(g->set->peers[2].state->conns, 1, "so does the connection");
    ok(g->set->peers[1].state != g->set->peers[3].state,
       "an address that is there twice has two states");
    is_order(g, "444444", "who failed or is full is passed over");
    pick_end(&p, PEER_OK);
    is(g->set->peers[2].state->conns, 0, "a pick ends that began before");
    is_order(g, "414441", "its peer may be asked again");

    pick_start(&p, &task, g);
    a = make_servers("412", same, &gone[1]);
    ok(upstream_replace(g, a, same, 3), "another weight");
    is(g->set->peers[0].state->weight, 1, "it is taken");
    is(g->set->peers[2].state->fails, 1, "others stay as they are");
    pick_next(&p);
    pick_end(&p, PEER_OK);
    is(g->set->peers[0].state->weight, 2, "a pick goes by the one before");
    for (unsigned i = 0; i < 4; i++)
        ask(g, PEER_OK);
    is(g->set->peers[0].state->weight, 1, "which does not stay");
    is_order(g, "4141", "positions balance each other");
    generation_put(gen);
    ok(gone[0] && gone[1], "nothing is left");
}


/* The same for another generation, under which the process goes on. */
static void
test_states_of_generations(void)
{
    static const char servers[]
        = "server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:3;"
          "server 127.0.0.1:4 backup;";
    struct generation     *one = read_servers(servers);
    struct generation     *two = read_servers(servers), *three;
    struct upstream_group *g = group_of(one), *next = group_of(two);
    struct pick            p;

    upstream_module.adopt(worker, one);
    is(ask(g, PEER_OK), '1', "the first one");
    pick_start(&p, &task, g);
    is(letter(pick_next(&p)), '2', "the second");
    upstream_module.adopt(worker, two);
    is_order(next, "312", "round robin goes on");
    pick_end(&p, PEER_FAILED);
    generation_put(one);
    is(next->set->peers[1].state->fails, 1, "what failed under the old one");
    is(next->set->peers[1].state->conns, 0, "has no connection any more");
    is_order(next, "3313", "and is passed over");

    generation_put(two);
    three = read_servers(servers);
    upstream_module.adopt(worker, three);
    is_order(group_of(three), "1231", "nobody had the group: all is new");
    generation_put(three);
}


static void
test_dynamic(void)
{
    struct addr_any at[2];
    str_t           names[2] = { STR("127.0.0.1:1"), STR("127.0.0.1:2") };
    struct upstream_group *g;

    for (unsigned i = 0; i < 2; i++) {
        addr_parse(STR("127.0.0.1"), &at[i]);
        addr_set_port(&at[i].sa, i + 1);
    }
    g = upstream_dynamic(&task, STR("x.test"), at, names, 2);
    is_order(g, "1212", "a group found at run time");
    is_same(g->idle, NULL, "it keeps no connections");
}


static void
test_errors(void)
{
    static const char *const wrong[] = {
        "",
        "server 127.0.0.1 weight=0;",
        "server 127.0.0.1 foo=1;",
        "server 127.0.0.1 max_fails=x;",
        "server 127.0.0.1:0;",
        "server 127.0.0.1 backup;",
        "server 127.0.0.1; keepalive x;",
        "server 127.0.0.1; keepalive 1 2;",
        "server 127.0.0.1; zone z 4k;",
        "server 127.0.0.1; zone z 1x;",
        "server 127.0.0.1; } upstream U { server 127.0.0.1;",
    };

    for (size_t i = 0; i < countof(wrong); i++)
        is_same(read_servers(wrong[i]), NULL, "refused: %s", wrong[i]);
}


static const struct link_kind any_kind = { .settings = 7 };


/* A link that has been used, over one end of a pair. */
struct kept {
    struct link *link;
    int          other;
};


static bool
is_gone(const struct kept *k)
{
    char    c;
    ssize_t n = recv(k->other, &c, 1, MSG_DONTWAIT);

    return n == 0 || (n == -1 && errno == ECONNRESET);
}


static void
open_kind(struct kept *k, const struct peer *peer, const struct link_kind *kind)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
        abort();
    k->link = link_new(&task, peer->name, kind);
    k->link->conn.event.fd = fds[0];
    k->link->conn.is_open = true;
    k->link->conn.event.writable = true;
    conn_start(&k->link->conn);
    k->other = fds[1];
}


static void
open_kept(struct kept *k, const struct peer *peer)
{
    open_kind(k, peer, &any_kind);
}


static void
test_idle(struct loop *l)
{
    struct generation     *gen;
    struct upstream_group *g;
    struct kept            k[4];

    gen = read_servers("server 127.0.0.1:1; server 127.0.0.1:2;"
                       "keepalive 2; keepalive_requests 3;");
    upstream_module.adopt(worker, gen);
    g = group_of(gen);
    for (unsigned i = 0; i < 4; i++)
        open_kept(&k[i], &g->set->peers[i % 2]);
    for (unsigned i = 0; i < 3; i++)
        link_release(k[i].link, g, true);
    ok(!is_gone(&k[0]), "past the limit the oldest stays for a moment");
    for (unsigned i = 0; i < 20 && !is_gone(&k[0]); i++)
        loop_turn(l, 20);
    ok(is_gone(&k[0]) && !is_gone(&k[1]), "and goes");
    ok(link_take(&task, g, &g->set->peers[0], &any_kind) == k[2].link,
       "one is taken");
    is(k[2].link->requests, 2, "for its second request");
    ok(link_take(&task, g, &g->set->peers[0], &any_kind) == NULL,
       "there is but one");
    k[2].link->requests = 3;
    link_release(k[2].link, g, true);
    ok(is_gone(&k[2]), "keepalive_requests");

    loop_turn(l, 0);
    ok(!is_gone(&k[1]), "nothing has come");
    is(write(k[1].other, "x", 1), 1, "the peer says something");
    loop_turn(l, 10);
    ok(is_gone(&k[1]), "and is let go");

    link_release(k[3].link, g, true);
    generation_put(gen);
    ok(is_gone(&k[3]), "all go with the last generation that has the group");
    for (unsigned i = 0; i < 4; i++)
        close(k[i].other);
    loop_turn(l, 0);
}


/* Another generation finds what the one before has left. */
static void
test_idle_over_generations(void)
{
    struct generation *one = read_servers("server 127.0.0.1:1; keepalive 2;");
    struct generation *two = read_servers("server 127.0.0.1:2;"
                                          "server 127.0.0.1:1; keepalive 4;");
    struct upstream_group *g = group_of(one), *next = group_of(two);
    struct kept            k;

    upstream_module.adopt(worker, one);
    open_kept(&k, &g->set->peers[0]);
    link_release(k.link, g, true);
    upstream_module.adopt(worker, two);
    worker->log = quiet;
    conns_adopt_start();
    while (!conns_adopt_slice())
        continue;
    ok(k.link->conn.log.targets == quiet.targets,
       "an idle one logs where the next generation does");
    generation_put(one);
    ok(!is_gone(&k), "it outlives its generation");
    ok(link_take(&task, next, &next->set->peers[0], &any_kind) == NULL,
       "it is not any peer's");
    ok(link_take(&task, next, &next->set->peers[1], &any_kind) == k.link,
       "its peer has it");
    link_release(k.link, next, true);
    generation_put(two);
    ok(is_gone(&k), "nobody has the group any more");
    close(k.other);
}


static void
test_local(void)
{
    struct generation     *gen = read_servers("server 127.0.0.1:1;");
    struct upstream_group *g = group_of(gen);
    struct kept            k;

    upstream_module.adopt(worker, gen);
    is(g->keepalive, 32, "keepalive is on by default");
    open_kept(&k, &g->set->peers[0]);
    link_release(k.link, g, true);
    ok(link_take(&task, g, &g->set->peers[0], &any_kind) == k.link,
       "one is kept");

    k.link->opened_at -= 3600 * 1000 + 1;
    link_release(k.link, g, true);
    ok(is_gone(&k), "keepalive_time");
    close(k.other);
    generation_put(gen);
}


/* --- opening -------------------------------------------------------------- */

static unsigned handshakes;
static unsigned woken;


static enum step
shake_hands(struct conn *c)
{
    (void) c;
    return ++handshakes < 2 ? STEP_WAIT : STEP_NEXT;
}


static void
on_woken(struct task *t)
{
    (void) t;
    woken++;
}


/* A listening socket, with its address. */
static int
listen_somewhere(struct addr_any *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    addr_parse(STR("127.0.0.1"), at);
    if (fd == -1 || bind(fd, &at->sa, at->len) == -1 || listen(fd, 8) == -1
        || getsockname(fd, &at->sa, &at->len) == -1)
        abort();
    return fd;
}


static enum step
wait_connected(struct loop *l, struct link *k)
{
    enum step s = link_connected(k);

    for (unsigned i = 0; i < 50 && s == STEP_WAIT; i++) {
        loop_turn(l, 100);
        if (woken)
            s = link_connected(k);
        woken = 0;
    }
    return s;
}


static void
test_connect(struct loop *l)
{
    struct link_options o = { .keepalive = true };
    struct conn_io      io = conn_plain;
    struct addr_any     at;
    struct link        *k;
    int                 fd = listen_somewhere(&at);

    io.handshake = shake_hands;
    k = link_new(&task, STR("peer"), &any_kind);
    ok(link_connect(k, &at, &o, 5000) != STEP_FAIL, "connecting");
    is(wait_connected(l, k), STEP_NEXT, "connected");
    is(handshakes, 0, "bytes go as they are");
    ok(!timer_is_set(&k->conn.read_timer), "nothing is waited for");
    link_release(k, NULL, true);

    o.io = &io;
    k = link_new(&task, STR("peer"), &any_kind);
    ok(link_connect(k, &at, &o, 5000) != STEP_FAIL, "connecting, with more");
    while (!k->has_outcome)
        loop_turn(l, 100);
    is(link_connected(k), STEP_WAIT, "a handshake comes first");
    ok(timer_is_set(&k->conn.read_timer), "in the same time");
    is(link_connected(k), STEP_NEXT, "and is over");
    ok(k->conn.event.on_write == conn_on_writable, "output is its own again");
    link_release(k, NULL, false);

    close(fd);
    o.io = NULL;
    k = link_new(&task, STR("peer"), &any_kind);
    if (link_connect(k, &at, &o, 5000) == STEP_WAIT)
        is(wait_connected(l, k), STEP_FAIL, "refused");
    ok(!k->is_untried, "by the peer");
    link_release(k, NULL, false);

    conns.max = ++conns.active;
    k = link_new(&task, STR("peer"), &any_kind);
    is(link_connect(k, &at, &o, 5000), STEP_FAIL, "there is no room here");
    ok(k->is_untried, "which is not the peer's fault");
    link_release(k, NULL, false);
    conns.active--;
    conns.max = 0;
    loop_turn(l, 0);
}


int
main(void)
{
    struct worker self = { .number = 0 };
    struct loop  *l = loop_new(&quiet, 16);

    log_to_stderr = false;
    modules_init();
    clock_update();
    worker = &self;
    self.loop = l;
    task.arena = arena_new(0);
    task.log = &quiet;
    task.loop = l;
    task.run = on_woken;
    task_init(&task);

    test_weights();
    test_failures();
    test_limits();
    test_balancer();
    test_replace();
    test_states_of_sets();
    test_states_of_generations();
    test_dynamic();
    test_errors();
    test_idle(l);
    test_idle_over_generations();
    test_local();
    test_connect(l);

    arena_free(task.arena);
    loop_free(l);
    return done();
}
