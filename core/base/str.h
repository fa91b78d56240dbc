/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings are a pointer and a length, passed by value.  They need not end with
 * a NUL (a function whose results do says so).  A str_t owns nothing: it is
 * valid as long as the arena, buffer or literal that it points to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct str {
    const char *p;
    size_t      n;
} str_t;

#define STR(lit) ((str_t){ "" lit, sizeof(lit) - 1 })
#define STR_INIT(lit) \
    { \
        "" lit, sizeof(lit) - 1 \
    }
#define STR_NONE ((str_t){ NULL, 0 })

/* For printf: printf("\"" STR_F "\"", STR_A(name)). */
#define STR_F "%.*s"
#define STR_A(s) (int) (s).n, ((s).p ? (s).p : "")

static inline str_t
str_of(const char *z)
{
    return (str_t){ z, z ? strlen(z) : 0 };
}

static inline str_t
str_span(const char *start, const char *end)
{
    return (str_t){ start, (size_t) (end - start) };
}

/* The part of s that starts at offset from (at most s.n). */
static inline str_t
str_from(str_t s, size_t from)
{
    return (str_t){ s.p + from, s.n - from };
}

/* Copies the first and the last of these types of n bytes: all, if there are at
 * least one and at most two of it. */
#define STR_PUT_ENDS(type, p, from, n)                                         \
    do {                                                                       \
        type first_, last_;                                                    \
                                                                               \
        memcpy(&first_, (from), sizeof(type));                                 \
        memcpy(&last_, (from) + (n) - sizeof(type), sizeof(type));             \
        memcpy((p), &first_, sizeof(type));                                    \
        memcpy((p) + (n) - sizeof(type), &last_, sizeof(type));                \
    } while (0)

struct str_words {
    uint64_t at[2];
};

/* Copies s to p, and returns its end there.  For texts that are mostly short: a
 * call would cost more than they do, and of a literal's length nothing is left
 * to be decided. */
__attribute__((always_inline)) static inline char *
str_put(char *p, str_t s)
{
    if (s.n > 2 * sizeof(struct str_words))
        memcpy(p, s.p, s.n);
    else if (s.n >= sizeof(struct str_words))
        STR_PUT_ENDS(struct str_words, p, s.p, s.n);
    else if (s.n >= sizeof(uint64_t))
        STR_PUT_ENDS(uint64_t, p, s.p, s.n);
    else if (s.n >= sizeof(uint32_t))
        STR_PUT_ENDS(uint32_t, p, s.p, s.n);
    else
        for (size_t i = 0; i < s.n; i++)
            p[i] = s.p[i];
    return p + s.n;
}

static inline bool
str_eq(str_t a, str_t b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#define str_is(s, lit) str_eq(s, STR(lit))

static inline bool
str_starts(str_t s, str_t prefix)
{
    return s.n >= prefix.n
           && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
str_ends(str_t s, str_t suffix)
{
    return s.n >= suffix.n
           && (suffix.n == 0
               || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

static inline char
ascii_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char) (c | 0x20) : c;
}

/* ASCII case is ignored by the next four. */
bool str_ieq(str_t a, str_t b);
bool str_istarts(str_t s, str_t prefix);
/* The first place of needle in s, or NULL. */
const char *str_find(str_t s, str_t needle);
const char *str_ifind(str_t s, str_t needle);

/* Compares bytes: <0, 0 or >0; a prefix is less than the longer string. */
int str_cmp(str_t a, str_t b);

/* The first c in s, or NULL. */
static inline const char *
str_chr(str_t s, char c)
{
    return s.n ? memchr(s.p, c, s.n) : NULL;
}

/* The last c in s, or NULL. */
const char *str_rchr(str_t s, char c);

/* Without spaces and tabs at both ends. */
str_t str_trim(str_t s);
/* Without the c that it begins with, however many. */
str_t str_skip(str_t s, char c);

/* Returns the part of *rest before the first sep, and leaves in *rest what
 * follows sep.  After the last part, rest->p is NULL. */
str_t str_cut(str_t *rest, char sep);

/* Writes s in lower case to out (s.n bytes); out may be s.p's own memory. */
void str_lower_to(char *out, str_t s);

/* Takes s into a digest of 64 bits that begins as 0 (FNV-1a): for identities of
 * what a configuration says, never of what a client chooses. */
uint64_t str_mix(uint64_t digest, str_t s);

/* 32-bit hashes; the second of the lower-cased string.  They depend on a key,
 * so that nobody can tell which texts collide: what is to be the same in other
 * processes, or is seen by users (who balances by a hash), uses another one. */
uint32_t str_hash(str_t s);
uint32_t str_ihash(str_t s);
/* Sets the key, before anything has been hashed: a process' random bytes. */
void str_hash_set_key(const uint64_t key[2]);

/* Levenshtein distance with transpositions, of at most limit: limit + 1 when
 * it is larger.  For "did you mean". */
unsigned str_distance(str_t a, str_t b, unsigned limit);
