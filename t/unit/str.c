/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings: comparing, finding, cutting, hashing, distances. */
#include "t/unit/tap.h"

#include "core/base/check.h"
#include "core/base/str.h"


static void
test_compare(void)
{
    ok(str_eq(STR(""), STR_NONE), "the empty string is no string");
    ok(!str_eq(STR("ab"), STR("a")), "lengths count");
    ok(str_ieq(STR("Host"), STR("hOST")), "letters without case");
    ok(!str_ieq(STR("a@"), STR("a`")), "but only letters");
    ok(!str_ieq(STR("a["), STR("a{")), "on both ends of the alphabet");
    ok(str_ieq(STR_NONE, STR("")), "nothing is nothing");
    ok(str_starts(STR("/abc"), STR("/a")), "starts");
    ok(!str_starts(STR("/"), STR("/a")), "a longer prefix");
    ok(str_starts(STR("x"), STR_NONE), "all start with nothing");
    ok(str_ends(STR("a.gz"), STR(".gz")), "ends");
    ok(!str_ends(STR("gz"), STR(".gz")), "a longer suffix");
    ok(str_istarts(STR("Bearer x"), STR("bearer ")), "starts without case");
    ok(!str_istarts(STR("Be"), STR("bearer")), "a longer prefix again");
    ok(str_cmp(STR("a"), STR("b")) < 0, "order");
    ok(str_cmp(STR("ab"), STR("a")) > 0, "the shorter first");
    ok(str_cmp(STR("\xff"), STR("a")) > 0, "bytes are unsigned");
    is(str_cmp(STR_NONE, STR("")), 0, "nothing is like nothing");
}


/* Texts of all lengths that differ in one place, in the case or in more. */
static void
test_letters(void)
{
    char     upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lower[sizeof(upper)];
    unsigned good = 0, n = 0;

    str_lower_to(lower, (str_t){ upper, sizeof(upper) });
    for (size_t size = 1; size < sizeof(upper); size++)
        for (size_t at = 0; at < size; at++) {
            char was = lower[at];

            n++;
            lower[at] = '-';
            good += !str_ieq((str_t){ upper, size }, (str_t){ lower, size });
            lower[at] = was;
            good += str_ieq((str_t){ upper, size }, (str_t){ lower, size });
        }
    is(good, 2 * n, "every place of every length is compared");
}


static void
test_find(void)
{
    str_t s = STR("one, Two, three");

    is(str_find(s, STR("o, t")) - s.p, 7, "found");
    is_same(str_find(s, STR("two")), NULL, "with case");
    is(str_ifind(s, STR("tWO")) - s.p, 5, "without case");
    is_same(str_ifind(s, STR("four")), NULL, "not there");
    is_same(str_find(STR("a"), STR("ab")), NULL, "longer than all");
    is_same(str_ifind(STR("a"), STR("ab")), NULL, "that without case");
    is_same(str_find(s, STR("")), s.p, "nothing is at the start");
    is(str_ifind(s, STR("THREE")) - s.p, 10, "at the end");
    is(str_chr(s, ',') - s.p, 3, "the first comma");
    is(str_rchr(s, ',') - s.p, 8, "the last comma");
    is_same(str_rchr(s, ';'), NULL, "no semicolon");
    is_same(str_rchr(STR_NONE, ';'), NULL, "nothing has none");
}


static void
test_cut(void)
{
    str_t rest = STR("a,,b"), part;
    char  out[8];

    part = str_cut(&rest, ',');
    is_str(part, "a", "the first part");
    part = str_cut(&rest, ',');
    is(part.n, 0, "an empty one");
    part = str_cut(&rest, ',');
    is_str(part, "b", "the last");
    is_same(rest.p, NULL, "leaves nothing");

    rest = STR("a,");
    str_cut(&rest, ',');
    ok(rest.p != NULL && rest.n == 0, "behind a comma stands an empty part");

    is_str(str_trim(STR(" \t a b\t ")), "a b", "trimmed");
    is(str_trim(STR(" \t ")).n, 0, "nothing but blanks");
    is_str(str_trim(STR("\na\r")), "\na\r", "line ends stay");
    is_str(str_skip(STR("  a "), ' '), "a ", "blanks skipped");
    is(str_skip(STR("  "), ' ').n, 0, "... and nothing else");
    is_str(str_from(STR("abc"), 3), "", "from the end");

    str_lower_to(out, STR("AZaz@[{"));
    is_bytes(out, 7, "azaz@[{", 7, "lower case");
}


static void
test_hash(void)
{
    unsigned buckets[64] = { 0 }, most = 0;
    char     name[16];

    is(str_hash(STR("abc")), str_hash(STR("abc")), "a hash is stable");
    ok(str_hash(STR("abc")) != str_hash(STR("abd")), "and tells apart");
    is(str_ihash(STR("Content-TYPE")), str_hash(STR("content-type")),
       "ihash is the hash of the lower-cased");

    for (int i = 0; i < 6400; i++) {
        int n = snprintf(name, sizeof(name), "key%d", i);

        buckets[str_hash((str_t){ name, (size_t) n }) % 64]++;
    }
    for (int i = 0; i < 64; i++)
        most = buckets[i] > most ? buckets[i] : most;
    ok(most < 160, "and spreads: the fullest of 64 has %u of 6400", most);
}


/* Eight bytes at a time, and the rest. */
static void
test_lower(void)
{
    char     text[256], low[256];
    unsigned wrong = 0;

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char) i;
    for (unsigned from = 0; from < sizeof(text); from++) {
        for (unsigned n = 0; n <= 20 && from + n <= sizeof(text); n++) {
            str_t s = { text + from, n };

            str_lower_to(low, s);
            for (unsigned i = 0; i < n; i++)
                wrong += low[i] != ascii_lower(s.p[i]);
            wrong += str_ihash(s) != str_hash((str_t){ low, n });
        }
    }
    is(wrong, 0, "only letters change, wherever they stand");
    ok(str_hash(STR("")) != str_hash((str_t){ "\0", 1 }), "zeros count");
}


static void
test_distance(void)
{
    char name[100];

    memset(name, 'a', sizeof(name));
    is(str_distance(STR("listen"), STR("listen"), 3), 0, "the same");
    is(str_distance(STR("lisen"), STR("listen"), 3), 1, "left out");
    is(str_distance(STR("listten"), STR("listen"), 3), 1, "doubled");
    is(str_distance(STR("lsiten"), STR("listen"), 3), 1, "swapped");
    is(str_distance(STR("server"), STR("listen"), 2), 3, "too far");
    is(str_distance(STR("kitten"), STR("sitting"), 5), 3, "the classic");
    is(str_distance(STR(""), STR("abc"), 5), 3, "from nothing");
    is(str_distance(STR("abc"), STR(""), 5), 3, "to nothing");
    is(str_distance(STR("ab"), STR("abcdef"), 3), 4, "by lengths alone");
    is(str_distance((str_t){ name, 64 }, (str_t){ name, 64 }, 1), 0, "long");
    is(str_distance((str_t){ name, 65 }, (str_t){ name, 65 }, 1), 2,
       "too long to compare");
}


/* A bit that goes round by the first word and is taken back by the second:
 * once they had one hash. */
static str_t
alike(uint64_t *out, unsigned choices)
{
    enum { PAIRS = 10 };

    for (unsigned i = 0; i < PAIRS; i++) {
        bool is_other = choices >> i & 1;

        out[2 * i] = 0x0101010101010101u ^ (is_other ? 1ull << 63 : 0);
        out[2 * i + 1] = 0x0202020202020202u
                         ^ (is_other ? 1ull << 63 | 1ull << 31 : 0);
    }
    return (str_t){ (char *) out, PAIRS * 2 * sizeof(*out) };
}


/* With another key, other texts share a bucket. */
static void
test_hash_key(void)
{
    static const uint64_t key[2] = { 0x243F6A8885A308D3u, 0x13198A2E03707344u };
    static unsigned       before[20000];
    unsigned              together = 0, still = 0, pairs = 0;
    uint64_t              words[20];
    char                  name[16];

    for (unsigned i = 0; i < countof(before); i++) {
        int n = snprintf(name, sizeof(name), "/file%u", i);

        before[i] = str_hash((str_t){ name, (size_t) n });
    }
    str_hash_set_key(key);
    for (unsigned i = 0; i < countof(before); i++) {
        int n = snprintf(name, sizeof(name), "/file%u", i);

        if (before[i] % 64 != 0)
            continue;
        together++;
        still += str_hash((str_t){ name, (size_t) n }) % 64 == 0;
    }
    ok(together > 200, "%u in a bucket", together);
    ok(still < together / 8, "%u with another key", still);
    for (unsigned i = 1; i < 1024; i++)
        pairs += str_hash(alike(words, i)) == str_hash(alike(words, 0));
    is(pairs, 0, "none that differ in two bits are alike");
}


int
main(void)
{
    test_compare();
    test_letters();
    test_find();
    test_cut();
    test_hash();
    test_hash_key();
    test_lower();
    test_distance();
    return done();
}
