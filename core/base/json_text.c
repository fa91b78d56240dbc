/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts are escaped by json.h, so that the result is valid whatever they hold.
 */
#include "core/base/json_text.h"

#include <inttypes.h>

#include "core/base/json.h"


static void
add(struct json_text *t, str_t s)
{
    if (s.n == 0)
        return;
    if (t->out.room - t->out.n < s.n)
        vec_reserve(t->arena, &t->out, t->out.n + s.n);
    memcpy(t->out.at + t->out.n, s.p, s.n);
    t->out.n += s.n;
}


static void
add_escaped(struct json_text *t, str_t s)
{
    char escaped[JSON_ESCAPE];

    add(t, STR("\""));
    while (s.n != 0) {
        size_t n = json_plain(s);

        add(t, (str_t){ s.p, n });
        s = str_from(s, n);
        if (s.n != 0)
            add(t, (str_t){ escaped, json_escape(&s, escaped) });
    }
    add(t, STR("\""));
}


/* What stands before a value. */
static void
begin(struct json_text *t, const char *name)
{
    if (t->has_value)
        add(t, STR(","));
    t->has_value = true;
    if (name != NULL) {
        add_escaped(t, str_of(name));
        add(t, STR(":"));
    }
}


void
json_open(struct json_text *t, const char *name, char bracket)
{
    begin(t, name);
    add(t, (str_t){ &bracket, 1 });
    t->has_value = false;
}


void
json_close(struct json_text *t, char bracket)
{
    add(t, (str_t){ &bracket, 1 });
    t->has_value = true;
}


void
json_put(struct json_text *t, const char *name, str_t s)
{
    begin(t, name);
    if (s.p == NULL)
        add(t, STR("null"));
    else
        add_escaped(t, s);
}


void
json_put_number(struct json_text *t, const char *name, uint64_t number)
{
    begin(t, name);
    add(t, arena_printf(t->arena, "%" PRIu64, number));
}


void
json_put_bool(struct json_text *t, const char *name, bool value)
{
    begin(t, name);
    add(t, value ? STR("true") : STR("false"));
}
