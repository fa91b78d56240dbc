/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The larger string functions.  Letters are those of ASCII whatever the
 * locale, and bytes are compared unsigned.
 */
#include "core/base/str.h"

enum { DISTANCE_MAX = 64 }; /* longer names are not compared */

/* A byte repeated in each byte of a word; an odd factor for hashing. */
#define ONES 0x0101010101010101u
#define HASH_FACTOR 0x9E3779B97F4A7C15u


/* Converts eight bytes to lower case at once.  The top bit of each byte is
 * cleared for the comparison, so that no sum carries into the next byte. */
static inline uint64_t
lower_word(uint64_t w)
{
    uint64_t low = w & 0x7F * ONES;
    uint64_t from_a = low + (0x80 - 'A') * ONES;
    uint64_t above_z = low + (0x7F - 'Z') * ONES;
    uint64_t is_upper = ~w & (from_a ^ above_z) & 0x80 * ONES;

    return w | is_upper >> 2;
}


/* Up to eight bytes as a word, filled up with zeros. */
static inline uint64_t
word_at(const char *p, size_t n)
{
    uint64_t w = 0;
    uint32_t low, high;

    if (n >= sizeof(w)) {
        memcpy(&w, p, sizeof(w));
        return w;
    }
    if (n >= sizeof(low)) { /* two halves that overlap */
        memcpy(&low, p, sizeof(low));
        memcpy(&high, p + n - sizeof(high), sizeof(high));
        return low | (uint64_t) high << 8 * (n - sizeof(high));
    }
    for (size_t i = 0; i < n; i++)
        w |= (uint64_t) (unsigned char) p[i] << 8 * i;
    return w;
}


static inline bool
is_same_word(uint64_t a, uint64_t b)
{
    return a == b || lower_word(a) == lower_word(b);
}


/* Eight bytes at once; the last eight may have been looked at before. */
static bool
same_letters(const char *a, const char *b, size_t n)
{
    const size_t word = sizeof(uint64_t);

    if (n < word)
        return is_same_word(word_at(a, n), word_at(b, n));
    for (size_t at = 0; at < n - word; at += word)
        if (!is_same_word(word_at(a + at, word), word_at(b + at, word)))
            return false;
    a += n - word;
    b += n - word;
    return is_same_word(word_at(a, word), word_at(b, word));
}


bool
str_ieq(str_t a, str_t b)
{
    return a.n == b.n && same_letters(a.p, b.p, a.n);
}


bool
str_istarts(str_t s, str_t prefix)
{
    return s.n >= prefix.n && same_letters(s.p, prefix.p, prefix.n);
}


const char *
str_find(str_t s, str_t needle)
{
    if (needle.n == 0)
        return s.p;
    if (s.n < needle.n)
        return NULL;
    return memmem(s.p, s.n, needle.p, needle.n);
}


const char *
str_ifind(str_t s, str_t needle)
{
    size_t i;

    if (needle.n == 0)
        return s.p;
    for (i = 0; i + needle.n <= s.n; i++) {
        if (same_letters(s.p + i, needle.p, needle.n))
            return s.p + i;
    }
    return NULL;
}


int
str_cmp(str_t a, str_t b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int    order = n ? memcmp(a.p, b.p, n) : 0;

    if (order)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}


const char *
str_rchr(str_t s, char c)
{
    return s.n ? memrchr(s.p, c, s.n) : NULL;
}


static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}


str_t
str_trim(str_t s)
{
    while (s.n && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}


str_t
str_skip(str_t s, char c)
{
    while (s.n && s.p[0] == c) {
        s.p++;
        s.n--;
    }
    return s;
}


str_t
str_cut(str_t *rest, char sep)
{
    const char *at = str_chr(*rest, sep);
    str_t       part = *rest;

    if (!at) {
        *rest = STR_NONE;
        return part;
    }
    part.n = (size_t) (at - part.p);
    *rest = str_from(*rest, part.n + 1);
    return part;
}


void
str_lower_to(char *out, str_t s)
{
    uint64_t w;

    for (; s.n >= sizeof(w); s = str_from(s, sizeof(w))) {
        w = lower_word(word_at(s.p, sizeof(w)));
        memcpy(out, &w, sizeof(w));
        out += sizeof(w);
    }
    for (size_t i = 0; i < s.n; i++)
        out[i] = ascii_lower(s.p[i]);
}


/* The second is a factor, and odd. */
static uint64_t hash_key[2] = { HASH_FACTOR, HASH_FACTOR };


void
str_hash_set_key(const uint64_t key[2])
{
    hash_key[0] = key[0];
    hash_key[1] = key[1] | 1;
}


/* The upper half of the product is what makes the factor matter: in the lower
 * one, the same two bits change in each product by any odd factor. */
static inline uint64_t
hash_word(uint64_t h, uint64_t w)
{
    __extension__ typedef unsigned __int128 uint128_t;
    uint128_t product = (uint128_t) (h ^ w) * hash_key[1];

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}


uint64_t
str_mix(uint64_t digest, str_t s)
{
    const uint64_t prime = 0x100000001b3, basis = 0xcbf29ce484222325;

    digest ^= basis ^ s.n; /* so that "a", "bc" is not "ab", "c" */
    for (size_t i = 0; i < s.n; i++)
        digest = (digest ^ (unsigned char) s.p[i]) * prime;
    return digest * prime;
}


/* The hash starts with the length: the zeros that fill up a text are not part
 * of it. */
uint32_t
str_hash(str_t s)
{
    uint64_t h = hash_key[0] ^ s.n;

    for (; s.n >= sizeof(h); s = str_from(s, sizeof(h)))
        h = hash_word(h, word_at(s.p, sizeof(h)));
    return (uint32_t) hash_word(hash_word(h, word_at(s.p, s.n)), 0);
}


uint32_t
str_ihash(str_t s)
{
    uint64_t h = hash_key[0] ^ s.n;

    for (; s.n >= sizeof(h); s = str_from(s, sizeof(h)))
        h = hash_word(h, lower_word(word_at(s.p, sizeof(h))));
    return (uint32_t) hash_word(hash_word(h, lower_word(word_at(s.p, s.n))), 0);
}


static unsigned
least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}


/* Three rows of the usual table: for the current letter of a and the two before
 * it.  Two swapped neighbouring letters count as one difference. */
unsigned
str_distance(str_t a, str_t b, unsigned limit)
{
    unsigned row[3][DISTANCE_MAX + 1];
    unsigned best, swapped;
    size_t   i, j;

    if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX || a.n > b.n + limit
        || b.n > a.n + limit)
        return limit + 1;

    for (j = 0; j <= b.n; j++)
        row[0][j] = (unsigned) j;

    for (i = 1; i <= a.n; i++) {
        unsigned *now = row[i % 3], *last = row[(i + 2) % 3];

        best = now[0] = (unsigned) i;
        for (j = 1; j <= b.n; j++) {
            now[j] = least(last[j] + 1, now[j - 1] + 1,
                           last[j - 1] + (a.p[i - 1] != b.p[j - 1]));
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2]
                && a.p[i - 2] == b.p[j - 1]) {
                swapped = row[(i + 1) % 3][j - 2] + 1;
                now[j] = now[j] < swapped ? now[j] : swapped;
            }
            best = best < now[j] ? best : now[j];
        }
        if (best > limit)
            return limit + 1;
    }
    return row[a.n % 3][b.n] > limit ? limit + 1 : row[a.n % 3][b.n];
}
