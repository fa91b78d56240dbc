/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mirror: sends copies of each request to other URIs and ignores the
 * responses.
 *
 *     mirror /copy;
 *     mirror_request_body off;
 *
 * The response does not wait for the copies, but the connection continues with
 * its next request (or is closed) only when they have ended.
 */
#include "http/subrequest.h"
#include "modules/module.h"

struct mirror_conf {
    struct mirrors {
        VEC(str_t) uris;
    } to;
    bool mirror_request_body;
};

struct mirror_state {
    bool is_done;
};

extern struct module mirror_module;


static enum step
start(struct http_request *r, const struct mirrors *to)
{
    struct http_subrequest *s;

    VEC_EACH(&to->uris, uri) {
        s = arena_make(r->task.arena, struct http_subrequest);
        s->in_background = s->drops_body = s->keeps_method = true;
        if (http_subrequest(r, s, *uri, r->args) == STEP_FAIL)
            return STEP_FAIL;
    }
    return STEP_NEXT;
}


static enum step
copy(struct task *t)
{
    const struct mirror_conf *c = conf_of(t, &mirror_module);
    struct http_request      *r = http_of(t);
    struct mirror_state      *m;
    enum step                 step = STEP_NEXT;

    if (r != r->main || c->to.uris.n == 0)
        return STEP_NEXT;
    m = http_state_of(r, &mirror_module);
    if (m->is_done)
        return STEP_NEXT;
    if (c->mirror_request_body)
        step = http_body_read(r);
    if (step != STEP_NEXT)
        return step;
    m->is_done = true;
    return start(r, &c->to);
}


/* --- directives --------------------------------------------------------------- */

static const char *
parse_mirror(struct conf *cf, void *field)
{
    struct mirrors *to = field;

    if (!str_is(cf->args[1], "off"))
        *vec_push(cf->arena, &to->uris) = str_copy(cf->arena, cf->args[1]);
    return NULL;
}


static const struct conf_type mirror_type = {
    .name = "mirrors",
    .size = sizeof(struct mirrors),
    .parse = parse_mirror,
    .unset = "off",
};

static const struct directive rows[] = {
    CUSTOM("mirror", IN_WEB | ROW_MANY | ROW_OFF_ALONE, ARGS_1, mirror_type,
           struct mirror_conf, to, struct mirrors,
           "uri\n"
           "off",
           "Sends a copy of each request to another URI, in the background, "
           "and ignores the response. A block with a mirror does not inherit "
           "those of outer blocks."),
    FLAG("mirror_request_body", IN_WEB, struct mirror_conf, mirror_request_body,
         "on",
         "Whether the copies include the request's body, which is then read "
         "before the request itself is handled."),
    { .name = NULL },
};

struct module mirror_module = {
    .name = "mirror",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct mirror_conf),
    .state_size = sizeof(struct mirror_state),
    .phase = { [PHASE_PRECONTENT] = copy },
};
