/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * brotli: compresses responses for clients that accept br (compress.c).
 *
 *     brotli on;
 *     brotli_types text/css application/json;
 *
 * libbrotli cannot reset an encoder.  So a coder keeps the memory of its
 * encoders, and lets the next one have it: what costs is the kernel's zeroed
 * pages, not the initialisation.
 */
#include <brotli/encode.h>
#include <stdlib.h>

#include "modules/filter/compress.h"
#include "modules/module.h"

enum {
    WINDOW_LEAST = 10, /* bits                                               */
    LIVE_WINDOW = 12,
    SLOTS = 32, /* pieces of memory that a coder keeps                */
};

struct brotli_conf {
    struct compress_conf common; /* first */
    size_t               window; /* bytes                                    */
    int                  window_bits;
};

struct slot {
    void  *p;
    size_t size;
    bool   is_used;
};

struct brotli {
    struct coder        c; /* first */
    BrotliEncoderState *encoder;
    struct slot         slots[SLOTS];
};

extern struct module brotli_module;


/* --- rows ---------------------------------------------------------------- */

static const char *
parse_window(struct conf *cf, void *field)
{
    const char *error = conf_size.parse(cf, field);
    size_t      n = *(size_t *) field;

    if (error == NULL && (n < 1 << 10 || n > 16 << 20 || (n & (n - 1)) != 0))
        return conf_error(cf, "\"brotli_window\" directive must be 1k, 2k, 4k, "
                              "8k, 16k, 32k, 64k, 128k, 256k, 512k, 1m, 2m, "
                              "4m, 8m or 16m");
    return error;
}


static const char *
ready(struct conf *cf, void *conf)
{
    struct brotli_conf *c = conf;

    (void) cf;
    c->window_bits = compress_log2(c->window);
    return NULL;
}


static const struct conf_type window_type
    = { .name = "size", .size = sizeof(size_t), .parse = parse_window };

static const struct conf_range levels = { 0, 11 };

static const struct directive rows[] = {
    FLAG("brotli", IN_WEB | IN_IF, struct brotli_conf, common.is_on, "off",
         "Compresses responses for clients that accept br."),
    NUMBER("brotli_comp_level", IN_WEB, struct brotli_conf, common.level, "6",
           &levels, "From 0, the fastest, to 11, the smallest."),
    { "brotli_window", IN_WEB, ARGS_1, &window_type,
      FIELD(struct brotli_conf, window, size_t), "512k", NULL, "size",
      "How far back compression searches for repetitions, a power of two from "
      "1k to 16m; a response that is shorter, or that comes a little at a time, "
      "has less." },
    { .name = NULL },
};

static const struct template templates[]
    = { COMPRESS_ROWS("brotli", struct brotli_conf), { .rows = NULL } };

static const struct variable variables[] = {
    { "brotli_ratio", compress_ratio, COMPRESS_BR, 0, NULL,
      "how many times smaller brotli made the response" },
    { .name = NULL },
};


/* --- memory ---------------------------------------------------------------- */

/* The smallest piece that is large enough, and not far too large. */
static struct slot *
find_slot(struct brotli *b, size_t n)
{
    struct slot *best = NULL;

    for (struct slot *s = b->slots; s < b->slots + SLOTS; s++)
        if (!s->is_used && s->size >= n && s->size / 2 <= n
            && (best == NULL || s->size < best->size))
            best = s;
    return best;
}


/* A place for a new piece; an unused one has to go if there is none. */
static struct slot *
empty_slot(struct brotli *b)
{
    struct slot *unused = NULL;

    for (struct slot *s = b->slots; s < b->slots + SLOTS; s++) {
        if (s->p == NULL)
            return s;
        if (!s->is_used)
            unused = s;
    }
    if (unused != NULL) {
        free(unused->p);
        b->c.bytes -= unused->size;
        *unused = (struct slot){ NULL, 0, false };
    }
    return unused;
}


static void *
lend(void *owner, size_t n)
{
    struct brotli *b = owner;
    struct slot   *s = find_slot(b, n);
    void          *p;

    if (s != NULL) {
        s->is_used = true;
        return s->p;
    }
    p = malloc(n);
    s = p != NULL ? empty_slot(b) : NULL;
    if (s != NULL) {
        *s = (struct slot){ p, n, true };
        b->c.bytes += n;
    }
    return p;
}


static void
take_back(void *owner, void *p)
{
    struct brotli *b = owner;

    for (struct slot *s = b->slots; p != NULL && s < b->slots + SLOTS; s++)
        if (s->p == p) {
            s->is_used = false;
            return;
        }
    free(p);
}


/* --- the coder ------------------------------------------------------------- */

static bool
begin(struct brotli *b, const struct coder_plan *p)
{
    b->encoder = BrotliEncoderCreateInstance(lend, take_back, b);
    if (b->encoder == NULL)
        return false;
    BrotliEncoderSetParameter(b->encoder, BROTLI_PARAM_QUALITY,
                              (uint32_t) p->level);
    BrotliEncoderSetParameter(b->encoder, BROTLI_PARAM_LGWIN,
                              (uint32_t) p->window);
    if (p->length > 0 && p->length < UINT32_MAX)
        BrotliEncoderSetParameter(b->encoder, BROTLI_PARAM_SIZE_HINT,
                                  (uint32_t) p->length);
    return true;
}


static void
destroy(struct coder *c)
{
    struct brotli *b = container_of(c, struct brotli, c);

    if (b->encoder != NULL)
        BrotliEncoderDestroyInstance(b->encoder);
    for (struct slot *s = b->slots; s < b->slots + SLOTS; s++)
        free(s->p);
    free(b);
}


static struct coder *
create(const struct coder_plan *p)
{
    struct brotli *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->c.bytes = sizeof(*b);
    if (begin(b, p))
        return &b->c;
    destroy(&b->c);
    return NULL;
}


static bool
reset(struct coder *c, const struct coder_plan *p)
{
    struct brotli *b = container_of(c, struct brotli, c);

    BrotliEncoderDestroyInstance(b->encoder);
    b->encoder = NULL;
    return begin(b, p);
}


static enum coder_said
work(struct coder *c, struct coder_io *io, enum coder_mode mode)
{
    static const BrotliEncoderOperation modes[]
        = { [CODER_RUN] = BROTLI_OPERATION_PROCESS,
            [CODER_FLUSH] = BROTLI_OPERATION_FLUSH,
            [CODER_END] = BROTLI_OPERATION_FINISH };
    BrotliEncoderState *e = container_of(c, struct brotli, c)->encoder;
    const uint8_t      *in = (const uint8_t *) io->in;
    uint8_t            *out = (uint8_t *) io->out;

    if (!BrotliEncoderCompressStream(e, modes[mode], &io->n_in, &in, &io->n_out,
                                     &out, NULL))
        return CODER_BROKEN;
    io->in = (const char *) in;
    io->out = (char *) out;
    return BrotliEncoderHasMoreOutput(e) || io->n_in != 0 ? CODER_FULL
                                                          : CODER_READY;
}


static const struct codec codec = { .name = "brotli",
                                    .create = create,
                                    .reset = reset,
                                    .work = work,
                                    .destroy = destroy };


/* --- the coding ---------------------------------------------------------- */

static void
plan(const struct compress_conf *common, struct coder_plan *p)
{
    const struct brotli_conf *c
        = container_of(common, const struct brotli_conf, common);

    p->codec = &codec;
    p->level = (int) common->level;
    p->window = c->window_bits;
    while (p->length >= 0 && p->window > WINDOW_LEAST
           && p->length <= (int64_t) 1 << (p->window - 1))
        p->window--;
    if (p->is_live && p->window > LIVE_WINDOW)
        p->window = LIVE_WINDOW;
    p->kind = (unsigned) (p->level << 8 | p->window);
}


static const struct http_coding brotli = {
    .number = COMPRESS_BR,
    .made = "BrotliEncoderCreateInstance()",
    .run = "BrotliEncoderCompressStream()",
    .module = &brotli_module,
    .plan = plan,
};

struct module brotli_module = {
    .name = "http_brotli_filter",
    .serves = FOR_HTTP,
    .directives = rows,
    .templates = templates,
    .variables = variables,
    .conf_size = sizeof(struct brotli_conf),
    .ready = ready,
    .coding = &brotli,
    .part_of = &compress_module,
};
