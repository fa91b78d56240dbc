/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables say: stts how long samples last (runs of equal ones), ctts how
 * much later each is shown, stss which are key frames, stsc how many samples
 * the chunks of the file have (runs again), stsz how large samples are, stco
 * where chunks begin.
 */
#include "modules/content/mp4_track.h"

enum { RUN = 8, CHUNK_RUN = 12, HEAD = 16, SIZES_HEAD = 20 };

/* A place among the samples, in terms of chunks. */
struct place {
    uint32_t run;    /* of stsc                                              */
    uint64_t chunk;  /* from 0 on                                            */
    uint64_t sample; /* within the chunk                                     */
};


const char mp4_nothing[] = "no data between start time and end time";

static const char no_stts[] = "no mp4 stts atoms were found";
static const char no_stsc[] = "no mp4 stsc atoms were found";
static const char no_stsz[] = "no mp4 stsz atoms were found";
static const char no_stco[] = "no mp4 stco atoms were found";


/* --- runs of samples: stts, ctts ---------------------------------------------- */

static uint32_t
count_of(const struct mp4_table *t, uint32_t i)
{
    return mp4_u32(t->entries + (size_t) i * RUN);
}


static uint32_t
value_of(const struct mp4_table *t, uint32_t i)
{
    return mp4_u32(t->entries + (size_t) i * RUN + 4);
}


/* Leaves the samples from first up to end. */
static void
cut_runs(struct mp4_table *t, uint64_t first, uint64_t end)
{
    uint64_t at = 0, stop;
    uint32_t i = 0, from;

    while (i < t->n && at + count_of(t, i) <= first)
        at += count_of(t, i++);
    from = i;
    for (stop = at; i < t->n && stop < end; i++)
        stop += count_of(t, i);
    if (i != from) {
        char *last = t->entries + (size_t) (i - 1) * RUN;
        char *head = t->entries + (size_t) from * RUN;

        if (stop > end)
            mp4_put32(last, (uint32_t) (mp4_u32(last) - (stop - end)));
        mp4_put32(head, (uint32_t) (mp4_u32(head) - (first - at)));
    }
    t->entries += (size_t) from * RUN;
    t->n = i - from;
}


/* The sample at that time, in *sample; false: all have ended before. */
static bool
sample_at(const struct mp4_table *t, uint64_t time, uint64_t *sample)
{
    uint64_t span;

    *sample = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        span = (uint64_t) count_of(t, i) * value_of(t, i);
        if (time < span) {
            *sample += time / value_of(t, i);
            return true;
        }
        time -= span;
        *sample += count_of(t, i);
    }
    return false;
}


/* How long the samples from first up to end last together. */
static uint64_t
time_between(const struct mp4_table *t, uint64_t first, uint64_t end)
{
    uint64_t at = 0, time = 0, next, from, to;

    for (uint32_t i = 0; i < t->n && at < end; i++, at = next) {
        next = at + count_of(t, i);
        from = at > first ? at : first;
        to = next < end ? next : end;
        if (to > from)
            time += (to - from) * value_of(t, i);
    }
    return time;
}


/* --- key frames ----------------------------------------------------------------- */

static uint32_t
key_frame(const struct mp4_table *t, uint32_t i)
{
    return mp4_u32(t->entries + (size_t) i * 4);
}


/* The last key frame that is not behind a sample; both from 0 on. */
static const char *
key_before(const struct mp4_table *t, uint64_t *sample)
{
    uint64_t before = *sample;

    for (uint32_t i = 0; i < t->n && key_frame(t, i) <= *sample + 1; i++) {
        if (key_frame(t, i) == 0)
            return "zero sync sample";
        before = key_frame(t, i) - 1;
    }
    *sample = before;
    return NULL;
}


static void
cut_key_frames(struct mp4_table *t, uint64_t first, uint64_t end)
{
    uint32_t from = 0, i;

    while (from < t->n && key_frame(t, from) <= first)
        from++;
    for (i = from; i < t->n && key_frame(t, i) <= end; i++)
        mp4_put32(t->entries + (size_t) i * 4,
                  (uint32_t) (key_frame(t, i) - first));
    t->entries += (size_t) from * 4;
    t->n = i - from;
}


/* --- chunks --------------------------------------------------------------------- */

static char *
run_at(const struct mp4_table *t, uint32_t i)
{
    return t->entries + (size_t) i * CHUNK_RUN;
}


/* The number of the chunk, from 1 on, that a run begins with; behind the last
 * run, that behind the last chunk. */
static uint64_t
run_start(const struct mp4_track *t, uint32_t i)
{
    return i < t->stsc.n ? mp4_u32(run_at(&t->stsc, i))
                         : (uint64_t) t->stco.n + 1;
}


/* The chunk that has a sample.  Where the sample is behind all, NULL as well,
 * and *p is behind all chunks. */
static const char *
find_chunk(const struct mp4_track *t, uint64_t sample, struct place *p)
{
    uint64_t start, next, per;

    if (run_start(t, 0) != 1)
        return "unordered mp4 stsc chunks";
    for (p->run = 0; p->run < t->stsc.n; p->run++) {
        start = run_start(t, p->run);
        next = run_start(t, p->run + 1);
        per = mp4_u32(run_at(&t->stsc, p->run) + 4);
        if (start == 0)
            return "zero chunk";
        if (next < start)
            return "unordered mp4 stsc chunks";
        if (sample < (next - start) * per) {
            p->chunk = start - 1 + sample / per;
            p->sample = sample % per;
            return NULL;
        }
        sample -= (next - start) * per;
    }
    p->chunk = t->stco.n;
    p->sample = 0;
    return NULL;
}


static char *
add_run(char *at, uint64_t chunk, uint64_t samples, const char *as)
{
    mp4_put32(at, (uint32_t) chunk);
    mp4_put32(at + 4, (uint32_t) samples);
    memcpy(at + 8, as + 8, 4);
    return at + CHUNK_RUN;
}


/* The runs from one place to another, made anew: the first chunk may have lost
 * samples at its beginning, the last one at its end. */
static const char *
cut_chunks(struct arena *a, struct mp4_track *t, const struct place *from,
           const struct place *to)
{
    size_t   room = ((size_t) to->run - from->run + 3) * CHUNK_RUN;
    uint64_t chunk, next, per;
    char    *out, *at;

    at = out = arena_try(a, room);
    if (out == NULL)
        return "mp4 stsc atom does not fit into memory";
    for (uint32_t i = from->run; i < t->stsc.n; i++) {
        chunk = run_start(t, i) - 1;
        next = run_start(t, i + 1) - 1;
        per = mp4_u32(run_at(&t->stsc, i) + 4);
        if (chunk < from->chunk)
            chunk = from->chunk;
        if (next > to->chunk)
            next = to->chunk;
        if (chunk == from->chunk && from->sample != 0 && chunk < next) {
            at = add_run(at, 1, per - from->sample, run_at(&t->stsc, i));
            chunk++;
        }
        if (chunk < next)
            at = add_run(at, chunk - from->chunk + 1, per, run_at(&t->stsc, i));
        if (i == to->run)
            break;
    }
    if (to->sample != 0) {
        per = to->sample;
        if (to->chunk == from->chunk)
            per -= from->sample;
        at = add_run(at, to->chunk - from->chunk + 1, per,
                     run_at(&t->stsc, to->run));
    }
    t->stsc.entries = out;
    t->stsc.n = (uint32_t) ((size_t) (at - out) / CHUNK_RUN);
    return NULL;
}


/* --- bytes ------------------------------------------------------------------------ */

/* The bytes of n samples from first on. */
static uint64_t
bytes_of(const struct mp4_track *t, uint64_t first, uint64_t n)
{
    uint64_t sum = 0;

    if (t->sample_size != 0)
        return n * t->sample_size;
    for (uint64_t i = first; i < first + n; i++)
        sum += mp4_u32(t->stsz.entries + (size_t) i * 4);
    return sum;
}


static uint64_t
chunk_at(const struct mp4_track *t, uint64_t i)
{
    return t->is_64 ? mp4_u64(t->stco.entries + (size_t) i * 8)
                    : mp4_u32(t->stco.entries + (size_t) i * 4);
}


static const char *
find_bytes(struct mp4_track *t, const struct place *from,
           const struct place *to, const struct mp4_span *span)
{
    struct place before;

    t->from = chunk_at(t, from->chunk)
              + bytes_of(t, t->first - from->sample, from->sample);
    t->until = span->mdat_end;
    if (to->sample != 0) {
        t->until = chunk_at(t, to->chunk)
                   + bytes_of(t, t->end - to->sample, to->sample);
    } else if (span->length != 0) {
        (void) find_chunk(t, t->end - 1, &before);
        if (before.chunk >= t->stco.n)
            return "end time is out mp4 stco chunks";
        t->until = chunk_at(t, before.chunk)
                   + bytes_of(t, t->end - 1 - before.sample, before.sample + 1);
    }
    return t->from >= t->until ? "start time is out mp4 mdat atom" : NULL;
}


static void
cut_bytes(struct mp4_track *t, const struct place *from, const struct place *to)
{
    uint64_t chunks = to->chunk + (to->sample != 0);

    t->stco.entries += from->chunk * (t->is_64 ? 8 : 4);
    t->stco.n = (uint32_t) (chunks - from->chunk);
    if (t->sample_size == 0)
        t->stsz.entries += t->first * 4;
    t->stsz.n = (uint32_t) (t->end - t->first);
}


/* --- the whole ---------------------------------------------------------------------- */

static const char *
missing(const struct mp4_track *t)
{
    return !t->stts.is_there   ? no_stts
           : !t->stsc.is_there ? no_stsc
           : !t->stsz.is_there ? no_stsz
           : !t->stco.is_there ? no_stco
                               : NULL;
}


/* The first sample and the one behind the last. */
static const char *
choose(struct mp4_track *t, const struct mp4_span *span)
{
    uint64_t    start, at;
    const char *error;

    if (!sample_at(&t->stts, span->start * t->timescale / 1000, &t->first))
        return "start time is out mp4 stts samples";
    start = time_between(&t->stts, 0, t->first);
    if (span->from_key_frame && t->stss.is_there) {
        at = t->first;
        error = key_before(&t->stss, &t->first);
        if (error != NULL)
            return error;
        t->prefix = time_between(&t->stts, t->first, at);
    }
    t->end = t->stsz.n;
    if (span->length != 0
        && sample_at(&t->stts, start + span->length * t->timescale / 1000, &at)
        && at < t->end)
        t->end = at;
    if (t->first >= t->stsz.n)
        return "start time is out mp4 stsz samples";
    return t->end <= t->first ? mp4_nothing : NULL;
}


const char *
mp4_track_cut(struct arena *a, struct mp4_track *t, const struct mp4_span *span)
{
    struct place from, to;
    const char  *error = missing(t);

    if (error == NULL)
        error = choose(t, span);
    if (error == NULL)
        error = find_chunk(t, t->first, &from);
    if (error == NULL)
        error = find_chunk(t, t->end, &to);
    if (error != NULL)
        return error;
    if (from.chunk >= t->stco.n)
        return "start time is out mp4 stco chunks";
    if (to.chunk + (to.sample != 0) > t->stco.n)
        return "end time is out mp4 stco chunks";
    cut_runs(&t->stts, t->first, t->end);
    if (t->ctts.is_there)
        cut_runs(&t->ctts, t->first, t->end);
    if (t->stss.is_there)
        cut_key_frames(&t->stss, t->first, t->end);
    error = find_bytes(t, &from, &to, span);
    if (error == NULL)
        error = cut_chunks(a, t, &from, &to);
    if (error == NULL)
        cut_bytes(t, &from, &to);
    return error;
}


const char *
mp4_track_shift(struct mp4_track *t, uint64_t by)
{
    uint64_t at;

    for (uint32_t i = 0; i < t->stco.n; i++) {
        at = (i == 0 ? t->from : chunk_at(t, i)) + by;
        if (t->is_64)
            mp4_put64(t->stco.entries + (size_t) i * 8, at);
        else if (at > UINT32_MAX)
            return "mp4 stco atom has an offset out of bounds";
        else
            mp4_put32(t->stco.entries + (size_t) i * 4, (uint32_t) at);
    }
    return NULL;
}


static void
put_table(struct arena *a, const struct mp4_table *t, const char *name,
          size_t entry, struct chain *out)
{
    char  *head;
    size_t n = (size_t) t->n * entry;

    if (!t->is_there)
        return;
    head = arena_alloc(a, HEAD);
    mp4_put32(head, (uint32_t) (HEAD + n));
    memcpy(head + 4, name, 4);
    mp4_put32(head + 8, 0);
    mp4_put32(head + 12, t->n);
    chain_add(out, (str_t){ head, HEAD });
    chain_add(out, (str_t){ t->entries, n });
}


static void
put_sizes(struct arena *a, const struct mp4_track *t, struct chain *out)
{
    char  *head = arena_alloc(a, SIZES_HEAD);
    size_t n = t->sample_size != 0 ? 0 : (size_t) t->stsz.n * 4;

    mp4_put32(head, (uint32_t) (SIZES_HEAD + n));
    memcpy(head + 4, "stsz\0\0\0\0", 8);
    mp4_put32(head + 12, t->sample_size);
    mp4_put32(head + 16, t->stsz.n);
    chain_add(out, (str_t){ head, SIZES_HEAD });
    chain_add(out, (str_t){ t->stsz.entries, n });
}


void
mp4_track_put(struct arena *a, const struct mp4_track *t, struct chain *out)
{
    put_table(a, &t->stts, "stts", RUN, out);
    put_table(a, &t->stss, "stss", 4, out);
    put_table(a, &t->ctts, "ctts", RUN, out);
    put_table(a, &t->stsc, "stsc", CHUNK_RUN, out);
    put_sizes(a, t, out);
    put_table(a, &t->stco, t->is_64 ? "co64" : "stco", t->is_64 ? 8 : 4, out);
}
