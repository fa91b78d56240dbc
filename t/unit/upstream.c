/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups as configuration makes them, the order in which round robin asks
 * their peers, what failures do to it, and the pool of idle connections.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf/types.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"
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

static struct log_targets quiet_targets = { .level = LEVEL_STDERR };
static struct log         quiet = { .targets = &quiet_targets };
static struct task        task;


static struct generation *
read_servers(const char *servers)
{
    struct arena      *a = arena_new(0);
    struct conf_paths  paths = { .prefix = STR("/"),
                                 .conf_file = STR("/t.conf"),
                                 .conf_prefix = STR("/"),
                                 .error_log = STR("stderr"),
                                 .globals = STR("") };
    struct generation *g;
    str_t              text;

    text = arena_printf(a, "http { upstream u { %s } }", servers);
    g = generation_read_text(&paths, STR("t.conf"), text, &quiet);
    arena_free(a);
    return g;
}


static struct upstream_group *
group_of(const struct generation *g)
{
    struct endpoint at = { .host = STR("U"), .no_port = true };

    return upstream_lookup(g, CONF_HTTP, &at);
}


/* The last digit of a peer's port, or "-". */
static char
letter(const struct peer *p)
{
    return p ? p->name.p[p->name.n - 1] : '-';
}


static char
ask(struct upstream_group *g, enum outcome how)
{
    struct pick p;
    char        c;

    pick_start(&p, &task, g);
    c = letter(pick_next(&p));
    pick_done(&p, how);
    return c;
}


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
    is(group_of(g)->n_tries, 3, "three may be asked");
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

    g->peers[1].checked_at -= 11;
    g->peers[1].failed_at -= 11;
    is(ask(g, PEER_OK), '2', "who failed gets one more chance after that");
    is(g->peers[1].fails, 0, "and is as good as new when it uses it");
    generation_put(gen);

    gen = read_servers("server 127.0.0.1:1 max_fails=1;");
    g = group_of(gen);
    ask(g, PEER_FAILED);
    is(ask(g, PEER_FAILED), '1', "a single peer never fails");
    is(g->peers[0].fails, 0, "its failures are not counted");
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


/* What another process does to a group with a zone is seen here. */
static void
test_zone(void)
{
    struct generation     *gen;
    struct upstream_group *g;
    pid_t                  child;
    int                    status;

    gen = read_servers("zone z 64k; server 127.0.0.1:1 max_conns=1;"
                       "server 127.0.0.1:2 fail_timeout=20;");
    g = group_of(gen);
    child = fork();
    if (child == 0) {
        struct pick p;

        pick_start(&p, &task, g);
        pick_next(&p); /* and never gives it back */
        ask(g, PEER_FAILED);
        shared_lock_take(g->lock); /* nor this */
        _exit(0);
    }
    waitpid(child, &status, 0);
    is(g->peers[0].conns, 1, "a connection is counted for all");
    is(g->peers[1].fails, 1, "and a failure");
    is(ask(g, PEER_OK), '-', "nobody is left here either");
    generation_put(gen);
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
        "server 127.0.0.1; zone z;",
        "server 127.0.0.1; } upstream U { server 127.0.0.1;",
    };

    for (size_t i = 0; i < countof(wrong); i++)
        is_same(read_servers(wrong[i]), NULL, "refused: %s", wrong[i]);
}


/* A connection in the pool, one end of a pair. */
struct kept {
    struct idle idle;
    int         other;
    bool        is_gone;
};


static void
discard(struct idle *i)
{
    struct kept *k = container_of(i, struct kept, idle);

    conn_close(&i->conn);
    close(k->other);
    k->is_gone = true;
}


static void
open_kept(struct kept *k, struct loop *l, const struct peer *peer)
{
    int fds[2];

    memset(k, 0, sizeof(*k));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
        abort();
    chain_init(&k->idle.conn.out, task.arena);
    conn_init(&k->idle.conn, l, fds[0], &quiet);
    conn_start(&k->idle.conn);
    k->other = fds[1];
    k->idle.name = peer->name;
    k->idle.requests = 1;
    k->idle.opened_at = clock_ms();
    k->idle.discard = discard;
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
        open_kept(&k[i], l, &g->peers[i % 2]);
    for (unsigned i = 0; i < 3; i++)
        idle_keep(g, &k[i].idle);
    ok(!k[0].is_gone, "past the limit the oldest stays for a moment");
    for (unsigned i = 0; i < 20 && !k[0].is_gone; i++)
        loop_turn(l, 20);
    ok(k[0].is_gone && !k[1].is_gone, "and goes");
    ok(idle_take(g, &g->peers[0], 0) == &k[2].idle, "one is taken");
    ok(idle_take(g, &g->peers[0], 0) == NULL, "there is but one");
    k[2].idle.requests = 3;
    idle_keep(g, &k[2].idle);
    ok(k[2].is_gone, "keepalive_requests");

    loop_turn(l, 0);
    ok(!k[1].is_gone, "nothing has come");
    is(write(k[1].other, "x", 1), 1, "the peer says something");
    loop_turn(l, 10);
    ok(k[1].is_gone, "and is let go");

    idle_keep(g, &k[3].idle);
    generation_put(gen);
    ok(k[3].is_gone, "all go with the last generation that has the group");
}


/* Another generation finds what the one before has left. */
static void
test_idle_over_generations(struct loop *l)
{
    struct generation *one = read_servers("server 127.0.0.1:1; keepalive 2;");
    struct generation *two = read_servers("server 127.0.0.1:2;"
                                          "server 127.0.0.1:1; keepalive 4;");
    struct upstream_group *g = group_of(one), *next = group_of(two);
    char                   name[] = "127.0.0.1:1";
    struct kept            k;

    upstream_module.adopt(worker, one);
    open_kept(&k, l, &g->peers[0]);
    k.idle.name = str_of(name);
    idle_keep(g, &k.idle);
    upstream_module.adopt(worker, two);
    generation_put(one);
    ok(!k.is_gone, "it outlives its generation");
    ok(idle_take(next, &next->peers[0], 0) == NULL, "it is not any peer's");
    ok(idle_take(next, &next->peers[1], 0) == &k.idle, "its peer has it");
    idle_keep(next, &k.idle);
    generation_put(two);
    ok(k.is_gone, "nobody has the group any more");
}


static void
test_local(struct loop *l)
{
    struct generation     *gen = read_servers("server 127.0.0.1:1;");
    struct upstream_group *g = group_of(gen);
    struct kept            k;

    upstream_module.adopt(worker, gen);
    is(g->keepalive, 32, "keepalive is on by default");
    open_kept(&k, l, &g->peers[0]);
    k.idle.kind = 7;
    idle_keep(g, &k.idle);
    ok(idle_take(g, &g->peers[0], 8) == NULL, "not for another kind");
    ok(idle_take(g, &g->peers[0], 7) == &k.idle, "but for the same one");

    k.idle.opened_at -= 3600 * 1000 + 1;
    idle_keep(g, &k.idle);
    ok(k.is_gone, "keepalive_time");
    generation_put(gen);
}


int
main(void)
{
    struct worker self = { .stats = &stats_private };
    struct loop  *l = loop_new(&quiet, 16);

    log_to_stderr = false;
    modules_init();
    clock_update();
    worker = &self;
    self.loop = l;
    task.arena = arena_new(0);
    task.log = &quiet;
    task_init(&task);

    test_weights();
    test_failures();
    test_limits();
    test_zone();
    test_dynamic();
    test_errors();
    test_idle(l);
    test_idle_over_generations(l);
    test_local(l);

    arena_free(task.arena);
    loop_free(l);
    return done();
}
