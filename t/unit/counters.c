/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of several processes.
 */
#include "core/net/counters.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"

enum { EVENTS, THERE, MORE };
enum { N_ROWS = 5, PER_LINE = COUNTERS_LINE / sizeof(uint64_t) };

static const struct counter_row own_rows[] = {
    [EVENTS] = { "events_total", NULL, COUNTER_TOTAL, "Events." },
    [THERE] = { "there", "kind=\"a\"", COUNTER_NOW, "What is there." },
    [MORE] = { "there", "kind=\"b\"", COUNTER_NOW, "What is there." },
    { .name = NULL },
};
static const struct counter_row other_rows[] = {
    { "others_total", NULL, COUNTER_TOTAL, "Others." },
    { "others_now", NULL, COUNTER_NOW, "Others." },
    { .name = NULL },
};


/* Counts in another process. */
static void
count_there(uint64_t *line, unsigned number, int n)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) {
        counters_use(line);
        counter_add(number, n);
        _exit(0);
    }
    waitpid(pid, &status, 0);
}


static void
test_rows(void)
{
    unsigned first = counters_bring(own_rows);
    unsigned next = counters_bring(other_rows);

    is(first, COUNTERS_OF_CORE, "rows come behind core's");
    is(next, first + 3, "and others behind them");
    is(counters_count(), next + 2, "so many are there");
    is_text(counters_row(CONNS_ACTIVE)->name, "connections_active", "core's");
    is_same(counters_row(first + MORE), &own_rows[MORE], "own ones");
    is_same(counters_row(next + 1), &other_rows[1], "the last");
    is_same(counters_row(next + 2), NULL, "no other");
    for (unsigned i = 0; i < counters_count(); i++)
        if (counters_row(i)->help == NULL)
            fail("%s has a help", counters_row(i)->name);
}


static void
test_sums(void)
{
    unsigned  events = COUNTERS_OF_CORE + EVENTS;
    unsigned  there = COUNTERS_OF_CORE + THERE;
    uint64_t *a, *b;

    counter_add(events, 1);
    is_same(counters_take(), NULL, "no lines without a table");
    counters_open(mmap(NULL, counters_size(), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    a = counters_take();
    b = counters_take();
    ok(a != NULL && b != NULL && a != b, "each process has a line");
    is((uintptr_t) a % COUNTERS_LINE, 0, "which begins a cache line");
    is(b - a,
       (COUNTERS_OF_CORE + N_ROWS + COUNTERS_PLACES + PER_LINE - 1) / PER_LINE
           * PER_LINE,
       "of as many as needed");
    count_there(a, events, 5);
    count_there(b, events, 7);
    count_there(b, there, 3);
    count_there(b, there, -1);
    is(counters_sum(events), 13, "the lines are added up");
    is(counters_sum(there), 2, "what is there, too");
    counters_put(b);
    is(counters_sum(events), 13, "the end of a process keeps its totals");
    is(counters_sum(there), 0, "but not what was there");
    is_same(counters_take(), b, "its line is taken again");
    is(b[events] + b[there], 0, "... zeroed");
    counters_put(NULL);
    is(counters_sum(events + 1 + MORE), 0, "others were left alone");
}


static void
test_exhausted(void)
{
    unsigned n = 0;

    while (counters_take() != NULL)
        n++;
    is(n, 1021, "there is an end to lines");
    counters_use(NULL);
    counter_add(COUNTERS_OF_CORE, 2);
    is(counters_sum(COUNTERS_OF_CORE), 15,
       "a process without one still counts for itself");
}


static void
test_numbers(void)
{
    uint64_t first = counters_next_connection();
    int      status;
    pid_t    pid = fork();

    if (pid == 0)
        _exit(counters_next_connection() == first + 1 ? 0 : 1);
    waitpid(pid, &status, 0);
    is(status, 0, "another process numbers on");
    is(counters_next_connection(), first + 2, "and so does this one");
}


int
main(void)
{
    test_rows();
    test_sums();
    test_exhausted();
    test_numbers();
    return done();
}
