/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of one track of an MP4 file (ISO/IEC 14496-12): which of its
 * samples lie in a span of time, and the tables without the others.
 *
 * Pure functions on the bytes of the file's moov atom, which are edited in
 * place.  Every loop runs over entries that are there, so that the work grows
 * with the size of the atom, whatever counts it claims.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/chain.h"

/* What is wanted of the file, and what all tracks have in common. */
struct mp4_span {
    uint64_t start, length;  /* milliseconds; length 0: to the end           */
    bool     from_key_frame; /* begins with the key frame before the start   */
    uint64_t mdat_end;       /* in the file                                  */
};

/* A table: what is behind the head of its atom. */
struct mp4_table {
    char    *entries;
    uint32_t n;
    bool     is_there;
};

struct mp4_track {
    struct mp4_table stts, stss, ctts, stsc, stsz, stco;
    uint32_t timescale;   /* units a second                                  */
    uint32_t sample_size; /* of all samples; 0: stsz has them                */
    bool     is_64;       /* stco is a co64                                  */

    /* What is kept: */
    uint64_t first, end;  /* samples; end is not among them                  */
    uint64_t prefix;      /* the time of those before the start              */
    uint64_t from, until; /* their bytes in the file                         */
};

extern const char mp4_nothing[];

/* Numbers of the file: the most significant byte comes first. */
static inline uint32_t
mp4_u32(const char *at)
{
    const unsigned char *p = (const unsigned char *) at;

    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


static inline uint64_t
mp4_u64(const char *at)
{
    return (uint64_t) mp4_u32(at) << 32 | mp4_u32(at + 4);
}


static inline void
mp4_put32(char *at, uint32_t n)
{
    for (int i = 3; i >= 0; i--, n >>= 8)
        at[i] = (char) n;
}


static inline void
mp4_put64(char *at, uint64_t n)
{
    mp4_put32(at, (uint32_t) (n >> 32));
    mp4_put32(at + 4, (uint32_t) n);
}

/* Chooses the samples, and edits all tables but the offsets in stco.  a has the
 * new stsc, which its size limits.  NULL, or what is wrong with the file, or
 * mp4_nothing: no sample begins in the span. */
const char *mp4_track_cut(struct arena *a, struct mp4_track *t,
                          const struct mp4_span *span);
/* The bytes at t->from are further on in the new file by so many bytes (modulo
 * 2^64).  NULL, or what is wrong. */
const char *mp4_track_shift(struct mp4_track *t, uint64_t by);
/* Appends the atoms of the tables. */
void mp4_track_put(struct arena *a, const struct mp4_track *t,
                   struct chain *out);
