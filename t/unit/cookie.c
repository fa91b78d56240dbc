/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cookies: found in fields, and taken apart and put together.
 */
#include "http/cookie.h"
#include "t/unit/tap.h"

static const struct {
    str_t       field;
    const char *name, *found, *set; /* NULL: not there                       */
} names[] = {
    { STR_INIT("a=1; b=2"), "b", "2", NULL },
    { STR_INIT("a=1; b=2"), "a", "1", "1" },
    { STR_INIT("A=1"), "a", "1", "1" },
    { STR_INIT("a=1, b=2"), "a", "1, b=2", "1, b=2" },
    { STR_INIT("a=1, b=2"), "b", NULL, NULL },
    { STR_INIT("a = 1;b= 2 ;c"), "a", "1", "1" },
    { STR_INIT("a = 1;b= 2 ;c"), "b", "2 ", NULL },
    { STR_INIT("a = 1;b= 2 ;c"), "c", NULL, NULL },
    { STR_INIT("a\t=1"), "a", NULL, NULL },
    { STR_INIT("a=\t1"), "a", "\t1", "\t1" },
    { STR_INIT("ab=1; a=2"), "a", "2", NULL },
    { STR_INIT("xa=1"), "a", NULL, NULL },
    { STR_INIT("a=1; a=2"), "a", "1", "1" },
    { STR_INIT("a"), "a", NULL, NULL },
    { STR_INIT("a="), "a", "", "" },
    { STR_INIT("=7; a"), "", "7", "7" },
    { STR_INIT("a; =7"), "", "7", NULL },
    { STR_INIT(""), "a", NULL, NULL },
    { STR_INIT(";;;"), "a", NULL, NULL },
    { STR_INIT("a=\"x; y\""), "a", "\"x", "\"x" },
};

static const struct {
    const char *field;
    unsigned    flags;
    const char *joined; /* NULL: no cookie                                   */
} cookies[] = {
    { "a=b", 0, "a=b" },
    { "a", COOKIE_SECURE, NULL },
    { "", COOKIE_SECURE, NULL },
    { ";a=b", COOKIE_SECURE, NULL },
    { "=b;x", 0, "=b; x" },
    { " a = b ;  Path = / ; x ", 0, "a=b; Path=/; x" },
    { "a=b;; ;", 0, "a=b; ; ; " },
    { "a=b;\tsecure", COOKIE_SECURE, "a=b; \tsecure; Secure" },
    { "a=b=c; Path=/=x", 0, "a=b=c; Path=/=x" },
    { "a=b", COOKIE_SECURE | COOKIE_HTTPONLY | COOKIE_SAMESITE_LAX,
      "a=b; Secure; HttpOnly; SameSite=Lax" },
    { "a=b; SECURE; httpOnly=x", COOKIE_SECURE | COOKIE_HTTPONLY,
      "a=b; SECURE; httpOnly=x" },
    { "a=b; samesite=lax", COOKIE_SAMESITE_LAX, "a=b; samesite=lax" },
    { "a=b; samesite=lax; x", COOKIE_SAMESITE_NONE, "a=b; SameSite=None; x" },
    { "a=b; samesite; x", COOKIE_SAMESITE_STRICT, "a=b; SameSite=Strict; x" },
    { "a=b; secure; Secure; x; HTTPONLY; SameSite=Lax",
      COOKIE_NOSECURE | COOKIE_NOHTTPONLY | COOKIE_NOSAMESITE, "a=b; x" },
    { "secure=1; x", COOKIE_NOSECURE, "secure=1; x" },
    { "a=b", COOKIE_SECURE | COOKIE_NOSECURE, "a=b; Secure" },
    { "a=b", COOKIE_SAMESITE_LAX | COOKIE_SAMESITE_NONE, "a=b; SameSite=Lax" },
};


int
main(void)
{
    struct arena *a = arena_new(0);
    struct cookie c;
    str_t         value;
    size_t        i;
    bool          found;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        value = STR("");
        found = cookie_find(names[i].field, str_of(names[i].name), &value);
        is(found, names[i].found != NULL, "\"%s\" in \"%s\"", names[i].name,
           names[i].field.p);
        is_str(value, found ? names[i].found : "", "its value");
        value = STR("");
        found = cookie_is_set(names[i].field, str_of(names[i].name), &value);
        is(found, names[i].set != NULL, "set in \"%s\"", names[i].field.p);
        is_str(value, found ? names[i].set : "", "its value");
    }
    for (i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        found = cookie_split(a, str_of(cookies[i].field), &c);
        is(found, cookies[i].joined != NULL, "\"%s\" is one", cookies[i].field);
        if (!found)
            continue;
        cookie_set_flags(a, &c, cookies[i].flags);
        is_str(cookie_join(a, &c), cookies[i].joined, "\"%s\", %x",
               cookies[i].field, cookies[i].flags);
    }
    arena_free(a);
    return done();
}
