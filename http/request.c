/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a request: made for a connection by the codec that reads its
 * head, and freed by it at the tail of the turn in which it ended.
 */
#include "http/request.h"

#include "core/net/worker.h"
#include "core/os/clock.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/conn.h"
#include "http/counters.h"
#include "http/log_frame.h"
#include "http/main.h"
#include "http/response.h"
#include "http/server.h"

const char *const http_state_names[] = {
#define X(name) #name,
    HTTP_STATES(X)
#undef X
};

enum { URI_CHANGES_MAX = 11, SUBREQUESTS_MAX = 51 };


static void
fail_task(struct task *t, unsigned status)
{
    http_fail(http_of(t), status);
}


static void
on_delay(struct timer *timer)
{
    task_wake(&container_of(timer, struct http_request, delay)->task);
}


void
http_request_init(struct http_request *r)
{
    task_init(&r->task);
    r->task.run = http_run;
    r->task.fail = fail_task;
    r->task.kind = FOR_HTTP;
    r->main = r;
    r->content_length = -1;
    r->out.length = -1;
    r->out.last_modified = -1;
    r->uri_changes = URI_CHANGES_MAX;
    r->subrequests = SUBREQUESTS_MAX;
    r->delay.on_timeout = on_delay;
    r->task.trace = worker != NULL ? worker->trace : NULL;
    chain_init(&r->pending, r->task.arena);
    list_init(&r->children);
}


void
http_request_init_log(struct http_request *r, const struct log *from)
{
    r->log = *from;
    r->task.log = &r->log;
    http_log_push(r);
}


struct http_request *
http_request_new(struct http_conn *h, const struct http_codec *codec)
{
    struct arena        *a = arena_new(0);
    struct http_request *r = arena_make(a, struct http_request);

    http_count(HTTP_REQUESTS, 1);
    r->task.arena = a;
    r->task.loop = h->conn.loop;
    r->task.conn = &h->conn;
    r->task.peer = &h->conn.peer;
    r->task.gen = generation_get(h->address->gen);
    r->task.gen->requests++;
    http_request_init(r);
    http_request_init_log(r, &h->conn.log);
    r->codec = codec;
    r->number = ++h->requests;
    r->scheme = h->is_secure ? STR("https") : STR("http");
    r->started_at = clock_ms();
    r->started_seconds = clock_seconds();
    r->started_ms = clock_millisecond();
    r->server = h->server;
    http_apply(r, r->server->root);
    return r;
}


static void
reap(struct post *p)
{
    struct http_request *r = container_of(p, struct http_request, reap);
    struct generation   *g = r->task.gen;

    arena_free(r->task.arena);
    g->requests--;
    generation_put(g);
}


void
http_request_free(struct http_request *r)
{
    task_end(&r->task);
    timer_stop(&r->delay);
    if (r->body != NULL)
        chain_clear(&r->body->data);
    chain_clear(&r->pending);
    r->reap.run = reap;
    loop_reap(r->task.loop, &r->reap);
}


/* --- states of modules ------------------------------------------------------ */

void *
http_state_if(const struct http_request *r, const struct module *m)
{
    return r->states ? r->states[m->state_slot] : NULL;
}


void *
http_state_of(struct http_request *r, const struct module *m)
{
    if (r->states == NULL)
        r->states = arena_array(r->task.arena, void *, modules_states());
    if (r->states[m->state_slot] == NULL)
        r->states[m->state_slot] = arena_zalloc(r->task.arena, m->state_size);
    return r->states[m->state_slot];
}
