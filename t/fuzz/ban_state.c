/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of bans: whatever they have, reading ends, takes only what could have
 * been written, and what is written is read as the same.
 */
#include <string.h>

#include "core/base/check.h"
#include "modules/gate/ban_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_line(const struct ban_line *l)
{
    char            text[BAN_LINE_MAX];
    str_t           rest = { text, 0 };
    struct ban_line again;

    CHECK(l->key.n >= 1 && l->key.n <= LIMIT_KEY_MAX + 1);
    rest.n = (size_t) (ban_state_put(text, l) - text);
    CHECK(rest.n <= BAN_LINE_MAX);
    CHECK(ban_state_line(&rest, &again));
    CHECK(rest.n == 0);
    CHECK(again.until == l->until && again.key.n == l->key.n);
    CHECK(memcmp(again.key.bytes, l->key.bytes, LIMIT_KEY_MAX) == 0);
}


static void
check_head(const struct ban_head *h)
{
    char            text[BAN_LINE_MAX];
    str_t           rest = { text, 0 };
    struct ban_head again;

    rest.n = (size_t) (ban_state_put_head(text, h) - text);
    CHECK(rest.n <= BAN_LINE_MAX);
    CHECK(ban_state_head(&rest, &again));
    CHECK(again.epoch == h->epoch && again.kind == h->kind);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t           rest = { (const char *) data, size };
    size_t          before;
    struct ban_head h;
    struct ban_line l;

    if (ban_state_head(&rest, &h))
        check_head(&h);
    while (rest.n != 0) {
        before = rest.n;
        if (ban_state_line(&rest, &l))
            check_line(&l);
        CHECK(rest.n < before);
    }
    return 0;
}
