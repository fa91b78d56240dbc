/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock: that it moves, and the forms of its texts. */
#include <unistd.h>

#include "core/os/clock.h"
#include "t/unit/tap.h"


/* 9: a digit, A: a letter, else itself. */
static bool
has_form(str_t s, const char *form)
{
    if (s.n != strlen(form))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c >= '0' && c <= '9')
            c = '9';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && form[i] == 'A')
            c = 'A';
        else if (c == ' ' && form[i] == '_') /* a digit, or padding */
            c = '_';
        if (c != form[i] && !(c == '9' && form[i] == '_'))
            return false;
    }
    return true;
}


int
main(void)
{
    msec_t before;
    str_t  text;

    ok(clock_ms() != 0, "read at the first use");
    before = clock_ms();
    usleep(5000);
    is(clock_ms(), before, "kept");
    ok(clock_fresh_ms() > before, "fresh");
    clock_update();
    ok(clock_ms() > before, "read again");
    ok(clock_seconds() > 1700000000, "seconds");
    ok(clock_millisecond() < 1000, "milliseconds");

    ok(has_form(clock_http(), "AAA, 99 AAA 9999 99:99:99 AAA"), "HTTP");
    ok(has_form(clock_error_log(), "9999/99/99 99:99:99"), "error log");
    ok(has_form(clock_clf(), "99/AAA/9999:99:99:99 +9999"), "common log");
    ok(has_form(clock_iso8601(), "9999-99-99A99:99:99+99:99"), "ISO 8601");
    ok(has_form(clock_iso8601_ms(), "9999-99-99A99:99:99.999+99:99"),
       "ISO 8601 with milliseconds");
    ok(has_form(clock_syslog(), "AAA _9 99:99:99"), "syslog");
    text = clock_clf();
    is_same(clock_clf().p, text.p, "made once");

    setenv("TZ", "XXX+03:30", 1);
    tzset();
    sleep(1);
    clock_update();
    ok(clock_clf().n == 26 && memcmp(clock_clf().p + 21, "-0330", 5) == 0,
       "a zone in the west: " STR_F, STR_A(clock_clf()));
    ok(memcmp(clock_iso8601().p + 19, "-03:30", 6) == 0, "in ISO 8601 too");
    ok(memcmp(clock_iso8601_ms().p + 23, "-03:30", 6) == 0,
       "and with milliseconds");
    return done();
}
