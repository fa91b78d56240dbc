/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses that include others (addition, SSI).  An earlier filter puts a
 * mark where the body of a subrequest belongs (http_include).  This one comes
 * after all filters that process the response's own text, and replaces the
 * mark with that body as it arrives.  What follows the mark is held back
 * meanwhile, and nothing more is taken from the handler.
 */
#include "http/filter.h"
#include "http/subrequest.h"

struct parts {
    struct chain            held; /* what follows the mark                   */
    struct http_subrequest *now;  /* the one of the mark; NULL: none         */
};


enum step
http_include_as(struct http_request *r, struct chain *out,
                struct http_subrequest *s, str_t uri, str_t args)
{
    if (http_subrequest(r, s, uri, args) == STEP_FAIL)
        return STEP_FAIL;
    chain_mark(out, s);
    return STEP_NEXT;
}


enum step
http_include(struct http_request *r, struct chain *out, str_t uri, str_t args)
{
    struct http_subrequest *s;

    s = arena_make(r->task.arena, struct http_subrequest);
    return http_include_as(r, out, s, uri, args);
}


static void
abandon(void *state)
{
    struct parts *p = state;

    chain_clear(&p->held);
}


static enum step
join(struct http_request *r, void *state)
{
    struct parts *p = state;

    if (!r->out.has_parts)
        return STEP_NEXT;
    chain_init(&p->held, r->task.arena);
    arena_defer(r->task.arena, abandon, p);
    return STEP_ACCEPT;
}


/* What takes the place of an empty body may have marks of its own. */
static void
insert_instead(struct http_request *r, struct parts *p)
{
    struct chain text;

    chain_init(&text, r->task.arena);
    p->now->instead(p->now, &text);
    chain_move(&text, &p->held);
    chain_move(&p->held, &text);
}


static enum step
replace_marks(struct http_request *r, void *state, struct chain *in,
              struct chain *out, bool last)
{
    struct parts *p = state;

    (void) last;
    chain_move(&p->held, in);
    for (;;) {
        if (p->now != NULL) {
            http_subrequest_take(p->now, out, r->room);
            if (chain_has_flush(out))
                r->must_flush = true;
            if (!p->now->is_complete || !chain_empty(&p->now->body))
                return STEP_WAIT;
            if (p->now->instead != NULL && !p->now->has_body)
                insert_instead(r, p);
            /* The filter that put the mark may be waiting for the subrequest
             * to end. */
            task_wake(&r->task);
        }
        p->now = chain_move_to_mark(out, &p->held);
        if (p->now == NULL)
            return STEP_NEXT;
    }
}


static const struct http_filter filter = { .name = "parts",
                                           .state_size = sizeof(struct parts),
                                           .head = join,
                                           .body = replace_marks };

struct module http_parts_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .filter = &filter,
};
