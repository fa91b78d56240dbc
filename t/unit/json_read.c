/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON that is read without a tree, and written as a line. */
#include "core/base/json_read.h"
#include "core/base/json_text.h"
#include "t/unit/tap.h"

static struct arena *arena;


static str_t
member(const char *object, const char *name)
{
    str_t value;

    return json_member(str_of(object), name, &value) ? value : STR("none");
}


static void
test_members(void)
{
    static const char object[]
        = " { \"a\" : \"x\\\"}\" , \"b\":[1,{\"c\":2}],\"c\":true, \"d\":{} } ";

    is_str(member(object, "a"), "\"x\\\"}\"", "a string with a quote");
    is_str(member(object, "b"), "[1,{\"c\":2}]", "an array");
    is_str(member(object, "c"), "true", "of this object, not of one in it");
    is_str(member(object, "d"), "{}", "an empty object, at the end");
    is_str(member(object, "e"), "none", "not there");

    is_str(member("", "a"), "none", "nothing");
    is_str(member("[1]", "a"), "none", "no object");
    is_str(member("{}", "a"), "none", "an empty one");
    is_str(member("{\"a\"", "a"), "none", "cut after the name");
    is_str(member("{\"a\":", "a"), "none", "cut before the value");
    is_str(member("{\"a\":\"x", "a"), "none", "cut within a string");
    is_str(member("{\"a\":[1,2", "a"), "none", "cut within an array");
    is_str(member("{\"a\":\"\\", "a"), "none", "cut within an escape");
    is_str(member("{,\"a\":1}", "a"), "none", "a comma first");
}


static void
test_items(void)
{
    str_t rest = STR(" [ 1 , \"a,b\" ,[],{\"x\":[1]} ]"), value;

    ok(json_item(&rest, &value), "first");
    is_str(value, "1", "a number");
    ok(json_item(&rest, &value), "second");
    is_str(value, "\"a,b\"", "a string with a comma");
    ok(json_item(&rest, &value), "third");
    is_str(value, "[]", "an array");
    ok(json_item(&rest, &value), "fourth");
    is_str(value, "{\"x\":[1]}", "an object");
    ok(!json_item(&rest, &value), "no more");
    rest = STR("[]");
    ok(!json_item(&rest, &value), "an empty array");
    rest = STR("{}");
    ok(!json_item(&rest, &value), "no array");
}


static str_t
text(const char *value)
{
    str_t out;

    return json_string(arena, str_of(value), &out) ? out : STR("bad");
}


static void
test_strings(void)
{
    is_str(text("\"\""), "", "empty");
    is_str(text("\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\""), "a\n\t\"\\/\b\f\r",
           "short escapes");
    is_str(text("\"\\u0041\\u00e9\\u20AC\""), "A\xC3\xA9\xE2\x82\xAC",
           "escapes of one, two and three bytes");
    is_str(text("\"\\ud83d\\ude00\""), "\xF0\x9F\x98\x80", "a pair");
    is_str(text("\"\\ud83d\""), "bad", "half a pair");
    is_str(text("\"\\ud83d\\u0041\""), "bad", "half a pair, and another");
    is_str(text("\"\\ude00\\ud83d\""), "bad", "the wrong half");
    is_str(text("\"\\u00\""), "bad", "too short");
    is_str(text("\"\\u00g0\""), "bad", "not hexadecimal");
    is_str(text("\"\\x\""), "bad", "no such escape");
    is_str(text("12"), "bad", "no string");
    is_str(text("\""), "bad", "a quote alone");
    is_str(text("\"a\\\""), "bad", "an escaped end");
}


static void
test_writing(void)
{
    struct json_text t = { .arena = arena };
    uint64_t         number;
    str_t            out, value, plain;

    json_open(&t, NULL, '{');
    json_put(&t, "text", STR("a\"\n\xFF"));
    json_put(&t, "none", STR_NONE);
    json_put_number(&t, "number", 18446744073709551615u);
    json_open(&t, "list", '[');
    json_put_bool(&t, NULL, true);
    json_open(&t, NULL, '{');
    json_close(&t, '}');
    json_put_bool(&t, NULL, false);
    json_close(&t, ']');
    json_put(&t, "last", STR(""));
    json_close(&t, '}');
    out = (str_t){ t.out.at, t.out.n };
    is_str(out,
           "{\"text\":\"a\\\"\\n\\u00FF\",\"none\":null,"
           "\"number\":18446744073709551615,"
           "\"list\":[true,{},false],\"last\":\"\"}",
           "an object");
    ok(json_member(out, "text", &value) && json_string(arena, value, &plain),
       "read again");
    is_str(plain, "a\"\n\xC3\xBF", "its text");
    ok(json_member(out, "number", &value) && json_number(value, &number),
       "its number");
    ok(number == UINT64_MAX, "the largest");
    ok(!json_number(STR("1.5"), &number), "a fraction is none");
}


int
main(void)
{
    arena = arena_new(0);
    test_members();
    test_items();
    test_strings();
    test_writing();
    arena_free(arena);
    return done();
}
