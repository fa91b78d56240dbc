/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates: the three formats, what is refused, and the C library's calendar. */
#include "t/unit/tap.h"

#include "core/base/date.h"

static const struct {
    const char *text;
    time_t      want;
} samples[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
    { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
    { "Sun Nov  6 08:49:37 1994", 784111777 },
    { "Sun Nov 06 08:49:37 1994", 784111777 },
    { "Sun Nov 6 08:49:37 1994", 784111777 },
    { "Sun, 06 Nov 1994 08:49:37", 784111777 },
    { "Sun,06 Nov 1994 08:49:37 GMT", 784111777 },
    { "Sun,  06 Nov 1994 08:49:37 GMT", 784111777 },
    { ", 06 Nov 1994 08:49:37 GMT", 784111777 },
    { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
    { "Mon, 31 Dec 2069 23:59:59 GMT", 3155759999 },
    { "x, 31-Dec-69 23:59:59 GMT", 3155759999 },
    { "x, 01-Jan-70 00:00:00 GMT", 0 },
    { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
    { "", -1 },
    { ",", -1 },
    { "Sun,", -1 },
    { "0", -1 },
    { "06 Nov 1994 08:49:37 GMT", -1 },
    { "Sun, 6 Nov 1994 08:49:37 GMT", -1 },
    { "Sun, 06 nov 1994 08:49:37 GMT", -1 },
    { "Sun, 06-Nov-1994 08:49:37 GMT", -1 },
    { "Sun, 06 Nov-1994 08:49:37 GMT", -1 },
    { "Sun, 06 Nov 94 08:49:37 GMT", -1 },
    { "Sun, 06 Nov 1994 08.49.37 GMT", -1 },
    { "Sun, 06 Nov 1994 24:00:00 GMT", -1 },
    { "Sun, 06 Nov 1994 08:60:00 GMT", -1 },
    { "Sun, 06 Nov 1994 08:49:60 GMT", -1 },
    { "Sun, 00 Nov 1994 08:49:37 GMT", -1 },
    { "Sun, 31 Nov 1994 08:49:37 GMT", -1 },
    { "Sun, 29 Feb 1900 08:49:37 GMT", -1 },
    { "Mon, 29 Feb 2100 00:00:00 GMT", -1 },
    { "Sun, 29 Feb 1999 00:00:00 GMT", -1 },
    { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
    { "Sun Nov  6 08:49:37", -1 },
    { "Sun Nov   6 08:49:37 1994", -1 },
};


static void
test_samples(void)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        is(date_parse(str_of(samples[i].text)), samples[i].want, "\"%s\"",
           samples[i].text);
}


/* Of other forms of the same moment, date_http writes none. */
static void
test_exact(void)
{
    static const char *const others[] = {
        "Sun, 06 Nov 1994 08:49:37 gmt", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun,   06-Nov-94 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37   GMT",
        "Sunday, 06-Nov-94 08:49:3 GMT",
    };
    char out[DATE_LEN];

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        if (samples[i].want == -1)
            continue;
        date_http(out, samples[i].want);
        is(date_is_exact(str_of(samples[i].text), samples[i].want),
           str_eq(str_of(samples[i].text), (str_t){ out, DATE_LEN }),
           "\"%s\" as written", samples[i].text);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ok(!date_is_exact(str_of(others[i]), 784111777), "not \"%s\"",
           others[i]);
}


/* No prefix of a date may be read past its end: the copy has its size. */
static void
test_cuts(void)
{
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(samples[i].text);
        bool   refused = true;

        for (size_t cut = 0; cut < n; cut++) {
            char  *copy = malloc(cut + 1);
            time_t at;

            memcpy(copy, samples[i].text, cut);
            at = date_parse((str_t){ copy, cut });
            /* The zone does not matter. */
            refused = refused && at == (i < 2 && cut >= n - 4 ? 784111777 : -1);
            free(copy);
        }
        ok(refused, "\"%s\" cut short anywhere", samples[i].text);
    }
}


static void
test_calendar(void)
{
    char      out[DATE_LEN], want[64];
    int       wrong = 0, unlike = 0;
    struct tm tm;

    for (time_t at = 0; at < 253402300800; at += 86399 * 37 + 11) {
        gmtime_r(&at, &tm);
        strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        date_http(out, at);
        wrong += memcmp(out, want, DATE_LEN) != 0;
        unlike += date_parse((str_t){ out, DATE_LEN }) != at;
    }
    is(wrong, 0, "the C library has the same calendar");
    is(unlike, 0, "and what is written is read");

    date_http(out, 784111777);
    is_bytes(out, DATE_LEN, "Sun, 06 Nov 1994 08:49:37 GMT", 29, "as text");
    date_http(out, -1);
    is_bytes(out, DATE_LEN, "Thu, 01 Jan 1970 00:00:00 GMT", 29, "not before");
    date_http(out, INT64_MAX);
    is_bytes(out, DATE_LEN, "Fri, 31 Dec 9999 23:59:59 GMT", 29, "not after");
    is(date_at(INT64_MIN).year, 1970, "nor is there more to dates");
    is(date_at(INT64_MAX).year, 9999, "whatever the time");
}


static void
test_cookie(void)
{
    char out[DATE_LEN];

    is(date_cookie(out, 2145916555), 27, "a cookie's date is shorter");
    is_bytes(out, 27, "Thu, 31-Dec-37 23:55:55 GMT", 27, "to 2037");
    is(date_cookie(out, 2145916800), 29, "and not");
    is_bytes(out, 29, "Fri, 01-Jan-2038 00:00:00 GMT", 29, "from 2038");
}


int
main(void)
{
    test_samples();
    test_exact();
    test_cuts();
    test_calendar();
    test_cookie();
    return done();
}
