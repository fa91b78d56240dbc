/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A subrequest is a request with the codec below: head and body stay in memory
 * for the parent.  It has an arena of its own, so that it can end before the
 * parent; its head is copied for the parent.
 */
#include "http/subrequest.h"

#include "http/body.h"
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
    if (s->instead != NULL && r->fail_status != 0)
        s->drops_body = true;
    /* Its body also passes the parent's filters. */
    if (r->parent->out.needs_memory)
        r->out.needs_memory = true;
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
    s->has_body |= s->body.n != 0;
    if (s->whole_max != 0 && s->body.n > s->whole_max) {
        s->is_too_long = s->drops_body = true;
        chain_clear(&s->body);
    }
    if (!chain_empty(&s->body))
        task_wake(&r->parent->task);
}


static uint64_t
sent(const struct http_request *r)
{
    return r->main->codec->sent(r->main);
}


static uint64_t
queued(const struct http_request *r)
{
    const struct http_subrequest *s = r->sub;

    /* Bytes that the parent has not taken yet do not delay the end. */
    if (r->out.is_framed || s->whole_max != 0)
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


static void
drop(struct http_request *r)
{
    chain_clear(&r->sub->body);
}


static enum step
read_body(struct http_request *r, struct chain *out, size_t max)
{
    (void) r;
    (void) out;
    (void) max;
    return STEP_DONE;
}


/* Pieces of the body may point into the arena, so it is freed with the
 * parent's. */
static void
free_request(void *arg)
{
    struct http_request *r = arg;

    timer_stop(&r->delay);
    chain_clear(&r->pending);
    chain_clear(&r->sub->body);
    arena_free(r->task.arena);
}


/* From now on nothing runs it, nor the subrequests that it started. */
static void
leave_parent(struct http_subrequest *s)
{
    struct http_request *parent = s->r->parent;

    task_end(&s->r->task);
    timer_stop(&s->r->delay);
    s->r = NULL;
    list_remove(&s->link);
    wait_end(&s->wait);
    if (s->in_background)
        parent->background--;
}


/* The subrequest ended without a head, so the parent has nothing to use: the
 * connection is to be closed (return 444), or the client has left. */
static void
cut_off(struct http_request *r)
{
    if (r->main->cut_off != 0)
        return;
    r->main->cut_off = r->error_status ? r->error_status : 500;
    task_wake(&r->main->task);
}


static void
end(struct http_request *r, bool has_failed)
{
    struct http_subrequest *s = r->sub;

    leave_parent(s);
    s->is_complete = true;
    s->has_failed = has_failed || !s->has_head;
    if (!s->has_head) {
        s->status = r->error_status ? r->error_status : 500;
        cut_off(r);
    }
    if (s->ended != NULL)
        s->ended(s);
    task_wake(&r->parent->task);
}


/* The connection is not its. */
static void
enter(struct http_request *r)
{
    (void) r;
}


static void
finish(struct http_request *r)
{
    end(r, r->out.is_cut);
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
    .sent = sent,
    .queued = queued,
    .flush = flush,
    .drop = drop,
    .read_body = read_body,
    .enter = enter,
    .finish = finish,
    .abort = abort_request,
    .hijack = hijack,
};


static void
on_cancel(struct wait *w)
{
    struct http_subrequest *s = container_of(w, struct http_subrequest, wait);

    if (s->r == NULL)
        return;
    leave_parent(s);
    if (s->ended != NULL)
        s->ended(s);
}


void
http_subrequest_tell_gone(struct http_request *r)
{
    LIST_EACH(&r->children, l) {
        struct http_subrequest *s
            = container_of(l, struct http_subrequest, link);

        if (s->in_background || s->r->client_gone)
            continue;
        s->r->client_gone = true;
        task_wake(&s->r->task);
    }
}


/* Only a body that has been read completely can be sent again. */
static void
copy_body(struct http_request *r, const struct http_request *parent)
{
    struct http_body *b = parent->body;

    if (r->sub->has_no_body || b == NULL || b->state != HTTP_BODY_WHOLE)
        return;
    r->body = b;
    r->content_length = parent->content_length;
    r->has_body = parent->has_body;
}


static void
copy_method(struct http_request *r, const struct http_request *parent)
{
    r->method = HTTP_GET;
    r->method_name = STR("GET");
    if (r->sub->keeps_method || r->sub->is_clone) {
        r->method = parent->method;
        r->method_name = parent->method_name;
    }
}


/* Copies what a subrequest inherits from its parent. */
static void
copy_request(struct http_request *r, struct http_request *parent)
{
    r->main = parent->main;
    r->parent = parent;
    r->line = parent->line;
    r->version = parent->version;
    r->protocol = parent->protocol;
    r->target = parent->target;
    r->scheme = parent->scheme;
    r->host = parent->host;
    r->port = parent->port;
    r->has_host = parent->has_host;
    r->in = parent->in;
    r->server = parent->server;
    r->number = parent->number;
    r->started_at = parent->started_at;
    r->started_seconds = parent->started_seconds;
    r->started_ms = parent->started_ms;
    r->is_internal = true;
    r->subrequests = parent->subrequests - 1;
}


/* Sets the phase in which it starts. */
static void
place(struct http_request *r, const struct http_request *parent)
{
    if (!r->sub->is_clone) {
        http_enter(r, r->server->root);
        r->phase = PHASE_SERVER_REWRITE;
        return;
    }
    http_enter(r, parent->location);
    r->phase = parent->phase;
    r->handler = parent->handler;
    r->is_uri_as_sent = parent->is_uri_as_sent;
    r->is_uri_of_break = parent->is_uri_of_break;
    r->task.captures = parent->task.captures;
}


/* Creates a request in an arena of its own, which is freed with the
 * parent's. */
static struct http_request *
make(struct http_request *parent, struct http_subrequest *s)
{
    struct arena        *a = arena_new(0);
    struct http_request *r = arena_make(a, struct http_request);

    r->task.arena = a;
    r->task.loop = parent->task.loop;
    r->task.conn = parent->task.conn;
    r->task.gen = parent->task.gen;
    r->task.peer = parent->task.peer;
    r->task.values = parent->task.values;
    http_request_init(r);
    http_request_init_log(r, parent->task.log);
    r->codec = &sub_codec;
    r->sub = s;
    r->header_only = s->drops_body;
    copy_request(r, parent);
    copy_method(r, parent);
    copy_body(r, parent);
    chain_init(&s->body, parent->task.arena);
    arena_defer(parent->task.arena, free_request, r);
    return r;
}


enum step
http_subrequest(struct http_request *parent, struct http_subrequest *s,
                str_t uri, str_t args)
{
    struct http_request *r;

    if (parent->subrequests == 0) {
        log_error(parent->task.log,
                  "subrequests cycle while processing \"" STR_F "\"",
                  STR_A(uri));
        return http_fail(parent, 500);
    }
    vars_prepare(&parent->task);
    r = make(parent, s);
    if (task_is_dry(&parent->task))
        trace_tell(&parent->task, TRACE_SUBREQUEST,
                   s->in_background ? "in the background" : "starts", NULL, 0,
                   NULL, STR_F "%s" STR_F, STR_A(uri), args.n ? "?" : "",
                   STR_A(args));
    r->uri = str_copy(r->task.arena, uri);
    r->args = args.n ? str_copy(r->task.arena, args) : STR_NONE;
    log_debug(r->task.log, "http subrequest \"" STR_F "?" STR_F "\"",
              STR_A(uri), STR_A(args));
    s->r = s->made = r;
    list_append(&parent->children, &s->link);
    wait_start(&parent->task, &s->wait, on_cancel);
    if (s->in_background)
        parent->background++;
    place(r, parent);
    task_wake(&r->task);
    return STEP_NEXT;
}


void
http_subrequest_take(struct http_subrequest *s, struct chain *out, uint64_t max)
{
    chain_move_n(out, &s->body, max);
    if (s->r != NULL)
        task_wake(&s->r->task);
}
