/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PUT: the body is written to a temporary file as it comes, which then becomes
 * the file, in one step.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/file_access.h"
#include "http/settings.h"
#include "http/temp_file.h"
#include "modules/content/dav.h"
#include "modules/module.h"

enum {
    AT_ONCE = 64 * 1024,
    ROUNDS = 16, /* then others are served, however fast the client sends    */
};

struct dav_put {
    struct chain_file *file;
    str_t              name; /* of the temporary file; empty: it is the file */
    off_t              end;
};


static void
drop(void *arg)
{
    struct dav_put *put = arg;

    if (put->name.n != 0)
        (void) unlink(put->name.p);
    if (put->file != NULL)
        chain_file_put(put->file);
}


static bool
open_put(struct http_request *r, struct dav_state *s)
{
    struct dav_put *put = arena_make(r->task.arena, struct dav_put);

    s->put = put;
    put->file = temp_file_new(&r->task,
                              &body_conf(&r->task)->client_body_temp_path,
                              TEMP_KEEP, &put->name);
    arena_defer(r->task.arena, drop, put);
    return put->file != NULL;
}


/* Writes what was read, part of which may be in another temporary file.  STEP_NEXT,
 * or STEP_FAIL: logged, and http_fail was called. */
static enum step
write_out(struct http_request *r, struct dav_put *put, struct chain *in)
{
    char   *room = NULL;
    ssize_t n;

    while (temp_file_append(&r->task, put->file, &put->end, in, 0)) {
        struct piece *p = in->head;

        if (p == NULL)
            return STEP_NEXT;
        if (room == NULL)
            room = arena_alloc(r->task.arena, AT_ONCE);
        n = pread(p->file->fd, room, p->n < AT_ONCE ? p->n : AT_ONCE, p->at);
        if (n <= 0 || pwrite(put->file->fd, room, (size_t) n, put->end) != n) {
            log_at(r->task.log, LEVEL_CRIT, errno,
                   "copying the body to \"" STR_F "\" failed",
                   STR_A(put->name));
            break;
        }
        put->end += n;
        chain_skip(in, (uint64_t) n);
    }
    n = errno == ENOSPC || errno == EDQUOT ? 507 : 500; /* logging keeps it */
    chain_clear(in);
    return http_fail(r, (unsigned) n);
}


/* The same where all of it has been read already.  A file that
 * client_body_in_file_only would keep is of no use beside what becomes of it. */
static enum step
write_whole(struct http_request *r, struct dav_put *put)
{
    struct chain part;

    chain_init(&part, r->task.arena);
    chain_share(&part, &r->body->data);
    if (write_out(r, put, &part) != STEP_NEXT)
        return STEP_FAIL;
    if (body_conf(&r->task)->client_body_in_file_only == BODY_FILE_ON
        && r->body->file_name.n != 0)
        (void) unlink(r->body->file_name.p);
    return STEP_NEXT;
}


/* STEP_NEXT: all of it has been written. */
static enum step
write_body(struct http_request *r, struct dav_put *put)
{
    enum step    step = r->body == NULL || r->body->state == HTTP_BODY_UNREAD
                            ? http_body_stream(r)
                            : STEP_NEXT;
    unsigned     rounds = ROUNDS;
    struct chain part;

    if (step == STEP_FAIL)
        return step;
    if (r->body != NULL && r->body->state == HTTP_BODY_WHOLE)
        return write_whole(r, put);
    chain_init(&part, r->task.arena);
    if (step == STEP_DONE || r->body == NULL)
        return STEP_NEXT;
    for (step = STEP_NEXT; step == STEP_NEXT;) {
        if (rounds-- == 0) {
            post_add_next(r->task.loop, &r->task.wake);
            return STEP_WAIT;
        }
        step = http_body_some(r, &part);
        if (step != STEP_FAIL && write_out(r, put, &part) != STEP_NEXT) {
            http_body_leave(r);
            return STEP_FAIL;
        }
    }
    if (step != STEP_DONE)
        return step;
    http_body_leave(r);
    return STEP_NEXT;
}


/* Mode and time of the file, before it gets its name. */
static void
dress(struct http_request *r, struct dav_put *put)
{
    const struct field *f = fields_get(&r->in, FIELD_DATE);
    time_t              at = f != NULL ? date_parse(f->value) : -1;
    struct timespec     times[2] = { { at, 0 }, { at, 0 } };

    (void) fchmod(put->file->fd, dav_conf_of(r)->access);
    if (at != -1)
        (void) futimens(put->file->fd, times);
}


static enum step
put_in_place(struct http_request *r, struct dav_state *s)
{
    const struct dav_conf *conf = dav_conf_of(r);
    struct dav_plan        plan = {
               .op = DAV_MOVE,
               .from = s->put->name,
               .to = dav_path(r),
               .is_temporary = true,
               .makes_parents = conf->create_full_put_path,
               .folder_mode = folder_access(conf->access),
    };
    struct stat st;
    enum step   step;

    if (plan.to.p == NULL)
        return STEP_FAIL;
    s->not_found = 500;
    s->status = 201;
    if (stat(plan.to.p, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return dav_fail(r, EISDIR, 409, "PUT to", plan.to);
        s->status = 204;
    }
    dress(r, s->put);
    step = dav_job_start(r, &plan);
    if (step == STEP_WAIT)
        s->put->name = STR_NONE; /* the job's                                */
    return step;
}


enum step
dav_put_body(struct http_request *r, struct dav_state *s)
{
    enum step step;

    if (s->put == NULL) {
        if (r->uri.p[r->uri.n - 1] == '/') {
            log_error(r->task.log, "cannot PUT to a collection");
            return http_fail(r, 409);
        }
        if (fields_get(&r->in, FIELD_CONTENT_RANGE) != NULL) {
            log_error(r->task.log, "PUT with range is unsupported");
            return http_fail(r, 501);
        }
        if (!r->has_body && r->content_length == -1) {
            log_error(r->task.log, "PUT request has no body");
            return http_fail(r, 500);
        }
        if (!open_put(r, s))
            return http_fail(r, 500);
    }
    step = write_body(r, s->put);
    return step == STEP_NEXT ? put_in_place(r, s) : step;
}
