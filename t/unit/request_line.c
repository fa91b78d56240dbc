/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request lines.  The names of cases are those of t/truth/protocol.tsv,
 * location.tsv and servername.tsv where they come from there.
 */
#include "http/h1/parse.h"
#include "t/unit/tap.h"

/* What a refused line is refused with. */
static const struct {
    const char   *name;
    str_t         line;
    enum h1_error error;
} refused[] = {
    { "rl-http09-post", STR_INIT("POST /ret"), H1_BAD_09_METHOD },
    { "rl-lowercase", STR_INIT("get /ret HTTP/1.1"), H1_BAD_METHOD },
    { "rl-bad-method-char", STR_INIT("G@T /ret HTTP/1.1"), H1_BAD_METHOD },
    { "rl-empty-method", STR_INIT(" /ret HTTP/1.1"), H1_BAD_METHOD },
    { "rl-leading-space", STR_INIT("  GET /ret HTTP/1.1"), H1_BAD_METHOD },
    { "rl-cr-only", STR_INIT("GET /ret HTTP/1.1\rHost: a"), H1_BAD_REQUEST },
    { "rl-tab", STR_INIT("GET\t/ret HTTP/1.1"), H1_BAD_METHOD },
    { "rl-space-in-uri", STR_INIT("GET /a b HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-http20", STR_INIT("GET /ret HTTP/2.0"), H1_BAD_VERSION },
    { "rl-http30", STR_INIT("GET /ret HTTP/3.0"), H1_BAD_VERSION },
    { "rl-http09-version", STR_INIT("GET /ret HTTP/0.9"), H1_BAD_REQUEST },
    { "rl-http01", STR_INIT("GET /ret HTTP/01.1"), H1_BAD_REQUEST },
    { "rl-lower-http", STR_INIT("GET /ret http/1.1"), H1_BAD_REQUEST },
    { "rl-bad-proto", STR_INIT("GET /ret FTP/1.0"), H1_BAD_REQUEST },
    { "rl-no-dot", STR_INIT("GET /ret HTTP/11"), H1_BAD_VERSION },
    { "rl-no-minor", STR_INIT("GET /ret HTTP/1."), H1_BAD_REQUEST },
    { "rl-junk-version", STR_INIT("GET /ret HTTP/1.1x"), H1_BAD_REQUEST },
    { "rl-no-slash", STR_INIT("GET ret HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-empty-uri", STR_INIT("GET HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-question-uri", STR_INIT("GET ?a HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-star", STR_INIT("OPTIONS * HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-connect-path", STR_INIT("CONNECT /ret HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-nul", STR_INIT("GET /a\0b HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-ctl", STR_INIT("GET /a\001b HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-del", STR_INIT("GET /a\177b HTTP/1.1"), H1_BAD_REQUEST },
    { "rl-garbage", STR_INIT("\026\003\001\002"), H1_BAD_METHOD },
    { "rl-h2-preface", STR_INIT("PRI * HTTP/2.0"), H1_BAD_REQUEST },
    { "ep400-bad-line", STR_INIT("BAD"), H1_BAD_METHOD },
    { "sn-absolute-userinfo", STR_INIT("GET http://u@a.test/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "empty", STR_INIT(""), H1_BAD_METHOD },
    { "only a method", STR_INIT("GET"), H1_BAD_METHOD },
    { "a method and a space", STR_INIT("GET "), H1_BAD_REQUEST },
    { "minor of four digits", STR_INIT("GET / HTTP/1.1000"), H1_BAD_REQUEST },
    { "no version digit", STR_INIT("GET / HTTP/"), H1_BAD_REQUEST },
    { "space before digit", STR_INIT("GET / HTTP/ 1.1"), H1_BAD_REQUEST },
    { "major only", STR_INIT("GET / HTTP/1"), H1_BAD_REQUEST },
    { "junk in major", STR_INIT("GET / HTTP/1x.1"), H1_BAD_REQUEST },
    { "major 2 and junk", STR_INIT("GET / HTTP/2junk"), H1_BAD_VERSION },
    { "huge major", STR_INIT("GET / HTTP/1999999999999.1"), H1_BAD_VERSION },
    { "word behind version", STR_INIT("GET / HTTP/1.1 x"), H1_BAD_REQUEST },
    { "tab behind version", STR_INIT("GET / HTTP/1.1\t"), H1_BAD_REQUEST },
    { "CR at the end", STR_INIT("GET / HTTP/1.1\r"), H1_BAD_REQUEST },
    { "CR in the target", STR_INIT("GET /a\rb HTTP/1.1"), H1_BAD_REQUEST },
    { "half a protocol", STR_INIT("GET /a HT"), H1_BAD_REQUEST },
    { "control in args", STR_INIT("GET /a?b\001 HTTP/1.1"), H1_BAD_REQUEST },
    { "DEL in fragment", STR_INIT("GET /a#b\177 HTTP/1.1"), H1_BAD_REQUEST },
    { "space in args", STR_INIT("GET /a?b c HTTP/1.1"), H1_BAD_REQUEST },
    { "no host", STR_INIT("GET http:///x HTTP/1.1"), H1_BAD_REQUEST },
    { "one slash", STR_INIT("GET http:/h HTTP/1.1"), H1_BAD_REQUEST },
    { "host with fragment", STR_INIT("GET http://h#f HTTP/1.1"),
      H1_BAD_REQUEST },
    { "host with underscore", STR_INIT("GET http://a_b/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "host with high byte", STR_INIT("GET http://h\351/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "host with percent", STR_INIT("GET http://h%41/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "junk in port", STR_INIT("GET http://h:80x/ HTTP/1.1"), H1_BAD_REQUEST },
    { "open literal", STR_INIT("GET http://[::1/ HTTP/1.1"), H1_BAD_REQUEST },
    { "zone in literal", STR_INIT("GET http://[fe80::1%25x]/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "absolute without path or version", STR_INIT("GET http://h"),
      H1_BAD_REQUEST },
    { "scheme from a digit", STR_INIT("GET 1http://h/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "scheme with underscore", STR_INIT("GET h_2://h/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "authority without CONNECT", STR_INIT("GET h:80 HTTP/1.1"),
      H1_BAD_REQUEST },
    { "CONNECT without port", STR_INIT("CONNECT h HTTP/1.1"), H1_BAD_REQUEST },
    { "CONNECT with empty port", STR_INIT("CONNECT h: HTTP/1.1"),
      H1_BAD_REQUEST },
    { "CONNECT with a path", STR_INIT("CONNECT h:1/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "CONNECT with a URI", STR_INIT("CONNECT http://h/ HTTP/1.1"),
      H1_BAD_REQUEST },
    { "CONNECT without version", STR_INIT("CONNECT h:1"), H1_BAD_REQUEST },
};

/* What is found in a good line; method GET, version 1.1 where not stated. */
static const struct {
    const char *name;
    str_t       line;
    const char *method, *target, *path, *args, *host;
    bool        is_complex, has_version;
    unsigned    major, minor;
} taken[] = {
    { "rl-ok", STR_INIT("GET /ret HTTP/1.1"), .target = "/ret" },
    { "rl-http09", STR_INIT("GET /ret"), .target = "/ret", .has_version = true,
      .minor = 9 },
    { "HTTP/0.9 with spaces", STR_INIT("GET /a  "), .target = "/a",
      .has_version = true, .minor = 9 },
    { "HTTP/0.9 in absolute-form", STR_INIT("GET http://h/p"), .target = "/p",
      .host = "h", .has_version = true, .minor = 9 },
    { "rl-unknown-method", STR_INIT("FOO /ret HTTP/1.1"), .target = "/ret",
      .method = "FOO" },
    { "rl-dash-method", STR_INIT("M-SEARCH /ret HTTP/1.1"), .target = "/ret",
      .method = "M-SEARCH" },
    { "rl-underscore-method", STR_INIT("FOO_BAR /ret HTTP/1.1"),
      .target = "/ret", .method = "FOO_BAR" },
    { "only dashes", STR_INIT("-- / HTTP/1.1"), .target = "/", .method = "--" },
    { "rl-two-spaces", STR_INIT("GET  /ret HTTP/1.1"), .target = "/ret" },
    { "rl-space-before-version", STR_INIT("GET /ret  HTTP/1.1"),
      .target = "/ret" },
    { "rl-trailing-space", STR_INIT("GET /ret HTTP/1.1 "), .target = "/ret" },
    { "rl-http10", STR_INIT("GET /ret HTTP/1.0"), .target = "/ret",
      .has_version = true, .major = 1, .minor = 0 },
    { "rl-http12", STR_INIT("GET /ret HTTP/1.2"), .target = "/ret",
      .has_version = true, .major = 1, .minor = 2 },
    { "rl-http1.10", STR_INIT("GET /ret HTTP/1.10"), .target = "/ret",
      .has_version = true, .major = 1, .minor = 10 },
    { "rl-http1.999", STR_INIT("GET /ret HTTP/1.999"), .target = "/ret",
      .has_version = true, .major = 1, .minor = 999 },
    { "zeros in minor", STR_INIT("GET / HTTP/1.0001"), .target = "/" },
    { "rl-trace", STR_INIT("TRACE /ret HTTP/1.1"), .target = "/ret",
      .method = "TRACE" },
    { "raw-high-bytes", STR_INIT("GET /docs/\303\251 HTTP/1.1"),
      .target = "/docs/\303\251" },
    { "rl-connect", STR_INIT("CONNECT q1.test:80 HTTP/1.1"),
      .method = "CONNECT", .target = "/", .host = "q1.test:80", .path = "/" },
    { "CONNECT to a literal", STR_INIT("CONNECT [::1]:80 HTTP/1.1"),
      .method = "CONNECT", .target = "/", .host = "[::1]:80", .path = "/" },
    { "root-args", STR_INIT("GET /?a=1 HTTP/1.1"), .target = "/?a=1",
      .path = "/", .args = "a=1" },
    { "double-question", STR_INIT("GET /exact??a HTTP/1.1"),
      .target = "/exact??a", .path = "/exact", .args = "?a" },
    { "empty-args", STR_INIT("GET /exact? HTTP/1.1"), .target = "/exact?",
      .path = "/exact", .args = "" },
    { "fragment", STR_INIT("GET /docs/x#frag HTTP/1.1"),
      .target = "/docs/x#frag", .path = "/docs/x" },
    { "question in fragment", STR_INIT("GET /a#b?c HTTP/1.1"),
      .target = "/a#b?c", .path = "/a" },
    { "fragment-after-args", STR_INIT("GET /exact?y#frag HTTP/1.1"),
      .target = "/exact?y#frag", .path = "/exact", .args = "y" },
    { "question-encoded", STR_INIT("GET /docs/x%3Fy=1 HTTP/1.1"),
      .target = "/docs/x%3Fy=1", .is_complex = true },
    { "percent in args", STR_INIT("GET /?%zz HTTP/1.1"), .target = "/?%zz",
      .path = "/", .args = "%zz" },
    { "dotdot", STR_INIT("GET /docs/../img HTTP/1.1"), .target = "/docs/../img",
      .is_complex = true },
    { "trailing-dot", STR_INIT("GET /docs/. HTTP/1.1"), .target = "/docs/.",
      .is_complex = true },
    { "double-slash-inside", STR_INIT("GET /docs//x HTTP/1.1"),
      .target = "/docs//x", .is_complex = true },
    { "dots inside of a segment", STR_INIT("GET /a..b/c.d/ HTTP/1.1"),
      .target = "/a..b/c.d/" },
    { "slashes in args", STR_INIT("GET /a?//../ HTTP/1.1"),
      .target = "/a?//../", .path = "/a", .args = "//../" },
    { "plus-kept", STR_INIT("GET /docs/a+b HTTP/1.1"), .target = "/docs/a+b" },
    { "backslash", STR_INIT("GET /docs\\..\\x HTTP/1.1"),
      .target = "/docs\\..\\x" },
    { "sn-absolute-form", STR_INIT("GET http://exact.example.test/ HTTP/1.1"),
      .target = "/", .host = "exact.example.test" },
    { "sn-absolute-form-port", STR_INIT("GET http://e.test:81/ HTTP/1.1"),
      .target = "/", .host = "e.test:81" },
    { "sn-absolute-ftp", STR_INIT("GET ftp://e.test/ HTTP/1.1"), .target = "/",
      .host = "e.test" },
    { "sn-absolute-upper", STR_INIT("GET HTTP://E.test/ HTTP/1.1"),
      .target = "/", .host = "E.test" },
    { "absolute-form, all of it",
      STR_INIT("GET http://[::1]:8080/p//q?x#f HTTP/1.1"),
      .target = "/p//q?x#f", .path = "/p//q", .args = "x", .host = "[::1]:8080",
      .is_complex = true },
    { "absolute-form without a path", STR_INIT("GET http://h HTTP/1.1"),
      .target = "/", .host = "h" },
    { "absolute-form with args only", STR_INIT("GET http://h?x=1 HTTP/1.1"),
      .target = "?x=1", .path = "/", .args = "x=1", .host = "h" },
    { "absolute-form, empty port", STR_INIT("GET http://h:/x HTTP/1.1"),
      .target = "/x", .host = "h:" },
    { "odd scheme", STR_INIT("GET h2+a.b-c://h/p HTTP/1.1"), .target = "/p",
      .host = "h" },
};

/* How early a first line can be refused. */
static const struct {
    str_t in;
    bool  may_be;
} starts[] = {
    { STR_INIT(""), true },         { STR_INIT("\r\n\r\n"), true },
    { STR_INIT("\r\nG"), true },    { STR_INIT("GET"), true },
    { STR_INIT("GET "), true },     { STR_INIT("GET \001"), true },
    { STR_INIT(" "), false },       { STR_INIT("g"), false },
    { STR_INIT("GEt"), false },     { STR_INIT("\026\003\001"), false },
    { STR_INIT("GET\r\n"), false }, { STR_INIT("\200"), false },
    { STR_INIT("\0"), false },
};


/* A copy with nothing behind it, so that sanitizers see each overrun. */
static str_t
box(str_t s)
{
    char *p = malloc(s.n ? s.n : 1);

    if (p == NULL)
        abort();

    memcpy(p, s.p, s.n);
    return (str_t){ p, s.n };
}


static void
check_taken(size_t i)
{
    struct h1_request_line found;
    const char            *name = taken[i].name;
    str_t                  line = box(taken[i].line);
    enum h1_error          error = h1_request_line(&found, line);

    if (!is(error, H1_OK, "%s: taken", name)) {
        free((void *) (uintptr_t) line.p);
        return;
    }

    is_str(found.method, taken[i].method ? taken[i].method : "GET",
           "%s: method", name);
    is_str(found.target, taken[i].target, "%s: target", name);
    is_str(found.parts.path, taken[i].path ? taken[i].path : taken[i].target,
           "%s: path", name);
    is_str(found.parts.args, taken[i].args ? taken[i].args : "", "%s: args",
           name);
    is(found.parts.has_args, taken[i].args != NULL, "%s: has args", name);
    is_str(found.host, taken[i].host ? taken[i].host : "", "%s: host", name);
    is(found.parts.is_complex, taken[i].is_complex, "%s: complex", name);
    is(found.major, taken[i].has_version ? taken[i].major : 1, "%s: major",
       name);
    is(found.minor, taken[i].has_version ? taken[i].minor : 1, "%s: minor",
       name);
    free((void *) (uintptr_t) line.p);
}


/* Nothing that is a start of a good line may be refused early. */
static void
check_early(str_t line)
{
    bool   good = true;
    size_t n;

    for (n = 0; n <= line.n; n++)
        good &= h1_may_be_request((str_t){ line.p, n });

    ok(good, "no start of it is refused: " STR_F, STR_A(line));
}


int
main(void)
{
    struct h1_request_line found;
    size_t                 i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        str_t line = box(refused[i].line);

        is(h1_request_line(&found, line), refused[i].error, "%s",
           refused[i].name);
        free((void *) (uintptr_t) line.p);
    }

    for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        check_taken(i);
        check_early(taken[i].line);
    }

    for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        is(h1_may_be_request(starts[i].in), starts[i].may_be,
           "early refusal %zu", i);
    }

    return done();
}
