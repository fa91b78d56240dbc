/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and applies rules.  A value never contains a line end, whatever its
 * variables contain, and a rule's name is always a token.
 */
#include "http/header_rules.h"

#include <string.h>

#include "core/base/number.h"


/* --- reading --------------------------------------------------------------- */

struct reader {
    struct arena        *a;
    struct header_rules *rules;
    unsigned             kind;
    str_t                directive;
};


static bool
is_one_of(char c, str_t set)
{
    return str_chr(set, c) != NULL;
}


/* Takes the next word of a list; false: there is none. */
static bool
next_word(str_t *rest, str_t separators, str_t *word)
{
    size_t n = 0;

    while (rest->n != 0 && is_one_of(rest->p[0], separators))
        *rest = str_from(*rest, 1);
    while (n < rest->n && !is_one_of(rest->p[n], separators))
        n++;
    *word = (str_t){ rest->p, n };
    *rest = str_from(*rest, n);
    return n != 0;
}


static const char *
read_types(struct reader *in, str_t list)
{
    str_t word;

    while (next_word(&list, STR(" \t;"), &word))
        *vec_push(in->a, &in->rules->types) = word;
    return NULL;
}


static const char *
read_statuses(struct reader *in, str_t list)
{
    str_t    rest = list, word;
    uint64_t status;
    size_t   i;

    while (next_word(&rest, STR(" \t"), &word)) {
        for (i = 0; i < word.n; i++)
            if (word.p[i] < '0' || word.p[i] > '9')
                return arena_printf(in->a,
                                    STR_F ": invalid digit \"%c\" found in "
                                          "the status code list \"" STR_F "\"",
                                    STR_A(in->directive), word.p[i],
                                    STR_A(list))
                    .p;
        /* a larger number matches no response */
        if (number_parse(word, UINT16_MAX, &status))
            *vec_push(in->a, &in->rules->statuses) = (unsigned) status;
        else
            *vec_push(in->a, &in->rules->statuses) = UINT16_MAX;
    }
    return NULL;
}


/* RFC 9110 section 5.6.2 */
static bool
is_token(str_t s)
{
    size_t i;
    char   c;

    for (i = 0; i < s.n; i++) {
        c = ascii_lower(s.p[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')
            && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.n != 0;
}


static const char *
read_rule(struct reader *in, str_t arg)
{
    const char         *colon = str_chr(arg, ':');
    str_t               name = colon ? str_span(arg.p, colon) : arg;
    str_t               text = colon ? str_from(arg, name.n + 1) : STR_NONE;
    struct header_rule *rule;

    name = str_trim(name);
    while (text.n != 0 && is_one_of(text.p[0], STR(" \t")))
        text = str_from(text, 1);
    if (!is_token(name))
        return arena_printf(in->a, STR_F ": invalid header name \"" STR_F "\"",
                            STR_A(in->directive), STR_A(name))
            .p;
    if (str_is(name, "*"))
        return arena_printf(in->a, STR_F ": wildcard key too short: *",
                            STR_A(in->directive))
            .p;

    rule = vec_push(in->a, &in->rules->list);
    rule->is_wild = name.p[name.n - 1] == '*';
    rule->name = rule->is_wild ? (str_t){ name.p, name.n - 1 } : name;
    rule->id = rule->is_wild ? FIELD_UNKNOWN : field_id(name);
    rule->text = in->kind & HEADER_RULES_CLEAR ? (str_t){ text.p, 0 } : text;
    return NULL;
}


/* Whether c is an option here. */
static bool
is_option(const struct reader *in, char c)
{
    bool is_input = in->kind & HEADER_RULES_INPUT;

    switch (c) {
    case 't':
        return true;
    case 's':
        return !is_input;
    case 'r':
        return is_input;
    case 'a':
        return !is_input && !(in->kind & HEADER_RULES_CLEAR);
    default:
        return false;
    }
}


/* Reads the option args[*i], and its argument if it has one. */
static const char *
read_option(struct reader *in, const str_t *args, size_t n, size_t *i)
{
    str_t arg = args[*i];

    if (arg.n != 2 || !is_option(in, arg.p[1]))
        return arena_printf(in->a, STR_F ": invalid option name: \"" STR_F "\"",
                            STR_A(in->directive), STR_A(arg))
            .p;
    switch (arg.p[1]) {
    case 'a':
        in->rules->appends = true;
        return NULL;
    case 'r':
        in->rules->only_replaces = true;
        return NULL;
    }
    if (++*i == n)
        return arena_printf(in->a,
                            STR_F ": option " STR_F " takes an argument.",
                            STR_A(in->directive), STR_A(arg))
            .p;
    return arg.p[1] == 's' ? read_statuses(in, args[*i])
                           : read_types(in, args[*i]);
}


const char *
header_rules_parse(struct arena *a, struct header_rules *rules, unsigned kind,
                   const str_t *args, size_t n)
{
    struct reader in = { a, rules, kind, args[0] };
    const char   *error = NULL;
    size_t        i;

    for (i = 1; i < n && error == NULL; i++) {
        if (args[i].n == 0)
            continue;
        error = args[i].p[0] == '-' ? read_option(&in, args, n, &i)
                                    : read_rule(&in, args[i]);
    }
    return error;
}


/* --- applying ---------------------------------------------------------------- */

bool
header_rules_have_status(const struct header_rules *rules, unsigned status)
{
    VEC_EACH(&rules->statuses, one)
        if (*one == status)
            return true;
    return rules->statuses.n == 0;
}


bool
header_rules_have_type(const struct header_rules *rules, str_t type)
{
    VEC_EACH(&rules->types, one)
        if (str_eq(*one, type))
            return true;
    return rules->types.n == 0;
}


void
header_rules_detach(struct arena *a, struct fields *f)
{
    struct fields copy = *f;

    memset(&copy.list, 0, sizeof(copy.list));
    VEC_EACH(&f->list, one)
        *vec_push(a, &copy.list) = *one;
    *f = copy;
}


/* Wildcards do not apply to the fields that delimit the body. */
static bool
is_meant(const struct header_rule *rule, const struct field *f)
{
    if (f->is_hidden)
        return false;
    if (rule->is_wild)
        return f->id != FIELD_CONTENT_LENGTH && f->id != FIELD_TRANSFER_ENCODING
               && str_istarts(f->name, rule->name);
    if (rule->id != FIELD_UNKNOWN)
        return f->id == rule->id;
    return f->id == FIELD_UNKNOWN && str_ieq(f->name, rule->name);
}


void
header_rule_apply(struct arena *a, struct fields *f,
                  const struct header_rules *rules,
                  const struct header_rule *rule, str_t value)
{
    bool is_found = false;

    value = field_clean(a, value);
    if (value.n == 0 || !rules->appends)
        VEC_EACH(&f->list, at) {
            if (!is_meant(rule, at))
                continue;
            if (value.n != 0 && !is_found)
                at->value = value;
            else
                at->is_hidden = true;
            is_found = true;
        }
    if (value.n != 0 && !is_found && !rules->only_replaces && !rule->is_wild)
        fields_add(a, f, rule->name, value);
}
