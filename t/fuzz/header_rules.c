/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header rules: the first byte says the kind of directive, the lines up to
 * "--" are its arguments, those up to the next "--" the fields of a message,
 * and what follows is the value that rules with a "$" in them get.
 */
#include "core/base/check.h"
#include "http/header_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MANY = 64 };


/* Lines up to "--", at most max; the rest behind it. */
static size_t
cut_lines(str_t *rest, str_t *lines, size_t max)
{
    size_t n = 0;
    str_t  line;

    while (rest->p != NULL && n < max) {
        line = str_cut(rest, '\n');
        if (str_is(line, "--"))
            break;
        lines[n++] = line;
    }
    return n;
}


static void
make_fields(struct arena *a, struct fields *f, str_t *rest)
{
    str_t  lines[MANY], name, value;
    size_t n = cut_lines(rest, lines, MANY), i;

    for (i = 0; i < n; i++) {
        value = lines[i];
        name = str_cut(&value, ':');
        if (name.n != 0)
            fields_add(a, f, name, value.p ? value : STR(""));
    }
}


/* --- what must hold ----------------------------------------------------------- */

static void
check_rule(const struct header_rule *rule, unsigned kind)
{
    size_t i;

    CHECK(rule->name.n != 0);
    for (i = 0; i < rule->name.n; i++)
        CHECK(rule->name.p[i] > ' ' && rule->name.p[i] < 0x7f
              && rule->name.p[i] != ':' && rule->name.p[i] != '"');
    CHECK(rule->value == NULL);
    if (rule->is_wild)
        CHECK(rule->id == FIELD_UNKNOWN);
    else
        CHECK(rule->id == field_id(rule->name));
    if (kind & HEADER_RULES_CLEAR)
        CHECK(rule->text.n == 0);
}


static bool
is_named(const struct header_rule *rule, const struct field *f)
{
    return rule->is_wild ? str_istarts(f->name, rule->name)
                         : str_ieq(f->name, rule->name);
}


/* The chains of known names are the list's order of them. */
static void
check_index(const struct fields *f)
{
    struct field *next[FIELD_COUNT] = { NULL };
    int           id;

    for (id = 1; id < FIELD_COUNT; id++)
        next[id] = fields_get(f, (enum field_id) id);
    VEC_EACH(&f->list, at) {
        if (at->is_hidden || at->id == FIELD_UNKNOWN)
            continue;
        CHECK(next[at->id] == at);
        next[at->id] = fields_next(f, at);
    }
    for (id = 1; id < FIELD_COUNT; id++)
        CHECK(next[id] == NULL);
}


static bool
is_clean(str_t s)
{
    return str_chr(s, '\r') == NULL && str_chr(s, '\n') == NULL
           && str_chr(s, '\0') == NULL;
}


static void
check_others(const struct fields *f, const struct fields *before,
             const struct header_rule *rule)
{
    size_t i;

    CHECK(f->list.n >= before->list.n && f->list.n <= before->list.n + 1);
    for (i = 0; i < before->list.n; i++) {
        const struct field *old = &before->list.at[i], *new = &f->list.at[i];

        CHECK(str_eq(old->name, new->name) && old->id == new->id);
        if (is_named(rule, new) && !old->is_hidden)
            continue;
        CHECK(str_eq(old->value, new->value));
        CHECK(old->is_hidden == new->is_hidden);
    }
}


static void
check_named(const struct fields *f, const struct header_rules *rules,
            const struct header_rule *rule, str_t value, bool had_any)
{
    size_t n = 0;

    VEC_EACH(&f->list, at) {
        if (at->is_hidden || !is_named(rule, at)
            || (rule->is_wild
                && (at->id == FIELD_CONTENT_LENGTH
                    || at->id == FIELD_TRANSFER_ENCODING)))
            continue;
        n++;
        if (!rules->appends)
            CHECK(str_eq(at->value, value));
    }
    if (value.n == 0)
        CHECK(n == 0);
    else if (!rules->appends)
        CHECK(n <= 1);
    if (value.n != 0 && !had_any && !rule->is_wild)
        CHECK(n == (rules->only_replaces ? 0 : 1));
}


static void
apply(struct arena *a, struct fields *f, const struct header_rules *rules,
      const struct header_rule *rule, str_t value)
{
    struct fields before = *f;
    bool          had_any = false;
    str_t         clean = field_clean(a, value);

    header_rules_detach(a, f);
    VEC_EACH(&f->list, at)
        had_any = had_any || (!at->is_hidden && is_named(rule, at));
    CHECK(clean.n == value.n && is_clean(clean));
    header_rule_apply(a, f, rules, rule, value);
    check_index(f);
    check_others(f, &before, rule);
    check_named(f, rules, rule, clean, had_any);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena       *a = arena_new(0);
    struct header_rules rules = { .appends = false };
    struct fields       f = { .first = { 0 } };
    str_t               args[MANY] = { STR("more") };
    str_t               rest = { (const char *) data, size };
    unsigned            kind = size ? data[0] & 3 : 0;
    const char         *error;
    size_t              n;

    if (size != 0)
        rest = str_from(rest, 1);
    n = 1 + cut_lines(&rest, args + 1, MANY - 1);
    error = header_rules_parse(a, &rules, kind, args, n);
    make_fields(a, &f, &rest);
    if (error != NULL) {
        CHECK(str_starts(str_of(error), args[0]));
    } else {
        (void) header_rules_have_status(&rules, 200);
        (void) header_rules_have_type(&rules, STR("text/html"));
        VEC_EACH(&rules.list, rule) {
            check_rule(rule, kind);
            apply(a, &f, &rules, rule,
                  str_chr(rule->text, '$') && rest.p ? rest : rule->text);
        }
    }
    arena_free(a);
    return 0;
}
