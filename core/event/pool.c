/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread pool.  One lock guards both queues.  Threads put finished jobs
 * into the second and write to an eventfd when it was empty before; the loop
 * watches that edge-triggered, so it never has to be read.
 */
#include "core/event/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
    struct job *head, **tail;
    size_t      n;
};

struct pool {
    struct loop      *loop;
    const char       *name;
    const struct log *log;
    struct event      event; /* of the eventfd                            */
    unsigned          wanted, n_threads, max_queue;
    pthread_t        *threads;
    size_t            pending; /* the loop's own count                      */

    pthread_mutex_t lock; /* guards what follows                       */
    pthread_cond_t  has_work;
    struct queue    queued, finished;
    bool            is_ending;
};


static void
queue_init(struct queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
    q->n = 0;
}


static void
queue_push(struct queue *q, struct job *j)
{
    j->next = NULL;
    *q->tail = j;
    q->tail = &j->next;
    q->n++;
}


static struct job *
queue_pop(struct queue *q)
{
    struct job *j = q->head;

    if (j == NULL)
        return NULL;
    q->head = j->next;
    if (q->head == NULL)
        q->tail = &q->head;
    q->n--;
    return j;
}


/* Called with the lock held.  The loop takes all finished jobs at once, so only
 * the first has to ring. */
static void
report(struct pool *p, struct job *j)
{
    uint64_t one = 1;
    bool     was_empty = p->finished.n == 0;

    queue_push(&p->finished, j);
    if (was_empty)
        while (write(p->event.fd, &one, sizeof(one)) == -1 && errno == EINTR)
            continue;
}


static void *
run_thread(void *arg)
{
    struct pool *p = arg;
    struct job  *j;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        j = queue_pop(&p->queued);
        if (j != NULL) {
            pthread_mutex_unlock(&p->lock);
            j->work(j);
            pthread_mutex_lock(&p->lock);
            report(p, j);
        } else if (p->is_ending) {
            break;
        } else {
            pthread_cond_wait(&p->has_work, &p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}


static void
finish_all(struct pool *p)
{
    struct queue all;
    struct job  *j;

    pthread_mutex_lock(&p->lock);
    all = p->finished;
    if (all.head == NULL)
        all.tail = &all.head;
    queue_init(&p->finished);
    pthread_mutex_unlock(&p->lock);

    while ((j = queue_pop(&all)) != NULL) {
        p->pending--;
        j->done(j);
    }
}


static void
on_finished(struct event *e)
{
    e->readable = false;
    finish_all(container_of(e, struct pool, event));
}


struct pool *
pool_new(struct loop *l, const char *name, unsigned threads, unsigned max_queue,
         const struct log *log)
{
    struct pool *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    p->loop = l;
    p->name = name;
    p->log = log;
    p->wanted = threads;
    p->max_queue = max_queue;
    p->event.fd = -1;
    p->event.on_read = on_finished;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->has_work, NULL);
    queue_init(&p->queued);
    queue_init(&p->finished);
    return p;
}


static bool
open_bell(struct pool *p)
{
    if (p->event.fd != -1)
        return true;
    p->event.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (p->event.fd == -1) {
        log_at(p->log, LEVEL_ALERT, errno, "eventfd() failed");
        return false;
    }
    if (!event_add(p->loop, &p->event)) {
        log_at(p->log, LEVEL_ALERT, errno, "epoll_ctl(1, %d) failed",
               p->event.fd);
        close(p->event.fd);
        p->event.fd = -1;
        return false;
    }
    return true;
}


/* Signals are handled by the loop's thread only: new threads inherit a mask
 * that blocks all. */
static void
start_threads(struct pool *p)
{
    sigset_t all, before;
    int      rc = 0;

    p->threads = calloc(p->wanted, sizeof(p->threads[0]));
    CHECK(p->threads != NULL || p->wanted == 0);
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* of what a thread reads: core/os/mapped.h */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->n_threads < p->wanted && rc == 0) {
        rc = pthread_create(&p->threads[p->n_threads], NULL, run_thread, p);
        if (rc == 0)
            p->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        log_at(p->log, LEVEL_ALERT, rc, "pthread_create() failed");
}


static bool
is_started(struct pool *p)
{
    if (p->threads == NULL && open_bell(p)) {
        start_threads(p);
        if (p->n_threads == 0) {
            free(p->threads);
            p->threads = NULL;
        }
    }
    return p->threads != NULL;
}


bool
pool_submit(struct pool *p, struct job *j)
{
    size_t n;

    if (!is_started(p))
        return false;
    pthread_mutex_lock(&p->lock);
    n = p->queued.n;
    if (n < p->max_queue) {
        queue_push(&p->queued, j);
        pthread_cond_signal(&p->has_work);
    }
    pthread_mutex_unlock(&p->lock);
    if (n >= p->max_queue) {
        log_error(p->log,
                  "thread pool \"%s\" queue overflow: %zu tasks waiting",
                  p->name, n);
        return false;
    }
    p->pending++;
    return true;
}


size_t
pool_pending(const struct pool *p)
{
    return p->pending;
}


void
pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_ending = true;
    pthread_cond_broadcast(&p->has_work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    finish_all(p);
    if (p->event.fd != -1) {
        event_remove(p->loop, &p->event);
        close(p->event.fd);
    }
    pthread_cond_destroy(&p->has_work);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p);
}
