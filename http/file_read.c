/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads ranges of files into blocks: directly, bypassing the page cache, or in
 * a thread of a pool.  A thread's job has memory of its own, and references to
 * the file and the block, since the request may end before it.
 */
#include "http/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/cache/threads.h"
#include "core/expr/expr.h"
#include "http/codec.h"
#include "http/files.h"

/* A range to read.  O_DIRECT needs an aligned offset, length and address, so
 * more may be read than is wanted. */
struct stretch {
    int           fd;
    char         *to;
    size_t        n; /* bytes to read                                     */
    off_t         at;
    size_t        skip; /* leading bytes to skip                             */
    ssize_t       got;  /* or -1                                             */
    int           error;
    struct block *block;
};

struct read_job {
    struct job           job;
    struct stretch       s;
    struct chain_file   *file;
    struct reader_state *state; /* NULL: the request has ended               */
    struct task         *task;
};

struct reader_state {
    struct wait      wait;
    struct read_job *job; /* running, or done                               */
    bool             is_done;
};

_Static_assert(sizeof(struct reader_state) <= HTTP_IO_STATE, "room");

static struct module *const module = &http_io_module;


/* --- one range ----------------------------------------------------------- */

static void
read_stretch(struct stretch *s)
{
    size_t  n = 0;
    ssize_t rc;

    while (n < s->n) {
        rc = pread(s->fd, s->to + n, s->n - n, s->at + (off_t) n);
        if (rc == -1 && errno == EINTR)
            continue;
        if (rc == -1) {
            s->error = errno;
            s->got = -1;
            return;
        }
        n += (size_t) rc;
        if (rc == 0 || s->skip != 0 || (n & 511) != 0)
            break;
    }
    s->got = (ssize_t) n;
}


/* Reads from the page cache, without waiting for the disk; false: not all of
 * it is cached. */
static bool
read_cached(struct stretch *s)
{
    struct iovec v = { s->to, s->n };

    s->got = preadv2(s->fd, &v, 1, s->at, RWF_NOWAIT);
    return s->got == (ssize_t) s->n;
}


static void
aim(struct stretch *s, const struct piece *p, size_t wanted, size_t align)
{
    size_t end;

    *s = (struct stretch){ .fd = p->file->fd, .at = p->at, .n = wanted };
    if (align > 1) {
        s->skip = (size_t) p->at & (align - 1);
        s->at -= (off_t) s->skip;
        end = s->skip + wanted;
        s->n = (end + align - 1) & ~(align - 1);
    }
    s->block = block_new(align > 1 ? s->n + align : s->n);
    s->to = s->block->data;
    if (align > 1)
        s->to += -(uintptr_t) s->to & (align - 1);
}


/* All that is wanted has been read; else it is logged what happened. */
static bool
is_whole(const struct http_request *r, const struct stretch *s, size_t wanted)
{
    ssize_t got = s->got - (ssize_t) s->skip;

    if (s->got == -1) {
        log_at(r->task.log, LEVEL_CRIT, s->error, "pread() failed");
        return false;
    }
    if (got < (ssize_t) wanted) {
        log_at(r->task.log, LEVEL_ALERT, 0,
               "pread() has read only %zd of %zu from a file", got, wanted);
        return false;
    }
    return true;
}


/* Replaces the beginning of the piece by what was read. */
static enum step
take(const struct http_request *r, struct stretch *s, size_t wanted,
     struct chain *in, struct chain *out)
{
    bool ok = is_whole(r, s, wanted);

    if (ok) {
        chain_add_block(out, s->block, (str_t){ s->to + s->skip, wanted });
        chain_skip(in, wanted);
    }
    block_put(s->block);
    s->block = NULL;
    return ok ? STEP_NEXT : STEP_FAIL;
}


/* --- threads --------------------------------------------------------------- */

static void
work(struct job *j)
{
    read_stretch(&container_of(j, struct read_job, job)->s);
}


static void
free_job(struct read_job *j)
{
    chain_file_put(j->file);
    block_put(j->s.block);
    free(j);
}


static void
on_done(struct job *job)
{
    struct read_job *j = container_of(job, struct read_job, job);

    if (j->state == NULL) {
        free_job(j);
        return;
    }
    j->state->is_done = true;
    wait_end(&j->state->wait);
    task_wake(j->task);
}


static void
cancel(struct wait *w)
{
    struct reader_state *s = container_of(w, struct reader_state, wait);

    s->job->state = NULL;
    s->job = NULL;
}


/* The request ended after its job, but before the result was taken. */
static void
drop_done(void *arg)
{
    struct reader_state *s = arg;

    if (s->job != NULL && s->is_done)
        free_job(s->job);
    s->job = NULL;
}


static struct pool *
pool_of(struct http_request *r)
{
    const struct http_aio *aio = &io_conf(&r->task)->aio;
    struct thread_pool    *threads = aio->threads;
    str_t                  name;

    if (aio->pool != NULL) {
        name = expr_eval(aio->pool, &r->task);
        threads = thread_pool_find(r->task.gen, name);
        if (threads == NULL) {
            log_error(r->task.log, "thread pool \"" STR_F "\" not found",
                      STR_A(name));
            return NULL;
        }
    }
    return threads != NULL ? thread_pool_open(r->task.gen, threads) : NULL;
}


/* False: no thread accepts the job. */
static bool
hand_over(struct http_request *r, struct reader_state *state,
          const struct stretch *s, struct chain_file *file)
{
    struct pool     *pool = pool_of(r);
    struct read_job *j;

    if (pool == NULL)
        return false;
    j = calloc(1, sizeof(*j));
    if (j == NULL)
        check_memory(sizeof(*j));
    j->job.work = work;
    j->job.done = on_done;
    j->s = *s;
    if (!pool_submit(pool, &j->job)) {
        free(j);
        return false;
    }
    j->file = chain_file_get(file);
    j->state = state;
    j->task = &r->task;
    state->job = j;
    state->is_done = false;
    wait_start(&r->task, &state->wait, cancel);
    return true;
}


/* --- the whole ---------------------------------------------------------------- */

static bool
is_direct(struct chain_file *file)
{
    struct file *f = file_of(file);

    return f != NULL && f->is_direct;
}


static bool
uses_threads(const struct http_request *r, struct chain_file *file)
{
    switch (io_conf(&r->task)->aio.how) {
    case AIO_THREADS:
        return true;
    case AIO_ON:
        return is_direct(file);
    case AIO_OFF:
        break;
    }
    return false;
}


bool
file_reader_wants(const struct http_request *r, struct chain_file *file)
{
    const struct http_codec *c = r->codec;

    if (is_direct(file) || uses_threads(r, file))
        return true;
    return !io_conf(&r->task)->sendfile
           && (c->reads_files == NULL || !c->reads_files(r));
}


static size_t
wanted_of(const struct http_request *r, const struct piece *p)
{
    size_t size = io_conf(&r->task)->output_buffers.size;

    return p->n < size ? p->n : size;
}


/* Reads the file piece at the front of in, or as much of it as one buffer
 * holds. */
static enum step
read_piece(struct http_request *r, struct chain *in, struct chain *out)
{
    struct piece        *p = in->head;
    size_t               wanted = wanted_of(r, p);
    struct reader_state *state;
    struct stretch       s;

    aim(&s, p, wanted,
        is_direct(p->file) ? io_conf(&r->task)->directio_alignment : 1);
    if (uses_threads(r, p->file) && !read_cached(&s)) {
        state = http_state_if(r, module);
        if (state == NULL) {
            state = http_state_of(r, module);
            arena_defer(r->task.arena, drop_done, state);
        }
        if (hand_over(r, state, &s, p->file))
            return STEP_WAIT;
    }
    if (s.got != (ssize_t) s.n)
        read_stretch(&s);
    return take(r, &s, wanted, in, out);
}


/* Takes the result of a thread, if there is one. */
static enum step
take_job(struct http_request *r, struct chain *in, struct chain *out)
{
    struct reader_state *state = http_state_if(r, module);
    struct read_job     *j = state ? state->job : NULL;
    enum step            step;

    if (j == NULL)
        return STEP_NEXT;
    if (!state->is_done)
        return STEP_WAIT;
    state->job = NULL;
    step = take(r, &j->s, wanted_of(r, in->head), in, out);
    free_job(j);
    return step;
}


enum step
file_reader_next(struct http_request *r, struct chain *in, struct chain *out)
{
    size_t    n = io_conf(&r->task)->output_buffers.n;
    enum step step = take_job(r, in, out);

    while (step == STEP_NEXT && !chain_empty(in)) {
        if (in->head->file == NULL)
            chain_move_n(out, in, in->head->n);
        else if (n-- == 0)
            break;
        else
            step = read_piece(r, in, out);
    }
    return step;
}


bool
file_read_at(struct http_request *r, struct file *f, uint64_t at, size_t n,
             char *out)
{
    const struct piece p = { .file = &f->chain, .at = (off_t) at };
    struct stretch     s;
    bool               ok;

    if (f->content != NULL) {
        memcpy(out, f->content->data + at, n);
        return true;
    }
    aim(&s, &p, n, f->is_direct ? io_conf(&r->task)->directio_alignment : 1);
    read_stretch(&s);
    ok = is_whole(r, &s, n);
    if (ok)
        memcpy(out, s.to + s.skip, n);
    block_put(s.block);
    return ok;
}
