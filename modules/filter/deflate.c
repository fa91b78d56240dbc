/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zlib's coders, in a few sizes only, so that each soon finds another use.
 */
#include "modules/filter/deflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "config.h"
#include "modules/filter/igzip.h"

enum {
    GZIP_FORMAT = 16,     /* added to the bits of the window               */
    SMALLEST_WINDOW = 11, /* for responses of a short length               */
    SIZE_STEP = 2,        /* bits from one size to the next                */
    LOOK_AHEAD = 262,     /* bytes of the window that hold no history      */
    /* A live response may be one of thousands: 22 kB, not 268 kB. */
    LIVE_WINDOW = 11,
    LIVE_MEMORY = 4,
};

struct zlib {
    struct coder c; /* first */
    z_stream     z;
    int          level;
    int          window;
};


/* --- deflate --------------------------------------------------------------- */

/* The formula is from zlib's zconf.h. */
static size_t
deflate_bytes(int window, int memory)
{
    return sizeof(struct zlib) + (6 << 10) + ((size_t) 1 << (window + 2))
           + ((size_t) 1 << (memory + 9));
}


static struct coder *
deflate_create(const struct coder_plan *p)
{
    struct zlib *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    if (deflateInit2(&d->z, p->level, Z_DEFLATED, p->window + GZIP_FORMAT,
                     p->memory, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        free(d);
        return NULL;
    }
    d->level = p->level;
    d->c.bytes = deflate_bytes(p->window, p->memory);
    return &d->c;
}


static bool
deflate_again(struct coder *c, const struct coder_plan *p)
{
    struct zlib *d = container_of(c, struct zlib, c);

    if (deflateReset(&d->z) != Z_OK)
        return false;
    if (d->level != p->level
        && deflateParams(&d->z, p->level, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    d->level = p->level;
    return true;
}


static void
load(z_stream *z, const struct coder_io *io)
{
    z->next_in = (z_const Bytef *) (uintptr_t) io->in;
    z->avail_in = (uInt) io->n_in;
    z->next_out = (Bytef *) io->out;
    z->avail_out = (uInt) io->n_out;
}


static void
store(const z_stream *z, struct coder_io *io)
{
    io->in = (const char *) z->next_in;
    io->n_in = z->avail_in;
    io->out = (char *) z->next_out;
    io->n_out = z->avail_out;
}


static enum coder_said
deflate_work(struct coder *c, struct coder_io *io, enum coder_mode mode)
{
    static const int modes[] = { [CODER_RUN] = Z_NO_FLUSH,
                                 [CODER_FLUSH] = Z_SYNC_FLUSH,
                                 [CODER_END] = Z_FINISH };
    struct zlib     *d = container_of(c, struct zlib, c);
    int              rc;

    load(&d->z, io);
    rc = deflate(&d->z, modes[mode]);
    store(&d->z, io);
    if (rc == Z_STREAM_END)
        return CODER_READY;
    if (rc != Z_OK && rc != Z_BUF_ERROR) {
        c->error = rc;
        return CODER_BROKEN;
    }
    return io->n_out == 0 ? CODER_FULL : CODER_READY;
}


static void
deflate_destroy(struct coder *c)
{
    struct zlib *d = container_of(c, struct zlib, c);

    deflateEnd(&d->z);
    free(d);
}


static const struct codec deflate_codec = { .name = "deflate",
                                            .create = deflate_create,
                                            .reset = deflate_again,
                                            .work = deflate_work,
                                            .destroy = deflate_destroy };


void
deflate_plan(struct coder_plan *p)
{
    int64_t n = p->length;

    if (!p->is_live && igzip_plan(p))
        return;
    p->codec = &deflate_codec;
    while (n >= 0 && p->window - SIZE_STEP >= SMALLEST_WINDOW
           && n + LOOK_AHEAD <= (int64_t) 1 << (p->window - SIZE_STEP))
    {
        p->window -= SIZE_STEP;
        p->memory = p->memory > SIZE_STEP ? p->memory - SIZE_STEP : 1;
    }
    if (p->is_live && p->window > LIVE_WINDOW)
        p->window = LIVE_WINDOW;
    if (p->is_live && p->memory > LIVE_MEMORY)
        p->memory = LIVE_MEMORY;
    p->kind = (unsigned) (p->window << 8 | p->memory);
}


/* --- inflate --------------------------------------------------------------- */

static struct coder *
inflate_create(const struct coder_plan *p)
{
    struct zlib *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    if (inflateInit2(&d->z, p->window + GZIP_FORMAT) != Z_OK) {
        free(d);
        return NULL;
    }
    d->c.bytes = sizeof(*d) + (7 << 10) + ((size_t) 1 << p->window);
    return &d->c;
}


static bool
inflate_again(struct coder *c, const struct coder_plan *p)
{
    (void) p;
    return inflateReset(&container_of(c, struct zlib, c)->z) == Z_OK;
}


/* What follows the end of a stream is another one. */
static enum coder_said
inflate_work(struct coder *c, struct coder_io *io, enum coder_mode mode)
{
    struct zlib *d = container_of(c, struct zlib, c);
    int          rc;

    load(&d->z, io);
    rc = inflate(&d->z, mode == CODER_RUN ? Z_NO_FLUSH : Z_SYNC_FLUSH);
    store(&d->z, io);
    if (rc == Z_STREAM_END)
        return inflateReset(&d->z) == Z_OK ? CODER_ENDED : CODER_BROKEN;
    if (rc != Z_OK && rc != Z_BUF_ERROR) {
        c->error = rc;
        return CODER_BROKEN;
    }
    return io->n_out == 0 ? CODER_FULL : CODER_READY;
}


static void
inflate_destroy(struct coder *c)
{
    struct zlib *d = container_of(c, struct zlib, c);

    inflateEnd(&d->z);
    free(d);
}


static const struct codec inflate_codec = { .name = "inflate",
                                            .create = inflate_create,
                                            .reset = inflate_again,
                                            .work = inflate_work,
                                            .destroy = inflate_destroy };


void
inflate_plan(struct coder_plan *p)
{
    p->codec = &inflate_codec;
    p->window = MAX_WBITS;
    p->kind = 0;
}
