/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of entity tags.
 */
#include "core/base/check.h"
#include "http/etag.h"
#include "t/unit/tap.h"

static const struct {
    const char *list, *etag;
    bool        strong, weak;
} table[] = {
    { "\"a\"", "\"a\"", true, true },
    { "\"b\"", "\"a\"", false, false },
    { "\"a\" ", "\"a\"", true, true },
    { " \"a\"", "\"a\"", true, true },
    { "\"b\",\"a\"", "\"a\"", true, true },
    { "\"b\" ,\t\"a\" , \"c\"", "\"a\"", true, true },
    { "\"b\",,\"a\"", "\"a\"", true, true },
    { "\"a\"x", "\"a\"", false, false },
    { "\"a\"\"a\"", "\"a\"", false, false },
    { "\"aa\"", "\"a\"", false, false },
    { "\"\"", "\"\"", true, true },
    { "W/\"a\"", "\"a\"", false, true },
    { "\"a\"", "W/\"a\"", false, true },
    { "W/\"a\"", "W/\"a\"", true, true },
    { "\"b\", W/\"a\"", "\"a\"", false, true },
    { "\"x,\"a\"", "\"a\"", false, false },
    { "\"x,y\",\"a\"", "\"a\"", true, true },
    { "\"x, \"a\", \"a\"", "\"a\"", true, true },
    { "a", "\"a\"", false, false },
    { "\"a", "\"a\"", false, false },
    { "\"", "\"a\"", false, false },
    { "W/", "\"a\"", false, false },
    { ",", "\"a\"", false, false },
    { "", "\"a\"", false, false },
};


static void
test_elements(void)
{
    str_t list = STR(" W/\"a,b\" , \"c\",W/d, \"e");

    is_str(etag_of(etag_cut(&list)), "W/\"a,b\"", "a weak one");
    is_str(list, " \"c\",W/d, \"e", "what is left");
    is_str(etag_of(etag_cut(&list)), "\"c\"", "a strong one");
    ok(etag_of(etag_cut(&list)).p == NULL, "none");
    ok(etag_of(etag_cut(&list)).p == NULL, "without its end");
    is(list.n, 0, "the end");
}


int
main(void)
{
    str_t  list, etag;
    size_t i, n;
    bool   any;

    for (i = 0; i < countof(table); i++) {
        list = str_of(table[i].list);
        etag = str_of(table[i].etag);
        is(etag_is_listed(list, etag, false), table[i].strong, "<%s> in <%s>",
           table[i].etag, table[i].list);
        is(etag_is_listed(list, etag, true), table[i].weak,
           "<%s> in <%s>, weakly", table[i].etag, table[i].list);
        /* cut anywhere, in memory of its own: sanitizers look on */
        any = false;
        for (n = 0; n <= list.n; n++) {
            char *copy = malloc(n + !n);

            memcpy(copy, list.p, n);
            any |= etag_is_listed((str_t){ copy, n }, etag, true);
            free(copy);
        }
        ok(any || !table[i].weak, "cut");
    }
    test_elements();
    return done();
}
