/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread pool: many jobs, a full queue, jobs taken back, and the end.
 */
#include <pthread.h>
#include <semaphore.h>

#include "core/event/pool.h"
#include "t/unit/tap.h"

enum { MANY = 2000 };

struct sum {
    struct job job;
    pthread_t  thread;
    int        in, out, dones;
};

static int          n_done;
static pthread_t    main_thread;
static struct pool *pool;


static void
work(struct job *j)
{
    struct sum *s = container_of(j, struct sum, job);

    s->out = s->in * 2;
    s->thread = pthread_self();
}


static void
finish(struct job *j)
{
    container_of(j, struct sum, job)->dones++;
    n_done++;
}


static struct log_targets silent_targets;
static struct log         silent = { .targets = &silent_targets };


static void
test_many(struct loop *l)
{
    static struct sum many[MANY];
    int               wrong = 0, refused = 0;

    pool = pool_new(l, "default", 4, MANY, &silent);
    for (int i = 0; i < MANY; i++) {
        many[i] = (struct sum){ { .work = work, .done = finish }, 0, i, 0, 0 };
        refused += !pool_submit(pool, &many[i].job);
    }
    is(refused, 0, "all taken");
    is(n_done, 0, "done is called by the loop alone");
    for (int i = 0; i < 10000 && n_done < MANY; i++)
        loop_turn(l, 100);
    is(n_done, MANY, "all done");
    is(pool_pending(pool), 0, "none pending");
    for (int i = 0; i < MANY; i++)
        wrong += many[i].out != 2 * i || many[i].dones != 1
                 || pthread_equal(many[i].thread, main_thread);
    is(wrong, 0, "each once, in a thread");
    pool_free(pool);
}


static sem_t gate, entered;


static void
work_gated(struct job *j)
{
    (void) j;
    sem_post(&entered);
    sem_wait(&gate);
}


static void
test_full(struct loop *l)
{
    struct sum a = { { .work = work_gated, .done = finish }, 0, 0, 0, 0 };
    struct sum b = { { .work = work, .done = finish }, 0, 1, 0, 0 };
    struct sum c = { { .work = work, .done = finish }, 0, 2, 0, 0 };
    struct sum d = { { .work = work, .done = finish }, 0, 3, 0, 0 };

    n_done = 0;
    sem_init(&gate, 0, 0);
    sem_init(&entered, 0, 0);
    pool = pool_new(l, "small", 1, 2, &silent);
    ok(pool_submit(pool, &a.job), "the first");
    sem_wait(&entered);
    ok(pool_submit(pool, &b.job), "queued");
    ok(pool_submit(pool, &c.job), "queued");
    ok(!pool_submit(pool, &d.job), "the queue is full");
    is(pool_pending(pool), 3, "pending");
    sem_post(&gate);
    pool_free(pool);
    is(n_done, 3, "the end waits for what is queued");
    is(b.out + c.out, 6, "which was done");
    is(d.dones, 0, "but not what was refused");
    loop_turn(l, 0);
}


int
main(void)
{
    struct loop *l = loop_new(&silent, 16);

    main_thread = pthread_self();
    pool = pool_new(l, "unused", 4, 1, &silent);
    pool_free(pool);
    pass("a pool that is never used");
    test_many(l);
    test_full(l);
    loop_free(l);
    return done();
}
