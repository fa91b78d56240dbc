/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zstd: compresses responses for clients that accept zstd (compress.c).
 *
 *     zstd on;
 *     zstd_types text/css application/json;
 *
 * With a dictionary that the client has (dictionary.c) the coding is dcz: the
 * same behind a head that names the dictionary (RFC 9842 section 5).
 */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "modules/filter/compress.h"
#include "modules/filter/dictionary.h"
#include "modules/filter/dictionary_store.h"
#include "modules/module.h"

enum {
    WINDOW_MOST = 23, /* bits: clients need not accept more (RFC 9659)       */
    LEVEL_MOST = 19,  /* ... which the levels above would use                */
    LIVE_WINDOW = 12,
    /* Where the length is unknown, the levels above would take 10 to 90 MB. */
    UNKNOWN_WINDOW = 19,
    UNKNOWN_LEVEL = 6,
    /* With a dictionary, which is of use for as much of a response as fits into
     * the window. */
    UNKNOWN_WITH = 20,
    WINDOW_LEAST = 10,
    /* ... and which levels above would take seconds to make ready. */
    LEVEL_WITH = 9,

    DCZ_MAGIC = 8,
    DCZ_HEAD = DCZ_MAGIC + DICTIONARY_HASH,
};

enum { KIND_PLAIN, KIND_LIVE, KIND_DCZ };

struct zstd_conf {
    struct compress_conf common; /* first */
};

struct zstd {
    struct coder c; /* first */
    ZSTD_CCtx   *z;
    char         head[DCZ_HEAD];
    size_t       n_head; /* of its last bytes, which are still to be sent     */
};

extern struct module zstd_module;


/* --- rows ---------------------------------------------------------------- */

static const struct conf_range levels = { 1, 22 };

static const struct directive rows[] = {
    FLAG("zstd", IN_WEB | IN_IF, struct zstd_conf, common.is_on, "off",
         "Compresses responses for clients that accept zstd."),
    NUMBER("zstd_comp_level", IN_WEB, struct zstd_conf, common.level, "1",
           &levels, "From 1, the fastest, to 22, the smallest."),
    { .name = NULL },
};

static const struct template templates[]
    = { COMPRESS_ROWS("zstd", struct zstd_conf), { .rows = NULL } };

static const struct variable variables[] = {
    { "zstd_ratio", compress_ratio, COMPRESS_ZSTD, 0, NULL,
      "how many times smaller zstd made the response" },
    { "dcz_ratio", compress_ratio, COMPRESS_DCZ, 0, NULL,
      "how many times smaller zstd made it with a dictionary" },
    { .name = NULL },
};


/* --- the coder ------------------------------------------------------------- */

static bool
set(struct coder *c, ZSTD_cParameter what, int value)
{
    ZSTD_CCtx *z = container_of(c, struct zstd, c)->z;
    size_t     rc = ZSTD_CCtx_setParameter(z, what, value);

    c->error = (int) ZSTD_getErrorCode(rc);
    return !ZSTD_isError(rc);
}


/* A frame that decoders skip (RFC 8878 section 3.1.2), with the hash of the
 * dictionary. */
static bool
begin_dcz(struct zstd *s, const struct coder_plan *p)
{
    const struct dictionary *d
        = container_of(p->with, const struct dictionary, with);
    size_t rc = ZSTD_CCtx_refCDict(s->z, dictionary_at(d, p->level));

    memcpy(s->head, "\x5e\x2a\x4d\x18\x20\0\0\0", DCZ_MAGIC);
    memcpy(s->head + DCZ_MAGIC, d->hash, DICTIONARY_HASH);
    s->n_head = DCZ_HEAD;
    s->c.error = (int) ZSTD_getErrorCode(rc);
    return !ZSTD_isError(rc);
}


static bool
reset(struct coder *c, const struct coder_plan *p)
{
    struct zstd *s = container_of(c, struct zstd, c);

    s->n_head = 0;
    ZSTD_CCtx_reset(s->z, ZSTD_reset_session_and_parameters);
    if (!set(c, ZSTD_c_compressionLevel, p->level)
        || (p->window != 0 && !set(c, ZSTD_c_windowLog, p->window))
        || (p->memory != 0
            && (!set(c, ZSTD_c_hashLog, p->memory)
                || !set(c, ZSTD_c_chainLog, p->memory)))
        || (p->with != NULL && !begin_dcz(s, p)))
        return false;
    return p->length == -1
           || !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(
               s->z, (unsigned long long) p->length));
}


static void
destroy(struct coder *c)
{
    struct zstd *s = container_of(c, struct zstd, c);

    ZSTD_freeCCtx(s->z);
    free(s);
}


static struct coder *
create(const struct coder_plan *p)
{
    struct zstd *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->z = ZSTD_createCCtx();
    if (s->z != NULL && reset(&s->c, p))
        return &s->c;
    destroy(&s->c);
    return NULL;
}


/* Whether all of the head has been written. */
static bool
put_head(struct zstd *s, struct coder_io *io)
{
    size_t n = s->n_head < io->n_out ? s->n_head : io->n_out;

    memcpy(io->out, s->head + DCZ_HEAD - s->n_head, n);
    io->out += n;
    io->n_out -= n;
    s->n_head -= n;
    return s->n_head == 0;
}


/* A call after the end would begin another frame. */
static enum coder_said
work(struct coder *c, struct coder_io *io, enum coder_mode mode)
{
    static const ZSTD_EndDirective modes[] = { [CODER_RUN] = ZSTD_e_continue,
                                               [CODER_FLUSH] = ZSTD_e_flush,
                                               [CODER_END] = ZSTD_e_end };
    struct zstd                   *s = container_of(c, struct zstd, c);
    ZSTD_inBuffer                  in = { io->in, io->n_in, 0 };
    ZSTD_outBuffer                 out;
    bool                           is_done;
    size_t                         rc;

    if (s->n_head != 0 && (!put_head(s, io) || io->n_out == 0))
        return CODER_FULL;
    out = (ZSTD_outBuffer){ io->out, io->n_out, 0 };
    do {
        rc = ZSTD_compressStream2(s->z, &out, &in, modes[mode]);
        is_done = mode == CODER_RUN ? in.pos == in.size : rc == 0;
    } while (!ZSTD_isError(rc) && !is_done && out.pos < out.size);
    if (ZSTD_isError(rc)) {
        c->error = (int) ZSTD_getErrorCode(rc);
        return CODER_BROKEN;
    }
    io->in += in.pos;
    io->n_in -= in.pos;
    io->out += out.pos;
    io->n_out -= out.pos;
    c->bytes = sizeof(*s) + ZSTD_sizeof_CCtx(s->z);
    return is_done ? CODER_READY : CODER_FULL;
}


static const struct codec codec = { .name = "zstd",
                                    .create = create,
                                    .reset = reset,
                                    .work = work,
                                    .destroy = destroy };


/* --- the coding ---------------------------------------------------------- */

/* The library chooses the window and the size of its tables, smaller for a
 * short body. */
static void
plan(const struct compress_conf *common, struct coder_plan *p)
{
    p->codec = &codec;
    p->level = (int) common->level;
    if (p->is_live)
        p->window = p->memory = LIVE_WINDOW;
    else if (p->length == -1 && p->level > UNKNOWN_LEVEL)
        p->window = p->memory = UNKNOWN_WINDOW;
    else if (p->level > LEVEL_MOST)
        p->window = WINDOW_MOST;
    p->kind = p->is_live ? KIND_LIVE : KIND_PLAIN;
}


/* Bits of a window for n bytes. */
static int
window_for(int64_t n)
{
    int bits = WINDOW_LEAST;

    while (bits < WINDOW_MOST && (int64_t) 1 << bits < n)
        bits++;
    return bits;
}


static int
level_with(const struct compress_conf *common)
{
    return common->level < LEVEL_WITH ? (int) common->level : LEVEL_WITH;
}


static void
plan_dcz(const struct compress_conf *common, struct coder_plan *p)
{
    p->codec = &codec;
    p->level = level_with(common);
    p->window = p->length == -1 ? UNKNOWN_WITH : window_for(p->length);
    p->kind = KIND_DCZ;
}


/* The dictionary is chosen together with the level for which it is ready. */
static const struct http_coding dcz = {
    .number = COMPRESS_DCZ,
    .made = "ZSTD_CCtx_refCDict()",
    .run = "ZSTD_compressStream2()",
    .module = &zstd_module,
    .plan = plan_dcz,
};


static const struct http_coding *
with_dictionary(struct http_request *r, unsigned weight,
                struct coder_with **with)
{
    const struct zstd_conf *c = conf_of(&r->task, &zstd_module);

    *with = dictionary_choose(r, weight, level_with(&c->common));
    return *with != NULL ? &dcz : NULL;
}


static const struct http_coding zstd = {
    .number = COMPRESS_ZSTD,
    .made = "ZSTD_createCCtx()",
    .run = "ZSTD_compressStream2()",
    .module = &zstd_module,
    .plan = plan,
    .variant = with_dictionary,
    .stop = dictionaries_free,
};

struct module zstd_module = {
    .name = "http_zstd_filter",
    .serves = FOR_HTTP,
    .directives = rows,
    .templates = templates,
    .variables = variables,
    .conf_size = sizeof(struct zstd_conf),
    .coding = &zstd,
    .part_of = &compress_module,
};
