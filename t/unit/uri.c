/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths, hosts and extensions.  Cases are those of t/truth/location.tsv and
 * servername.tsv where they have their names.
 */
#include "http/uri.h"
#include "t/unit/tap.h"

/* merged and kept: with merge_slashes on and off; NULL for refused. */
static const struct {
    const char *name;
    str_t       path;
    const char *merged, *kept;
} paths[] = {
    { "plain", STR_INIT("/a/b.c"), "/a/b.c", "/a/b.c" },
    { "root", STR_INIT("/"), "/", "/" },
    { "merged-slashes", STR_INIT("//exact"), "/exact", "//exact" },
    { "decoded-before-match", STR_INIT("/%65xact"), "/exact", "/exact" },
    { "dotdot", STR_INIT("/docs/../img/1.gif"), "/img/1.gif", "/img/1.gif" },
    { "dot", STR_INIT("/docs/./x"), "/docs/x", "/docs/x" },
    { "dotdot-encoded-slash", STR_INIT("/docs/..%2fimg"), "/img", "/img" },
    { "dotdot-encoded-dots", STR_INIT("/docs/%2e%2e/img"), "/img", "/img" },
    { "half encoded dots", STR_INIT("/docs/.%2E/img"), "/img", "/img" },
    { "dotdot-above-root", STR_INIT("/.."), NULL, NULL },
    { "dotdot-above-root2", STR_INIT("/../x"), NULL, NULL },
    { "dotdot-above-root3", STR_INIT("/a/../../x"), NULL, NULL },
    { "dotdot-above-root-enc", STR_INIT("/%2e%2e/x"), NULL, NULL },
    { "nul-encoded", STR_INIT("/a%00b"), NULL, NULL },
    { "nul", STR_INIT("/a\0b"), NULL, NULL },
    { "bad-percent", STR_INIT("/a%zz"), NULL, NULL },
    { "half bad percent", STR_INIT("/a%4g"), NULL, NULL },
    { "percent-short", STR_INIT("/a%4"), NULL, NULL },
    { "percent-end", STR_INIT("/a%"), NULL, NULL },
    { "percent-slash", STR_INIT("/a%/b"), NULL, NULL },
    { "fragment", STR_INIT("/docs/x#frag"), "/docs/x", "/docs/x" },
    { "fragment behind dots", STR_INIT("/a/..#f"), "/", "/" },
    { "bad percent in fragment", STR_INIT("/#%zz"), "/", "/" },
    { "space-encoded", STR_INIT("/docs/x%20y"), "/docs/x y", "/docs/x y" },
    { "plus-kept", STR_INIT("/docs/a+b"), "/docs/a+b", "/docs/a+b" },
    { "question-encoded", STR_INIT("/docs/x%3Fy=1"), "/docs/x?y=1",
      "/docs/x?y=1" },
    { "hash-encoded", STR_INIT("/docs/%23x"), "/docs/#x", "/docs/#x" },
    { "hash-encoded segment", STR_INIT("/%23/.."), "/", "/" },
    { "dots and a question", STR_INIT("/..%3f"), "/..?", "/..?" },
    { "dot and a question", STR_INIT("/.%3f/../x"), "/x", "/x" },
    { "utf8-encoded", STR_INIT("/docs/%C3%a9"), "/docs/\303\251",
      "/docs/\303\251" },
    { "raw-high-bytes", STR_INIT("/\303\251"), "/\303\251", "/\303\251" },
    { "encoded control", STR_INIT("/%01%7f"), "/\001\177", "/\001\177" },
    { "double-slash-inside", STR_INIT("/docs//x"), "/docs/x", "/docs//x" },
    { "encoded-slashes-merge", STR_INIT("/docs/x%2F%2Fy"), "/docs/x/y",
      "/docs/x//y" },
    { "trailing-dotdot", STR_INIT("/docs/x/.."), "/docs/", "/docs/" },
    { "trailing-dotdot, slash", STR_INIT("/docs/x/../"), "/docs/", "/docs/" },
    { "trailing-dot", STR_INIT("/docs/x/."), "/docs/x/", "/docs/x/" },
    { "trailing-dot-encoded", STR_INIT("/a/%2e"), "/a/", "/a/" },
    { "only a dot", STR_INIT("/."), "/", "/" },
    { "only slashes", STR_INIT("///"), "/", "///" },
    { "trailing slashes", STR_INIT("/a//"), "/a/", "/a//" },
    { "three-dots", STR_INIT("/docs/..."), "/docs/...", "/docs/..." },
    { "dots-segment", STR_INIT("/docs/.../x"), "/docs/.../x", "/docs/.../x" },
    { "dots first", STR_INIT("/a/..b/.c"), "/a/..b/.c", "/a/..b/.c" },
    { "dots last", STR_INIT("/a../b./"), "/a../b./", "/a../b./" },
    { "semicolon", STR_INIT("/docs/;a=b"), "/docs/;a=b", "/docs/;a=b" },
    { "backslash", STR_INIT("/docs\\..\\x"), "/docs\\..\\x", "/docs\\..\\x" },
    { "encoded-percent", STR_INIT("/docs/%2541"), "/docs/%41", "/docs/%41" },
    { "encoded percent and dots", STR_INIT("/a/%252e%252e/b"), "/a/%2e%2e/b",
      "/a/%2e%2e/b" },
    { "nomerge-dotdot", STR_INIT("/a//../x"), "/x", "/a/x" },
    { "nomerge-encoded", STR_INIT("/a/%2fb"), "/a/b", "/a//b" },
    { "nomerge above", STR_INIT("//..//x"), NULL, "//x" },
    { "nomerge far above", STR_INIT("//../.."), NULL, NULL },
    { "up and down", STR_INIT("/a/b/c/../../d/./../e"), "/a/e", "/a/e" },
    { "no slash", STR_INIT("a/b"), NULL, NULL },
    { "empty", STR_INIT(""), NULL, NULL },
    { "only a fragment", STR_INIT("#a"), NULL, NULL },
};

static const struct {
    const char *name;
    str_t       in;
    const char *host; /* NULL: refused */
    uint16_t    port;
} hosts[] = {
    { "sn-exact", STR_INIT("exact.example.test"), "exact.example.test", 0 },
    { "sn-exact-case", STR_INIT("EXACT.Example.TEST"), "exact.example.test",
      0 },
    { "sn-exact-port", STR_INIT("exact.example.test:8080"),
      "exact.example.test", 8080 },
    { "sn-exact-dot", STR_INIT("exact.example.test."), "exact.example.test",
      0 },
    { "dot and port", STR_INIT("A.:80"), "a", 80 },
    { "sn-exact-empty-port", STR_INIT("exact.example.test:"),
      "exact.example.test", 0 },
    { "sn-empty-host", STR_INIT(""), NULL, 0 },
    { "sn-underscore", STR_INIT("under_score.test"), "under_score.test", 0 },
    { "sn-idn", STR_INIT("xn--bcher-kva.test"), "xn--bcher-kva.test", 0 },
    { "sn-ip", STR_INIT("127.0.0.1:20300"), "127.0.0.1", 20300 },
    { "sn-ipv6", STR_INIT("[::1]:80"), "[::1]", 80 },
    { "IPv6, upper case", STR_INIT("[FE80::A]"), "[fe80::a]", 0 },
    { "IPv6 with IPv4", STR_INIT("[::ffff:1.2.3.4]"), "[::ffff:1.2.3.4]", 0 },
    { "IPvFuture", STR_INIT("[v1.a:b]"), "[v1.a:b]", 0 },
    { "sn-ipv6-bad", STR_INIT("[::1"), NULL, 0 },
    { "empty literal", STR_INIT("[]"), NULL, 0 },
    { "no address", STR_INIT("[::g]"), NULL, 0 },
    { "no colon in it", STR_INIT("[1.2.3.4]"), NULL, 0 },
    { "two dots in it", STR_INIT("[::1..2]"), NULL, 0 },
    { "two dots in a future one", STR_INIT("[v1.a..b]"), NULL, 0 },
    { "port 0", STR_INIT("a:0"), "a", 0 },
    { "zone", STR_INIT("[fe80::1%25eth0]"), NULL, 0 },
    { "two brackets", STR_INIT("[[::1]]"), NULL, 0 },
    { "word behind", STR_INIT("[::1]x"), NULL, 0 },
    { "dot behind", STR_INIT("[::1]."), NULL, 0 },
    { "bracket inside", STR_INIT("a[b"), NULL, 0 },
    { "bracket at the end", STR_INIT("a]"), NULL, 0 },
    { "sn-two-dots", STR_INIT("a..test"), NULL, 0 },
    { "two dots at the end", STR_INIT("a.."), NULL, 0 },
    { "sn-only-dot", STR_INIT("."), NULL, 0 },
    { "dot and a port", STR_INIT(".:80"), NULL, 0 },
    { "sn-lead-dot", STR_INIT(".exact.example.test"), ".exact.example.test",
      0 },
    { "sn-slash", STR_INIT("a/b"), NULL, 0 },
    { "sn-space", STR_INIT("a b"), NULL, 0 },
    { "sn-at", STR_INIT("u@exact.example.test"), NULL, 0 },
    { "userinfo with a colon", STR_INIT("u:p@a.test"), NULL, 0 },
    { "sn-nul", STR_INIT("a\0b"), NULL, 0 },
    { "sn-highbyte", STR_INIT("caf\303\251.test"), NULL, 0 },
    { "sn-bad-port", STR_INIT("exact.example.test:abc"), NULL, 0 },
    { "sn-port-range", STR_INIT("exact.example.test:99999"), NULL, 0 },
    { "largest port", STR_INIT("a:65535"), "a", 65535 },
    { "port too large", STR_INIT("a:65536"), NULL, 0 },
    { "port far too large", STR_INIT("a:4294967376"), NULL, 0 },
    { "port with zeros", STR_INIT("a:0080"), "a", 80 },
    { "two ports", STR_INIT("a:80:80"), NULL, 0 },
    { "only a port", STR_INIT(":80"), NULL, 0 },
    { "sn-comma", STR_INIT("a,b"), "a,b", 0 },
    { "sn-percent", STR_INIT("a%41b.test"), "a%41b.test", 0 },
    { "sub-delims", STR_INIT("!$&'()*+,;=~-_"), "!$&'()*+,;=~-_", 0 },
    { "sn-tab", STR_INIT("a\tb"), NULL, 0 },
    { "backslash", STR_INIT("a\\b"), NULL, 0 },
    { "question", STR_INIT("a?b"), NULL, 0 },
    { "hash", STR_INIT("a#b"), NULL, 0 },
    { "quote", STR_INIT("a\"b"), NULL, 0 },
};

static const struct {
    const char *path, *extension;
} extensions[] = {
    { "/a.html", "html" },
    { "/a.HTML", "html" },
    { "/a.tar.gz", "gz" },
    { "/a", "" },
    { "/a.b/c", "" },
    { "/a.b/", "" },
    { "/.htaccess", "" },
    { "/x/.htaccess", "" },
    { "/.htaccess.bak", "bak" },
    { "/a.", "" },
    { "/..a", "a" },
    { "/", "" },
    { "", "" },
    { "a.b", "b" },
    { "/a.b c", "b c" },
};

static const struct {
    str_t       uri;
    const char *path, *args; /* path NULL: unsafe */
} unsafe[] = {
    { STR_INIT("/x"), "/x", "" },
    { STR_INIT("/x?a=1"), "/x", "a=1" },
    { STR_INIT("/x?a?b"), "/x", "a?b" },
    { STR_INIT("/x?"), "/x", "" },
    { STR_INIT("/x?a/../b"), "/x", "a/../b" },
    { STR_INIT("/x#b?c"), "/x#b", "c" },
    { STR_INIT("/x.."), "/x..", "" },
    { STR_INIT("/..x"), "/..x", "" },
    { STR_INIT("/x//y/./z"), "/x//y/./z", "" },
    { STR_INIT("/..."), "/...", "" },
    { STR_INIT("x"), "x", "" },
    { STR_INIT("/x%3fa=b"), "/x%3fa=b", "" },
    { STR_INIT("/x%zz?q"), "/x%zz", "q" },
    { STR_INIT("/x%2e%2"), "/x%2e%2", "" },
    { STR_INIT(""), NULL, NULL },
    { STR_INIT("?a"), NULL, NULL },
    { STR_INIT(".."), NULL, NULL },
    { STR_INIT("../x"), NULL, NULL },
    { STR_INIT("/x/.."), NULL, NULL },
    { STR_INIT("/x/../y"), NULL, NULL },
    { STR_INIT("/x/..?a"), NULL, NULL },
    { STR_INIT("/x/%2e%2e/y"), NULL, NULL },
    { STR_INIT("/x/.%2E"), NULL, NULL },
    { STR_INIT("/x%2f..%2fy"), NULL, NULL },
    { STR_INIT("/x%00"), NULL, NULL },
    { STR_INIT("/x\0y"), NULL, NULL },
};


static void
check_path(const char *name, str_t path, bool merge, const char *wanted)
{
    char *out = malloc(path.n ? path.n : 1);
    str_t found;
    bool  good = uri_normalize(path, merge, out, &found);

    is(good, wanted != NULL, "%s: verdict, merging %d", name, merge);
    if (good && wanted)
        is_str(found, wanted, "%s: path, merging %d", name, merge);

    free(out);
}


static void
check_host(struct arena *a, size_t i)
{
    str_t    host = STR_NONE;
    uint16_t port = 0;
    bool     good = uri_host(a, hosts[i].in, &host, &port);

    is(good, hosts[i].host != NULL, "%s: verdict", hosts[i].name);

    if (good && hosts[i].host) {
        is_str(host, hosts[i].host, "%s: host", hosts[i].name);
        is(port, hosts[i].port, "%s: port", hosts[i].name);
    }
}


static void
check_unsafe(size_t i)
{
    str_t path, args;
    bool  good = uri_split_unsafe(unsafe[i].uri, &path, &args);

    is(good, unsafe[i].path != NULL, "safety of " STR_F, STR_A(unsafe[i].uri));

    if (good && unsafe[i].path) {
        is_str(path, unsafe[i].path, "its path");
        is_str(args, unsafe[i].args, "its args");
    }
}


/* What comes out stays as it is when it goes in again, escapes aside. */
static void
check_stable(size_t i, bool merge)
{
    char  first[64], second[64];
    str_t once, twice;

    if (!uri_normalize(paths[i].path, merge, first, &once))
        return;
    if (str_chr(once, '%') || str_chr(once, '#'))
        return;

    ok(uri_normalize(once, merge, second, &twice) && str_eq(once, twice),
       "%s: is stable, merging %d", paths[i].name, merge);
}


int
main(void)
{
    struct arena *a = arena_new(0);
    size_t        i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        check_path(paths[i].name, paths[i].path, true, paths[i].merged);
        check_path(paths[i].name, paths[i].path, false, paths[i].kept);
        check_stable(i, true);
        check_stable(i, false);
    }

    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        check_host(a, i);

    for (i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        is_str(uri_extension(a, str_of(extensions[i].path)),
               extensions[i].extension, "extension of %s", extensions[i].path);
    }

    for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
        check_unsafe(i);

    arena_free(a);
    return done();
}
