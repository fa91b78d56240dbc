/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver: moves a request through its phases and states.  Nothing else
 * assigns r->state, r->phase or r->handler, except for what sets r->moved, too:
 * the two kinds of internal redirects, and the engine's own phases.
 */
#include "core/net/worker.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/debug.h"
#include "http/error_page.h"
#include "http/main.h"
#include "http/post_action.h"
#include "http/response.h"
#include "http/subrequest.h"


/* Calls the handlers of a phase, from the one that is due, until one has
 * something to say, which most have not.  STEP_NEXT: none had. */
static enum step
call_handlers(struct http_request *r, const struct phase_list *list)
{
    enum step step = STEP_NEXT;

    while (r->handler < list->n) {
        step = list->at[r->handler](&r->task);
        if (step != STEP_NEXT || r->moved || r->task.has_bad_value)
            return step;
        if (++r->handler < list->n)
            http_debug_phase(r);
    }
    return step;
}


/* Makes the next calls of the present phase. */
static enum step
call_phase(struct http_request *r, const struct http_main *m)
{
    const struct phase_list *list = &m->phases[r->phase];
    enum step                step;

    switch ((enum phase) r->phase) {
    case PHASE_FIND_LOCATION:
        step = http_phase_find_location(r);
        return step == STEP_NEXT ? STEP_ACCEPT : step;
    case PHASE_POST_REWRITE:
        step = http_phase_check_rewritten(r);
        return step == STEP_NEXT ? STEP_ACCEPT : step;
    case PHASE_POST_ACCESS:
        step = http_phase_check_access(r);
        return step == STEP_NEXT ? STEP_ACCEPT : step;
    case PHASE_ACCESS:
        if (r != r->main || r->handler >= list->n)
            return STEP_ACCEPT;
        return http_judge_access(r, list->modules[r->handler]->name,
                                 list->at[r->handler](&r->task));
    case PHASE_POST_READ:
    case PHASE_SERVER_REWRITE:
    case PHASE_REWRITE:
    case PHASE_PREACCESS:
    case PHASE_PRECONTENT:
    case PHASE_CONTENT:
    case PHASE_LOG:
    case PHASE_COUNT:
        break;
    }
    step = call_handlers(r, list);
    if (step != STEP_NEXT || r->moved || r->task.has_bad_value)
        return step;
    return r->phase == PHASE_CONTENT ? http_nobody_answers(r) : STEP_ACCEPT;
}


/* A decision that a handler based on an unknown value does not count. */
static enum step
distrust(struct http_request *r, enum step step)
{
    if (!r->task.has_bad_value || r->out.is_head_sent)
        return step;
    r->task.has_bad_value = false;
    if (step == STEP_FAIL)
        return step;
    r->moved = false;
    if (step == STEP_WAIT)
        task_restart(&r->task);
    return http_fail(r, 500);
}


/* Traces the result of a module. */
static void
trace_step(struct http_request *r, unsigned phase, unsigned handler,
           enum step step)
{
    const struct phase_list *list = &http_main_of(r->task.gen)->phases[phase];
    const char *name = handler < list->n ? list->modules[handler]->name : NULL;

    if (phase == PHASE_SERVER_REWRITE || phase == PHASE_REWRITE)
        return;
    if (step == STEP_FAIL)
        http_trace_refused(r, phase, name);
    else if (step == STEP_ACCEPT && phase == PHASE_ACCESS && name != NULL)
        trace_tell(&r->task, TRACE_ACCESS, "allowed", NULL, 0, NULL, "by %s",
                   name);
    else if (step == STEP_DONE && phase == PHASE_CONTENT && name != NULL)
        trace_tell(&r->task, TRACE_CONTENT, "answered", NULL, 0, NULL, "by %s",
                   name);
}


static void
trace_content(struct http_request *r)
{
    const char           *name = r->location->content->name;
    const struct setting *s = setting_in_force(r->location->block, name, NULL);

    if (s != NULL)
        trace_setting(&r->task, TRACE_CONTENT, "handler", s, NULL);
    else
        trace_tell(&r->task, TRACE_CONTENT, "handler", NULL, 0, NULL, "%s",
                   name);
}


/* True: continue the driver's loop. */
static bool
follow(struct http_request *r, enum step step)
{
    if (r->moved) {
        r->moved = false;
        r->state = HTTP_PHASES;
        return true;
    }
    switch (step) {
    case STEP_WAIT:
        return false;
    case STEP_DONE:
        http_debug_end(r, 0);
        r->state = HTTP_SENDING;
        return true;
    case STEP_FAIL:
        http_debug_end(r, r->fail_status);
        step = http_refuse(r);
        if (step == STEP_FAIL) {
            r->is_broken = true;
            r->state = HTTP_LOG;
            return true;
        }
        return follow(r, step);
    case STEP_NEXT:
    case STEP_ACCEPT:
        break;
    }
    return true;
}


/* From the phase and handler that are due, up to what ends this state or has to
 * be waited for. */
static bool
run_phases(struct http_request *r)
{
    const struct http_main *m = http_main_of(r->task.gen);
    unsigned                phase;
    enum step               step;

    r->has_run = true;
    if (r->fail_at_once != 0) {
        step = http_fail(r, r->fail_at_once);
        r->fail_at_once = 0;
        return follow(r, step);
    }
    for (;;) {
        if (r->handler == 0)
            r->phase = m->due[r->phase];
        phase = r->phase;
        if (phase == PHASE_CONTENT && r->location->content != NULL
            && !r->has_declined) {
            if (task_is_dry(&r->task))
                trace_content(r);
            r->state = HTTP_CONTENT;
            return true;
        }
        http_debug_phase(r);
        step = distrust(r, call_phase(r, m));
        if (task_is_dry(&r->task) && !r->moved)
            trace_step(r, phase, r->handler, step);
        if (r->moved || (step != STEP_NEXT && step != STEP_ACCEPT))
            return follow(r, step);
        if (step == STEP_NEXT) {
            r->handler++;
        } else {
            r->phase++;
            r->handler = 0;
        }
    }
}


static bool
run_content(struct http_request *r)
{
    enum step step = distrust(r, r->location->content->serve(&r->task));

    if (step == STEP_NEXT && !r->moved) {
        r->has_declined = true;
        r->state = HTTP_PHASES;
    }
    return follow(r, step);
}


static bool
run_sending(struct http_request *r)
{
    if (!r->is_post_action) {
        if (!chain_empty(&r->pending) || !r->out.is_framed
            || r->codec->queued(r) != 0)
            return false;
        r->out.is_complete = !r->out.is_cut;
    }
    if (r->background != 0)
        return false;
    r->state = HTTP_LOG;
    return true;
}


static void
run_log(struct http_request *r)
{
    const struct phase_list *list
        = &http_main_of(r->task.gen)->phases[PHASE_LOG];
    unsigned i;

    if (http_post_action_is_due(r) && !http_post_action_is_told(r)) {
        (void) follow(r, http_post_action(r));
        return;
    }
    log_debug(r->task.log, "http log handler");
    r->task.has_bad_value = false;
    timer_stop(&r->delay);
    for (i = 0; i < list->n; i++)
        list->at[i](&r->task);
    if (task_is_dry(&r->task) && r == r->main)
        trace_tell(&r->task, TRACE_END, "end", NULL, 0, NULL, "%u",
                   r->out.status);
    r->state = HTTP_END;
}


void
http_terminate(struct http_request *r, unsigned status)
{
    if (r->state == HTTP_END)
        return;
    http_end_unanswered(r, status);
    r->is_broken = true;
    r->keeps_alive = false;
    if (r->is_post_action)
        r->uri_changes = 0; /* no further redirects */
    if (r->state != HTTP_LOG)
        r->state = HTTP_LOG;
    task_end(&r->task);
    http_run(&r->task);
}


bool
http_lose_client(struct http_request *r)
{
    if (!r->outlives_client || r->state != HTTP_CONTENT || r != r->main
        || !list_empty(&r->children))
        return false;
    if (!r->is_deaf)
        log_info(r->task.log, "client prematurely closed connection, but its "
                              "response is stored");
    r->is_deaf = r->client_gone = r->is_broken = true;
    r->keeps_alive = false;
    timer_stop(&r->delay);
    chain_clear(&r->pending);
    r->codec->drop(r);
    task_wake(&r->task);
    return true;
}


/* The request waits only for time (limit_rate, auth_delay, limit_req), and the
 * client has left meanwhile, which would not be noticed before the next write. */
static bool
is_left_waiting(const struct http_request *r)
{
    return r->client_gone && !r->came_half_closed && !r->is_post_action
           && timer_is_set(&r->delay)
           && (r->state == HTTP_SENDING
               || (r->state == HTTP_PHASES
                   && (r->phase == PHASE_PREACCESS
                       || r->phase == PHASE_POST_ACCESS)));
}


/* The client is gone, or a filter that had the head held refuses the body. */
static void
break_off(struct http_request *r)
{
    if (!r->out.is_head_sent) {
        (void) follow(r, STEP_FAIL);
    } else if (!http_lose_client(r)) {
        r->is_broken = true;
        r->state = HTTP_LOG;
    }
}


static void
drive(struct http_request *r)
{
    if (r->cut_off != 0 && r->state <= HTTP_SENDING) {
        http_terminate(r, r->cut_off);
        return;
    }
    if (is_left_waiting(r)) {
        log_info(r->task.log, "client prematurely closed connection");
        http_terminate(r, 499);
        return;
    }
    if (r->client_gone && !r->is_post_action && !list_empty(&r->children))
        http_subrequest_tell_gone(r);
    if (r->body != NULL && r->state <= HTTP_SENDING)
        http_body_discard_more(r);
    if (r->out.is_head_sent && !r->is_broken && r->state <= HTTP_SENDING
        && http_pump(r) == STEP_FAIL)
        break_off(r);
    for (;;) {
        switch (r->state) {
        case HTTP_PHASES:
            if (!run_phases(r))
                return;
            break;
        case HTTP_CONTENT:
            if (!run_content(r))
                return;
            break;
        case HTTP_SENDING:
            if (!run_sending(r))
                return;
            break;
        case HTTP_LOG:
            run_log(r);
            break;
        case HTTP_END:
            if (r->is_broken)
                r->codec->abort(r);
            else
                r->codec->finish(r);
            return;
        }
    }
}


/* A check that fails meanwhile prints the request. */
void
http_run(struct task *t)
{
    const struct log *before = worker->doing;

    worker->doing = t->log;
    drive(http_of(t));
    worker->doing = before;
}
