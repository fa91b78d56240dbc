/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chunked coding: each case whole, and cut at every byte.  Cases named
 * ch-* and ka-* are those of t/truth/protocol.tsv and keepalive.tsv.
 */
#include "http/h1/parse.h"
#include "t/unit/tap.h"

static const struct {
    const char *name;
    str_t       in;
    enum parse  end;
    const char *body;     /* where end is PARSE_END                          */
    const char *trailers; /* "name=value;" of each                           */
    size_t      behind;   /* bytes that are no part of the body              */
} cases[] = {
    { "te-chunked", STR_INIT("5\r\nhello\r\n0\r\n\r\n"), PARSE_END, "hello", "",
      0 },
    { "ka-pipeline-chunked", STR_INIT("3\r\nabc\r\n0\r\n\r\nGET /"), PARSE_END,
      "abc", "", 5 },
    { "ch-ext", STR_INIT("3;a=b;c=\"d\"\r\nabc\r\n0;z\r\n\r\n"), PARSE_END,
      "abc", "", 0 },
    { "ch-upper-hex", STR_INIT("A\r\n0123456789\r\n0\r\n\r\n"), PARSE_END,
      "0123456789", "", 0 },
    { "lower hex, two chunks",
      STR_INIT("a\r\n0123456789\r\n1\r\nx\r\n0\r\n"
               "\r\n"),
      PARSE_END, "0123456789x", "", 0 },
    { "ch-leading-zeros", STR_INIT("0003\r\nabc\r\n000\r\n\r\n"), PARSE_END,
      "abc", "", 0 },
    { "many zeros", STR_INIT("00000000000000000000003\r\nabc\r\n0\r\n\r\n"),
      PARSE_END, "abc", "", 0 },
    { "no chunk", STR_INIT("0\r\n\r\n"), PARSE_END, "", "", 0 },
    { "ch-trailers", STR_INIT("3\r\nabc\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\nmore"),
      PARSE_END, "abc", "X-T=1;X-U=2;", 4 },
    { "trailer line with LF only", STR_INIT("0\r\nX-T: 1\nX-U: 2\r\n\r\n"),
      PARSE_BAD, NULL, NULL, 0 },
    { "last trailer line with LF only", STR_INIT("0\r\nX-T: 1\n\r\n"),
      PARSE_BAD, NULL, NULL, 0 },
    { "trailer without a colon", STR_INIT("0\r\nX-T\r\n\r\n"), PARSE_END, "",
      "X-T=;", 0 },
    { "bad trailer", STR_INIT("0\r\nX T: 1\r\n\r\n"), PARSE_BAD, NULL, NULL,
      0 },
    { "folded trailer", STR_INIT("0\r\nX: 1\r\n 2\r\n\r\n"), PARSE_BAD, NULL,
      NULL, 0 },
    { "ch-bad-size", STR_INIT("zz\r\nabc\r\n0\r\n\r\n"), PARSE_BAD, NULL, NULL,
      0 },
    { "ch-0x-size", STR_INIT("0x3\r\nabc\r\n0\r\n\r\n"), PARSE_BAD, NULL, NULL,
      0 },
    { "ch-negative", STR_INIT("-1\r\nabc\r\n0\r\n\r\n"), PARSE_BAD, NULL, NULL,
      0 },
    { "ch-empty-size", STR_INIT("\r\nabc\r\n0\r\n\r\n"), PARSE_BAD, NULL, NULL,
      0 },
    { "ch-huge-size", STR_INIT("fffffffffffffffff\r\nabc"), PARSE_BAD, NULL,
      NULL, 0 },
    { "2^64 - 1", STR_INIT("ffffffffffffffff\r\nabc"), PARSE_BAD, NULL, NULL,
      0 },
    { "ch-max-size", STR_INIT("7fffffffffffffff\r\nabc"), PARSE_BAD, NULL, NULL,
      0 },
    { "ch-no-crlf-after", STR_INIT("3\r\nabcX\r\n0\r\n\r\n"), PARSE_BAD, NULL,
      NULL, 0 },
    { "ch-lf-only", STR_INIT("3\nabc\n0\n\n"), PARSE_BAD, NULL, NULL, 0 },
    { "ch-lf-size", STR_INIT("3\nabc\r\n0\r\n\r\n"), PARSE_BAD, NULL, NULL, 0 },
    { "LF in extension", STR_INIT("3;\nabc\r\n0\r\n\r\n"), PARSE_BAD, NULL,
      NULL, 0 },
    { "ka-smuggle-lf-term", STR_INIT("3\r\nabc\n0\r\n\r\n"), PARSE_BAD, NULL,
      NULL, 0 },
    { "LF behind the last chunk", STR_INIT("0\n\r\n"), PARSE_BAD, NULL, NULL,
      0 },
    { "LF as the last line", STR_INIT("0\r\n\n"), PARSE_BAD, NULL, NULL, 0 },
    { "ch-space-after-size", STR_INIT("3 \r\nabc\r\n0\r\n\r\n"), PARSE_END,
      "abc", "", 0 },
    { "ch-space-before-size", STR_INIT(" 3\r\nabc\r\n0\r\n\r\n"), PARSE_BAD,
      NULL, NULL, 0 },
    { "ch-cr-in-ext", STR_INIT("3;a\rb\r\nabc\r\n0\r\n\r\n"), PARSE_BAD, NULL,
      NULL, 0 },
    { "ch-nul-ext", STR_INIT("3;a\0b\r\nabc\r\n0\r\n\r\n"), PARSE_END, "abc",
      "", 0 },
    { "ch-truncated-close", STR_INIT("5\r\nab"), PARSE_AGAIN, NULL, NULL, 0 },
    { "ch-missing-last", STR_INIT("2\r\nab\r\n"), PARSE_AGAIN, NULL, NULL, 0 },
    { "size without its end", STR_INIT("7ff"), PARSE_AGAIN, NULL, NULL, 0 },
    { "CR CR", STR_INIT("3\r\r\nabc"), PARSE_BAD, NULL, NULL, 0 },
    { "nothing", STR_INIT(""), PARSE_AGAIN, NULL, NULL, 0 },
};

struct result {
    enum parse end;
    char       body[64], trailers[64];
    size_t     behind;
};


static void
append(char *z, str_t s)
{
    size_t n = strlen(z);

    if (n + s.n >= 64)
        abort();

    memcpy(z + n, s.p, s.n);
    z[n + s.n] = '\0';
}


/* Takes what can be taken of the first have bytes from *at on. */
static enum parse
feed(struct h1_chunked *c, str_t in, size_t have, size_t *at,
     struct result *out)
{
    str_t           rest = { in.p + *at, have - *at }, data;
    struct h1_field field;
    enum parse      found;

    while ((found = h1_chunked_next(c, &rest, &data, &field)) == PARSE_OK) {
        if (data.p != NULL) {
            append(out->body, data);
            continue;
        }
        append(out->trailers, field.name);
        append(out->trailers, STR("="));
        append(out->trailers, field.value);
        append(out->trailers, STR(";"));
    }

    *at = (size_t) (rest.p - in.p);
    return found;
}


/* The input comes in two pieces, or, with cut 0, byte by byte. */
static void
run(str_t in, size_t cut, struct result *out)
{
    struct h1_chunked c = { .left = 0 };
    size_t            at = 0, have;

    *out = (struct result){ .end = PARSE_AGAIN };

    for (have = cut; have <= in.n && out->end == PARSE_AGAIN;
         have = cut == 0 || have == in.n ? have + 1 : in.n)
        out->end = feed(&c, in, have, &at, out);

    out->behind = in.n - at;
}


static bool
expected(size_t i, const struct result *r)
{
    if (r->end != cases[i].end)
        return false;

    return r->end != PARSE_END
           || (strcmp(r->body, cases[i].body) == 0
               && strcmp(r->trailers, cases[i].trailers) == 0
               && r->behind == cases[i].behind);
}


static void
check_cuts(size_t i)
{
    struct result r;
    size_t        cut;

    for (cut = 0; cut <= cases[i].in.n; cut++) {
        run(cases[i].in, cut, &r);
        if (!expected(i, &r))
            break;
    }

    ok(cut > cases[i].in.n, "%s: cut at every byte", cases[i].name);
}


/* A number of bytes of one kind, and an end, decode to PARSE_BAD or AGAIN. */
static void
check_limit(const char *start, char fill, size_t count, const char *end,
            enum parse wanted, const char *name)
{
    struct h1_chunked c = { .left = 0 };
    struct h1_field   field;
    size_t            n = strlen(start);
    char             *p = malloc(n + count + strlen(end));
    str_t             in = { p, n + count + strlen(end) }, data;

    if (p == NULL)
        abort();

    memcpy(p, start, n);
    memset(p + n, fill, count);
    memcpy(p + n + count, end, strlen(end));

    is(h1_chunked_next(&c, &in, &data, &field), wanted, "%s", name);
    free(p);
}


static void
check_limits(void)
{
    check_limit("1;", 'x', H1_CHUNK_LINE - 4, "\r\ny", PARSE_OK,
                "a size line of 4096 bytes");
    check_limit("1;", 'x', H1_CHUNK_LINE - 3, "\r\ny", PARSE_BAD,
                "a size line of 4097 bytes");
    check_limit("1;", 'x', H1_CHUNK_LINE - 4, "", PARSE_AGAIN,
                "4094 bytes of a line");
    check_limit("1;", 'x', H1_CHUNK_LINE - 3, "", PARSE_BAD,
                "4095 bytes without an end");
    check_limit("0\r\nA: ", 'x', H1_CHUNK_LINE - 5, "\r\n", PARSE_OK,
                "a trailer line of 4096 bytes");
    check_limit("0\r\nA: ", 'x', H1_CHUNK_LINE - 4, "\r\n", PARSE_BAD,
                "a trailer line of 4097 bytes");
}


/* All of the trailer section has its limit, too. */
static void
check_trailer_limit(void)
{
    struct h1_chunked c = { .left = 0 };
    struct h1_field   field;
    str_t             in = STR("0\r\n"), data;
    enum parse        found;
    size_t            n = 0;

    is(h1_chunked_next(&c, &in, &data, &field), PARSE_AGAIN, "last chunk");

    do {
        in = STR("A: 45678\r\n");
        found = h1_chunked_next(&c, &in, &data, &field);
    } while (found == PARSE_OK && ++n < H1_TRAILER_MAX);

    is(found, PARSE_BAD, "trailers without an end");
    is(n, H1_TRAILER_MAX / 10, "are taken up to the limit");
}


int
main(void)
{
    struct result r;
    size_t        i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run(cases[i].in, cases[i].in.n, &r);
        is(r.end, cases[i].end, "%s: verdict", cases[i].name);
        if (cases[i].end == PARSE_END) {
            is_text(r.body, cases[i].body, "%s: body", cases[i].name);
            is_text(r.trailers, cases[i].trailers, "%s: trailers",
                    cases[i].name);
            is(r.behind, cases[i].behind, "%s: bytes behind", cases[i].name);
        }
        check_cuts(i);
    }

    check_limits();
    check_trailer_limit();
    return done();
}
