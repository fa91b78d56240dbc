/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * post_action: runs another URI or named location when a response is finished.
 *
 *     post_action /count;
 *     post_action @count;
 *
 * It is the same request, but it has no client any more: that has its
 * response, or has left.  The request is logged where this ends, and only then
 * does the connection continue.  The new location may have a post_action
 * itself, as long as redirects are left.
 */
#include "http/post_action.h"

#include "core/conf/types.h"
#include "core/event/trace.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/response.h"
#include "http/server.h"

struct post_action_conf {
    str_t to; /* empty or "off": none                                        */
};

/* For a post_action after a redirection cycle, which has used up the
 * redirects. */
enum { URI_CHANGES_ANEW = 16 };

extern struct module http_post_action_module;

static const struct directive rows[]
    = { TEXT("post_action", IN_WEB | IN_IF, struct post_action_conf, to, NULL,
             "uri",
             "Runs another URI or named location after the response, "
             "which the client does not see; off for none."),
        { .name = NULL } };

struct module http_post_action_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct post_action_conf),
};


bool
http_post_action_is_due(const struct http_request *r)
{
    const struct post_action_conf *c;

    if (r != r->main || !r->has_run || r->location == NULL || r->resets
        || (r->is_post_action && r->uri_changes == 0))
        return false;
    c = conf_of(&r->task, &http_post_action_module);
    return c->to.n != 0 && !str_is(c->to, "off");
}


bool
http_post_action_is_told(struct http_request *r)
{
    const struct setting *s;

    if (!task_is_dry(&r->task))
        return false;
    s = setting_in_force(r->location->block, "post_action", NULL);
    if (s != NULL)
        trace_setting(&r->task, TRACE_SUBREQUEST, "would run", s,
                      "when the client has its response");
    return true;
}


/* Drops what is left of the response. */
static void
leave_client(struct http_request *r)
{
    timer_stop(&r->delay);
    chain_clear(&r->pending);
    if (r->is_broken) {
        task_restart(&r->task);
        r->codec->drop(r);
        if (r->error_status == 408 || r->error_status == 499)
            r->error_status = 0;
    }
    (void) http_body_discard(r);
}


enum step
http_post_action(struct http_request *r)
{
    const struct post_action_conf *c
        = conf_of(&r->task, &http_post_action_module);

    if (!r->is_post_action)
        leave_client(r);
    if (r->uri_changes == 0)
        r->uri_changes = URI_CHANGES_ANEW;
    r->is_post_action = true;
    r->out.is_head_sent = false;
    r->task.has_bad_value = false;
    r->cut_off = 0;
    return c->to.p[0] == '/' ? http_internal_redirect(r, c->to, STR_NONE)
                             : http_named_location(r, c->to);
}
