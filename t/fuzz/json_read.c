/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON from a peer: whatever it is, what is read stays within it, and a text
 * that was read is the same after writing it and reading it again.
 */
#include "core/base/check.h"
#include "core/base/json_read.h"
#include "core/base/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static bool
is_within(str_t inner, str_t outer)
{
    return inner.n != 0 && inner.p >= outer.p
           && inner.p + inner.n <= outer.p + outer.n;
}


/* Only if it is UTF-8: other bytes become characters. */
static void
check_text(struct arena *a, str_t value)
{
    struct json_text t = { .arena = a };
    str_t            text, first, again;

    if (!json_string(a, value, &text))
        return;
    json_put(&t, NULL, text);
    CHECK(json_string(a, (str_t){ t.out.at, t.out.n }, &first));
    t = (struct json_text){ .arena = a };
    json_put(&t, NULL, first);
    CHECK(json_string(a, (str_t){ t.out.at, t.out.n }, &again));
    CHECK(str_eq(first, again));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "do", "explains", "messages", "text" };
    str_t                    all = { (const char *) data, size };
    struct arena            *a = arena_new(0);
    str_t                    value, rest = all;
    uint64_t                 number;

    for (size_t i = 0; i < countof(names); i++)
        if (json_member(all, names[i], &value)) {
            CHECK(is_within(value, all));
            check_text(a, value);
            json_number(value, &number);
        }
    while (json_item(&rest, &value)) {
        CHECK(is_within(value, all));
        check_text(a, value);
    }
    check_text(a, all);
    arena_free(a);
    return 0;
}
