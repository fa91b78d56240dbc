/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts that are replaced in a body, which comes in pieces of any size: the
 * same comes out as of looking for one text after the other at each place.
 *
 * The input: a byte whose bits say what is done once and how large pieces are,
 * texts, each with a byte for its length, up to a length of 0, the body.
 */
#include "core/base/check.h"
#include "modules/filter/replacer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS_MAX = 24, BODY_MAX = 4096 };

static char numbers[TEXTS_MAX][3];


static str_t
replacement(void *arg, unsigned which)
{
    (void) arg;
    return (str_t){ numbers[which], which % 4 };
}


static void
replace_plainly(struct chain *out, const str_t *texts, unsigned n, bool once,
                str_t in)
{
    bool     off[TEXTS_MAX] = { false };
    unsigned i;

    while (in.n != 0) {
        for (i = 0; i < n; i++)
            if (!off[i] && str_istarts(in, texts[i]))
                break;
        if (i == n) {
            chain_add_copy(out, (str_t){ in.p, 1 });
            in = str_from(in, 1);
            continue;
        }
        chain_add_copy(out, replacement(NULL, i));
        in = str_from(in, texts[i].n);
        off[i] = once;
    }
}


static str_t
flatten(struct arena *a, struct chain *c)
{
    char *p = arena_bytes(a, c->n + 1);
    str_t s = { p, chain_peek(c, p, c->n) };

    chain_clear(c);
    return s;
}


static void
replace(struct arena *a, const str_t *texts, unsigned n, uint8_t how, str_t in)
{
    struct replacer p = { .replacement = replacement, .is_once = how & 1 };
    struct search  *s = search_new(a, texts, n);
    struct chain    from, out, plain;
    size_t          part = (how >> 1) + 1u;
    str_t           body = in;

    CHECK(replacer_init(&p, a, s, n));
    chain_init(&from, a);
    chain_init(&out, a);
    chain_init(&plain, a);
    for (; in.n > part; in = str_from(in, part)) {
        chain_add_copy(&from, (str_t){ in.p, part });
        replacer_put(&p, &from, &out, false);
    }
    chain_add_copy(&from, in);
    replacer_put(&p, &from, &out, true);
    CHECK(chain_empty(&from) && p.out.block == NULL);
    replace_plainly(&plain, texts, n, how & 1, body);
    CHECK(str_eq(flatten(a, &out), flatten(a, &plain)));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t         in = { (const char *) data, size }, texts[TEXTS_MAX];
    struct arena *a;
    unsigned      n = 0;
    uint8_t       how;

    if (size < 2)
        return 0;
    how = data[0];
    a = arena_new(0);
    in = str_from(in, 1);
    while (n < TEXTS_MAX && in.n != 0 && in.p[0] != 0
           && (uint8_t) in.p[0] < in.n) {
        char *p = arena_bytes(a, (uint8_t) in.p[0]);

        texts[n] = (str_t){ p, (uint8_t) in.p[0] };
        memset(numbers[n], 'A' + (int) n, sizeof(numbers[n]));
        str_lower_to(p, (str_t){ in.p + 1, texts[n].n });
        in = str_from(in, 1 + texts[n++].n);
    }
    if (in.n > BODY_MAX)
        in.n = BODY_MAX;
    if (n != 0)
        replace(a, texts, n, how, in);
    arena_free(a);
    return 0;
}
