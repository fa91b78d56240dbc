/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compress: the filter that compresses bodies of responses, whatever the
 * content coding (gzip, br, zstd).
 *
 *     gzip on;
 *     brotli on;
 *     compress_order br gzip;
 *
 * A response has one coding, the one that its client prefers.  It holds a coder
 * from its first byte to its last one, and always gives it back, even when it
 * fails.  A short body that is there as a whole needs none: it is compressed in
 * one go, where the coding has a way to do that; and that of a small file is
 * only compressed once (compressed.h).
 */
#include "modules/filter/compress.h"

#include "http/coding.h"
#include "modules/filter/compressed.h"
#include "modules/filter/gzip_rules.h"
#include "modules/filter/recoder.h"
#include "modules/module.h"

enum {
    WHOLE_MAX = 64 << 10, /* bytes of a body that is compressed in one go    */
    WHOLE_MORE = 512,     /* ... may become longer by that                   */
    LIVE_BLOCK = 1 << 10, /* for bodies that come a little at a time         */
};

struct order_conf {
    struct coding_order {
        uint8_t n, at[COMPRESS_CODINGS]; /* numbers of codings               */
    } order;
};

struct compress_main {
    const struct http_coding *codings[COMPRESS_CODINGS]; /* or NULL          */
};

struct compress_state {
    const struct http_coding   *coding; /* NULL: not compressed              */
    struct coder_with          *with;   /* a reference; or NULL              */
    const struct compress_conf *conf;
    struct recoder              recoder;
    struct chain kept;    /* not compressed so far                        */
    int64_t      length;  /* of the whole; -1: unknown                    */
    uint64_t     flushed; /* of the input: at the last flush              */
    bool         is_live;
    bool         is_ended;
};


static const char *const names[] = { [COMPRESS_BR] = "br",
                                     [COMPRESS_ZSTD] = "zstd",
                                     [COMPRESS_GZIP] = "gzip",
                                     [COMPRESS_DCZ] = "dcz" };


str_t
compress_name(enum compress_coding k)
{
    return str_of(names[k]);
}


/* --- rows ---------------------------------------------------------------- */

static unsigned
number_of(str_t name)
{
    unsigned k = 0;

    while (k < COMPRESS_CODINGS && !str_eq(name, compress_name(k)))
        k++;
    return k;
}


static bool
has(const struct coding_order *o, unsigned coding)
{
    for (unsigned i = 0; i < o->n; i++)
        if (o->at[i] == coding)
            return true;
    return false;
}


/* What is not named comes last. */
static const char *
parse_order(struct conf *cf, void *field)
{
    struct coding_order *o = field;
    unsigned             i, k;

    o->n = 0;
    for (i = 1; i < cf->n_args; i++) {
        k = number_of(cf->args[i]);
        if (k == COMPRESS_CODINGS)
            return conf_error(cf, "invalid value \"" STR_F "\"",
                              STR_A(cf->args[i]));
        if (has(o, k))
            conf_warn(cf, "duplicate value \"" STR_F "\"", STR_A(cf->args[i]));
        else
            o->at[o->n++] = (uint8_t) k;
    }
    for (k = 0; k < COMPRESS_CODINGS; k++)
        if (!has(o, k))
            o->at[o->n++] = (uint8_t) k;
    return NULL;
}


static const struct conf_type order_type = {
    .name = "content codings",
    .size = sizeof(struct coding_order),
    .parse = parse_order,
};

static const struct directive rows[] = {
    { "compress_order", IN_WEB, ARGS_1_OR_MORE, &order_type,
      FIELD(struct order_conf, order, struct coding_order), "br zstd gzip",
      NULL, "br | zstd | gzip ...",
      "Which content coding is used where a client accepts several and prefers "
      "none of them; those that are not named come last." },
    { .name = NULL },
};

const struct directive compress_rows[] = {
    MIME_SET("_types", 0, struct compress_conf, types, NULL,
             "The media types that are compressed, besides text/html; * is "
             "any."),
    SIZE("_min_length", 0, struct compress_conf, min_length, "20",
         "Responses with a smaller Content-Length are not compressed."),
    BUFFERS("_buffers", 0, struct compress_conf, buffers, "32 4k",
            "The size of the buffers for compressed data; their number has no "
            "limit."),
    { .name = NULL },
};


static const char *
find_codings(struct conf *cf, void *main)
{
    struct compress_main *m = main;

    (void) cf;
    for (struct module *const *w = weir_modules; *w != NULL; w++)
        if ((*w)->coding != NULL)
            m->codings[(*w)->coding->number] = (*w)->coding;
    return NULL;
}


/* --- the choice ---------------------------------------------------------- */

static const struct compress_main *
main_of(const struct http_request *r)
{
    return r->task.gen->main[compress_module.slot];
}


const uint8_t *
compress_order(const struct http_request *r)
{
    const struct order_conf *c = conf_of(&r->task, &compress_module);

    return c->order.at;
}


enum compress_coding
compress_choose(const struct http_request *r, unsigned bits, unsigned *weight)
{
    const uint8_t       *order = compress_order(r);
    const struct field  *f = fields_get(&r->in, FIELD_ACCEPT_ENCODING);
    enum compress_coding best = COMPRESS_CODINGS, k;
    unsigned             w;

    *weight = 0;
    if (f == NULL || r != r->main)
        return COMPRESS_CODINGS;
    for (unsigned i = 0; i < COMPRESS_CODINGS; i++) {
        k = order[i];
        if (!(bits & 1u << k))
            continue;
        w = coding_weight(f->value, compress_name(k));
        if (w > *weight) {
            *weight = w;
            best = k;
        }
    }
    return best;
}


bool
compress_accepts_gzip(const struct http_request *r)
{
    unsigned weight;

    return compress_choose(r, 1u << COMPRESS_GZIP, &weight) == COMPRESS_GZIP
           && gzip_is_allowed(r);
}


unsigned
compress_fit(const struct http_request *r)
{
    const struct compress_main *m = main_of(r);
    const struct http_response *o = &r->out;
    const struct compress_conf *c;
    unsigned                    bits = 0;

    for (unsigned k = 0; k < COMPRESS_CODINGS; k++) {
        if (m->codings[k] == NULL)
            continue;
        c = conf_of(&r->task, m->codings[k]->module);
        if (c->is_on
            && (o->length == -1 || o->length >= (int64_t) c->min_length)
            && mime_set_has(c->types, o->content_type))
            bits |= 1u << k;
    }
    return bits;
}


/* Whether Cache-Control forbids it (RFC 9111 section 5.2.2.6). */
static bool
is_fixed(const struct http_response *o)
{
    const struct field *f = fields_get(&o->fields, FIELD_CACHE_CONTROL);

    for (; f != NULL; f = fields_next(&o->fields, f))
        if (field_has_word(f->value, STR("no-transform")))
            return true;
    return false;
}


static bool
is_fit(const struct http_request *r)
{
    const struct http_response *o = &r->out;

    return (o->status == 200 || o->status == 403 || o->status == 404
            || o->status == 304)
           && !r->header_only
           && fields_value(&o->fields, FIELD_CONTENT_ENCODING).n == 0
           && !is_fixed(o);
}


/* Leaves those whose own conditions are met. */
static unsigned
allowed(const struct http_request *r, unsigned bits)
{
    const struct compress_main *m = main_of(r);

    for (unsigned k = 0; k < COMPRESS_CODINGS; k++)
        if ((bits & 1u << k) && m->codings[k]->allows != NULL
            && !m->codings[k]->allows(r))
            bits &= ~(1u << k);
    return bits;
}


/* A variant that the client wants at least as much as what has that weight. */
static const struct http_coding *
variant_of(struct http_request *r, unsigned bits, unsigned weight,
           struct coder_with **with)
{
    const struct compress_main *m = main_of(r);
    const struct http_coding   *v = NULL;

    *with = NULL;
    for (unsigned k = 0; v == NULL && k < COMPRESS_CODINGS; k++)
        if ((bits & 1u << k) && m->codings[k]->variant != NULL)
            v = m->codings[k]->variant(r, weight, with);
    return v;
}


bool
compress_is_preferred(struct http_request *r, unsigned weight)
{
    unsigned           bits = compress_fit(r), most;
    struct coder_with *with;

    (void) compress_choose(r, bits, &most);
    if (variant_of(r, bits, weight, &with) != NULL) {
        with->put(with);
        return true;
    }
    return most > weight;
}


static bool
is_live(const struct http_response *o, int64_t length)
{
    return length == -1
           && (o->is_live
               || str_ieq(o->content_type, STR("text/event-stream")));
}


/* The coding of a response; NULL: none. */
static const struct http_coding *
choose(struct http_request *r, unsigned bits, struct coder_with **with)
{
    unsigned                  weight;
    enum compress_coding      k = compress_choose(r, bits, &weight);
    const struct http_coding *v;

    *with = NULL;
    if (!is_live(&r->out, r->out.length)) {
        v = variant_of(r, bits, weight, with);
        if (v != NULL)
            return v;
    }
    return k != COMPRESS_CODINGS ? main_of(r)->codings[k] : NULL;
}


/* --- heads --------------------------------------------------------------- */

static void
change_head(struct http_request *r, enum compress_coding k)
{
    struct http_response *o = &r->out;

    fields_add_id(r->task.arena, &o->fields, FIELD_CONTENT_ENCODING,
                  compress_name(k));
    fields_hide(&o->fields, FIELD_ACCEPT_RANGES);
    o->allows_ranges = false;
    o->length = -1;
    http_weaken_etag(r);
}


/* Runs when the request's arena is freed, perhaps in the middle of the
 * body. */
static void
abandon(void *state)
{
    struct compress_state *s = state;

    recoder_end(&s->recoder);
    chain_clear(&s->kept);
    if (s->with != NULL)
        s->with->put(s->with);
}


static void
join(struct http_request *r, const struct http_coding *coding,
     struct coder_with *with, int64_t length)
{
    struct compress_state *s = http_state_of(r, &compress_module);

    s->coding = coding;
    s->with = with;
    s->conf = conf_of(&r->task, coding->module);
    s->length = length;
    s->is_live = is_live(&r->out, length);
    chain_init(&s->kept, r->task.arena);
    arena_defer(r->task.arena, abandon, s);
}


static enum step
decide(struct http_request *r, void *filter_state)
{
    const struct http_coding *chosen;
    struct coder_with        *with;
    int64_t                   length = r->out.length;
    unsigned                  bits;

    (void) filter_state;
    if (!is_fit(r))
        return STEP_NEXT;
    if (r->out.status == 304) { /* nginx has no Vary with those of files */
        if (r->has_own_tag)
            gzip_set_vary(r);
        return STEP_NEXT;
    }
    bits = compress_fit(r);
    if (bits == 0)
        return STEP_NEXT;
    gzip_set_vary(r);
    chosen = choose(r, allowed(r, bits), &with);
    if (chosen == NULL)
        return STEP_NEXT;
    change_head(r, chosen->number);
    if (r->method != HTTP_HEAD) {
        join(r, chosen, with, length);
        return STEP_ACCEPT;
    }
    if (with != NULL)
        with->put(with);
    return STEP_NEXT;
}


/* --- bodies -------------------------------------------------------------- */

static bool
begin(struct http_request *r, struct compress_state *s)
{
    struct coder_plan plan
        = { .length = s->length, .is_live = s->is_live, .with = s->with };
    size_t size = s->conf->buffers.size;

    s->coding->plan(s->conf, &plan);
    if (s->is_live && size > LIVE_BLOCK)
        size = LIVE_BLOCK;
    if (recoder_begin(&s->recoder, &plan, size))
        return true;
    log_at(r->task.log, LEVEL_ALERT, 0, "%s failed", s->coding->made);
    return false;
}


static enum step
put(struct http_request *r, struct compress_state *s, str_t in,
    enum coder_mode mode, struct chain *out)
{
    if (recoder_put(&s->recoder, &in, mode, out) != CODER_BROKEN)
        return STEP_NEXT;
    log_at(r->task.log, LEVEL_ALERT, 0, "%s failed: %d, %d", s->coding->run,
           (int) mode, s->recoder.coder->error);
    return STEP_FAIL;
}


/* Only what has come since the last one is worth a flush. */
static enum step
flush(struct http_request *r, struct compress_state *s, struct chain *out)
{
    if (s->recoder.total_in != s->flushed
        && put(r, s, STR(""), CODER_FLUSH, out) == STEP_FAIL)
        return STEP_FAIL;
    s->flushed = s->recoder.total_in;
    recoder_pause(&s->recoder, out);
    chain_flush(out);
    return STEP_NEXT;
}


/* The whole of a chain, which is in memory. */
static str_t
flatten(struct arena *a, const struct chain *c)
{
    char *p;

    if (c->head->n == c->n)
        return (str_t){ c->head->p, c->head->n };
    p = arena_bytes(a, c->n);
    return (str_t){ p, chain_peek(c, p, c->n) };
}


/* Compresses a body of which everything is there; false: not this one. */
static bool
compress_whole(struct http_request *r, struct compress_state *s,
               struct chain *out)
{
    struct block *b;
    size_t        n;

    if (s->coding->whole == NULL || s->kept.n == 0 || s->kept.n > WHOLE_MAX)
        return false;
    b = block_new(s->kept.n + WHOLE_MORE);
    n = s->coding->whole(s->conf, flatten(r->task.arena, &s->kept), b->data,
                         b->size);
    if (n != 0) {
        chain_add_block(out, b, (str_t){ b->data, n });
        s->recoder.total_in = s->kept.n;
        s->recoder.total_out = n;
        s->is_ended = true;
        chain_clear(&s->kept);
    }
    block_put(b);
    return n != 0;
}


/* Whether more has to come before compression begins: a flush does not wait,
 * and the rest of a body that is compressed as a whole is not far. */
static bool
is_early(const struct compress_state *s)
{
    if (s->recoder.coder != NULL || chain_has_flush(&s->kept))
        return false;
    return s->kept.n == 0 || s->kept.n < s->conf->postpone
           || (s->coding->whole != NULL && s->length != -1
               && s->length <= WHOLE_MAX);
}


static enum step
compress_kept(struct http_request *r, struct compress_state *s,
              struct chain *out, bool last)
{
    const struct piece *p;
    bool                is_end = false;

    for (p = s->kept.head; p != NULL; p = p->next) {
        is_end = last && p->next == NULL;
        if (put(r, s, (str_t){ p->p, p->n }, is_end ? CODER_END : CODER_RUN,
                out)
                == STEP_FAIL
            || ((p->flags & PIECE_FLUSH) && !is_end
                && flush(r, s, out) == STEP_FAIL))
            return STEP_FAIL;
    }
    chain_clear(&s->kept);
    if (last && !is_end && put(r, s, STR(""), CODER_END, out) == STEP_FAIL)
        return STEP_FAIL;
    if (last || s->conf->no_buffer)
        recoder_emit(&s->recoder, out);
    if (last) {
        s->is_ended = true;
        recoder_end(&s->recoder);
    }
    return STEP_NEXT;
}


/* Compresses all that is there, which is the last of it if last. */
static enum step
compress_more(struct http_request *r, struct compress_state *s,
              struct chain *out, bool last)
{
    if (s->recoder.coder == NULL && last) {
        s->length = (int64_t) s->kept.n;
        if (compress_whole(r, s, out))
            return STEP_NEXT;
    }
    if (s->recoder.coder == NULL && !begin(r, s))
        return STEP_FAIL;
    return compress_kept(r, s, out, last);
}


/* The block that is the whole of a body, and may be so again; or NULL. */
static struct block *
lasting_block(const struct compress_state *s)
{
    const struct piece *p = s->kept.head;

    if (s->recoder.coder != NULL || p == NULL || p->n != s->kept.n
        || p->block == NULL || !p->block->is_lasting || p->n != p->block->size)
        return NULL;
    return p->block;
}


/* The body is that of a block: as that was compressed before, or will be kept
 * for the next time. */
static enum step
compress_lasting(struct http_request *r, struct compress_state *s,
                 struct block *from, struct chain *out)
{
    unsigned      coding = s->coding->number, level = (unsigned) s->conf->level;
    unsigned      serial = s->with != NULL ? s->with->serial : 0;
    struct block *made = compressed_find(from, coding, level, serial);
    enum step     step = STEP_NEXT;

    if (made != NULL) {
        chain_add_block(out, made, (str_t){ made->data, made->size });
        s->recoder.total_in = s->kept.n;
        s->recoder.total_out = made->size;
        s->is_ended = true;
        chain_clear(&s->kept);
        return STEP_NEXT;
    }
    block_get(from);
    step = compress_more(r, s, out, true);
    if (step == STEP_NEXT)
        compressed_keep(from, coding, level, serial, out);
    block_put(from);
    return step;
}


static enum step
compress_body(struct http_request *r, void *filter_state, struct chain *in,
              struct chain *out, bool last)
{
    struct compress_state *s = http_state_of(r, &compress_module);
    struct block          *from;

    (void) filter_state;
    if (s->is_ended) {
        chain_clear(in);
        return STEP_NEXT;
    }
    chain_move(&s->kept, in);
    if (!last && is_early(s))
        return STEP_NEXT;
    if (!last && s->recoder.coder == NULL && s->kept.n == 0) {
        chain_clear(&s->kept); /* only the head is to be flushed */
        chain_flush(out);
        return STEP_NEXT;
    }
    from = last ? lasting_block(s) : NULL;
    return from != NULL ? compress_lasting(r, s, from, out)
                        : compress_more(r, s, out, last);
}


static const struct http_filter filter = { .name = "compress",
                                           .needs_memory = true,
                                           .head = decide,
                                           .body = compress_body };


/* --- $..._ratio ---------------------------------------------------------- */

str_t
compress_ratio(struct task *t, uintptr_t arg)
{
    const struct compress_state *s
        = http_state_if(http_of(t), &compress_module);
    uint64_t hundredths;

    if (s == NULL || !s->is_ended || s->coding->number != arg)
        return STR_NONE;
    hundredths = (s->recoder.total_in * 1000 / s->recoder.total_out + 5) / 10;
    return arena_printf(t->arena, "%ju.%02ju", (uintmax_t) hundredths / 100,
                        (uintmax_t) hundredths % 100);
}


static void
stop(struct worker *w)
{
    (void) w;
    coders_free();
    compressed_free();
    for (struct module *const *m = weir_modules; *m != NULL; m++)
        if ((*m)->coding != NULL && (*m)->coding->stop != NULL)
            (*m)->coding->stop();
}


struct module compress_module = {
    .name = "http_compress",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct order_conf),
    .main_size = sizeof(struct compress_main),
    .main_ready = find_codings,
    .state_size = sizeof(struct compress_state),
    .filter = &filter,
    .process_stop = stop,
};
