/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zstd: compresses responses for clients that accept zstd (compress.c).
 *
 *     zstd on;
 *     zstd_types text/css application/json;
 */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "modules/filter/compress.h"
#include "modules/module.h"

enum {
    WINDOW_MOST = 23, /* bits: clients need not accept more (RFC 9659)       */
    LEVEL_MOST = 19,  /* ... which the levels above would use                */
    LIVE_WINDOW = 12,
    /* Where the length is unknown, the levels above would take 10 to 90 MB. */
    UNKNOWN_WINDOW = 19,
    UNKNOWN_LEVEL = 6,
};

struct zstd_conf {
    struct compress_conf common; /* first */
};

struct zstd {
    struct coder c; /* first */
    ZSTD_CCtx   *z;
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


static bool
reset(struct coder *c, const struct coder_plan *p)
{
    struct zstd *s = container_of(c, struct zstd, c);

    ZSTD_CCtx_reset(s->z, ZSTD_reset_session_and_parameters);
    if (!set(c, ZSTD_c_compressionLevel, p->level)
        || (p->window != 0 && !set(c, ZSTD_c_windowLog, p->window))
        || (p->memory != 0
            && (!set(c, ZSTD_c_hashLog, p->memory)
                || !set(c, ZSTD_c_chainLog, p->memory))))
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


/* A call after the end would begin another frame. */
static enum coder_said
work(struct coder *c, struct coder_io *io, enum coder_mode mode)
{
    static const ZSTD_EndDirective modes[] = { [CODER_RUN] = ZSTD_e_continue,
                                               [CODER_FLUSH] = ZSTD_e_flush,
                                               [CODER_END] = ZSTD_e_end };
    struct zstd                   *s = container_of(c, struct zstd, c);
    ZSTD_inBuffer                  in = { io->in, io->n_in, 0 };
    ZSTD_outBuffer                 out = { io->out, io->n_out, 0 };
    bool                           is_done;
    size_t                         rc;

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
    p->kind = p->is_live;
}


static const struct http_coding zstd = {
    .number = COMPRESS_ZSTD,
    .made = "ZSTD_createCCtx()",
    .run = "ZSTD_compressStream2()",
    .module = &zstd_module,
    .plan = plan,
};

struct module zstd_module = {
    .name = "http_zstd_filter",
    .serves = FOR_HTTP,
    .directives = rows,
    .templates = templates,
    .variables = variables,
    .conf_size = sizeof(struct zstd_conf),
    .coding = &zstd,
};
