/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Content codings as the filter that compresses sees them (compress.c).  A
 * module that has one names it in its struct module.
 */
#pragma once

#include "core/conf/types.h"
#include "http/request.h"
#include "http/types.h"
#include "modules/filter/coder.h"

/* The settings that all codings have: the first member of their confs. */
struct compress_conf {
    struct mime_set *types;
    size_t           min_length;
    uint64_t         level;
    struct buffers   buffers;  /* only their size is used                    */
    size_t           postpone; /* bytes to wait for before compressing       */
    bool             is_on;
    bool             no_buffer; /* passes on output at once                  */
};

/* Their rows, but for the flag and the level: PREFIX_types ... */
extern const struct directive compress_rows[];
#define COMPRESS_ROWS(prefix, C)                                               \
    { compress_rows, prefix, FIELD(C, common, struct compress_conf), IN_WEB }

/* Numbers of codings: bits in sets of them. */
enum compress_coding {
    COMPRESS_BR,
    COMPRESS_ZSTD,
    COMPRESS_GZIP,
    COMPRESS_CODINGS,
    COMPRESS_DCZ, /* zstd with a dictionary: in no set of them               */
};

struct http_coding {
    enum compress_coding number;
    const char *made; /* the call that a failure to begin is logged by, and  */
    const char *run;  /* ... that for one in between                         */
    struct module *module; /* whose conf begins with a compress_conf         */
    /* More conditions than those of the settings above; or NULL. */
    bool (*allows)(const struct http_request *r);
    /* A coding in place of this one, for a client that wants it at least as
     * much as the weight says, and what its plan gets, with a reference; NULL:
     * none.  Or NULL. */
    const struct http_coding *(*variant)(struct http_request *r,
                                         unsigned weight,
                                         struct coder_with **with);
    /* Completes a plan that has the length, and whether it is live. */
    void (*plan)(const struct compress_conf *, struct coder_plan *);
    /* Compresses a whole body at once: the bytes put into out, which has room
     * for n; 0: not this one.  Or NULL. */
    size_t (*whole)(const struct compress_conf *, str_t in, char *out,
                    size_t n);
    void (*stop)(void); /* frees what the process has; or NULL               */
};

extern struct module compress_module; /* what codings are part of             */

/* The exponent of a power of two. */
static inline int
compress_log2(size_t n)
{
    int bits = 0;

    while (n >>= 1)
        bits++;
    return bits;
}

/* The value of variables "..._ratio"; arg: enum compress_coding. */
str_t compress_ratio(struct task *t, uintptr_t arg);

/* As in Content-Encoding. */
str_t compress_name(enum compress_coding k);
/* The codings in the order of compress_order: COMPRESS_CODINGS numbers. */
const uint8_t *compress_order(const struct http_request *r);
/* The coding that the client prefers among those in bits; COMPRESS_CODINGS:
 * none.  *weight is what it gives to it, in thousandths. */
enum compress_coding compress_choose(const struct http_request *r,
                                     unsigned bits, unsigned *weight);
/* Whether the client accepts gzip, and the rules for it allow it. */
bool compress_accepts_gzip(const struct http_request *r);
/* Those that would compress this response on the fly, for all that its location
 * says. */
unsigned compress_fit(const struct http_request *r);
/* Whether the client wants something that the filter would make of this
 * response more than what has that weight. */
bool compress_is_preferred(struct http_request *r, unsigned weight);
