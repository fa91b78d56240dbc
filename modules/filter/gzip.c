/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip: compresses bodies of responses.
 *
 *     gzip on;
 *     gzip_types text/css application/json;
 *
 * A response holds a deflate state from its first byte to its last one, and
 * always gives it back to the pool, even when it fails.  Compressed bytes are
 * collected in blocks and passed on when a block is full, when a piece asks
 * for a flush, and at the end.
 */
#include "http/types.h"
#include "modules/filter/deflate_pool.h"
#include "modules/filter/gzip.h"
#include "modules/module.h"

enum {
    SMALLEST_BLOCK = 64, /* zlib needs room for the marks of a flush      */
    FEED_MAX = 1 << 30,  /* the most bytes that zlib gets at once         */
};

struct gzip_conf {
    struct mime_set *types;
    size_t           min_length;
    uint64_t         level;
    struct buffers   buffers; /* only their size is used                   */
    size_t           window, hash; /* bytes                                  */
    size_t           postpone; /* bytes to wait for before compressing      */
    bool             is_on;
    bool             no_buffer; /* passes on output at once                  */
    int              window_bits;
    int              memory; /* zlib's unit for hash                      */
};

struct gzip_state {
    struct deflater *deflater;
    struct chain     kept;   /* postponed                                 */
    struct block    *block;  /* compressed bytes, up to next_out          */
    size_t           taken;  /* ... of which these have been passed on    */
    int64_t          length; /* of the whole; -1: unknown                 */
    uint64_t         total_in, total_out; /* set at the end                  */
    bool             is_begun;
    bool             is_ended;
};

extern struct module gzip_module;


static const struct gzip_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &gzip_module);
}


/* --- rows ---------------------------------------------------------------- */

static bool
is_power_between(size_t n, size_t min, size_t max)
{
    return n >= min && n <= max && (n & (n - 1)) == 0;
}


static const char *
parse_window(struct conf *cf, void *field)
{
    const char *error = conf_size.parse(cf, field);

    if (error == NULL && !is_power_between(*(size_t *) field, 512, 32 << 10))
        return conf_error(cf, "\"gzip_window\" directive must be 512, 1k, 2k, "
                              "4k, 8k, 16k, or 32k");
    return error;
}


static const char *
parse_hash(struct conf *cf, void *field)
{
    const char *error = conf_size.parse(cf, field);

    if (error == NULL && !is_power_between(*(size_t *) field, 512, 128 << 10))
        return conf_error(cf, "\"gzip_hash\" directive must be 512, 1k, 2k, "
                              "4k, 8k, 16k, 32k, 64k, or 128k");
    return error;
}


static int
log2_of(size_t n)
{
    int bits = 0;

    while (n >>= 1)
        bits++;
    return bits;
}


static const char *
ready(struct conf *cf, void *conf)
{
    struct gzip_conf *c = conf;

    (void) cf;
    c->window_bits = log2_of(c->window);
    c->memory = log2_of(c->hash) - 8;
    return NULL;
}


static const struct conf_type window_type
    = { .name = "size", .size = sizeof(size_t), .parse = parse_window };
static const struct conf_type hash_type
    = { .name = "size", .size = sizeof(size_t), .parse = parse_hash };

static const struct conf_range levels = { 1, 9 };

static const struct directive rows[] = {
    FLAG("gzip", IN_WEB | IN_IF, struct gzip_conf, is_on, "off",
         "Compresses responses for clients that accept gzip."),
    BUFFERS("gzip_buffers", IN_WEB, struct gzip_conf, buffers, "32 4k",
            "The size of the buffers for compressed data; their number has no "
            "limit."),
    MIME_SET("gzip_types", IN_WEB, struct gzip_conf, types, NULL,
             "The media types that are compressed, besides text/html; * is "
             "any."),
    NUMBER("gzip_comp_level", IN_WEB, struct gzip_conf, level, "1", &levels,
           "From 1, the fastest, to 9, the smallest."),
    { "gzip_window", IN_WEB, ARGS_1, &window_type,
      FIELD(struct gzip_conf, window, size_t), "32k", NULL, "size",
      "How far back compression searches for repetitions, a power of two from "
      "512 to 32k." },
    { "gzip_hash", IN_WEB, ARGS_1, &hash_type,
      FIELD(struct gzip_conf, hash, size_t), "64k", NULL, "size",
      "The memory that compression uses to find repetitions, a power of two "
      "from 512 to 128k." },
    SIZE("postpone_gzipping", IN_WEB, struct gzip_conf, postpone, "0",
         "Waits for this many bytes of the body before compression starts."),
    FLAG("gzip_no_buffer", IN_WEB, struct gzip_conf, no_buffer, "off",
         "Sends each piece as soon as it has been compressed."),
    SIZE("gzip_min_length", IN_WEB, struct gzip_conf, min_length, "20",
         "Responses with a smaller Content-Length are not compressed."),
    { .name = NULL },
};


/* --- the state ----------------------------------------------------------- */

static bool
begin(struct http_request *r, struct gzip_state *s)
{
    const struct gzip_conf *c = conf_at(r);

    s->deflater = deflate_pool_get((int) c->level, c->window_bits, c->memory,
                                   s->length);
    s->is_begun = s->deflater != NULL;
    if (s->deflater == NULL)
        log_at(r->task.log, LEVEL_ALERT, 0, "deflateInit2() failed");
    return s->deflater != NULL;
}


static void
release(struct gzip_state *s)
{
    if (s->deflater != NULL)
        deflate_pool_put(s->deflater);
    s->deflater = NULL;
    block_put(s->block);
    s->block = NULL;
}


/* Runs when the request's arena is freed, perhaps in the middle of the
 * body. */
static void
abandon(void *state)
{
    struct gzip_state *s = state;

    release(s);
    chain_clear(&s->kept);
}


/* --- heads --------------------------------------------------------------- */

static bool
is_fit(const struct http_request *r)
{
    const struct http_response *o = &r->out;
    const struct gzip_conf     *c = conf_at(r);

    return c->is_on
           && (o->status == 200 || o->status == 403 || o->status == 404)
           && !r->header_only
           && fields_value(&o->fields, FIELD_CONTENT_ENCODING).n == 0
           && (o->length == -1 || o->length >= (int64_t) c->min_length)
           && mime_set_has(c->types, o->content_type);
}


static void
change_head(struct http_request *r)
{
    struct http_response *o = &r->out;

    fields_add_id(r->task.arena, &o->fields, FIELD_CONTENT_ENCODING,
                  STR("gzip"));
    fields_hide(&o->fields, FIELD_ACCEPT_RANGES);
    o->allows_ranges = false;
    o->length = -1;
    http_weaken_etag(r);
}


static enum step
decide(struct http_request *r, void *filter_state)
{
    struct gzip_state *s;
    int64_t            length = r->out.length;

    (void) filter_state;
    if (!is_fit(r))
        return STEP_NEXT;
    gzip_set_vary(r);
    if (!gzip_is_allowed(r))
        return STEP_NEXT;
    change_head(r);
    if (r->method == HTTP_HEAD)
        return STEP_NEXT;
    s = http_state_of(r, &gzip_module);
    s->length = length;
    chain_init(&s->kept, r->task.arena);
    arena_defer(r->task.arena, abandon, s);
    return STEP_ACCEPT;
}


/* --- bodies -------------------------------------------------------------- */

/* Passes on the bytes of the block that have not been passed on yet. */
static void
emit(struct gzip_state *s, struct chain *out)
{
    z_stream *z = &s->deflater->z;
    char     *from, *to = (char *) z->next_out;

    if (s->block == NULL)
        return;
    from = s->block->data + s->taken;
    if (to > from)
        chain_add_block(out, s->block, str_span(from, to));
    s->taken += (size_t) (to - from);
    if (z->avail_out != 0)
        return;
    block_put(s->block);
    s->block = NULL;
}


static void
make_room(struct gzip_state *s, const struct gzip_conf *c)
{
    size_t size = c->buffers.size;

    if (s->block != NULL)
        return;
    s->block = block_new(size > SMALLEST_BLOCK ? size : SMALLEST_BLOCK);
    s->taken = 0;
    s->deflater->z.next_out = (Bytef *) s->block->data;
    s->deflater->z.avail_out = s->block->size;
}


/* Compresses the input that zlib has. */
static enum step
squeeze(struct http_request *r, struct gzip_state *s, struct chain *out,
        int mode)
{
    z_stream *z = &s->deflater->z;
    bool      is_full;
    int       rc;

    do {
        make_room(s, conf_at(r));
        rc = deflate(z, mode);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
            log_at(r->task.log, LEVEL_ALERT, 0, "deflate() failed: %d, %d",
                   mode, rc);
            return STEP_FAIL;
        }
        is_full = z->avail_out == 0;
        if (is_full)
            emit(s, out);
    } while (is_full && rc != Z_STREAM_END);
    return STEP_NEXT;
}


static enum step
flush(struct http_request *r, struct gzip_state *s, struct chain *out)
{
    if (squeeze(r, s, out, Z_SYNC_FLUSH) == STEP_FAIL)
        return STEP_FAIL;
    emit(s, out);
    chain_flush(out);
    return STEP_NEXT;
}


static enum step
feed(struct http_request *r, struct gzip_state *s, const struct piece *p,
     struct chain *out)
{
    z_stream *z = &s->deflater->z;
    size_t    n, left = p->n;

    for (; left != 0; left -= n) {
        n = left < FEED_MAX ? left : FEED_MAX;
        z->next_in = (z_const Bytef *) (uintptr_t) (p->p + p->n - left);
        z->avail_in = (uInt) n;
        if (squeeze(r, s, out, Z_NO_FLUSH) == STEP_FAIL)
            return STEP_FAIL;
    }
    return STEP_NEXT;
}


static enum step
finish(struct http_request *r, struct gzip_state *s, struct chain *out)
{
    if (squeeze(r, s, out, Z_FINISH) == STEP_FAIL)
        return STEP_FAIL;
    emit(s, out);
    s->total_in = s->deflater->z.total_in;
    s->total_out = s->deflater->z.total_out;
    s->is_ended = true;
    release(s);
    return STEP_NEXT;
}


/* Whether there is too little data yet to start compressing. */
static bool
is_postponed(const struct http_request *r, const struct gzip_state *s,
             bool last)
{
    return !s->is_begun && !last
           && (chain_empty(&s->kept)
               || (s->kept.n < conf_at(r)->postpone
                   && !chain_has_flush(&s->kept)));
}


static enum step
compress_body(struct http_request *r, void *filter_state, struct chain *in,
              struct chain *out, bool last)
{
    struct gzip_state  *s = http_state_of(r, &gzip_module);
    const struct piece *p;
    enum step           step = STEP_NEXT;

    (void) filter_state;
    if (s->is_ended) {
        chain_clear(in);
        return STEP_NEXT;
    }
    chain_move(&s->kept, in);
    if (is_postponed(r, s, last))
        return STEP_NEXT;
    if (!s->is_begun && last)
        s->length = (int64_t) s->kept.n;
    if (!s->is_begun && !begin(r, s))
        return STEP_FAIL;
    for (p = s->kept.head; p != NULL && step == STEP_NEXT; p = p->next) {
        step = feed(r, s, p, out);
        if (step == STEP_NEXT && (p->flags & PIECE_FLUSH)
            && (p->next != NULL || !last))
            step = flush(r, s, out);
    }
    chain_clear(&s->kept);
    if (step == STEP_NEXT && last)
        step = finish(r, s, out);
    else if (step == STEP_NEXT && conf_at(r)->no_buffer)
        emit(s, out);
    return step;
}


static const struct http_filter filter = { .name = "gzip",
                                           .needs_memory = true,
                                           .head = decide,
                                           .body = compress_body };


/* --- $gzip_ratio --------------------------------------------------------- */

static str_t
ratio(struct task *t, uintptr_t arg)
{
    const struct gzip_state *s = http_state_if(http_of(t), &gzip_module);
    uint64_t                 hundredths;

    (void) arg;
    if (s == NULL || s->total_out == 0)
        return STR_NONE;
    hundredths = (s->total_in * 1000 / s->total_out + 5) / 10;
    return arena_printf(t->arena, "%ju.%02ju", (uintmax_t) hundredths / 100,
                        (uintmax_t) hundredths % 100);
}


static const struct variable variables[] = {
    { "gzip_ratio", ratio, 0, 0, NULL,
      "how many times smaller gzip made the response" },
    { .name = NULL },
};


static void
stop(struct worker *w)
{
    (void) w;
    deflate_pool_empty();
}


struct module gzip_module = {
    .name = "http_gzip",
    .serves = FOR_HTTP,
    .directives = rows,
    .variables = variables,
    .conf_size = sizeof(struct gzip_conf),
    .state_size = sizeof(struct gzip_state),
    .ready = ready,
    .filter = &filter,
    .process_stop = stop,
};
