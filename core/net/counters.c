/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table: a head, and a line for each process, of as many cache lines as the
 * counters need.  Line 0 has the totals of processes that have ended.
 */
#include "core/net/counters.h"

#include <string.h>
#include <unistd.h>

#include "core/base/check.h"

enum { LINES = 1024 };

struct table {
    uint64_t connections; /* numbered so far, by all processes               */
    bool     is_taken[LINES];
    pid_t    pids[LINES]; /* 0: it does not count so far                    */
    uint64_t lines[] __attribute__((aligned(COUNTERS_LINE)));
};

static const char shaken[] = "Handshakes of TLS with clients.";
static const char failed[] = "Handshakes of TLS that have failed, by reason.";
static const char refused[]
    = "Certificates of clients and upstreams that were refused.";

static const struct counter_row core_rows[] = {
    [CONNS_ACCEPTED] = { "connections_accepted_total", NULL, COUNTER_TOTAL,
                         "Connections from clients that were accepted." },
    [CONNS_HANDLED] = { "connections_handled_total", NULL, COUNTER_TOTAL,
                        "Connections from clients that there was room for." },
    [CONNS_ACTIVE] = { "connections_active", NULL, COUNTER_NOW,
                       "Connections from clients that are open." },
    [WORKERS_RESPAWNED] = { "workers_respawned_total", NULL, COUNTER_TOTAL,
                            "Worker processes that were started in place of "
                            "one that had ended." },
    [TLS_SHAKEN]
    = { "tls_handshakes_total", "result=\"success\"", COUNTER_TOTAL, shaken },
    [TLS_FAILED]
    = { "tls_handshakes_total", "result=\"failure\"", COUNTER_TOTAL, shaken },
    [TLS_NO_PROTOCOL] = { "tls_handshake_failures_total",
                          "reason=\"no_common_protocol\"", COUNTER_TOTAL,
                          failed },
    [TLS_NO_CIPHER] = { "tls_handshake_failures_total",
                        "reason=\"no_common_cipher\"", COUNTER_TOTAL, failed },
    [TLS_TIMED_OUT] = { "tls_handshake_failures_total", "reason=\"timeout\"",
                        COUNTER_TOTAL, failed },
    [TLS_REJECTED] = { "tls_handshake_failures_total",
                       "reason=\"rejected_certificate\"", COUNTER_TOTAL,
                       failed },
    [TLS_REUSED] = { "tls_sessions_reused_total", NULL, COUNTER_TOTAL,
                     "Sessions of TLS that clients have resumed." },
    [TLS_NO_CERT] = { "tls_certificates_refused_total", "reason=\"none\"",
                      COUNTER_TOTAL, refused },
    [TLS_EXPIRED_CERT] = { "tls_certificates_refused_total",
                           "reason=\"expired\"", COUNTER_TOTAL, refused },
    [TLS_REVOKED_CERT] = { "tls_certificates_refused_total",
                           "reason=\"revoked\"", COUNTER_TOTAL, refused },
    [TLS_WRONG_NAME] = { "tls_certificates_refused_total", "reason=\"name\"",
                         COUNTER_TOTAL, refused },
    [TLS_OTHER_CERT] = { "tls_certificates_refused_total", "reason=\"other\"",
                         COUNTER_TOTAL, refused },
    { .name = NULL },
};

static const struct counter_row *rows[COUNTERS_MAX];
static unsigned                  n_rows; /* 0: not even core's               */

static struct table *table;
static uint64_t      connections; /* numbered without a table                */
static uint64_t      own[COUNTERS_MAX + COUNTERS_PLACES]
    __attribute__((aligned(COUNTERS_LINE)));

uint64_t *counters_own = own;


static void
add_rows(const struct counter_row *of)
{
    for (; of->name != NULL; of++) {
        CHECK(n_rows < COUNTERS_MAX);
        rows[n_rows++] = of;
    }
}


unsigned
counters_count(void)
{
    if (n_rows == 0)
        add_rows(core_rows);
    return n_rows;
}


unsigned
counters_bring(const struct counter_row *of)
{
    unsigned first = counters_count();

    CHECK(table == NULL);
    add_rows(of);
    return first;
}


const struct counter_row *
counters_row(unsigned number)
{
    return number < counters_count() ? rows[number] : NULL;
}


unsigned
counters_place(unsigned i)
{
    return counters_count() + i;
}


/* The length of a line. */
static size_t
stride(void)
{
    const size_t least = COUNTERS_LINE / sizeof(uint64_t);

    return (counters_count() + COUNTERS_PLACES + least - 1) / least * least;
}


static uint64_t *
line_at(unsigned i)
{
    return table->lines + i * stride();
}


static unsigned
line_number(const uint64_t *line)
{
    return (unsigned) ((size_t) (line - table->lines) / stride());
}


size_t
counters_size(void)
{
    return sizeof(*table) + LINES * stride() * sizeof(uint64_t);
}


void
counters_open(void *at)
{
    CHECK((uintptr_t) at % COUNTERS_LINE == 0);
    table = at;
}


uint64_t
counters_next_connection(void)
{
    return __atomic_add_fetch(table != NULL ? &table->connections
                                            : &connections,
                              1, __ATOMIC_RELAXED);
}


/* During an upgrade, two masters take lines. */
uint64_t *
counters_take(void)
{
    for (unsigned i = 1; table != NULL && i < LINES; i++)
        if (!__atomic_test_and_set(&table->is_taken[i], __ATOMIC_ACQUIRE))
            return line_at(i);
    return NULL;
}


void
counters_put(uint64_t *line)
{
    if (line == NULL)
        return;
    for (unsigned i = 0; i < n_rows; i++)
        if (rows[i]->kind == COUNTER_TOTAL)
            __atomic_fetch_add(&line_at(0)[i], line[i], __ATOMIC_RELAXED);
    memset(line, 0, stride() * sizeof(*line));
    __atomic_store_n(&table->pids[line_number(line)], 0, __ATOMIC_RELAXED);
    __atomic_clear(&table->is_taken[line_number(line)], __ATOMIC_RELEASE);
}


void
counters_use(uint64_t *line)
{
    counters_own = line != NULL ? line : own;
    if (line != NULL)
        __atomic_store_n(&table->pids[line_number(line)], getpid(),
                         __ATOMIC_RELAXED);
}


bool
counters_next_process(unsigned *i, struct counters_process *out)
{
    while (table != NULL && ++*i < LINES) {
        out->line = *i;
        out->pid = __atomic_load_n(&table->pids[*i], __ATOMIC_RELAXED);
        if (out->pid != 0
            && __atomic_load_n(&table->is_taken[*i], __ATOMIC_RELAXED))
            return true;
    }
    return false;
}


uint64_t
counters_of(const struct counters_process *p, unsigned number)
{
    return __atomic_load_n(&line_at(p->line)[number], __ATOMIC_RELAXED);
}


uint64_t
counters_sum(unsigned number)
{
    uint64_t sum = own[number];

    for (unsigned i = 0; table != NULL && i < LINES; i++)
        if (i == 0 || __atomic_load_n(&table->is_taken[i], __ATOMIC_RELAXED))
            sum += __atomic_load_n(&line_at(i)[number], __ATOMIC_RELAXED);
    return sum;
}
