/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of the field Priority (RFC 9218, RFC 8941). */
#include <stdio.h>

#include "core/base/check.h"
#include "http/h2/priority.h"
#include "t/unit/tap.h"

/* Of another priority (5, not incremental), so that what is not said shows. */
static const struct {
    const char *value;
    int         urgency; /* -1: refused                                      */
    int         is_incremental;
} cases[] = {
    { "", 5, 0 },
    { "u=0", 0, 0 },
    { "u=7, i", 7, 1 },
    { "i", 5, 1 },
    { "i=?0", 5, 0 },
    { "i=?1;a=1;b", 5, 1 },
    { "u=1,i", 1, 1 },
    { "u=1 ,\t i", 1, 1 },
    { "u=1, u=2", 2, 0 },
    { "u=8", 5, 0 },
    { "u=-1", 5, 0 },
    { "u=1.0", 5, 0 },
    { "u=\"1\"", 5, 0 },
    { "u", 5, 0 },
    { "i=1", 5, 0 },
    { "x=(1 2 \"a\";p=:YQ==:), u=2", 2, 0 },
    { "x=tok/en:*, u=2", 2, 0 },
    { "x=:YQ==:, u=2", 2, 0 },
    { "a=-12.345, u=2", 2, 0 },
    { "u=2,", -1, 0 },
    { ",u=2", -1, 0 },
    { "u=", -1, 0 },
    { "U=2", -1, 0 },
    { "u=2 i", -1, 0 },
    { "u=2;", -1, 0 },
    { "x=\"a", -1, 0 },
    { "x=\"a\\b\"", -1, 0 },
    { "x=?2", -1, 0 },
    { "x=1234567890123456", -1, 0 },
    { "x=1.", -1, 0 },
    { "x=1.1234", -1, 0 },
    { "x=(1", -1, 0 },
    { "x=:a", -1, 0 },
    { "x=\1", -1, 0 },
};


int
main(void)
{
    for (int i = 0; i < (int) countof(cases); i++) {
        struct h2_priority p = { 5, false };
        bool is_read = h2_priority_parse(str_of(cases[i].value), &p);

        is(is_read, cases[i].urgency != -1, "\"%s\"", cases[i].value);
        is(p.urgency, is_read ? cases[i].urgency : 5, "its urgency");
        is(p.is_incremental, is_read && cases[i].is_incremental, "its turns");
    }
    return done();
}
