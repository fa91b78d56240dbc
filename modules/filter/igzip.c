/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISA-L's igzip, whose levels 1 to 3 take the place of zlib's.
 */
#include "modules/filter/igzip.h"

#include "config.h"

#ifdef WEIR_HAVE_ISAL

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

enum { FASTEST = 1, SLOWEST = 3 };

struct igzip {
    struct coder        c; /* first */
    struct isal_zstream z;
    unsigned char       buffer[];
};

static const unsigned buffer_size[] = {
    [1] = ISAL_DEF_LVL1_DEFAULT,
    [2] = ISAL_DEF_LVL2_DEFAULT,
    [3] = ISAL_DEF_LVL3_DEFAULT,
};


static void
set_up(struct igzip *g, const struct coder_plan *p)
{
    g->z.gzip_flag = IGZIP_GZIP;
    g->z.hist_bits = (uint16_t) p->window;
    g->z.level = (uint32_t) p->level;
    g->z.level_buf = g->buffer;
    g->z.level_buf_size = buffer_size[p->level];
}


static struct coder *
create(const struct coder_plan *p)
{
    size_t        n = sizeof(struct igzip) + buffer_size[p->level];
    struct igzip *g = malloc(n);

    if (g == NULL)
        return NULL;
    isal_deflate_init(&g->z);
    set_up(g, p);
    g->c.bytes = n;
    g->c.error = 0;
    return &g->c;
}


static bool
reset(struct coder *c, const struct coder_plan *p)
{
    struct igzip *g = container_of(c, struct igzip, c);

    isal_deflate_reset(&g->z);
    set_up(g, p);
    return true;
}


/* A stream that has ended takes nothing more. */
static enum coder_said
work(struct coder *c, struct coder_io *io, enum coder_mode mode)
{
    struct igzip *g = container_of(c, struct igzip, c);

    g->z.next_in = (uint8_t *) (uintptr_t) io->in;
    g->z.avail_in = (uint32_t) io->n_in;
    g->z.next_out = (uint8_t *) io->out;
    g->z.avail_out = (uint32_t) io->n_out;
    g->z.end_of_stream = mode == CODER_END;
    g->z.flush = mode == CODER_FLUSH ? SYNC_FLUSH : NO_FLUSH;
    c->error = isal_deflate(&g->z);
    io->in = (const char *) g->z.next_in;
    io->n_in = g->z.avail_in;
    io->out = (char *) g->z.next_out;
    io->n_out = g->z.avail_out;
    if (c->error != COMP_OK)
        return CODER_BROKEN;
    if (g->z.internal_state.state == ZSTATE_END)
        return CODER_READY;
    return io->n_out == 0 ? CODER_FULL : CODER_READY;
}


static void
destroy(struct coder *c)
{
    free(container_of(c, struct igzip, c));
}


static const struct codec codec = { .name = "igzip",
                                    .create = create,
                                    .reset = reset,
                                    .work = work,
                                    .destroy = destroy };


bool
igzip_plan(struct coder_plan *p)
{
    if (p->level < FASTEST || p->level > SLOWEST)
        return false;
    p->codec = &codec;
    p->kind = (unsigned) p->level;
    return true;
}

#else

bool
igzip_plan(struct coder_plan *p)
{
    (void) p;
    return false;
}

#endif
