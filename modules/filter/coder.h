/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coders turn a stream of bytes into another one: the states of deflate,
 * inflate, brotli and zstd, behind one interface.  To initialise one costs more
 * than to compress a small page, so coders are kept by the process, and are
 * only reset between streams.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/list.h"

struct coder;
struct coder_plan;

enum coder_mode {
    CODER_RUN,   /* what comes out now is up to the coder                    */
    CODER_FLUSH, /* everything that was put in has to come out               */
    CODER_END,   /* ... and the stream ends                                  */
};

enum coder_said {
    CODER_READY,  /* all input was taken, and what the mode asks for is done */
    CODER_FULL,   /* there is no room, and more to come: call again          */
    CODER_ENDED,  /* a decoder saw the end, whether or not input is left     */
    CODER_BROKEN, /* error says why                                          */
};

struct coder_io {
    const char *in;
    size_t      n_in;
    char       *out;
    size_t      n_out;
};

/* A library's way to code. */
struct codec {
    const char *name;
    /* Ready for a stream; NULL: no memory.  Sets bytes. */
    struct coder *(*create)(const struct coder_plan *);
    /* Ready for another stream of the same kind; false: it cannot be used. */
    bool (*reset)(struct coder *, const struct coder_plan *);
    /* Consumes input and fills output. */
    enum coder_said (*work)(struct coder *, struct coder_io *,
                            enum coder_mode);
    void (*destroy)(struct coder *);
};

/* What both ends of a stream know beforehand: a dictionary. */
struct coder_with {
    unsigned serial; /* no two have the same                                 */
    void   (*put)(struct coder_with *); /* gives a reference back            */
};

/* What a stream asks of its coder. */
struct coder_plan {
    const struct codec *codec;
    unsigned kind;   /* any coder of the same kind will do                   */
    int      level;
    int      window; /* bits                                                 */
    int      memory; /* for its tables: zlib's memLevel, bits for zstd       */
    int64_t  length; /* of the input; -1: unknown                            */
    bool     is_live; /* open for long, with little to code                  */
    const struct coder_with *with; /* or NULL                                */
};

/* The first member of a codec's state. */
struct coder {
    struct list         link; /* while it is idle                            */
    const struct codec *codec;
    unsigned            kind;
    int                 error;
    size_t              bytes; /* of memory, about                           */
};

/* An idle coder, reset, or a new one; NULL: there is no memory. */
struct coder *coder_get(const struct coder_plan *plan);
void          coder_put(struct coder *c);
/* Frees the idle ones. */
void          coders_free(void);
