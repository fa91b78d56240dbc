/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The moov atom of an MP4 file, which says what is where: reading it, and
 * making one for a part of the film.  Pure functions on its bytes.
 */
#pragma once

#include "modules/content/mp4_track.h"

struct mp4_part {
    uint64_t from, until; /* bytes of the file that go behind the new moov   */
    struct chain out;     /* the new moov, and the head of the mdat that
                             they are then                                   */
};

/* Reads an atom's head at p: its name, how long the head is, and the size of
 * the whole; 0: to the end of the file.  What is there are n bytes, at least 8.
 * False: the size is smaller than the head, or needs more than n bytes. */
struct mp4_atom {
    str_t    name;
    unsigned head;
    uint64_t size;
};
enum { MP4_HEAD = 8, MP4_HEAD_64 = 16 };
bool mp4_atom_read(const char *p, size_t n, struct mp4_atom *out);

/* Makes the moov for a span of the film; before: the bytes that go in front of
 * it.  moov are its contents, to be edited in place; out->out is initialised
 * and refers to them, and to a.  NULL, or what is wrong with the file. */
const char *mp4_moov_cut(struct arena *a, char *moov, size_t n,
                         const struct mp4_span *span, uint64_t before,
                         struct mp4_part *out);
