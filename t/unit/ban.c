/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of bans as texts and back, and lines of their files.
 */
#include "core/base/check.h"
#include "modules/gate/ban_key.h"
#include "modules/gate/ban_state.h"
#include "t/unit/tap.h"

enum { KIND = 7 };

static struct arena *arena;

static const struct {
    enum ban_key as;
    const char  *text;
    const char  *back; /* NULL: invalid                                      */
} keys[] = {
    { BAN_KEY_ADDR, "192.0.2.7", "192.0.2.7" },
    { BAN_KEY_ADDR, "2001:db8::7", "2001:db8::7" },
    { BAN_KEY_ADDR, "2001:DB8:0::7", "2001:db8::7" },
    { BAN_KEY_ADDR, "unix:", "unix:" },
    { BAN_KEY_ADDR, "192.0.2.7/32", NULL },
    { BAN_KEY_ADDR, "example.com", NULL },
    { BAN_KEY_ADDR, "", NULL },
    { BAN_KEY_PREFIX, "192.0.2.7", "192.0.2.7/32" },
    { BAN_KEY_PREFIX, "192.0.2.7/24", "192.0.2.0/24" },
    { BAN_KEY_PREFIX, "2001:db8:1:2:3::", "2001:db8:1:2::/64" },
    { BAN_KEY_PREFIX, "2001:db8:1::/48", "2001:db8:1::/48" },
    { BAN_KEY_PREFIX, "192.0.2.7/33", NULL },
    { BAN_KEY_PREFIX, "abc", NULL },
    { BAN_KEY_TEXT, "abc", "abc" },
    { BAN_KEY_TEXT, "192.0.2.7", "192.0.2.7" },
    { BAN_KEY_TEXT, "a b", "a\\x20b" },
    { BAN_KEY_TEXT, "a\\x20b", "a\\x20b" },
    { BAN_KEY_TEXT, "\\x41\\xff", "A\\xff" },
    { BAN_KEY_TEXT, "\\x5c", "\\x5c" },
    { BAN_KEY_TEXT, "\\", NULL },
    { BAN_KEY_TEXT, "\\x4", NULL },
    { BAN_KEY_TEXT, "\\y41", NULL },
    { BAN_KEY_TEXT, "\\xzz", NULL },
    { BAN_KEY_TEXT, "", NULL },
    { BAN_KEY_TEXT, "sha256:12", "sha256:12" },
    { BAN_KEY_TEXT,
      "sha256:"
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
      "sha256:"
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e" },
};

static const struct {
    const char *line;
    bool        is_good;
} lines[] = {
    { "1700000000 4 c0000207\n", true },
    { "0 1 00\n", true },
    { "9223372036854775807 1 FF\n", true },
    { "9223372036854775808 1 ff\n", false },
    { "1700000000 4 c0000207", false },
    { "1700000000 4 c000020\n", false },
    { "1700000000 4 c000020707\n", false },
    { "1700000000 4 c000020g\n", false },
    { "1700000000 0 \n", false },
    { "1700000000 33 00\n", false },
    { "1700000000 4\n", false },
    { "-1 1 00\n", false },
    { "\n", false },
    { "", false },
};


static void
test_keys(void)
{
    struct limit_key key;
    bool             is_good;

    for (size_t i = 0; i < countof(keys); i++) {
        is_good = ban_key_parse(arena, keys[i].as, str_of(keys[i].text), KIND,
                                &key);
        if (keys[i].back == NULL) {
            ok(!is_good, "\"%s\" is none", keys[i].text);
            continue;
        }
        is(key.kind, KIND, "%s: its kind", keys[i].text);
        is_str(ban_key_text(arena, keys[i].as, key.bytes, key.n), keys[i].back,
               "%s", keys[i].text);
    }
    is(ban_key_of(STR("$binary_remote_addr")), BAN_KEY_ADDR, "addresses");
    is(ban_key_of(STR("$remote_prefix")), BAN_KEY_PREFIX, "networks");
    is(ban_key_of(STR("$remote_prefix$host")), BAN_KEY_TEXT, "others");
}


static void
test_lines(void)
{
    struct ban_line l;
    struct ban_head h;
    char            text[BAN_LINE_MAX];
    str_t           rest;

    for (size_t i = 0; i < countof(lines); i++) {
        rest = str_of(lines[i].line);
        is(ban_state_line(&rest, &l), lines[i].is_good, "\"%s\"",
           lines[i].line);
    }
    l = (struct ban_line){ .until = 1700000000,
                           .key = limit_key_of(STR("a\nb"), KIND) };
    rest = str_span(text, ban_state_put(text, &l));
    is_str(rest, "1700000000 3 610a62\n", "a line as it is written");
    h = (struct ban_head){ .epoch = 5, .kind = 4294967295 };
    rest = str_span(text, ban_state_put_head(text, &h));
    is_str(rest, "weir-bans 1 5 4294967295\n", "a head as it is written");
    ok(ban_state_head(&rest, &h) && h.epoch == 5 && h.kind == 4294967295,
       "and read");
    rest = STR("weir-bans 2 5 6\n");
    ok(!ban_state_head(&rest, &h), "another version");
}


int
main(void)
{
    arena = arena_new(0);
    test_keys();
    test_lines();
    arena_free(arena);
    return done();
}
