/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slice: fetches a response in pieces of a fixed size.
 *
 *     slice            1m;
 *     proxy_set_header Range $slice_range;
 *
 * The location's handler answers with the first piece.  Each further piece is
 * a clone of the request as a subrequest, whose body is appended.  It is asked
 * for when the previous piece has been passed on, so that at most one piece is
 * fetched ahead of the client.
 *
 * All of them share one struct slice, which the first use of $slice_range
 * creates.  Without such a use the module does nothing.
 */
#include "http/codec.h"
#include "http/files.h"
#include "http/range.h"
#include "http/settings.h"
#include "http/subrequest.h"
#include "modules/module.h"

struct slice_conf {
    size_t slice; /* bytes; 0: off                                           */
};

struct slice {
    uint64_t                size;
    uint64_t                begin; /* of the first slice                     */
    uint64_t                next;  /* start of the next slice                */
    str_t                   range; /* the Range to ask for                   */
    str_t                   etag;  /* of the slices so far, or empty         */
    struct http_subrequest *sub;   /* the last one, or NULL                  */
    bool                    has_answer;  /* to the last range asked for       */
    bool                    is_settled;  /* begin, next and the end are known */
    bool                    skips_first; /* the first slice is dropped       */
};

struct slice_state {
    struct slice *of; /* NULL: no slices                                     */
};

extern struct module slice_module;


static struct slice *
slice_of(const struct http_request *r)
{
    const struct slice_state *state = http_state_if(r, &slice_module);

    return state ? state->of : NULL;
}


static void
ask_next(struct http_request *r, struct slice *s)
{
    s->range = arena_printf(r->task.arena, "bytes=%ju-%ju", (uintmax_t) s->next,
                            (uintmax_t) s->next + s->size - 1);
    s->has_answer = false;
}


/* --- $slice_range -------------------------------------------------------- */

/* The start of the range that the client asks for; 0 where ranges will not be
 * served. */
static uint64_t
wanted_start(const struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_RANGE);

    if (f == NULL || fields_get(&r->in, FIELD_IF_RANGE) != NULL
        || validate_conf(&r->task)->max_ranges == 0 || r->version < HTTP_10)
        return 0;
    return range_start(f->value);
}


static struct slice *
begin(struct http_request *r)
{
    const struct slice_conf *c = conf_of(&r->task, &slice_module);
    struct slice_state      *state;
    struct slice            *s;

    if (r != r->main || r->out.status != 0 || c->slice == 0)
        return NULL;
    s = arena_make(r->task.arena, struct slice);
    s->size = c->slice;
    s->begin = s->next = wanted_start(r) / s->size * s->size;
    ask_next(r, s);
    state = http_state_of(r, &slice_module);
    state->of = s;
    return s;
}


static str_t
get_range(struct task *t, uintptr_t arg)
{
    struct http_request *r = http_of(t);
    struct slice        *s = slice_of(r);

    (void) arg;
    if (s == NULL)
        s = begin(r);
    return s ? s->range : STR_NONE;
}


/* --- heads --------------------------------------------------------------- */

static bool
has_same_etag(struct http_request *r, struct slice *s)
{
    const struct field *f = fields_get(&r->out.fields, FIELD_ETAG);

    if (s->etag.n != 0 && (f == NULL || !str_eq(f->value, s->etag))) {
        log_error(r->task.log, "etag mismatch in slice response");
        return false;
    }
    if (f != NULL)
        s->etag = str_copy(r->main->task.arena, f->value);
    return true;
}


/* Whether the response is the range that was asked for. */
static bool
has_range(struct http_request *r, const struct slice *s, struct range *at,
          uint64_t *length)
{
    const struct field *f = fields_get(&r->out.fields, FIELD_CONTENT_RANGE);
    uint64_t            end;

    if (f == NULL || !range_parse_content(f->value, at, length)) {
        log_error(r->task.log, "invalid range in slice response");
        return false;
    }
    if (*length == RANGE_NO_LENGTH) {
        log_error(r->task.log, "no complete length in slice response");
        return false;
    }
    end = s->next + s->size < *length ? s->next + s->size : *length;
    if (at->start == s->next && at->end == end)
        return true;
    log_error(r->task.log, "unexpected range in slice response: %ju-%ju",
              (uintmax_t) at->start, (uintmax_t) at->end);
    return false;
}


/* Changes the head to that of the whole response. */
static void
make_whole(struct http_request *r, const struct range *at, uint64_t length)
{
    struct http_response *o = &r->out;

    o->status = 200;
    o->reason = STR_NONE;
    o->length = (int64_t) length;
    o->from = at->start;
    o->until = length;
    fields_hide(&o->fields, FIELD_CONTENT_RANGE);
    fields_hide(&o->fields, FIELD_ACCEPT_RANGES);
    o->allows_ranges = o->is_single_part = o->is_slice = true;
    if (r == r->main)
        o->has_parts = true;
}


static enum step
refuse_status(struct http_request *r)
{
    struct slice_state *state = http_state_if(r, &slice_module);

    if (r == r->main) {
        state->of = NULL;
        return STEP_NEXT;
    }
    log_error(r->task.log, "unexpected status code %u in slice response",
              r->out.status);
    return http_break_off(r);
}


static enum step
check(struct http_request *r, void *state)
{
    struct slice *s = slice_of(r);
    struct range  at;
    uint64_t      length;

    (void) state;
    if (s == NULL)
        return STEP_NEXT;
    if (r->out.status != 206)
        return refuse_status(r);
    if (!has_same_etag(r, s) || !has_range(r, s, &at, &length))
        return http_break_off(r);
    s->next = at.end;
    s->has_answer = true;
    make_whole(r, &at, length);
    return r == r->main ? STEP_ACCEPT : STEP_NEXT;
}


/* --- bodies -------------------------------------------------------------- */

/* Now it is known which part will be sent.  A filter may have chosen the whole
 * although the client asked for a part. */
static void
settle(struct http_request *r, struct slice *s)
{
    s->is_settled = true;
    if (r->out.status == 206) {
        if (r->out.from > s->next)
            s->next = r->out.from - r->out.from % s->size;
    } else if (s->begin > 0) {
        s->next = 0;
        s->skips_first = true;
    }
}


/* Requests the next slice, whose body is appended to out. */
static enum step
fetch(struct http_request *r, struct slice *s, struct chain *out)
{
    struct slice_state *state;

    ask_next(r, s);
    s->sub = arena_make(r->task.arena, struct http_subrequest);
    s->sub->is_clone = true;
    if (http_include_as(r, out, s->sub, r->uri, r->args) == STEP_FAIL)
        return STEP_FAIL;
    state = http_state_of(s->sub->made, &slice_module);
    state->of = s;
    return STEP_WAIT;
}


/* With a slice missing, nothing after it can be sent. */
static enum step
give_up(struct http_request *r, struct chain *out)
{
    http_cut(r, out);
    return STEP_NEXT;
}


static enum step
go_on(struct http_request *r, struct slice *s, struct chain *out)
{
    struct slice_state *state = http_state_of(r, &slice_module);

    if (s->sub != NULL && (!s->sub->is_complete || !chain_empty(&s->sub->body)))
        return STEP_WAIT;
    if (!s->has_answer) {
        log_error(r->task.log, "missing slice response");
        return give_up(r, out);
    }
    if (s->sub != NULL && s->sub->has_failed)
        return give_up(r, out);
    if (s->next >= r->out.until) {
        state->of = NULL;
        return STEP_NEXT;
    }
    if (r->codec->queued(r) > send_conf(&r->task)->postpone_output)
        return STEP_WAIT;
    return fetch(r, s, out);
}


static enum step
pass(struct http_request *r, void *state, struct chain *in, struct chain *out,
     bool last)
{
    struct slice *s = slice_of(r);

    (void) state;
    if (s == NULL || r->out.is_head_only) {
        chain_move(out, in);
        return STEP_NEXT;
    }
    if (!s->is_settled)
        settle(r, s);
    if (s->skips_first)
        chain_clear(in);
    chain_move(out, in);
    return last ? go_on(r, s, out) : STEP_NEXT;
}


static const struct directive rows[]
    = { SIZE("slice", IN_WEB, struct slice_conf, slice, "0",
             "Fetches a response in pieces of this size, each with its own "
             "request for $slice_range; 0 fetches it as a whole."),
        { .name = NULL } };

static const struct variable variables[] = {
    { "slice_range", get_range, 0, VAR_VOLATILE, NULL,
      "The bytes of the slice that is being fetched, as the value of Range." },
    { .name = NULL },
};

static const struct http_filter filter
    = { .name = "slice", .head = check, .body = pass };

struct module slice_module = {
    .name = "http_slice",
    .serves = FOR_HTTP,
    .directives = rows,
    .variables = variables,
    .conf_size = sizeof(struct slice_conf),
    .state_size = sizeof(struct slice_state),
    .filter = &filter,
};
