/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The phases that are the engine's own: finding the location, following a
 * rewritten URI, and what the access rules together come to (satisfy).
 */
#include "core/base/escape.h"
#include "http/body.h"
#include "http/main.h"
#include "http/response.h"
#include "http/settings.h"


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


enum step
http_phase_find_location(struct http_request *r)
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


enum step
http_phase_check_rewritten(struct http_request *r)
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


/* A name and a password are wanted: by us, or by us as a proxy. */
static bool
is_challenge(unsigned status)
{
    return status == 401 || status == 407;
}


/* Delays such a response by auth_delay. */
static enum step
refuse_access(struct http_request *r)
{
    const struct http_access_conf *c = conf_of(&r->task, &http_satisfy_module);

    if (!is_challenge(r->fail_status) || c->auth_delay == 0
        || r->access_delayed)
        return STEP_FAIL;
    log_info(r->task.log, "delaying unauthorized request");
    r->access_delayed = true;
    r->access_status = r->fail_status;
    r->phase = PHASE_POST_ACCESS;
    timer_set(r->task.loop, &r->delay,
              task_is_dry(&r->task) ? 0 : c->auth_delay);
    return STEP_WAIT;
}


enum step
http_phase_check_access(struct http_request *r)
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
    return is_challenge(status) ? refuse_access(r) : STEP_FAIL;
}


void
http_trace_refused(struct http_request *r, unsigned phase, const char *name)
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


enum step
http_judge_access(struct http_request *r, const char *name, enum step said)
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
        fields_hide(&r->out.fields, FIELD_PROXY_AUTHENTICATE);
    } else if (said == STEP_FAIL
               && (r->fail_status == 403 || is_challenge(r->fail_status)))
    {
        if (task_is_dry(&r->task))
            http_trace_refused(r, r->phase, name);
        if (!is_challenge(r->access_status))
            r->access_status = r->fail_status;
        return STEP_NEXT;
    }
    return said;
}


enum step
http_nobody_answers(struct http_request *r)
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
