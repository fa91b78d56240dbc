/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ends of a pattern say: told from the text alone. */
#include "core/expr/literal.h"
#include "t/unit/tap.h"

static struct arena *a;


static void
ends(const char *pattern, const char *head, const char *tail)
{
    struct literal l = literal_of(a, str_of(pattern), false);

    is_str(l.head, head, "%s: head", pattern);
    is_str(l.tail, tail, "%s: tail", pattern);
}


static void
test_ends(void)
{
    ends("\\.php$", "", ".php");
    ends("^/api/v\\d+/", "/api/v", "");
    ends("^/a/b$", "/a/b", "/a/b");
    ends("^/a.*\\.js$", "/a", ".js");
    ends("/a", "", "");
    ends("^/ab?c$", "/a", "c");
    ends("^/ab*?c", "/a", "");
    ends("^/ab{2}c$", "/a", "c");
    ends("^a{2,3}$", "", "");
    ends("^/(a|b)/c$", "/", "/c");
    ends("^/([a-z|]+)/c(?=$)", "/", "");
    ends("(^|/)x$", "", "x");
    ends("^/a[]x]b$", "/a", "b");
    ends("^/a(?:b(c)d)e", "/a", "");
    ends("", "", "");
    ends("^", "", "");
    ends("$", "", "");
}


static void
test_unknown(void)
{
    ends("^/a|b$", "", "");
    ends("^(a)|/b$", "", "");
    ends("(?i)a$", "", "");
    ends("^/a(?i)b$", "", "");
    ends("^/a(*COMMIT)", "", "");
    ends("^/a\\Q|\\E", "", "");
    ends("^a\\E*", "", "");
    ends("^/\\x41$", "", "");
    ends("^/a[[:alpha:](]|b", "", "");
    ends("^/a(?#()|b", "", "");
    ends("^/a(b", "", "");
    ends("^/a{b", "", "");
    ends("^/a\\", "", "");
}


static void
test_compare(void)
{
    struct literal l = literal_of(a, STR("^/a.*\\.php$"), false);
    struct literal m = literal_of(a, STR("^/a.*\\.php$"), true);

    ok(literal_allows(&l, STR("/ab.php")), "both ends");
    ok(literal_allows(&l, STR("/ab.php\n")), "a newline at the end");
    ok(!literal_allows(&l, STR("/ab.php\n\n")), "two are one too many");
    ok(!literal_allows(&l, STR("/b.php")), "another start");
    ok(!literal_allows(&l, STR("/a.php5")), "another end");
    ok(!literal_allows(&l, STR("/A.php")), "case counts");
    ok(literal_allows(&m, STR("/A.PHP")), "case does not count");
    ok(!literal_allows(&l, STR("")), "nothing");
    ok(!literal_allows(&l, STR_NONE), "no string");
}


int
main(void)
{
    a = arena_new(4096);
    test_ends();
    test_unknown();
    test_compare();
    arena_free(a);
    return done();
}
