/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * range: parts of a body (RFC 9110 section 14).  The decision on the head
 * comes after all other filters, but the body is cut before all of them.  So
 * there are two filters, and two modules, which share the state of the first.
 */
#include "http/range.h"

#include "http/files.h"
#include "modules/module.h"

struct range_state {
    struct range *at; /* NULL: the whole body                                */
    size_t        n;
    uint64_t      length;    /* of the whole body                             */
    uint64_t      seen;      /* one range: position of the next byte          */
    struct chain  kept;      /* several: the body so far                      */
    str_t         boundary;  /* several: "\r\n--text"                         */
    str_t         part_head; /* up to "Content-Range: bytes "                */
};

extern struct module range_module, range_body_module;


/* --- whether ------------------------------------------------------------- */

static time_t
last_modified_of(const struct http_request *r)
{
    const struct field *f;

    if (r->out.last_modified != -1)
        return r->out.last_modified;
    f = fields_get(&r->out.fields, FIELD_LAST_MODIFIED);
    return f ? date_parse(f->value) : -1;
}


/* If-Range: whether the client's part is of the current version. */
static bool
is_same(const struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_IF_RANGE), *etag;
    time_t              modified;

    if (f == NULL)
        return true;
    if (f->value.n >= 2 && f->value.p[f->value.n - 1] == '"') {
        etag = fields_get(&r->out.fields, FIELD_ETAG);
        return etag != NULL && str_eq(etag->value, f->value);
    }
    modified = last_modified_of(r);
    return modified != -1 && date_parse(f->value) == modified;
}


static enum range_verdict
judge(struct http_request *r, struct range **at, size_t *n)
{
    const struct field *f = fields_get(&r->in, FIELD_RANGE);
    uint64_t            max = validate_conf(&r->task)->max_ranges;

    if (f == NULL || !is_same(r))
        return RANGE_IGNORE;
    return range_parse(r->task.arena, f->value, (uint64_t) r->out.length,
                       r->out.is_single_part ? 1 : max, at, n);
}


/* --- heads --------------------------------------------------------------- */

static void
set_one(struct http_request *r, const struct range_state *s)
{
    str_t text;

    text = arena_printf(r->task.arena, "bytes %ju-%ju/%ju",
                        (uintmax_t) s->at->start, (uintmax_t) s->at->end - 1,
                        (uintmax_t) s->length);
    fields_set(r->task.arena, &r->out.fields, FIELD_CONTENT_RANGE, text);
    r->out.length = (int64_t) (s->at->end - s->at->start);
    r->out.from = s->at->start;
    r->out.until = s->at->end;
}


static str_t
part_range(struct http_request *r, const struct range_state *s,
           const struct range *one)
{
    return arena_printf(r->task.arena, "%ju-%ju/%ju\r\n\r\n",
                        (uintmax_t) one->start, (uintmax_t) one->end - 1,
                        (uintmax_t) s->length);
}


/* What precedes each part, up to the numbers of its range. */
static str_t
part_head(struct http_request *r, str_t boundary)
{
    struct arena *a = r->task.arena;
    str_t         type = r->out.content_type;

    if (type.n == 0)
        return arena_printf(a, STR_F "\r\nContent-Range: bytes ",
                            STR_A(boundary));
    type = str_join(a, type, r->out.type_tail);
    return arena_printf(
        a, STR_F "\r\nContent-Type: " STR_F "\r\nContent-Range: bytes ",
        STR_A(boundary), STR_A(field_clean(a, type)));
}


static void
set_many(struct http_request *r, struct range_state *s)
{
    uint64_t length, number;
    str_t    text;
    size_t   i;

    random_fill(&number, sizeof(number));
    text = arena_printf(r->task.arena, "%020ju", (uintmax_t) number);
    s->boundary = str_join(r->task.arena, STR("\r\n--"), text);
    s->part_head = part_head(r, s->boundary);
    length = s->boundary.n + sizeof("--\r\n") - 1;
    for (i = 0; i < s->n; i++)
        length += s->part_head.n + part_range(r, s, &s->at[i]).n
                  + (s->at[i].end - s->at[i].start);
    r->out.length = (int64_t) length;
    r->out.content_type
        = str_join(r->task.arena, STR("multipart/byteranges; boundary="), text);
    r->out.type_tail = STR_NONE;
    chain_init(&s->kept, r->task.arena);
}


static enum step
cut(struct http_request *r, struct range *at, size_t n)
{
    struct range_state *s = http_state_of(r, &range_module);

    s->at = at;
    s->n = n;
    s->length = (uint64_t) r->out.length;
    s->seen = r->out.is_slice ? r->out.from : 0;
    r->out.status = 206;
    r->out.reason = STR_NONE;
    if (n == 1)
        set_one(r, s);
    else
        set_many(r, s);
    return STEP_NEXT;
}


static enum step
refuse(struct http_request *r)
{
    str_t text
        = arena_printf(r->task.arena, "bytes */%jd", (intmax_t) r->out.length);

    fields_set(r->task.arena, &r->out.fields, FIELD_CONTENT_RANGE, text);
    r->out.length = -1;
    return http_fail(r, 416);
}


/* The range of the main request applies to all of its slices. */
static void
cut_slice(struct http_request *r)
{
    const struct range_state *of_main = http_state_if(r->main, &range_module);
    struct range_state       *s;

    if (of_main == NULL || of_main->at == NULL)
        return;
    s = http_state_of(r, &range_module);
    s->at = of_main->at;
    s->n = 1;
    s->length = of_main->length;
    s->seen = r->out.from;
}


static enum step
decide(struct http_request *r, void *state)
{
    struct range *at = NULL;
    size_t        n = 0;

    (void) state;
    if (r != r->main && r->out.is_slice)
        cut_slice(r);
    if (r->out.status != 200 || r != r->main || r->out.length == -1
        || !r->out.allows_ranges || r->version < HTTP_10
        || validate_conf(&r->task)->max_ranges == 0)
        return STEP_NEXT;
    switch (judge(r, &at, &n)) {
    case RANGE_OK:
        return cut(r, at, n);
    case RANGE_UNSATISFIABLE:
        return refuse(r);
    case RANGE_IGNORE:
        break;
    }
    /* in addition to one from add_header */
    fields_add_id(r->task.arena, &r->out.fields, FIELD_ACCEPT_RANGES,
                  STR("bytes"));
    return STEP_NEXT;
}


/* --- bodies -------------------------------------------------------------- */

static enum step
join_in(struct http_request *r, void *state)
{
    const struct range_state *s = http_state_if(r, &range_module);

    (void) state;
    return s != NULL && s->at != NULL ? STEP_ACCEPT : STEP_NEXT;
}


static uint64_t
smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}


static void
pass_piece(struct range_state *s, struct chain *in, struct chain *out)
{
    uint64_t n;

    if (s->seen < s->at->start) {
        n = smaller(s->at->start - s->seen, in->n);
        chain_skip(in, n);
        s->seen += n;
    }
    if (s->seen < s->at->end) {
        n = smaller(s->at->end - s->seen, in->n);
        chain_move_n(out, in, n);
        s->seen += n;
    }
    chain_clear(in);
}


/* Marks are kept, even where the bytes around them are cut. */
static void
pass_one(struct http_request *r, struct range_state *s, struct chain *in,
         struct chain *out)
{
    struct chain piece;
    void        *mark;

    chain_init(&piece, r->task.arena);
    do {
        mark = chain_move_to_mark(&piece, in);
        pass_piece(s, &piece, out);
        if (mark != NULL)
            chain_mark(out, mark);
    } while (mark != NULL);
    chain_take_links(in, &piece);
}


static void
pass_part(struct http_request *r, struct range_state *s,
          const struct range *one, struct chain *out)
{
    struct chain copy;

    chain_init(&copy, r->task.arena);
    chain_share(&copy, &s->kept);
    chain_skip(&copy, one->start);
    chain_add(out, s->part_head);
    chain_add(out, part_range(r, s, one));
    chain_move_n(out, &copy, one->end - one->start);
    chain_clear(&copy);
}


static enum step
pass(struct http_request *r, void *state, struct chain *in, struct chain *out,
     bool last)
{
    struct range_state *s = http_state_of(r, &range_module);
    size_t              i;

    (void) state;
    if (s->n == 1) {
        pass_one(r, s, in, out);
        return STEP_NEXT;
    }
    chain_move(&s->kept, in);
    if (!last || r->out.is_head_only)
        return STEP_NEXT;
    if (s->kept.n < s->length) {
        log_error(r->task.log, "body is shorter than its ranges");
        return STEP_FAIL;
    }
    for (i = 0; i < s->n; i++)
        pass_part(r, s, &s->at[i], out);
    chain_add(out, s->boundary);
    chain_add(out, STR("--\r\n"));
    chain_clear(&s->kept);
    return STEP_NEXT;
}


static const struct http_filter range_filter
    = { .name = "range", .head = decide };
static const struct http_filter range_body_filter
    = { .name = "range_body", .is_early = true, .head = join_in, .body = pass };

struct module range_module = {
    .name = "http_range_header_filter",
    .serves = FOR_HTTP,
    .filter = &range_filter,
    .state_size = sizeof(struct range_state),
};

struct module range_body_module = {
    .name = "http_range_body_filter",
    .serves = FOR_HTTP,
    .filter = &range_body_filter,
};
