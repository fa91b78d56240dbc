/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver: moves a request through its phases and states.  Nothing else
 * assigns r->state, r->phase or r->handler, except for the two kinds of
 * internal redirects, which set r->moved.
 */
#include "core/base/escape.h"
#include "core/net/worker.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/debug.h"
#include "http/error_page.h"
#include "http/main.h"
#include "http/post_action.h"
#include "http/response.h"
#include "http/settings.h"
#include "http/subrequest.h"

/* --- redirects ----------------------------------------------------------- */

static void
forget_states(struct http_request *r)
{
    r->states = NULL;
}


enum step
http_internal_redirect(struct http_request *r, str_t uri, str_t args)
{
    if (--r->uri_changes == 0) {
        log_error(r->task.log,
                  "rewrite or internal redirection cycle while internally "
                  "redirecting to \"" STR_F "\"",
                  STR_A(uri));
        return http_fail(r, 500);
    }
    if (task_is_dry(&r->task))
        trace_tell(&r->task, TRACE_REDIRECT, "internal redirect", NULL, 0, NULL,
                   STR_F "%s" STR_F, STR_A(uri), args.n != 0 ? "?" : "",
                   STR_A(args));
    log_debug(r->task.log, "internal redirect: \"" STR_F "?" STR_F "\"",
              STR_A(uri), STR_A(args));
    if (r->body != NULL && r->body->state == HTTP_BODY_SPENT)
        (void) http_body_discard(r); /* what follows cannot use it */
    r->uri = uri;
    r->args = args;
    r->is_uri_as_sent = false;
    r->is_internal = true;
    r->uri_changed = false;
    r->is_uri_of_break = false;
    r->out.content_type = STR_NONE;
    forget_states(r);
    http_enter(r, r->server->root);
    r->phase = PHASE_SERVER_REWRITE;
    r->handler = 0;
    r->moved = true;
    return STEP_NEXT;
}


enum step
http_named_location(struct http_request *r, str_t name)
{
    const struct http_location *l = http_find_named(r, name);

    if (--r->uri_changes == 0) {
        log_error(r->task.log,
                  "rewrite or internal redirection cycle while redirect to "
                  "named location \"" STR_F "\"",
                  STR_A(name));
        return http_fail(r, 500);
    }
    if (r->uri.n == 0) {
        log_error(r->task.log,
                  "empty URI in redirect to named location \"" STR_F "\"",
                  STR_A(name));
        return http_fail(r, 500);
    }
    if (l == NULL) {
        log_error(r->task.log, "could not find named location \"" STR_F "\"",
                  STR_A(name));
        return http_fail(r, 500);
    }
    log_debug(r->task.log, "using location: " STR_F " \"" STR_F "?" STR_F "\"",
              STR_A(name), STR_A(r->uri), STR_A(r->args));
    if (task_is_dry(&r->task))
        trace_tell(&r->task, TRACE_REDIRECT, "named location", l->block->file,
                   l->block->line, NULL, STR_F, STR_A(name));
    r->is_internal = true;
    r->uri_changed = false;
    r->out.content_type = STR_NONE;
    forget_states(r);
    http_enter(r, l);
    r->phase = PHASE_REWRITE;
    r->handler = 0;
    r->moved = true;
    return STEP_NEXT;
}


/* --- the engine's own phases ------------------------------------------------------- */

static enum step
check_body_size(struct http_request *r)
{
    uint64_t max = body_conf(&r->task)->client_max_body_size;

    log_debug(r->task.log, "http cl:%jd max:%ju", (intmax_t) r->content_length,
              (uintmax_t) max);
    if (max == 0 || r->content_length == -1
        || (uint64_t) r->content_length <= max || r != r->main
        || (r->body != NULL && http_body_is_dropped(r->body)))
        return STEP_NEXT;
    log_error(r->task.log, "client intended to send too large body: %jd bytes",
              (intmax_t) r->content_length);
    r->expect_done = true;
    http_body_discard(r);
    return http_fail(r, 413);
}


static enum step
redirect_to_slash(struct http_request *r)
{
    str_t to = escape_uri(r->task.arena, r->location->name, ESCAPE_URI);

    if (r->args.n != 0)
        to = str_join3(r->task.arena, to, STR("?"), r->args);
    return http_redirect(r, 301, to);
}


static enum step
find_location(struct http_request *r)
{
    enum http_found found = http_find_location(r);
    enum step       step;

    if (found == HTTP_FOUND_ERROR)
        return http_fail(r, 500);
    if (r->location->is_internal && !r->is_internal)
        return http_fail(r, 404);
    step = check_body_size(r);
    if (step != STEP_NEXT)
        return step;
    return found == HTTP_FOUND_SLASH ? redirect_to_slash(r) : STEP_NEXT;
}


static enum step
check_rewritten(struct http_request *r)
{
    if (!r->uri_changed)
        return STEP_NEXT;
    log_debug(r->task.log, "uri changes: %u", (unsigned) r->uri_changes);
    if (--r->uri_changes == 0) {
        log_error(r->task.log,
                  "rewrite or internal redirection cycle while processing "
                  "\"" STR_F "\"",
                  STR_A(r->uri));
        return http_fail(r, 500);
    }
    r->uri_changed = false;
    r->is_uri_of_break = false;
    http_enter(r, r->server->root);
    r->phase = PHASE_FIND_LOCATION;
    r->handler = 0;
    r->moved = true;
    return STEP_NEXT;
}


/* Delays a 401 by auth_delay. */
static enum step
refuse_access(struct http_request *r)
{
    const struct http_access_conf *c = conf_of(&r->task, &http_satisfy_module);

    if (r->fail_status != 401 || c->auth_delay == 0 || r->access_delayed)
        return STEP_FAIL;
    log_info(r->task.log, "delaying unauthorized request");
    r->access_delayed = true;
    r->access_status = 401;
    r->phase = PHASE_POST_ACCESS;
    timer_set(r->task.loop, &r->delay,
              task_is_dry(&r->task) ? 0 : c->auth_delay);
    return STEP_WAIT;
}


static enum step
check_access_status(struct http_request *r)
{
    unsigned status = r->access_status;

    if (timer_is_set(&r->delay))
        return STEP_WAIT;
    if (status == 0)
        return STEP_NEXT;
    r->access_status = 0;
    http_fail(r, status);
    if (status == 403)
        log_error(r->task.log, "access forbidden by rule");
    return status == 401 ? refuse_access(r) : STEP_FAIL;
}


/* Traces a refusal by a module, or by the engine itself (name NULL); the phase
 * determines the reason. */
static void
trace_refused(struct http_request *r, unsigned phase, const char *name)
{
    const char *why = NULL;
    bool        is_refusal = r->fail_status >= 400;

    if (phase == PHASE_FIND_LOCATION && is_refusal)
        why = r->fail_status == 500   ? "the match failed"
              : r->fail_status == 404 ? "the location is internal"
                                      : "the body is too large";
    else if (phase == PHASE_FIND_LOCATION)
        why = "the location's name ends in a slash";
    else if (phase == PHASE_POST_ACCESS)
        why = "satisfy any, and nobody allowed it";
    else if (phase == PHASE_CONTENT && name == NULL)
        why = "no content handler took it";
    trace_tell(
        &r->task,
        phase >= PHASE_PRECONTENT || !is_refusal ? TRACE_CONTENT : TRACE_ACCESS,
        is_refusal ? "refused" : "redirects", NULL, 0, why, "%s%s%s%u",
        name ? "by " : "", name ? name : "", name ? ": " : "", r->fail_status);
}


/* Combines the results of the access phase (satisfy). */
static enum step
judge_access(struct http_request *r, const char *name, enum step said)
{
    const struct http_access_conf *c = conf_of(&r->task, &http_satisfy_module);

    if (c->satisfy == SATISFY_ALL) {
        if (said == STEP_FAIL)
            return refuse_access(r);
        return said == STEP_ACCEPT ? STEP_NEXT : said;
    }
    if (said == STEP_ACCEPT) {
        r->access_status = 0;
        fields_hide(&r->out.fields, FIELD_WWW_AUTHENTICATE);
    } else if (said == STEP_FAIL
               && (r->fail_status == 403 || r->fail_status == 401))
    {
        if (task_is_dry(&r->task))
            trace_refused(r, r->phase, name);
        if (r->access_status != 401)
            r->access_status = r->fail_status;
        return STEP_NEXT;
    }
    return said;
}


/* No content handler answered. */
static enum step
nobody_answers(struct http_request *r)
{
    str_t  path;
    size_t root;

    if (http_uri_is_folder(r)) {
        path = http_map_path(r, &root);
        if (path.p == NULL)
            return http_fail(r, 500);
        log_error(r->task.log, "directory index of \"" STR_F "\" is forbidden",
                  STR_A(path));
        return http_fail(r, 403);
    }
    log_error(r->task.log, "no handler found");
    return http_fail(r, 404);
}


/* --- phases -------------------------------------------------------------------- */

/* Makes the next call of the present phase. */
static enum step
call_phase(struct http_request *r)
{
    const struct http_main  *m = http_main_of(r->task.gen);
    const struct phase_list *list = &m->phases[r->phase];
    enum step                step;

    switch ((enum phase) r->phase) {
    case PHASE_FIND_LOCATION:
        step = find_location(r);
        return step == STEP_NEXT ? STEP_ACCEPT : step;
    case PHASE_POST_REWRITE:
        step = check_rewritten(r);
        return step == STEP_NEXT ? STEP_ACCEPT : step;
    case PHASE_POST_ACCESS:
        step = check_access_status(r);
        return step == STEP_NEXT ? STEP_ACCEPT : step;
    case PHASE_ACCESS:
        if (r != r->main || r->handler >= list->n)
            return STEP_ACCEPT;
        return judge_access(r, list->modules[r->handler]->name,
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
    if (r->handler < list->n)
        return list->at[r->handler](&r->task);
    return r->phase == PHASE_CONTENT ? nobody_answers(r) : STEP_ACCEPT;
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
        trace_refused(r, phase, name);
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


static bool
run_phases(struct http_request *r)
{
    unsigned  phase, handler;
    enum step step;

    r->has_run = true;
    if (r->fail_at_once != 0) {
        step = http_fail(r, r->fail_at_once);
        r->fail_at_once = 0;
        return follow(r, step);
    }
    if (r->phase == PHASE_CONTENT && r->location->content != NULL) {
        if (task_is_dry(&r->task))
            trace_content(r);
        r->state = HTTP_CONTENT;
        return true;
    }
    phase = r->phase;
    handler = r->handler;
    http_debug_phase(r);
    step = distrust(r, call_phase(r));
    if (task_is_dry(&r->task) && !r->moved)
        trace_step(r, phase, handler, step);
    if (!r->moved && step == STEP_NEXT) {
        r->handler++;
    } else if (!r->moved && step == STEP_ACCEPT) {
        r->phase++;
        r->handler = 0;
    }
    return follow(r, step);
}


static bool
run_content(struct http_request *r)
{
    return follow(r, distrust(r, r->location->content->serve(&r->task)));
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


/* The request waits only for time (limit_rate, auth_delay), and the client has
 * left meanwhile, which would not be noticed before the next write. */
static bool
is_left_waiting(const struct http_request *r)
{
    return r->client_gone && !r->came_half_closed && !r->is_post_action
           && timer_is_set(&r->delay)
           && (r->state == HTTP_SENDING
               || (r->state == HTTP_PHASES && r->phase == PHASE_POST_ACCESS));
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
    {
        r->is_broken = true;
        r->state = HTTP_LOG;
    }
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
