/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How each balancer shares out 10,000 picks: by weights, with peers that are
 * down and come back, in one process and in four that share a zone; and the
 * circle of a consistent hash.
 */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/number.h"
#include "core/conf/types.h"
#include "core/expr/variable.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/shm/registry.h"
#include "core/upstream/build.h"
#include "modules/balance/least.h"
#include "t/unit/http_block.h"
#include "t/unit/servers.h"
#include "t/unit/tap.h"

enum { PICKS = 10000, PEERS = 8 };

extern struct module hash_module, least_conn_module, least_time_module,
    random_module;

static str_t key;


static str_t
get_key(struct task *t, uintptr_t arg)
{
    (void) t;
    (void) arg;
    return key;
}


static const struct variable variables[]
    = { { "key", get_key, 0, VAR_VOLATILE, NULL, "" }, { .name = NULL } };

static const struct conf_opener http_opener = { .inside = IN_HTTP };

static const struct directive directives[]
    = { BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
        { .name = NULL } };

static struct module http_module = {
    .name = "http",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
};

struct module *const weir_modules[]
    = { &http_module,       &upstream_module, &hash_module, &least_conn_module,
        &least_time_module, &random_module,   &vars_module, NULL };

static struct worker self;


/* --- counting --------------------------------------------------------------- */

static void
run_under(struct generation *gen)
{
    task.gen = gen;
    task.values = NULL;
    task.kind = FOR_HTTP;
}


/* How often each peer is picked, in n picks with new keys. */
static void
count(struct generation *gen, unsigned n, unsigned first, unsigned *counts)
{
    struct upstream_group *g = group_of(gen);
    struct pick            p;
    char                   text[16];

    run_under(gen);
    for (unsigned i = 0; i < n; i++) {
        key = (str_t){ text, number_put(text, first + i) };
        pick_start(&p, &task, g);
        if (pick_next(&p) != NULL)
            counts[p.peer->index]++;
        pick_end(&p, PEER_OK);
    }
}


/* Whether each count is its part of all, within so many hundredths of that. */
static bool
are_shares(const unsigned *counts, const unsigned *parts, unsigned n,
           double within)
{
    double all = 0, sum = 0;

    for (unsigned i = 0; i < n; i++) {
        all += parts[i];
        sum += counts[i];
    }
    for (unsigned i = 0; i < n; i++) {
        double want = sum * parts[i] / all;

        if (fabs(counts[i] - want) > want * within / 100 + 1) {
            fprintf(stderr, "# peer %u: %u of %.0f, not %.0f\n", i, counts[i],
                    sum, want);
            return false;
        }
    }
    return true;
}


static unsigned
sum_of(const unsigned *counts)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < PEERS; i++)
        sum += counts[i];
    return sum;
}


/* In so many processes at the same time, which share the zone. */
static void
count_in_workers(struct generation *gen, unsigned workers, unsigned *counts)
{
    int      out[2];
    unsigned part[PEERS];

    if (pipe(out) != 0)
        exit(1);
    for (unsigned w = 0; w < workers; w++) {
        if (fork() != 0)
            continue;
        memset(part, 0, sizeof(part));
        upstream_module.adopt(&self, gen);
        srandom(w + 1);
        count(gen, PICKS / workers, w * PICKS, part);
        if (write(out[1], part, sizeof(part)) != sizeof(part))
            _exit(1);
        _exit(0);
    }
    close(out[1]);
    while (read(out[0], part, sizeof(part)) == sizeof(part))
        for (unsigned i = 0; i < PEERS; i++)
            counts[i] += part[i];
    close(out[0]);
    while (wait(NULL) > 0)
        continue;
}


/* --- by weight -------------------------------------------------------------- */

static const struct {
    const char *name, *directive;
    double      within; /* hundredths                                        */
    double      among;  /* the same in four workers; 0: by chance, since the
                           connection of a worker counts as long as it has to
                           wait for the processor                             */
} balancers[] = {
    { "round robin", "", 0.1, 0.1 },
    { "least_conn", "least_conn;", 1, 0 },
    { "least_time", "least_time header;", 1, 0 },
    { "random", "random;", 8, 8 },
    { "hash", "hash $key;", 12, 12 },
    { "hash consistent", "hash $key consistent;", 25, 25 },
};

static const char     servers[] = "server 127.0.0.1:1 weight=4;"
                                  "server 127.0.0.1:2 weight=2;"
                                  "server 127.0.0.1:3;"
                                  "server 127.0.0.1:4;";
static const unsigned weights[] = { 4, 2, 1, 1 }, without[] = { 4, 0, 1, 1 };


static struct generation *
read_group(const char *directive, const char *lines)
{
    struct arena      *a = arena_new(0);
    struct generation *gen
        = read_servers(arena_printf(a, "%s %s", directive, lines).p);

    if (gen == NULL || !zones_open(gen, NULL, false, &quiet))
        exit(1);
    arena_free(a);
    return gen;
}


/* A peer fails, is left alone, and comes back. */
static void
test_weights(unsigned i)
{
    struct generation     *gen = read_group(balancers[i].directive, servers);
    struct upstream_group *g = group_of(gen);
    struct peer_state     *second;
    unsigned               counts[3][PEERS] = { { 0 } };
    const char            *name = balancers[i].name;
    double                 within = balancers[i].within;

    upstream_module.adopt(&self, gen);
    second = g->set->peers[1].state;
    count(gen, PICKS, 0, counts[0]);
    ok(are_shares(counts[0], weights, 4, within), "%s: by weight", name);
    is(sum_of(counts[0]), PICKS, "... all of them");

    second->fails = 1;
    second->failed_at = second->checked_at = pick_now();
    count(gen, PICKS, 0, counts[1]);
    is(counts[1][1], 0, "%s: one has failed", name);
    is(sum_of(counts[1]), PICKS, "... and others get what it got");
    if (i < 4)
        ok(are_shares(counts[1], without, 4, within), "... by weight");

    second->checked_at -= 11;
    second->failed_at -= 12;
    count(gen, PICKS, 0, counts[2]);
    ok(are_shares(counts[2], weights, 4, within), "%s: it comes back", name);
    generation_put(gen);
}


static void
test_workers(unsigned i)
{
    struct arena *a = arena_new(0);
    const char   *directive
        = arena_printf(a, "zone z 64k; %s", balancers[i].directive).p;
    unsigned           counts[PEERS] = { 0 };
    struct generation *gen = read_group(directive, servers);

    count_in_workers(gen, 4, counts);
    if (balancers[i].among != 0)
        ok(are_shares(counts, weights, 4, balancers[i].among),
           "%s: by weight, in four workers", balancers[i].name);
    for (unsigned p = 0; p < 4; p++)
        ok(counts[p] != 0 && group_of(gen)->set->peers[p].state->conns == 0,
           "%s: peer %u is asked, and left", balancers[i].name, p);
    is(sum_of(counts), PICKS, "... all of them");
    generation_put(gen);
    arena_free(a);
}


/* --- other rules ------------------------------------------------------------ */

static void
test_backup(void)
{
    struct generation *gen = read_group(
        "", "server 127.0.0.1:1; server 127.0.0.1:2 down;"
            "server 127.0.0.1:3 weight=3; server 127.0.0.1:4 backup;"
            "server 127.0.0.1:5 drain;");
    const unsigned parts[] = { 1, 0, 3, 0, 0 };
    unsigned       counts[PEERS] = { 0 };

    count(gen, PICKS, 0, counts);
    ok(are_shares(counts, parts, 5, 0.1), "down, drain and backup get nothing");
    generation_put(gen);
}


/* Within slow_start, a peer gets as much of its weight as of the time is over. */
static void
test_slow_start(void)
{
    struct generation *gen = read_group(
        "", "server 127.0.0.1:1; server 127.0.0.1:2 slow_start=1000s;");
    struct peer_state *second = group_of(gen)->set->peers[1].state;
    const unsigned     half[] = { 2, 1 }, whole[] = { 1, 1 };
    unsigned           counts[3][PEERS] = { { 0 } };

    upstream_module.adopt(&self, gen);
    second = group_of(gen)->set->peers[1].state;
    second->fails = 1;
    second->failed_at = pick_now() - 30;
    second->checked_at = pick_now() - 20;
    count(gen, 2, 0, counts[0]);
    ok(second->risen_at != 0, "live again: it starts slowly");
    count(gen, PICKS, 0, counts[0]);
    ok(counts[0][1] < PICKS / 100, "from nothing");
    second->risen_at = clock_ms() - 500 * 1000;
    count(gen, PICKS, 0, counts[1]);
    ok(are_shares(counts[1], half, 2, 2),
       "half of the time, half of the weight");
    second->risen_at = clock_ms() - 1001 * 1000;
    count(gen, PICKS, 0, counts[2]);
    ok(are_shares(counts[2], whole, 2, 2), "then all of it");
    is(second->risen_at, 0, "it has started");
    generation_put(gen);
}


/* One request after the other, each with the time that its peer takes. */
static void
take(struct upstream_group *g, unsigned n, const int64_t *ms, unsigned *counts)
{
    struct pick p;

    for (unsigned i = 0; i < n; i++) {
        pick_start(&p, &task, g);
        if (pick_next(&p) == NULL)
            exit(1);
        counts[p.peer->index]++;
        p.result.header_ms = ms[p.peer->index];
        p.result.response_ms = ms[p.peer->index] * 10;
        pick_end(&p, PEER_OK);
    }
}


/* The third one takes 300 ms, the best ones 20 ms: no request for a while makes
 * it come first again, once if it has stayed as slow. */
static void
test_fading(struct upstream_group *g)
{
    static const int64_t slow[] = { 100, 20, 300, 20 }, fast[] = { 100, 20, 1 };
    struct peer_state   *third = g->set->peers[2].state;
    unsigned             counts[3][PEERS] = { { 0 } };

    third->tally.selected_at -= 39; /* 300 / 8 */
    take(g, 100, slow, counts[0]);
    is(counts[0][2], 0, "least_time: one that was slow");
    third->tally.selected_at -= 1; /* 300 / 16 */
    take(g, 100, slow, counts[1]);
    is(counts[1][2], 1, "... is asked again, after some time");
    third->tally.selected_at -= 1000;
    take(g, 100, fast, counts[2]);
    is(counts[2][2], 100, "... and goes on, if it is fast");
    is(peer_mean_ms(third->tally.header_time), 1, "... as it is measured now");
}


static void
test_least_time(void)
{
    static const int64_t   ms[] = { 100, 20, 300, 20 };
    struct generation     *gen;
    struct upstream_group *g;
    unsigned               counts[2][PEERS] = { { 0 } };
    struct pick            p[3];

    gen = read_group("least_time header;",
                     "server 127.0.0.1:1; server 127.0.0.1:2;"
                     "server 127.0.0.1:3; server 127.0.0.1:4;");
    g = group_of(gen);
    upstream_module.adopt(&self, gen);
    take(g, 4, ms, counts[0]);
    for (unsigned i = 0; i < 4; i++)
        is(counts[0][i], 1, "least_time: who was not measured comes first");
    is(peer_mean_ms(g->set->peers[2].state->tally.header_time), 300,
       "the average");
    is(peer_mean_ms(g->set->peers[2].state->tally.response_time), 3000,
       "... of whole responses");
    take(g, 1000, ms, counts[1]);
    is(counts[1][1] + counts[1][3], 1000, "then the fastest");
    is(counts[1][1], 500, "... by turns");

    for (unsigned i = 0; i < 3; i++) {
        pick_start(&p[i], &task, g);
        pick_next(&p[i]);
    }
    is(g->set->peers[1].state->conns + g->set->peers[3].state->conns, 3,
       "three are busy");
    for (unsigned i = 0; i < 3; i++)
        pick_end(&p[i], PEER_OK);
    test_fading(g);
    generation_put(gen);

    gen = read_group("least_time last_byte inflight;",
                     "server 127.0.0.1:1; server 127.0.0.1:2;");
    g = group_of(gen);
    upstream_module.adopt(&self, gen);
    take(g, 2, ms, counts[0]);
    pick_start(&p[0], &task, g);
    is(letter(pick_next(&p[0])), '2', "the faster one");
    g->set->peers[1].state->begun_ms -= 1000000;
    is(ask(g, PEER_OK), '1', "inflight: a request that takes very long");
    g->set->peers[1].state->begun_ms += 1000000;
    pick_end(&p[0], PEER_OK);
    is(ask(g, PEER_OK), '2', "... and is over");
    generation_put(gen);
}


/* Few keys move when a server is added or removed, and only where they have to. */
static void
test_circle(void)
{
    enum { KEYS = 1000 };
    struct generation *few = read_group("hash $key consistent;",
                                        "server 127.0.0.1:1;"
                                        "server 127.0.0.1:2;"
                                        "server 127.0.0.1:3;");
    struct generation *more = read_group("hash $key consistent;",
                                         "server 127.0.0.1:3;"
                                         "server 127.0.0.1:2;"
                                         "server 127.0.0.1:1;"
                                         "server 127.0.0.1:4;");
    unsigned           moved = 0, wrong = 0;
    char               text[16], before, after;

    for (unsigned i = 0; i < KEYS; i++) {
        key = (str_t){ text, number_put(text, i) };
        run_under(few);
        before = ask(group_of(few), PEER_OK);
        run_under(more);
        after = ask(group_of(more), PEER_OK);
        moved += before != after;
        wrong += before != after && after != '4';
    }
    ok(moved > 150 && moved < 350, "a quarter of the keys moves: %u", moved);
    is(wrong, 0, "... to the new server only");
    generation_put(few);
    generation_put(more);
}


/* --- many peers ------------------------------------------------------------- */

enum { MANY = 1000 };

static int done_with[2];

/* Of weight 1, or else of 1 to that many. */
static struct generation *
read_weighted(const char *directive, unsigned most)
{
    struct arena      *a = arena_new(0);
    str_t              text = str_of(directive);
    struct generation *gen;

    for (unsigned i = 0; i < MANY; i++)
        text = arena_printf(a, STR_F " server 127.0.%u.1:%u weight=%u;",
                            STR_A(text), i % 200, i + 1, 1 + i % most);
    gen = read_group(str_z(a, text), "");
    arena_free(a);
    return gen;
}


static struct generation *
read_many(const char *directive)
{
    return read_weighted(directive, 1);
}


/* How many peers have not had n picks each. */
static unsigned
count_others(const unsigned *counts, unsigned n)
{
    unsigned others = 0;

    for (unsigned i = 0; i < MANY; i++)
        others += counts[i] != n;
    return others;
}


static void
test_many(void)
{
    struct generation     *gen = read_many("");
    struct upstream_group *g = group_of(gen);
    unsigned               counts[MANY] = { 0 }, most = 0;

    upstream_module.adopt(&self, gen);
    count(gen, 10 * MANY, 0, counts);
    is(count_others(counts, 10), 0, "ten rounds: ten picks for each of %d",
       MANY);

    memset(counts, 0, sizeof(counts));
    for (unsigned i = 0; i < MANY; i += 2) {
        g->set->peers[i].state->fails = 1;
        g->set->peers[i].state->checked_at = pick_now();
    }
    count(gen, 100 * MANY, 0, counts);
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 2 == 0 && counts[i] != 0)
            most = UINT32_MAX;
        if (counts[i] > most)
            most = counts[i];
    }
    ok(most < 300, "half of them have failed: nobody gets much more: %u", most);
    for (unsigned i = 1; i < MANY; i++) {
        g->set->peers[i].state->fails = 1;
        g->set->peers[i].state->checked_at = pick_now();
    }
    is_same(group_of(gen)->set, g->set, "the same set");
    is(ask(g, PEER_OK), '-', "all have failed");
    g->set->peers[777].state->fails = 0;
    is(ask(g, PEER_OK),
       g->set->peers[777].name.p[g->set->peers[777].name.n - 1],
       "all but one: that is found");
    generation_put(gen);
}


/* The least measure of those that have not failed. */
static double
least_of(const struct peer_set *set, const struct least *by)
{
    double best = INFINITY, m;

    for (unsigned i = 0; i < set->n_peers; i++) {
        m = least_measure(by, set, &set->peers[i]);
        if (peer_is_live(&set->peers[i], pick_now()) && m < best)
            best = m;
    }
    return best;
}


/* Requests come and go, and answers are slow and fast, or failures: each time, no
 * other peer has less. */
static void
test_least_of_many(const char *directive, const struct least *by)
{
    enum { ROUNDS = 30, AT_ONCE = 400 };
    struct generation     *gen = read_weighted(directive, 3);
    struct upstream_group *g = group_of(gen);
    static struct pick     p[AT_ONCE];
    unsigned               wrong = 0, fails = 0;

    upstream_module.adopt(&self, gen);
    run_under(gen);
    for (unsigned i = 0; i < ROUNDS * AT_ONCE; i++) {
        struct pick *one = &p[random() % AT_ONCE];
        enum outcome how = random() % 50 == 0 ? PEER_FAILED : PEER_OK;
        double       best;

        if (i % AT_ONCE == 0) { /* those under way grow older */
            usleep(2000);
            clock_update();
        }
        if (one->group != NULL) {
            one->result.header_ms = random() % 1000;
            one->result.response_ms = random() % 100;
            fails += how == PEER_FAILED;
            pick_end(one, how);
        }
        best = least_of(g->set, by);
        pick_start(one, &task, g);
        if (pick_next(one) == NULL)
            exit(1);
        g->set->peers[one->peer->index].state->conns--;
        g->set->peers[one->peer->index].state->begun_ms -= one->began_at;
        wrong += least_measure(by, g->set, one->peer) > best;
        g->set->peers[one->peer->index].state->conns++;
        g->set->peers[one->peer->index].state->begun_ms += one->began_at;
    }
    for (unsigned i = 0; i < AT_ONCE; i++)
        if (p[i].group != NULL)
            pick_end(&p[i], PEER_OK);
    memset(p, 0, sizeof(p));
    ok(fails != 0, "\"%s\": among %d peers, of which some fail,", directive,
       MANY);
    is(wrong, 0, "... always one with the least is asked");
    generation_put(gen);
}


/* Among many peers, too (of 512 bytes each at most in the zone), the one with the fewest connections for its weight, in
 * whatever process they are. */
static void
test_many_least(void)
{
    struct generation     *gen = read_many("zone z 500k; least_conn;");
    struct upstream_group *g = group_of(gen);
    struct pick           *p = arena_array(task.arena, struct pick, 3 * MANY);
    unsigned               wrong = 0;
    pid_t                  other;

    if (pipe(done_with) != 0)
        exit(1);
    other = fork();
    if (other == 0) {
        upstream_module.adopt(&self, gen);
        for (unsigned i = 0; i < MANY / 2; i++) {
            pick_start(&p[i], &task, g);
            pick_next(&p[i]);
        }
        if (write(done_with[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    upstream_module.adopt(&self, gen);
    is(read(done_with[0], &wrong, 1), 1, "another process has half of them");
    for (unsigned i = 0; i < MANY / 2; i++) {
        pick_start(&p[i], &task, g);
        wrong += pick_next(&p[i])->state->conns != 1;
    }
    is(wrong, 0, "this one takes the other half");
    for (unsigned i = MANY / 2; i < 3 * MANY / 2; i++) {
        pick_start(&p[i], &task, g);
        wrong += pick_next(&p[i])->state->conns != 2;
    }
    is(wrong, 0, "then each of them once more");
    pick_end(&p[700], PEER_OK);
    pick_end(&p[77], PEER_OK);
    for (unsigned i = 0; i < 2; i++) {
        pick_start(&p[0], &task, g);
        wrong += pick_next(&p[0])->state->conns != 2;
    }
    is(wrong, 0, "and those that have lost one");

    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    usleep(1100 * 1000);
    clock_update();
    for (unsigned i = 0; i < MANY / 2; i++) {
        pick_start(&p[0], &task, g);
        wrong += pick_next(&p[0])->state->conns != 2;
    }
    is(wrong, 0, "and those of a process that has died");
    generation_put(gen);
}


/* "balance bench": prints what a pick costs. */
static void
bench(void)
{
    static const char *const directives_of[]
        = { "",
            "hash $key;",
            "hash $key consistent;",
            "least_conn;",
            "zone z 500k; least_conn;",
            "zone z 1m;",
            "random;",
            "random two least_conn;",
            "least_time header;",
            "least_time header inflight;",
            "least_conn; server 127.1.0.1:1 slow_start=30s;",
            "zone z 500k; least_time header;" };
    enum { TIMES = 200000 };
    static unsigned counts[MANY];
    struct timespec from, to;

    for (unsigned i = 0; i < countof(directives_of); i++) {
        struct generation *gen = read_many(directives_of[i]);
        struct pick        p;
        double             ns;

        upstream_module.adopt(&self, gen);
        count(gen, MANY, 0, counts);
        pick_start(&p, &task, group_of(gen));
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (unsigned n = 0; n < TIMES; n++) {
            pick_again(&p);
            pick_next(&p);
            pick_done(&p, PEER_OK);
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        ns = (double) (to.tv_sec - from.tv_sec) * 1e9
             + (double) (to.tv_nsec - from.tv_nsec);
        printf("%-24s %6.0f ns\n", i == 0 ? "round robin" : directives_of[i],
               ns / TIMES);
        pick_end(&p, PEER_OK);
        generation_put(gen);
    }
}


int
main(int argc, char **argv)
{
    log_to_stderr = false;
    modules_init();
    clock_update();
    task.arena = arena_new(0);
    task.log = &quiet;
    task_init(&task);
    self.log = quiet;
    worker = &self;

    if (argc > 1 && strcmp(argv[1], "bench") == 0) {
        bench();
        return 0;
    }
    for (unsigned i = 0; i < countof(balancers); i++) {
        test_weights(i);
        test_workers(i);
    }
    test_backup();
    test_slow_start();
    test_least_time();
    test_circle();
    test_many();
    test_many_least();
    test_least_of_many("zone z 500k; least_conn;",
                       &(struct least){ .by = LEAST_CONNS });
    test_least_of_many("least_conn; server 127.1.0.1:1 slow_start=30s;",
                       &(struct least){ .by = LEAST_CONNS });
    test_least_of_many("least_time header;",
                       &(struct least){ .by = LEAST_HEADER });
    test_least_of_many(
        "zone z 500k; least_time last_byte inflight;",
        &(struct least){ .by = LEAST_LAST_BYTE, .is_inflight = true });

    arena_free(task.arena);
    return done();
}
