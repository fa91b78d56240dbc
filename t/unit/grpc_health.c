/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages of grpc.health.v1: written, read, cut at every byte and wrong.
 */
#include "core/base/check.h"
#include "modules/gateway/grpc_health.h"
#include "t/unit/tap.h"

#define BYTES(lit) ((str_t){ lit, sizeof(lit) - 1 })


static void
questions(struct arena *a)
{
    char  name[300];
    str_t long_name = { name, sizeof(name) };

    memset(name, 'x', sizeof(name));
    ok(str_eq(grpc_health_question(a, STR("")), BYTES("\0\0\0\0\0")),
       "of the server as a whole");
    ok(str_eq(grpc_health_question(a, STR("ab")), BYTES("\0\0\0\0\4\x0a\2ab")),
       "of a service");
    ok(str_starts(grpc_health_question(a, long_name),
                  BYTES("\0\0\0\1\x2f\x0a\xac\2xx")),
       "of one with a long name");
}


static void
answers(void)
{
    static const struct {
        str_t    body;
        bool     is_good;
        uint64_t status;
    } rows[] = {
        { BYTES("\0\0\0\0\0"), true, GRPC_UNKNOWN },
        { BYTES("\0\0\0\0\2\x08\1"), true, GRPC_SERVING },
        { BYTES("\0\0\0\0\2\x08\2"), true, GRPC_NOT_SERVING },
        { BYTES("\0\0\0\0\4\x08\1\x08\2"), true, GRPC_NOT_SERVING },
        { BYTES("\0\0\0\0\6\x12\2hi\x08\1"), true, GRPC_SERVING },
        { BYTES("\0\0\0\0\7\x25\1\1\1\1\x08\1"), true, GRPC_SERVING },
        { BYTES("\0\0\0\0\x0b\x29\1\1\1\1\1\1\1\1\x08\1"), true, GRPC_SERVING },
        { BYTES("\0\0\0\0\3\x08\xac\2"), true, 300 },
        { BYTES("\1\0\0\0\2\x08\1"), false, 0 },
        { BYTES("\0\0\0\0\2\x08\1\1"), false, 0 },
        { BYTES("\0\0\0\0\1\x08"), false, 0 },
        { BYTES("\0\0\0\0\2\x0b\1"), false, 0 },
        { BYTES("\0\0\0\0\3\x12\x7f\1"), false, 0 },
        { BYTES("\0\0\0\0\x0b\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
          false, 0 },
        { BYTES("\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
          false, 0 },
        { BYTES(""), false, 0 },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        uint64_t status = 0;
        bool     is_good = grpc_health_answer(rows[i].body, &status);

        ok(is_good == rows[i].is_good && (!is_good || status == rows[i].status),
           "answer %zu", i);
    }
    for (size_t n = 0; n < rows[4].body.n; n++) {
        uint64_t status;
        str_t    part = { rows[4].body.p, n };

        ok(!grpc_health_answer(part, &status), "cut at %zu", n);
    }
}


static void
statuses(void)
{
    unsigned n = 0;

    ok(grpc_status_parse(STR("12"), &n) && n == 12, "a number");
    ok(grpc_status_parse(STR("UNAUTHENTICATED"), &n) && n == 16, "a name");
    ok(!grpc_status_parse(STR("0"), &n), "not OK");
    ok(!grpc_status_parse(STR("OK"), &n), "nor by its name");
    ok(!grpc_status_parse(STR("17"), &n), "nor what is none");
}


int
main(void)
{
    struct arena *a = arena_new(0);

    questions(a);
    answers();
    statuses();
    arena_free(a);
    return done();
}
