/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A subrequest is a request whose codec is the one below: heads and bodies
 * stay in memory for the parent.  It lives in an arena of its own, so that it
 * may end before the parent; its head is kept for the parent's sake.
 */
#include "http/subrequest.h"

#include "http/codec.h"
#include "http/log_frame.h"
#include "http/response.h"
#include "http/server.h"

#include "core/expr/variable.h"

enum { BODY_MAX = 64 * 1024 };

static enum step
send_head(struct http_request *r)
{
    struct http_subrequest *s = r->sub;

    s->has_head = true;
    s->status = r->out.status;
    s->kept = r->out;
    task_wake(&r->parent->task);
    return STEP_NEXT;
}

static void
send_interim(struct http_request *r, unsigned status,
             const struct fields *fields)
{
    (void) r;
    (void) status;
    (void) fields;
}

static void
send_body(struct http_request *r, struct chain *in, bool last)
{
    struct http_subrequest *s = r->sub;

    (void) last;
    r->body_sent += in->n;
    if (s->drops_body)
        chain_clear(in);
    else
        chain_move(&s->body, in);
    if (!chain_empty(&s->body))
        task_wake(&r->parent->task);
}

static uint64_t
queued(const struct http_request *r)
{
    const struct http_subrequest *s = r->sub;

    /* What the parent may still take does not hold up the end. */
    if (r->out.is_framed)
        return 0;
    return s->limit != 0 && s->body.n >= s->limit ? BODY_MAX : s->body.n;
}

static enum flush
flush(struct http_request *r, size_t limit, bool late)
{
    (void) limit;
    (void) late;
    return queued(r) >= BODY_MAX ? FLUSH_WAIT : FLUSH_DONE;
}

static enum step
read_body(struct http_request *r, struct chain *out, size_t max)
{
    (void) r;
    (void) out;
    (void) max;
    return STEP_DONE;
}

/* Pieces of the body may point into the arena, so it goes with the parent's. */
static void
free_request(void *arg)
{
    struct http_request *r = arg;

    if (r->sub->r == r)
        task_end(&r->task);
    timer_stop(&r->delay);
    arena_free(r->task.arena);
}

static void
end(struct http_request *r, bool has_failed)
{
    struct http_subrequest *s = r->sub;

    task_end(&r->task);
    s->r = NULL;
    s->is_complete = true;
    s->has_failed = has_failed || s->status == 0;
    if (s->status == 0)
        s->status = r->error_status ? r->error_status : 500;
    if (wait_is_on(&s->wait))
        wait_end(&s->wait);
    task_wake(&r->parent->task);
}

static void
finish(struct http_request *r)
{
    end(r, false);
}

static void
abort_request(struct http_request *r)
{
    end(r, true);
}

static struct conn *
hijack(struct http_request *r, struct chain *early)
{
    (void) r;
    (void) early;
    return NULL;
}

static const struct http_codec sub_codec = {
    .name = "subrequest",
    .send_head = send_head,
    .send_interim = send_interim,
    .send_body = send_body,
    .queued = queued,
    .flush = flush,
    .read_body = read_body,
    .finish = finish,
    .abort = abort_request,
    .hijack = hijack,
};

static void
on_cancel(struct wait *w)
{
    struct http_subrequest *s = container_of(w, struct http_subrequest, wait);

    if (s->r != NULL)
        task_end(&s->r->task);
    s->r = NULL;
}

/* What a subrequest takes over from its parent. */
static void
copy_request(struct http_request *r, const struct http_request *parent)
{
    r->main = parent->main;
    r->parent = (struct http_request *) parent;
    r->line = parent->line;
    r->method = HTTP_GET;
    r->method_name = STR("GET");
    r->version = parent->version;
    r->protocol = parent->protocol;
    r->target = parent->target;
    r->scheme = parent->scheme;
    r->host = parent->host;
    r->port = parent->port;
    r->in = parent->in;
    r->server = parent->server;
    r->body = parent->body;
    r->started_at = parent->started_at;
    r->started_seconds = parent->started_seconds;
    r->started_ms = parent->started_ms;
    r->is_internal = true;
    r->subrequests = parent->subrequests;
    r->uri_changes = parent->uri_changes;
}

enum step
http_subrequest(struct http_request *parent, struct http_subrequest *s,
                str_t uri, str_t args)
{
    struct arena        *a;
    struct http_request *r;

    if (--parent->main->subrequests == 0) {
        log_error(parent->task.log,
                  "subrequests cycle while processing \"" STR_F "\"",
                  STR_A(uri));
        parent->main->subrequests = 1;
        return http_fail(parent, 500);
    }
    vars_prepare(&parent->task);
    a = arena_new(0);
    r = arena_make(a, struct http_request);
    r->task.arena = a;
    r->task.loop = parent->task.loop;
    r->sub_log = *parent->task.log;
    r->task.log = &r->sub_log;
    r->task.conn = parent->task.conn;
    r->task.gen = parent->task.gen;
    http_request_init(r);
    copy_request(r, parent);
    r->task.values = parent->task.values;
    r->codec = &sub_codec;
    r->sub = s;
    r->uri = str_copy(a, uri);
    r->args = str_copy(a, args);
    r->header_only = s->drops_body;
    s->r = r;
    chain_init(&s->body, parent->task.arena);
    arena_defer(parent->task.arena, free_request, r);
    /* The parent's own frame would print the parent's URI. */
    log_pop(r->task.log);
    http_log_push(r);
    http_enter(r, r->server->root);
    r->phase = PHASE_SERVER_REWRITE;
    if (!s->in_background)
        wait_start(&parent->task, &s->wait, on_cancel);
    task_wake(&r->task);
    return STEP_NEXT;
}

void
http_subrequest_take(struct http_subrequest *s, struct chain *out)
{
    chain_move(out, &s->body);
    if (s->r != NULL)
        task_wake(&s->r->task);
}

const struct http_response *
http_subrequest_response(const struct http_subrequest *s)
{
    return s->has_head ? &s->kept : NULL;
}
