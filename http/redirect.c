/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal redirects: a request goes on with another URI, or in a named
 * location.  They set r->moved, so that the driver follows.
 */
#include "http/body.h"
#include "http/response.h"
#include "http/server.h"


static void
forget_states(struct http_request *r)
{
    for (unsigned i = 0; r->states != NULL && i < modules_count(); i++)
        if (weir_modules[i]->state_size != 0 && !weir_modules[i]->keeps_state)
            r->states[weir_modules[i]->state_slot] = NULL;
}


static enum step
go_on(struct http_request *r, const struct http_location *l, enum phase phase)
{
    r->out.content_type = STR_NONE;
    r->has_declined = false;
    forget_states(r);
    http_enter(r, l);
    r->phase = phase;
    r->handler = 0;
    r->moved = true;
    return STEP_NEXT;
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
    return go_on(r, r->server->root, PHASE_SERVER_REWRITE);
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
    return go_on(r, l, PHASE_REWRITE);
}
