/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Searching for several texts in one pass, and replacing them: against the
 * plain way to do it, with the input cut at every byte.
 */
#include "t/unit/tap.h"

#include "core/base/check.h"
#include "modules/filter/replacer.h"

enum { TEXTS_MAX = 32 };

static struct arena *arena;
static const char   *by[TEXTS_MAX];


static str_t
replacement(void *arg, unsigned which)
{
    (void) arg;
    return str_of(by[which]);
}


/* One place after the other, one text after the other. */
static str_t
replace_plainly(const str_t *texts, unsigned n, bool once, str_t in)
{
    char    *out = arena_bytes(arena, 4096 + in.n * 8), *to = out;
    bool     off[TEXTS_MAX] = { false };
    size_t   at = 0;
    unsigned i;

    while (at < in.n) {
        for (i = 0; i < n; i++)
            if (!off[i] && str_istarts(str_from(in, at), texts[i]))
                break;
        if (i == n) {
            *to++ = in.p[at++];
            continue;
        }
        memcpy(to, by[i], strlen(by[i]));
        to += strlen(by[i]);
        at += texts[i].n;
        off[i] = once;
    }
    return str_span(out, to);
}


/* In parts of so many bytes, the first one of another size. */
static str_t
replace_parts(const struct search *s, unsigned n, bool once, str_t in,
              size_t first, size_t part)
{
    struct replacer p = { .is_once = once, .replacement = replacement };
    struct chain    from, out;
    char           *all;

    CHECK(replacer_init(&p, arena, s, n));
    chain_init(&from, arena);
    chain_init(&out, arena);
    for (; in.n != 0; in = str_from(in, first), first = part) {
        if (first > in.n)
            first = in.n;
        chain_add_copy(&from, (str_t){ in.p, first });
        replacer_put(&p, &from, &out, false);
    }
    replacer_put(&p, &from, &out, true);
    all = arena_bytes(arena, out.n + 1);
    in = (str_t){ all, chain_peek(&out, all, out.n) };
    chain_clear(&out);
    return in;
}


static void
test_replace(const char *what, const char *const *words, bool once, str_t in)
{
    str_t          texts[TEXTS_MAX], want, got;
    struct search *s;
    unsigned       n;
    size_t         i;
    bool           is_good = true;

    arena = arena_new(0);
    for (n = 0; words[2 * n] != NULL; n++) {
        texts[n] = str_of(words[2 * n]);
        by[n] = words[2 * n + 1];
    }
    s = search_new(arena, texts, n);
    want = replace_plainly(texts, n, once, in);
    for (i = 1; i <= in.n && is_good; i++) {
        got = replace_parts(s, n, once, in, i, in.n);
        is_good = str_eq(got, want);
        if (is_good && i < 70) {
            got = replace_parts(s, n, once, in, i, i);
            is_good = str_eq(got, want);
        }
    }
    if (!ok(is_good, "%s, %s", what, once ? "once" : "all")) {
        diag("cut at %zu", i - 1);
        diag("want " STR_F, STR_A(want));
        diag("got  " STR_F, STR_A(got));
    }
    arena_free(arena);
}


static void
test_both(const char *what, const char *const *words, const char *in)
{
    test_replace(what, words, false, str_of(in));
    test_replace(what, words, true, str_of(in));
}


static void
test_words(void)
{
    static const char text[]
        = "The quick brown FOX jumps over the lazy dog, and the fox is gone. "
          "ababababc aaaaaaaab foobarfoobar fofofoo xyxyxyz the end of the "
          "QUICK fox that quacks at the brow of brown hills, abcabcabd";

    test_both("one", (const char *[]){ "fox", "cat", NULL }, text);
    test_both("several",
              (const char *[]){ "fox", "cat", "the", "a", "brown", "", "hills",
                                "mountains", NULL },
              text);
    test_both("the first listed",
              (const char *[]){ "ab", "1", "abc", "2", "abab", "3", NULL },
              text);
    test_both("the longer one first",
              (const char *[]){ "abababc", "3", "ab", "1", NULL }, text);
    test_both("a part that comes to nothing",
              (const char *[]){ "aaaaaaaac", "1", "aab", "2", "dog, or", "3",
                                "dog", "4", NULL },
              text);
    test_both("a byte", (const char *[]){ "o", "0", "e", "", NULL }, text);
    test_both("two bytes", (const char *[]){ "fo", "<>", "ab", "", NULL },
              text);
    test_both("the whole",
              (const char *[]){ "the end is near", "2", "end", "1", NULL },
              "The End is near");
    test_both("the end", (const char *[]){ "abd", "1", "abde", "2", NULL },
              text);
    test_both("twice the same",
              (const char *[]){ "fox", "1", "fox", "2", NULL }, text);
}


static void
test_many(void)
{
    const char *words[2 * TEXTS_MAX + 1];
    static char names[TEXTS_MAX][12];
    static char text[4096];
    unsigned    i;
    size_t      n = 0;

    for (i = 0; i < TEXTS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "name%u-%u", i * 7 % 10, i);
        words[2 * i] = names[i];
        words[2 * i + 1] = names[TEXTS_MAX - 1 - i] + 4;
    }
    words[2 * i] = NULL;
    for (i = 0; n + 32 < sizeof(text); i++)
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s%.*s",
                               names[i % TEXTS_MAX], i % 3 ? " " : "",
                               (int) (i % 7), names[(i + 5) % TEXTS_MAX]);
    test_replace("many that begin alike", words, false, (str_t){ text, 700 });
    test_replace("many that begin alike", words, true, (str_t){ text, 700 });
}


/* A flush and a mark stay where they are. */
static void
test_marks(void)
{
    struct search  *s;
    struct replacer p = { .replacement = replacement };
    struct chain    in, out;
    char            text[64];
    size_t          n;

    arena = arena_new(0);
    by[0] = "1";
    s = search_new(arena, &STR("abcd"), 1);
    CHECK(replacer_init(&p, arena, s, 1));
    chain_init(&in, arena);
    chain_init(&out, arena);
    chain_add_copy(&in, STR("xab"));
    chain_flush(&in);
    replacer_put(&p, &in, &out, false);
    ok(chain_has_flush(&out), "the flush is passed on");
    is(out.n, 1, "with what is decided");
    chain_mark(&in, &p);
    chain_add_copy(&in, STR("cdabcd"));
    replacer_put(&p, &in, &out, true);
    is_same(chain_move_to_mark(&in, &out), &p, "the mark");
    n = chain_peek(&in, text, sizeof(text));
    is_bytes(text, n, "xab", 3, "no text goes over a mark");
    n = chain_peek(&out, text, sizeof(text));
    is_bytes(text, n, "cd1", 3, "and behind it they are found");
    chain_clear(&in);
    chain_clear(&out);
    arena_free(arena);
}


#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AB20 "abababababababababab"


/* Texts that are not compared from their beginning each time. */
static void
test_long(void)
{
    static const char text[] = A40 A40 "b" A40 "aAab" AB20 AB20 "abc" AB20 AB20
                                       "ab" A40 "c" AB20 "c"
                                       "a" A40 AB20 AB20 AB20 "cc" A40;

    test_both("a run", (const char *[]){ A40 "b", "1", NULL }, text);
    test_both("runs",
              (const char *[]){ A40 "b", "1", A40 "ab", "2", A40 "c", "3", A40,
                                "4", NULL },
              text);
    test_both("runs, and what is in them",
              (const char *[]){ A40 "b", "1", "a", "2", NULL }, text);
    test_both("what repeats itself",
              (const char *[]){ AB20 AB20 "abc", "1", AB20 AB20 "c", "2",
                                AB20 AB20, "3", NULL },
              text);
    test_both("parts of each other",
              (const char *[]){ AB20 AB20 AB20 "d", "1", "ba" AB20 AB20, "2",
                                "ab", "3", NULL },
              text);
}


/* It does not end before the test is ended, if that takes a time that grows with
 * the product of both lengths. */
static void
test_linear(void)
{
    enum { TEXT = 1 << 20, ALL = 8 << 20 };
    struct search_hit hit;
    struct search    *s;
    char             *all = malloc(ALL);
    str_t             texts[2];
    uint64_t          turn = 0, other = 0;

    CHECK(all != NULL);
    arena = arena_new(0);
    memset(all, 'a', ALL);
    all[TEXT - 1] = 'b';
    texts[0] = str_copy(arena, (str_t){ all, TEXT });
    all[TEXT - 1] = 'c';
    texts[1] = str_copy(arena, (str_t){ all, TEXT });
    memset(all, 'a', ALL);
    s = search_new(arena, texts, 2);
    search_go_on(s, &turn);
    ok(!search_find(s, (str_t){ all, ALL }, 0, NULL, true, &hit),
       "a text that almost stands everywhere");
    all[ALL - 1] = 'c';
    search_go_on(s, &other);
    ok(search_find(s, (str_t){ all, ALL }, 0, NULL, true, &hit)
           && hit.which == 1 && hit.at == ALL - TEXT,
       "... and one that stands at the end");
    free(all);
    arena_free(arena);
}


static void
put_byte(struct replacer *p, struct chain *in, struct chain *out, char c)
{
    chain_add_copy(in, (str_t){ &c, 1 });
    replacer_put(p, in, out, false);
}


/* The same, for a body in pieces of a byte. */
static void
test_linear_pieces(void)
{
    enum { TEXT = 1 << 19, ALL = 1 << 20 };
    struct replacer p = { .replacement = replacement };
    struct chain    in, out;
    char           *text;
    uint64_t        n = 0;

    arena = arena_new(0);
    text = arena_bytes(arena, TEXT);
    memset(text, 'a', TEXT);
    text[TEXT - 1] = 'b';
    by[0] = "1";
    CHECK(replacer_init(&p, arena, search_new(arena, &(str_t){ text, TEXT }, 1),
                        1));
    chain_init(&in, arena);
    chain_init(&out, arena);
    for (size_t i = 0; i < ALL; i++) {
        put_byte(&p, &in, &out, i == ALL - 1 ? 'b' : 'a');
        n += out.n;
        chain_clear(&out);
    }
    replacer_put(&p, &in, &out, true);
    is(n + out.n, ALL - TEXT + 1,
       "a text at the end of a body in small pieces");
    chain_clear(&out);
    arena_free(arena);
}


/* Two bodies that are searched by turns. */
static void
test_shared(void)
{
    static const char *const bodies[]
        = { A40 "a" A40 "bb" AB20 A40 "b", AB20 A40 "b" A40 "ab" A40 "aab" };
    str_t           text = STR(A40 "b"), want, got;
    struct replacer p[2];
    struct chain    in, out[2];
    struct search  *s;
    char            all[512];

    arena = arena_new(0);
    by[0] = "<1>";
    s = search_new(arena, &text, 1);
    chain_init(&in, arena);
    for (unsigned k = 0; k < 2; k++) {
        p[k] = (struct replacer){ .replacement = replacement };
        CHECK(replacer_init(&p[k], arena, s, 1));
        chain_init(&out[k], arena);
    }
    for (size_t i = 0; i < 2 * 170; i++)
        if (i / 2 < strlen(bodies[i % 2]))
            put_byte(&p[i % 2], &in, &out[i % 2], bodies[i % 2][i / 2]);
    for (unsigned k = 0; k < 2; k++) {
        replacer_put(&p[k], &in, &out[k], true);
        want = replace_plainly(&text, 1, false, str_of(bodies[k]));
        got = (str_t){ all, chain_peek(&out[k], all, sizeof(all)) };
        ok(str_eq(got, want), "body %u of two by turns", k);
        chain_clear(&out[k]);
    }
    arena_free(arena);
}


int
main(void)
{
    test_words();
    test_long();
    test_linear();
    test_linear_pieces();
    test_shared();
    test_many();
    test_marks();
    return done();
}
