/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * States of peers in a zone: shared by processes, found again by the next
 * generation, and made good when a process dies.
 */
#include "core/upstream/shared.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf/types.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"
#include "t/unit/http_block.h"
#include "t/unit/servers.h"
#include "t/unit/tap.h"

static const struct conf_opener http_opener = { .inside = IN_HTTP };
static const struct conf_opener stream_opener = { .inside = IN_STREAM };

static const struct directive directives[]
    = { BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
        BLOCK("stream", IN_MAIN, ARGS_0, &stream_opener, NULL, NULL),
        { .name = NULL } };

static struct module http_module = {
    .name = "http",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};

struct module *const weir_modules[] = { &http_module, &upstream_module, NULL };

static struct worker self;


/* Reads the servers of the next generation; the one before ends. */
static struct generation *
next_servers(struct generation *old, const char *servers)
{
    struct generation *gen = read_servers(servers);

    if (!zones_open(gen, old, false, &quiet)
        || !upstream_module.adopt(&self, gen))
        exit(1);
    generation_put(old);
    return gen;
}


static struct generation *
first_servers(const char *servers)
{
    struct generation *gen = read_servers(servers);

    if (!zones_open(gen, NULL, false, &quiet))
        exit(1);
    return gen;
}


/* Another worker of the generation does that, and waits until it is ended,
 * unless it ends by itself. */
static pid_t
run_worker(struct generation *gen, void (*act)(struct upstream_group *g))
{
    int   ready[2];
    char  byte = 0;
    pid_t pid = pipe(ready) == 0 ? fork() : -1;

    if (pid == 0) {
        close(ready[0]);
        upstream_module.adopt(&self, gen);
        act(group_of(gen));
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    if (pid == -1)
        exit(1);
    close(ready[1]);
    if (read(ready[0], &byte, 1) == -1)
        exit(1);
    close(ready[0]);
    return pid;
}


static void
end_worker(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}


/* Never given back. */
static void
pick_one(struct upstream_group *g)
{
    struct pick p;

    pick_start(&p, &task, g);
    pick_next(&p);
}


static void
pick_and_fail(struct upstream_group *g)
{
    pick_one(g);
    ask(g, PEER_FAILED);
}


static void
pick_three(struct upstream_group *g)
{
    for (unsigned i = 0; i < 3; i++)
        pick_one(g);
}


static void
die_counting(struct upstream_group *g)
{
    pick_one(g);
    zone_lock(g->set->zone);
    g->set->peers[0].state->conns = 77;
    _exit(0);
}


/* What another process does to a group with a zone is seen here. */
static void
test_shared(void)
{
    struct generation     *gen;
    struct upstream_group *g;
    pid_t                  other;

    gen = first_servers("zone z 64k; server 127.0.0.1:1 max_conns=1;"
                        "server 127.0.0.1:2 fail_timeout=20;");
    g = group_of(gen);
    ok(g->set->zone == NULL, "who reads a configuration does not look into it");
    other = run_worker(gen, pick_and_fail);
    upstream_module.adopt(&self, gen);
    is(g->set->peers[0].state->conns, 1, "a connection is counted for all");
    is(g->set->peers[1].state->fails, 1, "and a failure");
    is(ask(g, PEER_OK), '-', "nobody is left here either");
    end_worker(other);
    generation_put(gen);
}


/* States belong to peers rather than to generations. */
static void
test_kept(void)
{
    struct generation     *gen, *refused;
    struct upstream_group *g;
    struct pick            p;
    struct peer_state     *second;

    gen = first_servers("zone z 64k; server 127.0.0.1:1; server 127.0.0.1:2;"
                        "server 127.0.0.1:2;");
    upstream_module.adopt(&self, gen);
    g = group_of(gen);
    second = g->set->peers[1].state;
    second->fails = 5;
    ok(second != g->set->peers[2].state, "each of two lines has a state");

    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:3;"
                            "server 127.0.0.1:2 max_fails=7;");
    g = group_of(gen);
    is_same(g->set->peers[1].state, second,
            "a server that stays keeps its state");
    is(second->fails, 5, "... as it was");
    is(second->weight, 1, "... with its weight");
    is(g->set->peers[0].state->fails, 0, "a new one begins anew");

    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:2 weight=3 "
                            "max_fails=7; server 127.0.0.1:1 down;");
    g = group_of(gen);
    is_same(g->set->peers[0].state, second, "another weight");
    is(second->weight, 3, "... is followed");
    is(second->fails, 5, "... and no more than that");
    pick_start(&p, &task, g);
    pick_next(&p);
    is(second->conns, 1, "a connection");

    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:3;");
    ok(group_of(gen)->set->peers[0].state != second,
       "a server that is gone is not another one while it has connections");
    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:2;");
    g = group_of(gen);
    is_same(g->set->peers[0].state, second, "it comes back");
    is(second->fails, 5, "... and has its state");
    is(second->conns, 1, "... and its connections");

    refused = read_servers("zone z 64k; server 127.0.0.1:2 weight=9;");
    ok(zones_open(refused, gen, false, &quiet), "a configuration");
    generation_put(refused);
    is(second->weight, 1, "that is given up");
    gen = next_servers(gen, "zone z 128k; server 127.0.0.1:2;");
    is(group_of(gen)->set->peers[0].state->conns, 0,
       "another size: everything begins anew");
    generation_put(gen);
}


/* More servers than a zone has room for. */
static void
test_full(void)
{
    struct arena      *a = arena_new(0);
    struct generation *few = read_servers("zone z 32k; server 127.0.0.1:1;");
    struct generation *many;
    struct peer_set   *set;
    str_t              text = STR("zone z 32k;");

    for (unsigned i = 1; i < 1000; i++)
        text = arena_printf(a, STR_F " server 127.0.0.1:%u;", STR_A(text), i);
    many = read_servers(str_z(a, text));
    ok(many != NULL, "a thousand servers in a small zone");
    ok(!zones_open(many, NULL, true, &quiet), "... fail in a test");
    ok(zones_open(few, NULL, false, &quiet), "few fit");
    upstream_module.adopt(&self, few);
    group_of(few)->set->peers[0].state->fails = 3;
    ok(!zones_open(many, few, false, &quiet), "many do not");
    generation_put(many);
    is(group_of(few)->set->peers[0].state->fails, 3, "the few are as before");
    set = peer_set_new(a, group_of(few)->servers.at, 1);
    while (zone_alloc(group_of(few)->zone->zone, 32) != NULL)
        continue;
    ok(!shared_join(set, STR("another"), group_of(few)->zone->zone),
       "a full zone takes nobody in");
    ok(set->zone == NULL && set->peers[0].state->weight == 1,
       "who then has what he had");
    generation_put(few);
    arena_free(a);
}


/* Text of n servers, the first one on that port; each stands there twice. */
static const char *
many_servers(struct arena *a, unsigned first, unsigned n)
{
    size_t room = 32 + n * 64, at;
    char  *text = arena_bytes(a, room);

    at = (size_t) snprintf(text, room, "zone z 8m;");
    for (unsigned i = first; i < first + n; i++)
        at += (size_t) snprintf(text + at, room - at,
                                " server 127.0.0.1:%u; server 127.0.0.1:%u;", i,
                                i);
    return text;
}


static void
test_many(void)
{
    enum { N = 3000 };
    struct arena          *a = arena_new(0);
    struct generation     *gen = first_servers(many_servers(a, 1001, N));
    struct upstream_group *g;
    unsigned               n_kept = 0;

    upstream_module.adopt(&self, gen);
    g = group_of(gen);
    for (unsigned i = 0; i < g->set->n_peers; i++)
        g->set->peers[i].state->fails = i + 1;
    gen = next_servers(gen, many_servers(a, 1000, N));
    g = group_of(gen);
    for (unsigned i = 2; i < g->set->n_peers; i++)
        n_kept += g->set->peers[i].state->fails == i - 1;
    is(n_kept, 2 * N - 2, "each of thousands finds its state");
    is(g->set->peers[0].state->fails + g->set->peers[1].state->fails, 0,
       "... and new ones find nobody's");
    generation_put(gen);
    arena_free(a);
}


/* A set that takes another's place at run time. */
static void
test_replaced(void)
{
    struct generation      *gen;
    struct upstream_group  *g;
    struct arena           *a = arena_new(0);
    struct upstream_server *s = arena_make(a, struct upstream_server);
    struct peer_state      *state;

    gen = first_servers("zone z 64k; server 127.0.0.1:1; server 127.0.0.1:2;");
    upstream_module.adopt(&self, gen);
    g = group_of(gen);
    state = g->set->peers[1].state;
    state->fails = 4;
    *s = *g->set->peers[1].server;
    ok(upstream_replace(g, a, s, 1), "other servers");
    is_same(g->set->peers[0].state, state, "... share what was shared");
    is(state->fails, 4, "... as it was");

    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:2;");
    is_same(group_of(gen)->set->peers[0].state, state, "the next generation");
    generation_put(gen);
}


/* A process that ends takes its connections with it. */
static void
test_take_back(void)
{
    struct generation     *gen;
    struct upstream_group *g;
    pid_t                  other;

    gen = first_servers("zone z 64k; server 127.0.0.1:1; server 127.0.0.1:2;");
    other = run_worker(gen, pick_three);
    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:2;"
                            "server 127.0.0.1:3;");
    g = group_of(gen);
    is(g->set->peers[0].state->conns, 1, "connections over a reload");
    end_worker(other);
    is(g->set->peers[0].state->conns, 1, "who has them ends");
    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:2;");
    is(group_of(gen)->set->peers[0].state->conns, 0,
       "the next one that comes takes them back");

    other = run_worker(gen, pick_three);
    end_worker(other);
    g = group_of(gen);
    is(g->set->peers[0].state->conns, 3, "others");
    usleep(1100 * 1000);
    clock_update();
    ask(g, PEER_OK);
    is(g->set->peers[0].state->conns, 0, "are taken back a second later");
    generation_put(gen);
}


/* A server that is gone makes room for others, when nobody has it. */
static void
test_reused(void)
{
    struct generation *gen;
    struct peer_state *first;
    pid_t              other;

    gen = first_servers("zone z 64k; server 127.0.0.1:1;");
    other = run_worker(gen, pick_one);
    upstream_module.adopt(&self, gen);
    first = group_of(gen)->set->peers[0].state;
    first->fails = 3;
    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:2;");
    ok(group_of(gen)->set->peers[0].state != first, "somebody has it");
    end_worker(other);
    gen = next_servers(gen, "zone z 64k; server 127.0.0.1:3;");
    is_same(group_of(gen)->set->peers[0].state, first, "nobody has it");
    is(first->fails, 0, "it begins anew for another");
    is(first->weight, 1, "... with its weight");
    is(first->conns, 0, "... and no connections");
    generation_put(gen);
}


/* Killed between two changes that belong together. */
static void
test_mended(void)
{
    struct generation *gen;
    struct peer_state *state;

    gen = first_servers("zone z 64k; server 127.0.0.1:1;");
    upstream_module.adopt(&self, gen);
    state = group_of(gen)->set->peers[0].state;
    pick_one(group_of(gen));
    waitpid(run_worker(gen, die_counting), NULL, 0);
    is(state->conns, 77, "a process dies in the middle");
    ask(group_of(gen), PEER_OK);
    is(state->conns, 1, "what the others hold is counted again");
    generation_put(gen);
}


static void
test_errors(void)
{
    static const char *const wrong[] = {
        "server 127.0.0.1; zone z 64k; } upstream v { server 127.0.0.1; "
        "zone z 65k;",
        "server 127.0.0.1; zone z 64k; } } stream { upstream v { "
        "server 127.0.0.1:1; zone z 64k;",
    };
    static const char good[]
        = "server 127.0.0.1; zone z 64k; } upstream v { server 127.0.0.1; "
          "zone z; } } stream { upstream v { server 127.0.0.1:1; zone y 64k;";
    struct generation *gen;

    for (size_t i = 0; i < countof(wrong); i++)
        is_same(read_servers(wrong[i]), NULL, "refused: %s", wrong[i]);
    gen = read_servers(good);
    ok(gen != NULL && zones_open(gen, NULL, true, &quiet), "taken");
    generation_put(gen);
    gen = read_servers("server 127.0.0.1; zone z;");
    ok(!zones_open(gen, NULL, true, &quiet), "a zone without a size");
    generation_put(gen);
}


int
main(void)
{
    log_to_stderr = false;
    modules_init();
    clock_update();
    task.arena = arena_new(0);
    task.log = &quiet;
    task_init(&task);
    self.log = quiet;
    worker = &self;

    test_shared();
    test_kept();
    test_full();
    test_many();
    test_replaced();
    test_take_back();
    test_reused();
    test_mended();
    test_errors();

    arena_free(task.arena);
    return done();
}
