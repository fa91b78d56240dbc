/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Range fields.  Cases of t/truth/range.tsv have its names.
 */
#include "http/range.h"
#include "t/unit/tap.h"

static const struct {
    const char        *name, *value;
    uint64_t           length, max;
    enum range_verdict verdict;
    const char        *ranges; /* "first-last " of each */
} cases[] = {
    { "first-ten", "bytes=0-9", 100, 9, RANGE_OK, "0-9 " },
    { "suffix", "bytes=-5", 100, 9, RANGE_OK, "95-99 " },
    { "open", "bytes=90-", 100, 9, RANGE_OK, "90-99 " },
    { "last byte", "bytes=99-99", 100, 9, RANGE_OK, "99-99 " },
    { "past the end", "bytes=100-", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "over the end", "bytes=95-1000", 100, 9, RANGE_OK, "95-99 " },
    { "suffix over all", "bytes=-1000", 100, 9, RANGE_OK, "0-99 " },
    { "suffix of none", "bytes=-0", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "two", "bytes=0-1,5-6", 100, 9, RANGE_OK, "0-1 5-6 " },
    { "in the order asked", "bytes=5-6,0-1", 100, 9, RANGE_OK, "5-6 0-1 " },
    { "one of two", "bytes=0-1,200-300", 100, 9, RANGE_OK, "0-1 " },
    { "none of two", "bytes=100-101,200-300", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "more than all", "bytes=0-60,40-99", 100, 9, RANGE_IGNORE, "" },
    { "overlapping, but less", "bytes=0-60,40-70", 100, 9, RANGE_OK,
      "0-60 40-70 " },
    { "all twice", "bytes=0-,0-", 100, 9, RANGE_IGNORE, "" },
    { "reversed", "bytes=5-4", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "no number", "bytes=abc", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "empty-set", "bytes=", 100, 9, RANGE_IGNORE, "" },
    { "empty", "", 100, 9, RANGE_IGNORE, "" },
    { "other-unit", "items=0-1", 100, 9, RANGE_IGNORE, "" },
    { "unit-case", "BYTES=0-1", 100, 9, RANGE_OK, "0-1 " },
    { "spaces", "bytes= 0 - 1 , 4 - 5", 100, 9, RANGE_OK, "0-1 4-5 " },
    { "space in the unit", "bytes =0-1", 100, 9, RANGE_IGNORE, "" },
    { "spaces at the end", "bytes=0-1  ", 100, 9, RANGE_OK, "0-1 " },
    { "tab", "bytes=\t0-1", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "range-empty-file", "bytes=0-", 0, 9, RANGE_IGNORE, "" },
    { "range-empty-suffix", "bytes=-1", 0, 9, RANGE_IGNORE, "" },
    { "past an empty file", "bytes=1-", 0, 9, RANGE_UNSATISFIABLE, "" },
    { "max-ranges-0", "bytes=0-9", 100, 0, RANGE_IGNORE, "" },
    { "max-ranges-0, junk", "bytes=abc", 100, 0, RANGE_IGNORE, "" },
    { "max-ranges-1-one", "bytes=0-9", 100, 1, RANGE_OK, "0-9 " },
    { "max-ranges-1-two", "bytes=0-1,5-6", 100, 1, RANGE_IGNORE, "" },
    { "max of satisfiable ones", "bytes=200-,0-1,300-", 100, 1, RANGE_OK,
      "0-1 " },
    { "range-huge", "bytes=0-99999999999999999999", 100, 9, RANGE_UNSATISFIABLE,
      "" },
    { "largest offset", "bytes=0-9223372036854775807", 100, 9, RANGE_OK,
      "0-99 " },
    { "past the largest", "bytes=9223372036854775808-", 100, 9,
      RANGE_UNSATISFIABLE, "" },
    { "comma at the end", "bytes=0-1,", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "two commas", "bytes=0-1,,2-3", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "only a dash", "bytes=-", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "no dash", "bytes=5", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "two dashes", "bytes=1--2", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "junk behind", "bytes=0-1x", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "junk later", "bytes=0-1,x", 100, 9, RANGE_UNSATISFIABLE, "" },
    { "equals", "bytes==0-1", 100, 9, RANGE_UNSATISFIABLE, "" },
};


static void
print(char *text, size_t size, const struct range *ranges, size_t count)
{
    size_t i;
    int    n = 0;

    text[0] = '\0';

    for (i = 0; i < count; i++) {
        n += snprintf(text + n, size - (size_t) n, "%" PRIu64 "-%" PRIu64 " ",
                      ranges[i].start, ranges[i].end - 1);
    }
}


static void
check(size_t i)
{
    struct arena *a = arena_new(0);
    struct range *ranges = NULL;
    size_t        count;
    char          text[256];

    is(range_parse(a, str_of(cases[i].value), cases[i].length, cases[i].max,
                   &ranges, &count),
       cases[i].verdict, "%s: verdict", cases[i].name);

    if (cases[i].verdict == RANGE_OK) {
        print(text, sizeof(text), ranges, count);
        is_text(text, cases[i].ranges, "%s: ranges", cases[i].name);
    }

    arena_free(a);
}


/* --- Content-Range, and where a Range begins ----------------------------- */

static const struct {
    const char *value, *found; /* NULL: none                                 */
} contents[] = {
    { "bytes 0-9/100", "0-10/100" },
    { "bytes 0-0/1", "0-1/1" },
    { "bytes 5-9/*", "5-10/*" },
    { "bytes  5 - 9 / 10 ", "5-10/10" },
    { "bytes 5-9/* ", "5-10/*" },
    { "bytes 0-9223372036854775807/*", "0-9223372036854775808/*" },
    { "", NULL },
    { "bytes", NULL },
    { "bytes ", NULL },
    { "Bytes 0-9/100", NULL },
    { "bytes=0-9/100", NULL },
    { "bytes */100", NULL },
    { "bytes 0-9", NULL },
    { "bytes 0-9/", NULL },
    { "bytes 0-9/x", NULL },
    { "bytes 0-9/100x", NULL },
    { "bytes 0-9/**", NULL },
    { "bytes -9/100", NULL },
    { "bytes 0-/100", NULL },
    { "bytes 9-0/100", NULL },
    { "bytes 0-9223372036854775808/*", NULL },
    { "bytes 0-9/9223372036854775808", NULL },
};

static const struct {
    const char *value;
    uint64_t    start;
} starts[] = {
    { "bytes=5-", 5 },
    { "bytes=5-9", 5 },
    { "BYTES=5-9", 5 },
    { "bytes=  5-9", 5 },
    { "bytes=0-9", 0 },
    { "bytes=-5", 0 },
    { "bytes=5-9,20-30", 0 },
    { "bytes=x", 0 },
    { "bytes=", 0 },
    { "", 0 },
    { "bytes=9223372036854775807-", INT64_MAX },
    { "bytes=9223372036854775808-", 0 },
};


static void
check_content(const char *value, const char *wanted)
{
    struct range at;
    uint64_t     length;
    char         text[80] = "none";

    if (range_parse_content(str_of(value), &at, &length)) {
        int n = snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64 "/",
                         at.start, at.end);

        if (length == RANGE_NO_LENGTH)
            snprintf(text + n, sizeof(text) - (size_t) n, "*");
        else
            snprintf(text + n, sizeof(text) - (size_t) n, "%" PRIu64, length);
    }
    is_text(text, wanted ? wanted : "none", "content: \"%s\"", value);
}


int
main(void)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(i);
    for (i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
        check_content(contents[i].value, contents[i].found);
    for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        is(range_start(str_of(starts[i].value)), starts[i].start,
           "start: \"%s\"", starts[i].value);

    return done();
}
