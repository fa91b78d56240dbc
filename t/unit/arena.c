/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas: alignment, growth, limits, what is deferred; strings in them. */
#include "t/unit/tap.h"

#include <stdalign.h>

#include "core/base/arena.h"
#include "core/base/vec.h"

static char order[16];
static int  calls;


static void
note(void *arg)
{
    order[calls++] = *(char *) arg;
    order[calls] = '\0';
}


static bool
is_aligned(const void *p)
{
    return (uintptr_t) p % alignof(max_align_t) == 0;
}


static void
test_pieces(void)
{
    struct arena *a = arena_new(0);
    size_t        total = 0, i;
    bool          aligned = true, kept = true;
    char         *piece[400];

    for (i = 0; i < 400; i++) {
        piece[i] = arena_alloc(a, i * 7 % 300);
        aligned = aligned && is_aligned(piece[i]);
        memset(piece[i], (int) i, i * 7 % 300);
        total += i * 7 % 300;
        arena_bytes(a, 3);
    }
    for (i = 0; i < 400; i++) {
        for (size_t j = 0; j < i * 7 % 300; j++)
            kept = kept && piece[i][j] == (char) i;
    }
    ok(aligned, "pieces are aligned");
    ok(kept, "pieces do not overlap");
    ok(arena_used(a) >= total, "what was handed out is counted");
    ok(arena_used(a) < total + 400 * 48 + 4096 * 4, "without much waste");
    ok(is_aligned(arena_alloc(a, 100000)), "a large piece");
    ok(arena_bytes(a, 0) != NULL, "an empty piece");
    arena_reset(a);
    is(arena_used(a), 0, "empty after a reset");
    memset(arena_alloc(a, 5000), 1, 5000);
    arena_free(a);
    arena_free(NULL);
    pass("freed");
}


static void
test_zeroed(void)
{
    struct arena *a;
    bool          is_zero = true;

    for (int round = 0; round < 3; round++) {
        char *p;

        a = arena_new(0);
        memset(arena_alloc(a, 900), 0xFF, 900);
        arena_reset(a);
        p = arena_zalloc(a, 900);
        for (int i = 0; i < 900; i++)
            is_zero = is_zero && p[i] == 0;
        memset(p, 0xFF, 900);
        arena_free(a);
    }
    ok(is_zero, "zeroed where memory is used again");
}


static void
test_limit(void)
{
    struct arena *a = arena_new(1024);

    arena_limit(a, 1000);
    is_same(arena_try(a, 1001), NULL, "past the limit at once");
    ok(arena_try(a, 600) != NULL, "within");
    ok(arena_alloc(a, 5000) != NULL, "the limit is not for arena_alloc");
    is_same(arena_try(a, 401), NULL, "past it together");
    ok(arena_try(a, 400) != NULL, "to the byte");
    is_same(arena_try(a, 1), NULL, "and no more");
    is_same(arena_try(a, SIZE_MAX), NULL, "nor the largest number");
    arena_limit(a, SIZE_MAX);
    is_same(arena_try(a, SIZE_MAX - 8), NULL, "what cannot be had");
    arena_free(a);
}


static void
test_grow(void)
{
    struct arena *a = arena_new(0);
    char         *p = arena_grow(a, NULL, 0, 10), *q;

    memcpy(p, "0123456789", 10);
    q = arena_grow(a, p, 10, 2000);
    is_bytes(q, 10, "0123456789", 10, "grown");
    arena_alloc(a, 1);
    q = arena_grow(a, q, 2000, 100000);
    is_bytes(q, 10, "0123456789", 10, "grown to a large piece");
    q = arena_grow(a, q, 100000, 300000);
    is_bytes(q, 10, "0123456789", 10, "and to a larger one");
    is_same(arena_grow(a, q, 300000, 5), q, "never smaller");
    arena_free(a);
}


static void
test_defer(void)
{
    struct arena *a = arena_new(0);

    arena_defer(a, note, "a");
    arena_defer(a, note, "b");
    arena_defer(a, note, "c");
    arena_reset(a);
    is_text(order, "cba", "deferred calls, last first");
    arena_free(a);
    is(calls, 3, "and made once only");

    a = arena_new(0);
    arena_defer(a, note, "d");
    arena_free(a);
    is_text(order, "cbad", "at the end too");
}


static void
test_text(void)
{
    struct arena *a = arena_new(0);
    str_t         s = str_copy(a, (str_t){ "abc", 2 });
    char          wide[1000];

    is_str(s, "ab", "a copy");
    is(s.p[2], 0, "ends with a NUL");
    is(str_copy(a, STR_NONE).n, 0, "a copy of nothing");
    is_text(str_z(a, STR("xyz")), "xyz", "as a C string");
    is_str(str_join(a, STR("ab"), STR("cd")), "abcd", "two joined");
    is_str(str_join3(a, STR("a"), STR_NONE, STR("c")), "ac", "three joined");
    is_str(arena_printf(a, "%d-" STR_F, 7, STR_A(s)), "7-ab", "printf");
    is(arena_printf(a, "%s", "").n, 0, "of nothing");
    is_str(arena_number(a, 0), "0", "a number");
    is_str(arena_number(a, UINT64_MAX), "18446744073709551615", "the largest");

    memset(wide, 'x', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    is_str(arena_printf(a, "%s", wide), wide, "of a long text");
    wide[255] = '\0';
    is_str(arena_printf(a, "%s", wide), wide, "of 255 bytes");
    wide[255] = 'x';
    wide[256] = '\0';
    is_str(arena_printf(a, "%s", wide), wide, "and of 256");
    arena_free(a);
}


static void
test_vec(void)
{
    struct arena *a = arena_new(0);
    VEC(int)      v = { 0 };
    int           sum = 0;
    bool          is_zero = true;

    VEC_EACH(&v, it)
        sum += *it;
    is(sum, 0, "an empty vec has no members");

    for (int i = 0; i < 1000; i++) {
        int *it = vec_push(a, &v);

        is_zero = is_zero && *it == 0;
        *it = i;
        if (i % 3 == 0)
            memset(arena_alloc(a, 5), 0xFF, 5);
    }
    VEC_EACH(&v, it)
        sum += *it;
    is(v.n, 1000, "a thousand members");
    ok(is_zero, "new ones are zeroed");
    is(sum, 499500, "and all keep their values");
    arena_free(a);
}


/* Many at a time, which need a few pages each; the second time they get those
 * that were freed. */
static void
test_pages(void)
{
    enum { MANY = 300, PIECES = 90 };
    static struct arena *a[MANY];
    static char         *piece[MANY][PIECES];
    unsigned             good = 0;
    struct arena_use     then = *arena_use(), at_most = { 0, 0 };

    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < MANY; i++)
            a[i] = arena_new(0);
        for (unsigned k = 0; k < PIECES; k++)
            for (unsigned i = 0; i < MANY; i++)
                memset(piece[i][k] = arena_alloc(a[i], 100), (int) (i % 99),
                       100);
        for (unsigned i = 0; i < MANY; i++)
            for (unsigned k = 0; k < PIECES; k++)
                good += piece[i][k][0] == (char) (i % 99)
                        && piece[i][k][99] == (char) (i % 99);
        at_most = *arena_use();
        for (unsigned i = 0; i < MANY; i++)
            arena_free(a[i]);
    }
    is(good, 2 * MANY * PIECES, "no page is in two arenas");
    ok(at_most.held >= then.held + MANY * PIECES * 100,
       "what is held is counted");
    ok(arena_use()->held < then.held + at_most.held / 4
           && arena_use()->freed > then.freed + at_most.held,
       "... and what is free again");
}


int
main(void)
{
    test_pieces();
    test_pages();
    test_zeroed();
    test_limit();
    test_grow();
    test_defer();
    test_text();
    test_vec();
    return done();
}
