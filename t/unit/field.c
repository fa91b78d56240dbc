/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines, field lines and status lines.  Cases named hd-* and pr-* are those of
 * t/truth/protocol.tsv and proxypass.tsv.
 */
#include "http/field.h"
#include "http/framed_field.h"
#include "http/h1/parse.h"
#include "t/unit/tap.h"

static const struct {
    const char        *label;
    str_t              line;
    enum h1_field_kind kind, response_kind;
    const char        *name;
    str_t              value;
} fields[] = {
    { "plain", STR_INIT("X-A: 1"), H1_FIELD, H1_FIELD, "X-A", STR_INIT("1") },
    { "no space", STR_INIT("X-A:1:2"), H1_FIELD, H1_FIELD, "X-A",
      STR_INIT("1:2") },
    { "hd-no-colon", STR_INIT("X-A"), H1_FIELD_NO_COLON, H1_FIELD_NO_COLON,
      "X-A", STR_INIT("") },
    { "hd-space-before-colon", STR_INIT("X-A : 1"), H1_FIELD_BAD, H1_FIELD_BAD,
      "X-A", STR_INIT("") },
    { "hd-space-in-name", STR_INIT("X A: 1"), H1_FIELD_BAD, H1_FIELD_BAD, "X",
      STR_INIT("") },
    { "hd-leading-space", STR_INIT(" X-A: 1"), H1_FIELD_BAD, H1_FIELD_BAD, "",
      STR_INIT("") },
    { "hd-obs-fold-tab", STR_INIT("\t2"), H1_FIELD_BAD, H1_FIELD_BAD, "",
      STR_INIT("") },
    { "hd-empty-name", STR_INIT(": 1"), H1_FIELD_BAD, H1_FIELD_BAD, "",
      STR_INIT("") },
    { "hd-nul-value", STR_INIT("X-A: a\0b"), H1_FIELD_BAD, H1_FIELD_BAD, "X-A",
      STR_INIT("a\0b") },
    { "hd-ctl-value", STR_INIT("X-A: a\001b"), H1_FIELD, H1_FIELD, "X-A",
      STR_INIT("a\001b") },
    { "hd-high-value", STR_INIT("X-A: \351"), H1_FIELD, H1_FIELD, "X-A",
      STR_INIT("\351") },
    { "hd-bad-name-char", STR_INIT("X@A: 1"), H1_FIELD_ODD, H1_FIELD, "X@A",
      STR_INIT("1") },
    { "hd-paren-name", STR_INIT("X(A): 1"), H1_FIELD_ODD, H1_FIELD, "X(A)",
      STR_INIT("1") },
    { "hd-underscore", STR_INIT("x_a: 1"), H1_FIELD_UNDERSCORE, H1_FIELD, "x_a",
      STR_INIT("1") },
    { "underscore first", STR_INIT("_x: 1"), H1_FIELD_UNDERSCORE, H1_FIELD,
      "_x", STR_INIT("1") },
    { "underscore and more", STR_INIT("x_@: 1"), H1_FIELD_ODD, H1_FIELD, "x_@",
      STR_INIT("1") },
    { "hd-high-name", STR_INIT("X\351A: 1"), H1_FIELD_ODD, H1_FIELD, "X\351A",
      STR_INIT("1") },
    { "control in name", STR_INIT("X\001A: 1"), H1_FIELD_BAD, H1_FIELD_BAD, "X",
      STR_INIT("") },
    { "DEL in name", STR_INIT("X\177A: 1"), H1_FIELD_BAD, H1_FIELD_BAD, "X",
      STR_INIT("") },
    { "NUL in name", STR_INIT("X\0A: 1"), H1_FIELD_BAD, H1_FIELD_BAD, "X",
      STR_INIT("") },
    { "hd-value-spaces", STR_INIT("X-A:   a b \t "), H1_FIELD, H1_FIELD, "X-A",
      STR_INIT("a b \t") },
    { "hd-value-spaces, tab first", STR_INIT("X-B:\tc"), H1_FIELD, H1_FIELD,
      "X-B", STR_INIT("\tc") },
    { "hd-empty-value", STR_INIT("X-A:"), H1_FIELD, H1_FIELD, "X-A",
      STR_INIT("") },
    { "hd-empty-value, spaces", STR_INIT("X-B:  "), H1_FIELD, H1_FIELD, "X-B",
      STR_INIT("") },
    { "hd-cr-inside", STR_INIT("X-A: 1\r2"), H1_FIELD_BAD, H1_FIELD_BAD, "X-A",
      STR_INIT("1\r2") },
    { "CR at the end", STR_INIT("X-A: 1\r"), H1_FIELD_BAD, H1_FIELD_BAD, "X-A",
      STR_INIT("1\r") },
    { "te-tab-value", STR_INIT("Transfer-Encoding:\tchunked"), H1_FIELD,
      H1_FIELD, "Transfer-Encoding", STR_INIT("\tchunked") },
    { "second status line", STR_INIT("HTTP/1.1 200 OK"), H1_FIELD_BAD,
      H1_FIELD_NO_COLON, "HTTP/1.1", STR_INIT("") },
    { "digits", STR_INIT("0-9: 1"), H1_FIELD, H1_FIELD, "0-9", STR_INIT("1") },
};

static const struct {
    str_t       line;
    bool        good;
    unsigned    major, minor, status;
    const char *reason;
} statuses[] = {
    { STR_INIT("HTTP/1.1 200 OK"), true, 1, 1, 200, "OK" },
    { STR_INIT("HTTP/1.0 200 OK"), true, 1, 0, 200, "OK" },
    { STR_INIT("HTTP/1.1 299 Custom Words"), true, 1, 1, 299, "Custom Words" },
    { STR_INIT("HTTP/1.1 200"), true, 1, 1, 200, "" },
    { STR_INIT("HTTP/1.1 200 "), true, 1, 1, 200, "" },
    { STR_INIT("HTTP/1.1   204 x"), true, 1, 1, 204, "x" },
    { STR_INIT("HTTP/1.1 403.1 No"), true, 1, 1, 403, ".1 No" },
    { STR_INIT("HTTP/2.0 200 OK"), true, 2, 0, 200, "OK" },
    { STR_INIT("HTTP/10.1 200 OK"), true, 10, 1, 200, "OK" },
    { STR_INIT("HTTP/1.999 999 \351"), true, 1, 999, 999, "\351" },
    { STR_INIT("HTTP/1.1 100 Continue"), true, 1, 1, 100, "Continue" },
    { STR_INIT(""), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1."), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1 "), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1 20"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1 20 x"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1 2000"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1 099 x"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1 200\tOK"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1 200 O\rK"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.1200 OK"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/0.9 200 OK"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/01.1 200 OK"), false, 0, 0, 0, NULL },
    { STR_INIT("HTTP/1.99999999999 200"), false, 0, 0, 0, NULL },
    { STR_INIT("http/1.1 200 OK"), false, 0, 0, 0, NULL },
    { STR_INIT("this is not http"), false, 0, 0, 0, NULL },
};


static void
check_field(size_t i)
{
    struct h1_field found;
    const char     *label = fields[i].label;

    is(h1_field(&found, fields[i].line, true), fields[i].response_kind,
       "%s: kind in a response", label);
    is(h1_field(&found, fields[i].line, false), fields[i].kind, "%s: kind",
       label);

    if (fields[i].kind != H1_FIELD_BAD) {
        is_str(found.name, fields[i].name, "%s: name", label);
        is(found.id, field_id(found.name), "%s: id", label);
        is_bytes(found.value.p, found.value.n, fields[i].value.p,
                 fields[i].value.n, "%s: value", label);
    }
}


static void
check_status(size_t i)
{
    struct h1_status_line found;
    str_t                 line = statuses[i].line;
    bool                  good = h1_status_line(&found, line);

    is(good, statuses[i].good, "status line " STR_F, STR_A(line));

    if (good && statuses[i].good) {
        is(found.major, statuses[i].major, "its major");
        is(found.minor, statuses[i].minor, "its minor");
        is(found.status, statuses[i].status, "its status");
        is_str(found.reason, statuses[i].reason, "its reason");
    }
}


/* The lines of text, found as its bytes come in pieces of step. */
static void
check_lines(str_t text, size_t step, const char *const *wanted)
{
    size_t start = 0, have = 0, seen = 0, n, i = 0;
    str_t  line;

    while (have < text.n) {
        have = have + step < text.n ? have + step : text.n;
        for (;;) {
            n = h1_line((str_t){ text.p + start, have - start }, &seen, &line);
            if (n == 0)
                break;
            is(seen, 0, "nothing is remembered behind a line");
            is_str(line, wanted[i], "line %zu by %zu", i, step);
            i++;
            start += n;
        }
        is(seen, have - start, "all that came was searched");
    }

    is_same(wanted[i], NULL, "all lines were found by %zu", step);
    is(start, text.n - 2, "what has no LF is left");
}


/* As many fields of one name as there may be: each is put behind the others,
 * and taken away, in the time of one. */
static void
check_many(void)
{
    struct arena       *a = arena_new(0);
    struct fields       many = { .first = { 0 } };
    const struct field *f;
    unsigned            n = 0;

    for (unsigned i = 0; i < UINT16_MAX - 1; i++)
        fields_add(a, &many, STR("TE"), i % 2 ? STR("b") : STR("a"));
    for (f = fields_get(&many, FIELD_TE); f != NULL; f = fields_next(&many, f))
        n += str_is(f->value, "a") ? 1 : 0x10000;
    is(n, 0x10000u * 0x7fff + 0x7fff, "many fields of one name");
    fields_hide(&many, FIELD_TE);
    ok(fields_get(&many, FIELD_TE) == NULL, "are hidden");
    arena_free(a);
}


/* One in each place of texts of all lengths. */
static void
test_breaks(void)
{
    char     text[] = "abcdefghijklmnopqrstuvwxyz";
    unsigned good = 0, n = 0;

    for (size_t size = 0; size < sizeof(text); size++) {
        good += !field_has_break((str_t){ text, size });
        for (size_t at = 0; at < 3 * size; at++) {
            char was = text[at / 3];

            n++;
            text[at / 3] = "\r\n\0"[at % 3];
            good += field_has_break((str_t){ text, size });
            text[at / 3] = was;
        }
    }
    is(good, n + sizeof(text), "a break is found wherever it is");
    ok(!field_has_break(STR("\013\016\v\f\t\377\200\212\215")),
       "other controls are none");
}


/* As HTTP/2 has names; the second time it is a known one that was kept. */
static void
test_lower(void)
{
    struct arena *a = arena_new(0);

    for (unsigned i = 0; i < 2; i++) {
        is_str(framed_field_lower(a, FIELD_CONTENT_TYPE, STR("Content-TYPE")),
               "content-type", "a known name");
        is_str(framed_field_lower(a, FIELD_UNKNOWN, STR("X-Mine_9")),
               "x-mine_9", "another one");
    }
    for (unsigned id = FIELD_UNKNOWN + 1; id < FIELD_COUNT; id++) {
        str_t name = field_name(id), low = framed_field_lower(a, id, name);

        if (!str_ieq(low, name) || framed_field_name(low) != FRAMED_FINE
            || field_id(low) != id)
            ok(false, "the lower-case name of a field");
    }
    arena_free(a);
}


int
main(void)
{
    static const char *const lines[]
        = { "GET / HTTP/1.1", "A: b", "", "", "\r", "a\rb", NULL };
    static const str_t text = STR_INIT("GET / HTTP/1.1\r\nA: b\n\r\n\n"
                                       "\r\r\na\rb\r\nno");
    size_t             i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        check_field(i);

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        check_status(i);

    for (i = 1; i <= text.n; i++)
        check_lines(text, i, lines);

    check_many();
    test_breaks();
    test_lower();
    return done();
}
