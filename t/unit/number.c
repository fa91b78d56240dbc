/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, sizes and times: what is taken, what is refused. */
#include "t/unit/tap.h"

#include "core/base/number.h"

/* For what is to be refused. */
#define NONE UINT64_MAX

struct sample {
    const char *text;
    uint64_t    want;
};

static const struct sample times_ms[] = {
    { "0", 0 },
    { "30", 30000 },
    { "30 ", 30000 },
    { "1s", 1000 },
    { "100ms", 100 },
    { "1m30s500ms", 90500 },
    { "1h30m", 5400000 },
    { "1h 30m", 5400000 },
    { "1h ", 3600000 },
    { "1m 30", 90000 },
    { "1s30", 31000 },
    { "1s 30", 31000 },
    { "1 2", 3000 },
    { "1ms 5", 5001 },
    { "1w1d", 691200000 },
    { "106751991167d", 9223372036828800000 },
    { "9223372036854775", 9223372036854775000 },
    { "", NONE },
    { " ", NONE },
    { " 1h", NONE },
    { "h", NONE },
    { "1y", NONE },
    { "1M", NONE },
    { "1m1h", NONE },
    { "1h1h", NONE },
    { "1ms1s", NONE },
    { "1 h", NONE },
    { "5 5s", NONE },
    { "30 5ms", NONE },
    { "1s 30 ", NONE },
    { "-1", NONE },
    { "1.5s", NONE },
    { "1x", NONE },
    { "1S", NONE },
    { "106751991168d", NONE },
    { "9223372036854776", NONE },
    { "99999999999999999999", NONE },
};

static const struct sample times_sec[] = {
    { "5", 5 },
    { "1m", 60 },
    { "1y 2M", 36720000 },
    { "1 1", 2 },
    { "1s 1", 2 },
    { "9223372036854775807", 9223372036854775807 },
    { "292471208677y", 9223372036837872000 },
    { "1ms", NONE },
    { "1s1ms", NONE },
    { "1M1y", NONE },
    { "1y1y", NONE },
    { "1 1 1", NONE },
    { "9223372036854775808", NONE },
    { "9223372036854775807s1", NONE },
    { "292471208678y", NONE },
};

static const struct sample sizes[] = {
    { "0", 0 },
    { "512", 512 },
    { "8k", 8192 },
    { "8K", 8192 },
    { "1m", 1048576 },
    { "1M", 1048576 },
    { "9007199254740991k", 9223372036854774784 },
    { "9223372036854775807", 9223372036854775807 },
    { "1g", NONE },
    { "", NONE },
    { "k", NONE },
    { "8kk", NONE },
    { " 8", NONE },
    { "8 ", NONE },
    { "-1", NONE },
    { "9007199254740992k", NONE },
    { "9223372036854775808", NONE },
};


static void
test_times(bool is_sec, const struct sample *s, size_t n)
{
    uint64_t out;

    for (; n > 0; n--, s++) {
        if (!number_time(str_of(s->text), is_sec, &out))
            out = NONE;
        is(out, s->want, "time \"%s\" in %s", s->text,
           is_sec ? "seconds" : "milliseconds");
    }
}


static void
test_sizes(void)
{
    uint64_t out;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (!number_size(str_of(sizes[i].text), false, &out))
            out = NONE;
        is(out, sizes[i].want, "size \"%s\"", sizes[i].text);
    }
    ok(number_size(STR("2g"), true, &out) && out == 2147483648, "2g");
    ok(number_size(STR("2G"), true, &out) && out == 2147483648, "2G");
    ok(!number_size(STR("8589934592g"), true, &out), "too many g");
}


static void
test_digits(void)
{
    uint64_t out;
    char     text[20];

    ok(number_parse(STR("65535"), 65535, &out) && out == 65535, "at max");
    ok(!number_parse(STR("65536"), 65535, &out), "past max");
    ok(!number_parse(STR("655350"), 65535, &out), "one digit more");
    ok(number_parse(STR("000"), 0, &out) && out == 0, "zeros");
    ok(!number_parse(STR("1"), 0, &out), "one is past zero");
    ok(number_parse(STR("18446744073709551615"), UINT64_MAX, &out)
           && out == UINT64_MAX,
       "the largest");
    ok(!number_parse(STR("18446744073709551616"), UINT64_MAX, &out),
       "and one more");
    ok(!number_parse(STR(""), 9, &out), "nothing");
    ok(!number_parse(STR("+1"), 9, &out), "a sign");
    ok(!number_parse(STR("1 "), 9, &out), "a blank");

    ok(number_hex(STR("fFf"), 4095, &out) && out == 4095, "hexadecimal");
    ok(!number_hex(STR("1000"), 4095, &out), "past max");
    ok(!number_hex(STR("0x1"), 4095, &out), "with a prefix");
    ok(number_hex(STR("ffffffffffffffff"), UINT64_MAX, &out)
           && out == UINT64_MAX,
       "the largest");
    ok(!number_hex(STR("10000000000000000"), UINT64_MAX, &out), "one more");
    is(number_hex_digit('g'), -1, "no digit");
    is(number_hex_digit('@'), -1, "before the letters");

    is(number_put(text, 0), 1, "one digit");
    is(text[0], '0', "zero");
    is(number_put(text, UINT64_MAX), 20, "20 digits");
    is_bytes(text, 20, "18446744073709551615", 20, "the largest");

    is(number_hex_byte("aF"), 0xaf, "two digits");
    is(number_hex_byte("g0"), -1, "the first one is none");
    is(number_hex_byte("0g"), -1, "the second one is none");
    ok(number_put_byte(text, '\xaf', true) == text + 2, "a byte");
    is_bytes(text, 2, "AF", 2, "in upper case");
    number_put_byte(text, '\n', false);
    is_bytes(text, 2, "0a", 2, "in lower case");
    ok(number_put_hex(text + 20, 0) == text + 19 && text[19] == '0', "zero");
    is_bytes(number_put_hex(text + 20, 0xa0f), 3, "a0f", 3, "three digits");
    is_bytes(number_put_hex(text + 20, UINT64_MAX), 16, "ffffffffffffffff", 16,
             "the largest");
}


int
main(void)
{
    test_times(false, times_ms, sizeof(times_ms) / sizeof(times_ms[0]));
    test_times(true, times_sec, sizeof(times_sec) / sizeof(times_sec[0]));
    test_sizes();
    test_digits();
    return done();
}
