/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cookie and Set-Cookie fields: the first byte says which flags are asked for.
 * What was put together comes apart into the same, and flags that were set
 * once change nothing the second time.
 */
#include "core/base/check.h"
#include "http/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_found(str_t field, str_t name)
{
    str_t value;

    if (cookie_find(field, name, &value))
        CHECK(value.p >= field.p + name.n + 1
              && value.p + value.n <= field.p + field.n
              && str_chr(value, ';') == NULL);
    if (cookie_is_set(field, name, &value))
        CHECK(cookie_find(field, name, &value));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         field, once;
    struct cookie c;

    if (size != 0) {
        field = (str_t){ (const char *) data + 1, size - 1 };
        check_found(field, STR("a"));
        check_found(field, STR(""));
        if (cookie_split(a, field, &c)) {
            cookie_set_flags(a, &c, data[0]);
            once = cookie_join(a, &c);
            CHECK(cookie_split(a, once, &c));
            cookie_set_flags(a, &c, data[0]);
            CHECK(str_eq(cookie_join(a, &c), once));
        }
    }
    arena_free(a);
    return 0;
}
