/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gunzip: decompresses responses for clients that do not accept gzip.
 *
 *     gunzip on;
 *
 * A few bytes can become a thousand times as many.  So no more than the buffers
 * hold is decompressed at once, and the rest waits until the client has taken
 * that.
 */
#include "modules/filter/compress.h"
#include "modules/filter/deflate.h"
#include "modules/filter/gzip_rules.h"
#include "modules/filter/recoder.h"
#include "modules/module.h"

struct gunzip_conf {
    struct buffers buffers;
    bool           is_on;
};

struct gunzip_state {
    struct recoder recoder;
    struct chain   kept;      /* not decompressed so far                     */
    uint64_t       most;      /* bytes at once                               */
    bool           is_full;   /* that was reached: there is more in it       */
    bool           is_inside; /* a member has begun, and not ended           */
    bool           has_begun;
};

extern struct module gunzip_module;

static const struct directive rows[] = {
    FLAG("gunzip", IN_WEB, struct gunzip_conf, is_on, "off",
         "Decompresses responses with Content-Encoding: gzip for clients that "
         "do not accept it."),
    BUFFERS("gunzip_buffers", IN_WEB, struct gunzip_conf, buffers, "32 4k",
            "The number and size of the buffers for decompressed data."),
    { .name = NULL },
};


/* Runs when the request's arena is freed, perhaps in the middle of the
 * body. */
static void
abandon(void *state)
{
    struct gunzip_state *s = state;

    recoder_end(&s->recoder);
    chain_clear(&s->kept);
}


static void
change_head(struct http_request *r)
{
    struct http_response *o = &r->out;

    fields_hide(&o->fields, FIELD_CONTENT_ENCODING);
    fields_hide(&o->fields, FIELD_ACCEPT_RANGES);
    o->allows_ranges = false;
    o->length = -1;
    http_weaken_etag(r);
}


static enum step
decide(struct http_request *r, void *filter_state)
{
    const struct gunzip_conf *c = conf_of(&r->task, &gunzip_module);
    struct gunzip_state      *s;
    struct coder_plan         plan = { .length = -1 };

    (void) filter_state;
    if (!c->is_on
        || !str_ieq(fields_value(&r->out.fields, FIELD_CONTENT_ENCODING),
                    STR("gzip")))
        return STEP_NEXT;
    gzip_set_vary(r);
    if (compress_accepts_gzip(r))
        return STEP_NEXT;
    change_head(r);
    if (r->method == HTTP_HEAD || r->header_only)
        return STEP_NEXT;
    s = http_state_of(r, &gunzip_module);
    inflate_plan(&plan);
    if (!recoder_begin(&s->recoder, &plan, c->buffers.size)) {
        log_at(r->task.log, LEVEL_ALERT, 0, "inflateInit2() failed");
        return http_fail(r, 500);
    }
    s->most = (uint64_t) c->buffers.n * c->buffers.size;
    chain_init(&s->kept, r->task.arena);
    arena_defer(r->task.arena, abandon, s);
    return STEP_ACCEPT;
}


/* STEP_WAIT: there is more to come out than may now. */
static enum step
expand(struct http_request *r, struct gunzip_state *s, str_t *in,
       struct chain *out)
{
    enum coder_said said;

    do {
        if (in->n != 0)
            s->is_inside = s->has_begun = true;
        said = recoder_put(&s->recoder, in, CODER_RUN, out);
        if (said == CODER_ENDED)
            s->is_inside = false;
    } while (said == CODER_ENDED && in->n != 0);
    s->is_full = said == CODER_FULL;
    if (s->is_full)
        return STEP_WAIT;
    if (said != CODER_BROKEN)
        return STEP_NEXT;
    log_error(r->task.log, "inflate() failed: %d, %d", CODER_RUN,
              s->recoder.coder->error);
    return STEP_FAIL;
}


static enum step
expand_kept(struct http_request *r, struct gunzip_state *s, struct chain *out)
{
    const struct piece *p;
    str_t               in = STR("");
    enum step           step = STEP_NEXT;
    bool                is_flush;

    if (s->is_full)
        step = expand(r, s, &in, out);
    while (step == STEP_NEXT && (p = s->kept.head) != NULL) {
        in = (str_t){ p->p, p->n };
        is_flush = p->flags & PIECE_FLUSH;
        step = expand(r, s, &in, out);
        if (in.n == 0 && is_flush) {
            recoder_pause(&s->recoder, out);
            chain_flush(out);
        }
        chain_skip(&s->kept, p->n - in.n);
    }
    return step;
}


static enum step
decompress_body(struct http_request *r, void *filter_state, struct chain *in,
                struct chain *out, bool last)
{
    struct gunzip_state *s = http_state_of(r, &gunzip_module);
    enum step            step;

    (void) filter_state;
    if (s->recoder.coder == NULL) { /* the end was there before           */
        chain_clear(in);
        return STEP_NEXT;
    }
    chain_move(&s->kept, in);
    s->recoder.until = s->recoder.total_out + s->most;
    step = expand_kept(r, s, out);
    if (step == STEP_FAIL)
        return STEP_FAIL;
    recoder_emit(&s->recoder, out);
    if (step == STEP_WAIT) /* others have a turn, however little comes out */
        post_add_next(r->task.loop, &r->task.wake);
    if (step == STEP_WAIT || !last)
        return step;
    if (s->is_inside || !s->has_begun) {
        log_error(r->task.log, "inflate() returned %d on response end", -5);
        return STEP_FAIL;
    }
    recoder_end(&s->recoder);
    return STEP_NEXT;
}


static const struct http_filter filter = { .name = "gunzip",
                                           .needs_memory = true,
                                           .head = decide,
                                           .body = decompress_body };

struct module gunzip_module = {
    .name = "http_gunzip",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct gunzip_conf),
    .state_size = sizeof(struct gunzip_state),
    .filter = &filter,
};
