/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting responses: statuses, complete small answers, redirects, and the
 * head with the filters that join.
 */
#include "http/response.h"

#include "core/base/escape.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/filter.h"
#include "http/joined.h"
#include "http/main.h"
#include "http/reply_head.h"


enum step
http_fail(struct http_request *r, unsigned status)
{
    r->fail_status = status;
    return STEP_FAIL;
}


enum step
http_break_off(struct http_request *r)
{
    return http_fail(r, 0);
}


enum step
http_reply(struct http_request *r, unsigned status, str_t type, str_t body)
{
    struct chain c;
    enum step    step;

    r->out.status = status;
    r->out.content_type = type;
    r->out.length = (int64_t) body.n;
    step = http_send_head(r);
    if (step != STEP_NEXT)
        return step;
    chain_init(&c, r->task.arena);
    chain_add(&c, body);
    return http_send(r, &c, true);
}


enum step
http_redirect(struct http_request *r, unsigned status, str_t location)
{
    fields_set(r->task.arena, &r->out.fields, FIELD_LOCATION, location);
    r->out.is_own_location = true;
    return http_fail(r, status);
}


static void
join(struct http_request *r, const struct http_filter *f, void *state)
{
    const struct http_main *m = http_main_of(r->task.gen);

    if (r->joined == NULL) {
        r->joined = arena_zalloc(r->task.arena,
                                 sizeof(*r->joined)
                                     + m->n_filters * sizeof(r->joined->at[0]));
    }
    r->joined->at[r->joined->n].filter = f;
    r->joined->at[r->joined->n++].state = state;
    if (f->needs_memory)
        r->out.needs_memory = true;
}


/* Sorts the filters that joined into the order of bodies. */
static void
order_bodies(struct http_request *r)
{
    const struct http_filter **order = http_main_of(r->task.gen)->bodies;
    struct http_joined        *j = r->joined;
    struct http_join           t;
    unsigned                   i, k, n = 0;

    for (i = 0; j != NULL && order[i] != NULL; i++)
        for (k = n; k < j->n; k++)
            if (j->at[k].filter == order[i]) {
                t = j->at[k];
                j->at[k] = j->at[n];
                j->at[n++] = t;
                break;
            }
}


/* The state of a filter that did not join: the next one gets its memory. */
struct spare_state {
    void  *p;
    size_t n;
};


static void *
new_state(struct http_request *r, size_t n, struct spare_state *spare)
{
    if (n == 0)
        return NULL;
    if (spare->p == NULL || spare->n < n) {
        spare->p = arena_alloc(r->task.arena, n);
        spare->n = n;
    }
    return memset(spare->p, 0, n);
}


/* The heads from that one on, up to one that wants the body first. */
static enum step
run_heads(struct http_request *r, unsigned first)
{
    const struct http_filter **heads = http_main_of(r->task.gen)->heads, **f;
    struct spare_state         spare = { NULL, 0 };
    void                      *state;

    for (f = heads + first; *f != NULL && !r->out.is_head_held; f++) {
        state = new_state(r, (*f)->state_size, &spare);
        switch ((*f)->head(r, state)) {
        case STEP_ACCEPT:
            join(r, *f, state);
            spare.p = NULL;
            break;
        case STEP_FAIL:
            return STEP_FAIL;
        case STEP_WAIT:
            join(r, *f, state);
            spare.p = NULL;
            r->out.is_head_held = true;
            r->out.heads_run = (unsigned) (f - heads) + 1;
            break;
        case STEP_NEXT:
        case STEP_DONE:
            break;
        }
    }
    order_bodies(r);
    return STEP_NEXT;
}


static bool
has_no_body(const struct http_request *r)
{
    return r->method == HTTP_HEAD || r->header_only
           || reply_is_bodiless(r->out.status);
}


/* Drops facts that are not in the head.  A file that is sent as an error page
 * is not what was asked for, so clients must not revalidate it. */
static void
forget_unsaid(struct http_response *o)
{
    if (o->status == 204) {
        if (o->reason.p == NULL) /* an upstream's head has a reason, and
                                    keeps its type                           */
            o->content_type = STR_NONE;
        o->length = -1;
    }
    if (o->status != 200 && o->status != 206 && o->status != 304
        && !o->is_upstreams)
        o->last_modified = -1;
}


static enum step
give_head(struct http_request *r)
{
    forget_unsaid(&r->out);
    r->out.is_head_only = has_no_body(r);
    return r->codec->send_head(r);
}


/* Filters join behind those that have, whose places stay as they are. */
enum step
http_release_head(struct http_request *r)
{
    CHECK(r->out.is_head_held);
    r->out.is_head_held = false;
    if (run_heads(r, r->out.heads_run) == STEP_FAIL)
        return http_refuse_body(r, r->fail_status);
    return give_head(r);
}


/* Nothing of the response's head is true of what takes its place. */
enum step
http_refuse_body(struct http_request *r, unsigned status)
{
    r->out = (struct http_response){ .length = -1,
                                     .last_modified = -1,
                                     .is_refused = true };
    r->joined = NULL;
    chain_clear(&r->pending);
    return http_fail(r, status);
}


enum step
http_send_head(struct http_request *r)
{
    enum step step;

    CHECK(!r->out.is_head_sent);
    if (r->error_status != 0) {
        r->out.status = r->error_status;
        r->out.reason = STR_NONE;
    }
    if (r->is_post_action)
        return STEP_DONE;
    if (r->body == NULL && !r->out.is_upgraded
        && http_body_discard(r) == STEP_FAIL && r->error_status == 0)
        return STEP_FAIL;
    r->joined = NULL;
    r->out.needs_memory = r->out.has_parts = r->out.is_head_held = false;
    step = run_heads(r, 0);
    if (step != STEP_NEXT)
        return step;
    r->out.is_head_sent = true;
    if (r->out.is_head_held)
        return STEP_NEXT;
    if (give_head(r) == STEP_FAIL)
        return STEP_FAIL;
    if (!r->out.is_head_only)
        return http_flush_head(r);
    r->out.is_last = true;
    return http_pump(r) == STEP_FAIL ? STEP_FAIL : STEP_DONE;
}


void
http_send_interim(struct http_request *r, unsigned status,
                  const struct fields *fields)
{
    if (r == r->main && r->version >= HTTP_11 && !r->out.is_head_sent
        && !r->is_post_action)
        r->codec->send_interim(r, status, fields);
}
