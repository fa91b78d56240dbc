/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header rules: what arguments mean, what is wrong with them, and what they
 * make of a list of fields.
 */
#include "core/base/check.h"
#include "http/header_rules.h"
#include "t/unit/tap.h"

enum {
    SET = 0,
    CLEAR = HEADER_RULES_CLEAR,
    INPUT = HEADER_RULES_INPUT,
};

/* Arguments and fields are separated by "|". */
static const struct {
    unsigned    kind;
    const char *args, *error;
} wrong[] = {
    { SET, "d|-x", "d: invalid option name: \"-x\"" },
    { SET, "d|-", "d: invalid option name: \"-\"" },
    { SET, "d|-tt|a", "d: invalid option name: \"-tt\"" },
    { SET, "d|-r", "d: invalid option name: \"-r\"" },
    { CLEAR, "d|-a", "d: invalid option name: \"-a\"" },
    { INPUT, "d|-s|404", "d: invalid option name: \"-s\"" },
    { INPUT, "d|-a", "d: invalid option name: \"-a\"" },
    { SET, "d|A: b|-t", "d: option -t takes an argument." },
    { SET, "d|-s", "d: option -s takes an argument." },
    { SET, "d|-s|404 5x",
      "d: invalid digit \"x\" found in the status code list \"404 5x\"" },
    { CLEAR, "d|*", "d: wildcard key too short: *" },
    { SET, "d|A b: c", "d: invalid header name \"A b\"" },
    { SET, "d|: c", "d: invalid header name \"\"" },
    { SET, "d|A\r: c", "d: invalid header name \"A\r\"" },
    { CLEAR, "d|\351", "d: invalid header name \"\351\"" },
};

static const struct {
    unsigned    kind;
    const char *args, *fields, *found;
} cases[] = {
    { SET, "d|A: 1", "", "A=1" },
    { SET, "d|A: 1", "B=2", "B=2|A=1" },
    { SET, "d|A: 1", "a=0|B=2|A=3", "a=1|B=2" },
    { SET, "d|A:1|B :2|C: \t3 ", "", "A=1|B=2|C=3 " },
    { SET, "d|A|B:", "A=1|B=2|C=3", "C=3" },
    { SET, "d||A: 1", "", "A=1" },
    { SET, "d|A: 1|a: 2", "", "A=2" },
    { SET, "d|Host: b|Via: c", "Host=a|Via=b|via=d", "Host=b|Via=c" },
    { SET, "d|-a|A: 2|A: 3", "A=1", "A=1|A=2|A=3" },
    { SET, "d|-a|A:", "A=1|A=2", "" },
    { SET, "d|X-*: 1", "X-A=0|Y=0|x-b=0", "X-A=1|Y=0" },
    { SET, "d|X-*: 1", "Y=0", "Y=0" },
    { INPUT, "d|-r|A: 1|B: 1", "B=0|B=2", "B=1" },
    { CLEAR, "d|A: 1|Via", "A=1|Via=1|B=2", "B=2" },
    { CLEAR, "d|x-*", "X-A=1|X=2|x-=3|XX-A=4", "X=2|XX-A=4" },
    { CLEAR, "d|C*|T*", "Content-Length=1|Cookie=2|Transfer-Encoding=3|TE=4",
      "Content-Length=1|Transfer-Encoding=3" },
    { CLEAR, "d|a**", "A*b=1|Ab=2", "Ab=2" },
};


static size_t
cut(str_t text, str_t *out)
{
    size_t n = 0;

    while (text.p != NULL)
        out[n++] = str_cut(&text, '|');
    return n;
}


static const char *
parse(struct arena *a, struct header_rules *rules, unsigned kind,
      const char *text)
{
    str_t args[8];

    return header_rules_parse(a, rules, kind, args, cut(str_of(text), args));
}


static void
check(struct arena *a, size_t i)
{
    struct header_rules rules = { .appends = false };
    struct fields       f = { .first = { 0 } };
    str_t               lines[8], text = STR("");
    size_t              n = cut(str_of(cases[i].fields), lines), k;

    for (k = 0; k < n; k++) {
        str_t value = lines[k], name = str_cut(&value, '=');

        if (name.n != 0)
            fields_add(a, &f, name, value);
    }
    is_text(parse(a, &rules, cases[i].kind, cases[i].args), NULL, "%s",
            cases[i].args);
    VEC_EACH(&rules.list, rule)
        header_rule_apply(a, &f, &rules, rule, rule->text);
    VEC_EACH(&f.list, at)
        if (!at->is_hidden)
            text = arena_printf(a, STR_F "%s" STR_F "=" STR_F, STR_A(text),
                                text.n ? "|" : "", STR_A(at->name),
                                STR_A(at->value));
    is_str(text, cases[i].found, "%s: on \"%s\"", cases[i].args,
           cases[i].fields);
}


static void
check_meant(struct arena *a)
{
    struct header_rules rules = { .appends = false };

    ok(header_rules_have_status(&rules, 200), "any status");
    ok(header_rules_have_type(&rules, STR("a/b")), "any type");
    is_text(parse(a, &rules, SET, "d|-s|404  70000|-t|a/b; c/d"), NULL,
            "lists");
    ok(header_rules_have_status(&rules, 404), "a status");
    ok(!header_rules_have_status(&rules, 200), "another one");
    ok(header_rules_have_type(&rules, STR("c/d")), "a type");
    ok(!header_rules_have_type(&rules, STR("a/bc")), "another one");
    ok(!header_rules_have_type(&rules, STR_NONE), "none");
}


static void
check_detached(struct arena *a)
{
    struct header_rules rules = { .appends = false };
    struct fields       f = { .first = { 0 } }, copy;

    fields_add(a, &f, STR("Via"), STR("1"));
    copy = f;
    header_rules_detach(a, &copy);
    is_text(parse(a, &rules, SET, "d|Via: 2"), NULL, "a rule");
    header_rule_apply(a, &copy, &rules, rules.list.at, STR("2"));
    is_str(fields_value(&copy, FIELD_VIA), "2", "a list of its own");
    is_str(fields_value(&f, FIELD_VIA), "1", "leaves the other one");
}


int
main(void)
{
    struct arena *a = arena_new(0);
    str_t         clean = STR("a\tb");
    size_t        i;

    for (i = 0; i < countof(wrong); i++) {
        struct header_rules rules = { .appends = false };

        is_text(parse(a, &rules, wrong[i].kind, wrong[i].args), wrong[i].error,
                "%s", wrong[i].args);
    }
    for (i = 0; i < countof(cases); i++)
        check(a, i);
    check_meant(a);
    check_detached(a);
    is_same(field_clean(a, clean).p, clean.p, "a value that is clean");
    is_str(field_clean(a, STR("\r\na\0b\n")), "  a b ", "one that is not");
    arena_free(a);
    return done();
}
