/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first bytes of each text, three if all have as many, are its prefix.
 * Prefixes are spread over eight buckets; for each of their bytes, a table says
 * which buckets have such a byte there.  A place where the tables agree on a
 * bucket is a candidate, and a hash table of prefixes has the texts to compare.
 * Processors that shuffle bytes do this for 16 places at a time, with one table
 * for each half of a byte.
 *
 * A long text that begins at many places, as one of a single byte repeated, is
 * not compared from its beginning each time.  Of the place where it went on for
 * longest, it is known what stands there; and of each place in the text, how much
 * of the text itself begins there (its Z function).  So no byte is compared twice
 * with the same text, but for the one that was different, into whatever pieces the
 * bytes are cut.
 */
#include "core/base/search.h"

#include <stdlib.h>

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

enum { PREFIX_MAX = 3, BUCKETS = 8, NOTHING = 0, LONG = 32 };

/* That the first n bytes of a text stand at a place of all that is searched. */
struct reach {
    uint64_t at;
    size_t   n;
};

/* Who searches, and the place where what he searches begins. */
struct progress {
    uint64_t turn, base;
};

struct entry {
    str_t         text;
    unsigned      next;    /* the next one of the same prefix, plus 1        */
    size_t       *repeats; /* the Z function; NULL: the text is short        */
    struct reach *reach;   /* of long texts, in what is being searched       */
};

struct search {
    uint8_t   buckets[PREFIX_MAX][256]; /* by position and byte          */
    uint8_t   low[PREFIX_MAX][16], high[PREFIX_MAX][16]; /* ... its halves */
    unsigned  prefix; /* bytes                                           */
    unsigned  n;
    size_t    longest;
    uint32_t  mask;  /* of slots                                         */
    unsigned *slots; /* number of the first text of a prefix, plus 1     */
    struct entry    *entries;
    struct progress *now;
};


/* --- building ------------------------------------------------------------ */

static uint32_t
key_of(const struct search *s, const char *p)
{
    uint32_t key = 0;
    unsigned i;

    for (i = 0; i < s->prefix; i++)
        key = key << 8 | (uint8_t) ascii_lower(p[i]);
    return key;
}


/* The slot of a prefix, or the free one where it belongs. */
static unsigned *
slot_of(const struct search *s, const char *p)
{
    uint32_t key = key_of(s, p), i = key * 2654435761u >> 8;

    for (;; i++) {
        unsigned *slot = &s->slots[i & s->mask];

        if (*slot == NOTHING || key_of(s, s->entries[*slot - 1].text.p) == key)
            return slot;
    }
}


static void
mark_byte(struct search *s, unsigned position, uint8_t byte, uint8_t bucket)
{
    s->buckets[position][byte] |= bucket;
    s->low[position][byte & 15] |= bucket;
    s->high[position][byte >> 4] |= bucket;
}


static void
mark_prefix(struct search *s, str_t text, unsigned bucket)
{
    unsigned i;

    for (i = 0; i < s->prefix; i++) {
        uint8_t c = (uint8_t) text.p[i];

        mark_byte(s, i, c, (uint8_t) (1 << bucket));
        if (c >= 'a' && c <= 'z')
            mark_byte(s, i, c & ~0x20 & 255, (uint8_t) (1 << bucket));
    }
}


static int
compare(const void *a, const void *b)
{
    return str_cmp(*(const str_t *) a, *(const str_t *) b);
}


/* Similar prefixes share a bucket, so that tables stay sparse. */
static void
fill_buckets(struct arena *a, struct search *s, const str_t *texts)
{
    str_t   *sorted = arena_array(a, str_t, s->n);
    unsigned i;

    memcpy(sorted, texts, s->n * sizeof(*texts));
    qsort(sorted, s->n, sizeof(*sorted), compare);
    for (i = 0; i < s->n; i++)
        mark_prefix(s, sorted[i], (unsigned) ((uint64_t) i * BUCKETS / s->n));
}


static void
measure(struct search *s, const str_t *texts)
{
    unsigned i;

    s->prefix = PREFIX_MAX;
    for (i = 0; i < s->n; i++) {
        if (texts[i].n < s->prefix)
            s->prefix = (unsigned) texts[i].n;
        if (texts[i].n > s->longest)
            s->longest = texts[i].n;
    }
}


/* Within the part that is known to stand at place best, it follows from what
 * stands at its beginning. */
static size_t *
find_repeats(struct arena *a, str_t text)
{
    size_t *z = arena_array(a, size_t, text.n), best = 0, i, n;

    z[0] = text.n;
    for (i = 1; i < text.n; i++) {
        n = 0;
        if (best != 0 && i < best + z[best])
            n = z[i - best] < best + z[best] - i ? z[i - best]
                                                 : best + z[best] - i;
        while (i + n < text.n && text.p[n] == text.p[i + n])
            n++;
        z[i] = n;
        if (best == 0 || i + n > best + z[best])
            best = i;
    }
    return z;
}


struct search *
search_new(struct arena *a, const str_t *texts, unsigned n)
{
    struct search *s = arena_make(a, struct search);
    unsigned       i, *link;

    s->n = n;
    s->now = arena_make(a, struct progress);
    measure(s, texts);
    fill_buckets(a, s, texts);
    for (s->mask = 7; s->mask < 2 * n; s->mask = s->mask * 2 + 1)
        ;
    s->slots = arena_array(a, unsigned, s->mask + 1);
    s->entries = arena_array(a, struct entry, n);
    for (i = 0; i < n; i++) {
        s->entries[i].text = texts[i];
        if (texts[i].n > LONG) {
            s->entries[i].repeats = find_repeats(a, texts[i]);
            s->entries[i].reach = arena_make(a, struct reach);
        }
        link = slot_of(s, texts[i].p);
        while (*link != NOTHING)
            link = &s->entries[*link - 1].next;
        *link = i + 1;
    }
    return s;
}


size_t
search_longest(const struct search *s)
{
    return s->longest;
}


size_t
search_length(const struct search *s, unsigned which)
{
    return s->entries[which].text.n;
}


/* --- searching ----------------------------------------------------------- */

struct look {
    const struct search *s;
    str_t                in;
    const bool          *off;
    bool                 is_whole;
    struct search_hit   *hit;
};


/* How many bytes of the text stand at this offset. */
static size_t
common(const struct look *l, const struct entry *e, size_t at)
{
    size_t   left = l->in.n - at, n = 0, rest;
    size_t   most = e->text.n < left ? e->text.n : left;
    uint64_t place = l->s->now->base + at;

    if (e->reach != NULL && place >= e->reach->at
        && place < e->reach->at + e->reach->n)
    {
        n = e->repeats[place - e->reach->at];
        rest = (size_t) (e->reach->at + e->reach->n - place);
        if (n < rest)
            return n;
        n = rest;
    }
    while (n < most && ascii_lower(l->in.p[at + n]) == e->text.p[n])
        n++;
    if (e->reach != NULL)
        *e->reach = (struct reach){ place, n };
    return n;
}


/* Whether a text, or what there is of it, stands at this offset. */
static bool
stands_at(const struct look *l, size_t at, unsigned i)
{
    const struct entry *e = &l->s->entries[i];
    size_t              left = l->in.n - at, n;

    if (l->off != NULL && l->off[i])
        return false;
    if (e->text.n > left && l->is_whole)
        return false;
    n = common(l, e, at);
    if (n < e->text.n && n < left)
        return false;
    *l->hit = (struct search_hit){ at, n == e->text.n ? i : SEARCH_PART };
    return true;
}


static bool
check(const struct look *l, size_t at)
{
    unsigned i = *slot_of(l->s, l->in.p + at);

    for (; i != NOTHING; i = l->s->entries[i - 1].next)
        if (stands_at(l, at, i - 1))
            return true;
    return false;
}


/* Places behind which there is less than a prefix. */
static bool
look_at_end(const struct look *l, size_t at)
{
    unsigned i;

    if (l->is_whole)
        return false;
    for (; at < l->in.n; at++)
        for (i = 0; i < l->s->n; i++)
            if (stands_at(l, at, i))
                return true;
    return false;
}


/* What is set in each byte of the result: the buckets of that place. */
#if defined(__x86_64__)
__attribute__((target("ssse3"))) static inline __m128i
buckets_at(const struct search *s, const char *p, unsigned position)
{
    const __m128i half = _mm_set1_epi8(15);
    __m128i       in, low, high;

    in = _mm_loadu_si128((const __m128i *) (const void *) (p + position));
    low = _mm_loadu_si128((const __m128i *) (const void *) s->low[position]);
    high = _mm_loadu_si128((const __m128i *) (const void *) s->high[position]);
    low = _mm_shuffle_epi8(low, _mm_and_si128(in, half));
    in = _mm_and_si128(_mm_srli_epi16(in, 4), half);
    return _mm_and_si128(low, _mm_shuffle_epi8(high, in));
}


/* As long as there are 16 places, and what follows them: *at is where this
 * ended. */
__attribute__((target("ssse3"))) static bool
look_wide(const struct look *l, size_t *at)
{
    const struct search *s = l->s;

    for (; *at + 16 + PREFIX_MAX <= l->in.n; *at += 16) {
        const char *p = l->in.p + *at;
        __m128i     set = buckets_at(s, p, 0);
        unsigned    bits;

        if (s->prefix > 1)
            set = _mm_and_si128(set, buckets_at(s, p, 1));
        if (s->prefix > 2)
            set = _mm_and_si128(set, buckets_at(s, p, 2));
        set = _mm_cmpeq_epi8(set, _mm_setzero_si128());
        bits = (unsigned) _mm_movemask_epi8(set) ^ 0xffff;
        for (; bits != 0; bits &= bits - 1)
            if (check(l, *at + (unsigned) __builtin_ctz(bits)))
                return true;
    }
    return false;
}
#endif


static bool
look_narrow(const struct look *l, size_t *at)
{
    const struct search *s = l->s;
    const uint8_t       *p = (const uint8_t *) l->in.p;
    uint8_t              set;

    for (; *at + s->prefix <= l->in.n; ++*at) {
        set = s->buckets[0][p[*at]];
        if (s->prefix > 1)
            set &= s->buckets[1][p[*at + 1]];
        if (s->prefix > 2)
            set &= s->buckets[2][p[*at + 2]];
        if (set != 0 && check(l, *at))
            return true;
    }
    return false;
}


void
search_go_on(const struct search *s, uint64_t *turn)
{
    if (*turn != 0 && *turn == s->now->turn)
        return;
    *turn = ++s->now->turn;
    s->now->base = 0;
    for (unsigned i = 0; i < s->n; i++)
        if (s->entries[i].reach != NULL)
            *s->entries[i].reach = (struct reach){ 0, 0 };
}


void
search_move(const struct search *s, size_t n)
{
    s->now->base += n;
}


bool
search_find(const struct search *s, str_t in, size_t from, const bool *off,
            bool is_whole, struct search_hit *hit)
{
    struct look l = { s, in, off, is_whole, hit };

#if defined(__x86_64__)
    if (__builtin_cpu_supports("ssse3") && look_wide(&l, &from))
        return true;
#endif
    return look_narrow(&l, &from) || look_at_end(&l, from);
}
