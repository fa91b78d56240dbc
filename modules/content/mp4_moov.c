/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *     moov > mvhd                    the film: its duration
 *          > trak > tkhd             a track: its duration in the film
 *                 > edts > elst      (made here) what of it is shown
 *                 > mdia > mdhd      its duration in its own units
 *                        > hdlr
 *                        > minf > vmhd or smhd, dinf
 *                               > stbl > stsd and the tables
 *
 * Other atoms are left out: tags, edits of the whole film and the like do not
 * hold for a part.  So are tracks that end before the start.
 */
#include "modules/content/mp4_moov.h"

#include "core/base/vec.h"

enum { TRACKS_MAX = 64, EDITS = 44 };

/* An atom that is copied: all of it, or empty. */
struct track {
    struct mp4_track tables;
    str_t            tkhd, mdhd, hdlr, vmhd, smhd, dinf, stsd;
    uint64_t         duration;      /* in its own units                      */
    uint64_t         film_duration; /* in those of the film                  */
};

struct film {
    struct arena          *arena;
    const struct mp4_span *span;
    str_t                  mvhd;
    uint32_t               timescale;
    uint64_t               duration;
    VEC(struct track *)    tracks;
};

/* Where a head has its duration, from the beginning of the atom on: in its
 * version 0 (32 bits) and 1 (64 bits). */
struct field {
    unsigned v0, v1;
};
static const struct field mvhd_field = { 24, 32 }, tkhd_field = { 28, 36 },
                          mdhd_field = { 24, 32 };

typedef const char *(*atom_fn)(struct film *f, struct track *t,
                               const struct mp4_atom *at, char *p);


bool
mp4_atom_read(const char *p, size_t n, struct mp4_atom *out)
{
    out->name = (str_t){ p + 4, 4 };
    out->head = MP4_HEAD;
    out->size = mp4_u32(p);
    if (out->size == 1) {
        if (n < MP4_HEAD_64)
            return false;
        out->head = MP4_HEAD_64;
        out->size = mp4_u64(p + MP4_HEAD);
    }
    return out->size == 0 || out->size >= out->head;
}


/* Calls fn for each atom in the contents of another one. */
static const char *
each_atom(struct film *f, struct track *t, char *p, size_t n, atom_fn fn)
{
    struct mp4_atom at;
    const char     *error;

    while (n >= MP4_HEAD) {
        if (!mp4_atom_read(p, n, &at) || at.size > n)
            return "mp4 atom too large";
        if (at.size == 0)
            at.size = n;
        error = fn(f, t, &at, p);
        if (error != NULL)
            return error;
        p += at.size;
        n -= at.size;
    }
    return NULL;
}


static const char *
inside(struct film *f, struct track *t, const struct mp4_atom *at, char *p,
       atom_fn fn)
{
    return each_atom(f, t, p + at->head, at->size - at->head, fn);
}


/* --- heads that tell durations ----------------------------------------------------- */

static unsigned
version_of(str_t head)
{
    return (unsigned char) head.p[MP4_HEAD];
}


/* False: the atom is too short for its version. */
static bool
get_duration(str_t head, const struct field *f, uint64_t *out)
{
    if (head.n < MP4_HEAD + 1
        || head.n < (version_of(head) ? f->v1 + 8 : f->v0 + 4))
        return false;
    *out = version_of(head) ? mp4_u64(head.p + f->v1) : mp4_u32(head.p + f->v0);
    return true;
}


/* All ones say that the duration is unknown. */
static void
set_duration(str_t head, const struct field *f, uint64_t duration)
{
    char *at = (char *) (uintptr_t) head.p;

    if (version_of(head))
        mp4_put64(at + f->v1, duration);
    else
        mp4_put32(at + f->v0,
                  duration > UINT32_MAX ? UINT32_MAX : (uint32_t) duration);
}


/* The timescale stands right before the duration in mvhd and mdhd. */
static uint32_t
timescale_of(str_t head, const struct field *f)
{
    return mp4_u32(head.p + (version_of(head) ? f->v1 : f->v0) - 4);
}


/* What is left of a duration.  False: it ends before the start. */
static bool
shorten(uint64_t *duration, const struct mp4_span *span, uint32_t timescale)
{
    uint64_t start = span->start * timescale / 1000;
    uint64_t length = span->length * timescale / 1000;

    if (*duration <= start)
        return false;
    *duration -= start;
    if (span->length != 0 && *duration > length)
        *duration = length;
    return true;
}


/* --- reading ------------------------------------------------------------------------- */

/* A table with a count and entries of that size behind its head. */
static const char *
take_table(struct mp4_table *t, const struct mp4_atom *at, char *p,
           size_t entry)
{
    size_t left = (size_t) at->size - at->head;

    if (left < 8)
        return "mp4 table atom too small";
    t->n = mp4_u32(p + at->head + 4);
    t->entries = p + at->head + 8;
    t->is_there = true;
    return t->n > (left - 8) / entry ? "mp4 table atom too small" : NULL;
}


static const char *
take_sizes(struct mp4_track *t, const struct mp4_atom *at, char *p)
{
    size_t left = (size_t) at->size - at->head;

    if (left < 12)
        return "mp4 table atom too small";
    t->sample_size = mp4_u32(p + at->head + 4);
    t->stsz.n = mp4_u32(p + at->head + 8);
    t->stsz.entries = p + at->head + 12;
    t->stsz.is_there = true;
    return t->sample_size == 0 && t->stsz.n > (left - 12) / 4
               ? "mp4 table atom too small"
               : NULL;
}


static const char *
in_stbl(struct film *f, struct track *t, const struct mp4_atom *at, char *p)
{
    struct mp4_track *k = &t->tables;

    (void) f;
    if (str_is(at->name, "stsd"))
        t->stsd = (str_t){ p, at->size };
    else if (str_is(at->name, "stts"))
        return take_table(&k->stts, at, p, 8);
    else if (str_is(at->name, "stss"))
        return take_table(&k->stss, at, p, 4);
    else if (str_is(at->name, "ctts"))
        return take_table(&k->ctts, at, p, 8);
    else if (str_is(at->name, "stsc"))
        return take_table(&k->stsc, at, p, 12);
    else if (str_is(at->name, "stsz"))
        return take_sizes(k, at, p);
    else if (str_is(at->name, "stco") || str_is(at->name, "co64")) {
        k->is_64 = at->name.p[0] == 'c';
        return take_table(&k->stco, at, p, k->is_64 ? 8 : 4);
    }
    return NULL;
}


static const char *
in_minf(struct film *f, struct track *t, const struct mp4_atom *at, char *p)
{
    if (str_is(at->name, "stbl"))
        return inside(f, t, at, p, in_stbl);
    if (str_is(at->name, "vmhd"))
        t->vmhd = (str_t){ p, at->size };
    else if (str_is(at->name, "smhd"))
        t->smhd = (str_t){ p, at->size };
    else if (str_is(at->name, "dinf"))
        t->dinf = (str_t){ p, at->size };
    return NULL;
}


static const char *
in_mdia(struct film *f, struct track *t, const struct mp4_atom *at, char *p)
{
    if (str_is(at->name, "minf"))
        return inside(f, t, at, p, in_minf);
    if (str_is(at->name, "hdlr")) {
        t->hdlr = (str_t){ p, at->size };
    } else if (str_is(at->name, "mdhd")) {
        t->mdhd = (str_t){ p, at->size };
        if (at->head != MP4_HEAD
            || !get_duration(t->mdhd, &mdhd_field, &t->duration))
            return "mp4 mdhd atom too small";
        t->tables.timescale = timescale_of(t->mdhd, &mdhd_field);
    }
    return NULL;
}


static const char *
in_trak(struct film *f, struct track *t, const struct mp4_atom *at, char *p)
{
    if (str_is(at->name, "mdia"))
        return inside(f, t, at, p, in_mdia);
    if (str_is(at->name, "tkhd")) {
        t->tkhd = (str_t){ p, at->size };
        if (at->head != MP4_HEAD
            || !get_duration(t->tkhd, &tkhd_field, &t->film_duration))
            return "mp4 tkhd atom too small";
    }
    return NULL;
}


static const char *
in_moov(struct film *f, struct track *none, const struct mp4_atom *at, char *p)
{
    struct track *t;

    (void) none;
    if (str_is(at->name, "mvhd")) {
        f->mvhd = (str_t){ p, at->size };
        if (at->head != MP4_HEAD
            || !get_duration(f->mvhd, &mvhd_field, &f->duration))
            return "mp4 mvhd atom too small";
        f->timescale = timescale_of(f->mvhd, &mvhd_field);
    } else if (str_is(at->name, "trak")) {
        if (f->tracks.n == TRACKS_MAX)
            return "mp4 moov atom has too many tracks";
        t = arena_make(f->arena, struct track);
        *vec_push(f->arena, &f->tracks) = t;
        return inside(f, t, at, p, in_trak);
    }
    return NULL;
}


/* --- cutting --------------------------------------------------------------------------- */

/* Shortens a track.  mp4_nothing: it ends before the start, or has no sample in
 * the span. */
static const char *
cut_track(struct film *f, struct track *t)
{
    const struct mp4_span *span = f->span;
    struct mp4_track      *k = &t->tables;
    const char            *error;

    if (t->tkhd.n == 0 || t->mdhd.n == 0 || k->timescale == 0)
        return "mp4 trak atom has no tkhd or mdhd";
    if (!shorten(&t->film_duration, span, f->timescale)
        || !shorten(&t->duration, span, k->timescale))
        return mp4_nothing;
    error = mp4_track_cut(f->arena, k, span);
    set_duration(t->tkhd, &tkhd_field, t->film_duration);
    set_duration(t->mdhd, &mdhd_field, t->duration + k->prefix);
    return error;
}


static const char *
cut_tracks(struct film *f, struct mp4_part *part)
{
    struct track *t;
    const char   *error;
    size_t        kept = 0;

    part->from = UINT64_MAX;
    part->until = 0;
    for (size_t i = 0; i < f->tracks.n; i++) {
        t = f->tracks.at[i];
        error = cut_track(f, t);
        if (error == mp4_nothing)
            continue;
        if (error != NULL)
            return error;
        f->tracks.at[kept++] = t;
        if (t->tables.from < part->from)
            part->from = t->tables.from;
        if (t->tables.until > part->until)
            part->until = t->tables.until;
    }
    f->tracks.n = kept;
    return kept == 0 ? mp4_nothing : NULL;
}


/* --- writing ----------------------------------------------------------------------------- */

/* Appends the head of an atom, whose size is set by end_atom. */
static char *
begin_atom(struct film *f, const char *name, struct chain *out, uint64_t *from)
{
    char *head = arena_alloc(f->arena, MP4_HEAD);

    *from = out->n;
    memcpy(head + 4, name, 4);
    chain_add(out, (str_t){ head, MP4_HEAD });
    return head;
}


static void
end_atom(char *head, const struct chain *out, uint64_t from)
{
    mp4_put32(head, (uint32_t) (out->n - from));
}


/* What comes before the start is not shown. */
static void
put_edits(struct film *f, const struct track *t, struct chain *out)
{
    char *p = arena_zalloc(f->arena, EDITS);

    mp4_put32(p, EDITS);
    memcpy(p + 4, "edts", 4);
    mp4_put32(p + 8, EDITS - 8);
    memcpy(p + 12, "elst\1", 5);
    mp4_put32(p + 20, 1);
    mp4_put64(p + 24, t->film_duration);
    mp4_put64(p + 32, t->tables.prefix);
    mp4_put32(p + 40, 1 << 16); /* at its speed */
    chain_add(out, (str_t){ p, EDITS });
}


static void
put_track(struct film *f, const struct track *t, struct chain *out)
{
    uint64_t trak_from, mdia_from, minf_from, stbl_from;
    char    *trak, *mdia, *minf, *stbl;

    trak = begin_atom(f, "trak", out, &trak_from);
    chain_add(out, t->tkhd);
    if (t->tables.prefix != 0)
        put_edits(f, t, out);
    mdia = begin_atom(f, "mdia", out, &mdia_from);
    chain_add(out, t->mdhd);
    chain_add(out, t->hdlr);
    minf = begin_atom(f, "minf", out, &minf_from);
    chain_add(out, t->vmhd);
    chain_add(out, t->smhd);
    chain_add(out, t->dinf);
    stbl = begin_atom(f, "stbl", out, &stbl_from);
    chain_add(out, t->stsd);
    mp4_track_put(f->arena, &t->tables, out);
    end_atom(stbl, out, stbl_from);
    end_atom(minf, out, minf_from);
    end_atom(mdia, out, mdia_from);
    end_atom(trak, out, trak_from);
}


static void
put_mdat(struct film *f, uint64_t size, struct chain *out)
{
    char *head = arena_alloc(f->arena, MP4_HEAD_64);

    memcpy(head + 4, "mdat", 4);
    if (size + MP4_HEAD <= UINT32_MAX) {
        mp4_put32(head, (uint32_t) (size + MP4_HEAD));
        chain_add(out, (str_t){ head, MP4_HEAD });
        return;
    }
    mp4_put32(head, 1);
    mp4_put64(head + MP4_HEAD, size + MP4_HEAD_64);
    chain_add(out, (str_t){ head, MP4_HEAD_64 });
}


const char *
mp4_moov_cut(struct arena *a, char *moov, size_t n, const struct mp4_span *span,
             uint64_t before, struct mp4_part *part)
{
    struct film f = { .arena = a, .span = span };
    const char *error = each_atom(&f, NULL, moov, n, in_moov);
    uint64_t    from;
    char       *head;

    chain_init(&part->out, a);
    if (error != NULL)
        return error;
    if (f.mvhd.n == 0)
        return "no mp4 trak atoms were found";
    if (f.tracks.n == 0)
        return "no mp4 trak atoms were found";
    if (!shorten(&f.duration, span, f.timescale))
        return "mp4 start time exceeds file duration";
    set_duration(f.mvhd, &mvhd_field, f.duration);
    error = cut_tracks(&f, part);
    if (error != NULL)
        return error;

    head = begin_atom(&f, "moov", &part->out, &from);
    chain_add(&part->out, f.mvhd);
    for (size_t i = 0; i < f.tracks.n; i++)
        put_track(&f, f.tracks.at[i], &part->out);
    end_atom(head, &part->out, from);
    put_mdat(&f, part->until - part->from, &part->out);
    for (size_t i = 0; i < f.tracks.n && error == NULL; i++)
        error = mp4_track_shift(&f.tracks.at[i]->tables,
                                before + part->out.n - part->from);
    return error;
}
