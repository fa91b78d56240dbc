/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of SSI commands: variables, texts with variables, expressions.  Their
 * memory is a page's to determine, so all of it is asked for with arena_try.
 */
#include "modules/filter/ssi.h"


bool
ssi_copy(struct arena *a, str_t s, str_t *out)
{
    char *p = arena_try(a, s.n + 1);

    if (p == NULL)
        return false;
    memcpy(p, s.p ? s.p : "", s.n);
    *out = (str_t){ p, s.n };
    return true;
}


/* --- variables ----------------------------------------------------------- */

static bool
is_number(str_t s, unsigned *n)
{
    uint64_t value;

    if (!number_parse(s, 999, &value))
        return false;
    *n = (unsigned) value;
    return true;
}


str_t
ssi_variable(struct ssi_page *p, str_t name)
{
    const struct captures *c = &p->shared->captures;
    const str_t           *value = hash_get(p->shared->values, name);
    unsigned               group;

    if (value != NULL)
        return *value;
    if (!is_number(name, &group))
        return var_named(&p->subject->task, name);
    if (c->at == NULL || group >= c->n || c->at[2 * group] < 0)
        return STR_NONE;
    return captures_get(c, group);
}


bool
ssi_set(struct ssi_shared *s, str_t name, str_t value)
{
    str_t *slot = hash_get(s->values, name);
    str_t  key, copy;

    if (!ssi_copy(s->arena, value, &copy))
        return false;
    if (slot == NULL) {
        slot = arena_try(s->arena, sizeof(*slot));
        if (slot == NULL || !ssi_copy(s->arena, name, &key))
            return false;
        hash_set(s->values, key, slot);
    }
    *slot = copy;
    return true;
}


/* --- texts --------------------------------------------------------------- */

/* A text that is put together of parts. */
struct sum {
    char  *p; /* SSI_VALUE_MAX bytes, or NULL: counts only                   */
    size_t n;
};


static void
add(struct sum *sum, str_t s)
{
    if (sum->p != NULL)
        (void) str_put(sum->p + sum->n, s);
    sum->n += s.n;
}


/* Takes "$name" or "${name}" off the front of *rest. */
static bool
take_name(struct ssi_page *p, str_t whole, str_t *rest, str_t *name)
{
    bool in_braces;

    *rest = str_from(*rest, 1);
    in_braces = rest->n != 0 && rest->p[0] == '{';
    *name = str_from(*rest, in_braces);
    name->n = var_name_length(*name);
    *rest = str_from(*rest, in_braces + name->n);
    if (name->n == 0) {
        log_error(p->r->task.log, "invalid variable name in \"" STR_F "\"",
                  STR_A(whole));
        return false;
    }
    if (!in_braces)
        return true;
    if (rest->n == 0 || rest->p[0] != '}') {
        log_error(p->r->task.log,
                  "the closing bracket in \"" STR_F "\" variable is missing",
                  STR_A(*name));
        return false;
    }
    *rest = str_from(*rest, 1);
    return true;
}


/* The text up to the next "$"; a backslash takes the meaning off what follows
 * it, and is no part of the text before " ' $ and itself. */
static str_t
take_plain(str_t *rest)
{
    str_t s = *rest;

    if (s.n > 1 && s.p[0] == '\\' && strchr("\"'$\\", s.p[1]) != NULL
        && s.p[1] != '\0')
    {
        *rest = str_from(s, 2);
        return (str_t){ s.p + 1, 1 };
    }
    for (s.n = 1; s.n < rest->n; s.n++)
        if (s.p[s.n] == '$' || s.p[s.n] == '\\')
            break;
    *rest = str_from(*rest, s.n);
    return s;
}


static bool
sum_up(struct ssi_page *p, str_t prefix, str_t text, struct sum *sum)
{
    str_t rest = text, name;

    add(sum, prefix);
    while (rest.n != 0 && sum->n <= SSI_VALUE_MAX) {
        if (rest.p[0] != '$') {
            add(sum, take_plain(&rest));
            continue;
        }
        if (!take_name(p, text, &rest, &name))
            return false;
        add(sum, ssi_variable(p, name));
    }
    return true;
}


bool
ssi_evaluate(struct ssi_page *p, struct arena *a, str_t prefix, str_t text,
             str_t *out)
{
    struct sum sum = { 0 };
    size_t     n;

    if (!sum_up(p, prefix, text, &sum))
        return false;
    n = sum.n;
    sum.n = 0;
    if (n <= SSI_VALUE_MAX)
        sum.p = arena_try(a, n + 1);
    if (sum.p == NULL) {
        log_error(p->r->task.log, "too long value of \"" STR_F "\"",
                  STR_A(text));
        return false;
    }
    (void) sum_up(p, prefix, text, &sum);
    *out = (str_t){ sum.p, sum.n };
    return true;
}


/* --- expressions --------------------------------------------------------- */

static void
set_named(void *arg, str_t name, str_t value)
{
    (void) ssi_set(arg, name, value);
}


static bool
test_pattern(struct ssi_page *p, str_t left, str_t pattern, bool *is_true)
{
    struct regex_once  how = { .a = p->shared->arena,
                               .out = &p->shared->captures,
                               .named = set_named,
                               .arg = p->shared };
    enum regex_verdict verdict;

    verdict = regex_once(&how, p->r->task.log, pattern, left);
    *is_true = verdict == REGEX_YES;
    return verdict != REGEX_ERROR;
}


static bool
is_of_left(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("$_{}\"'", c) != NULL);
}


/* Splits at "=" or "!=".  False: it is something else. */
static bool
split(str_t expr, str_t *left, str_t *right, bool *is_negated)
{
    size_t n = 0;

    while (n < expr.n && is_of_left(expr.p[n]))
        n++;
    *left = (str_t){ expr.p, n };
    expr = str_skip(str_from(expr, n), ' ');
    *right = STR_NONE;
    *is_negated = str_starts(expr, STR("!="));
    if (expr.n == 0)
        return true;
    if (expr.p[0] != '=' && !*is_negated)
        return false;
    expr = str_skip(str_from(expr, 1 + *is_negated), ' ');
    *right = (str_t){ expr.p, expr.n };
    return true;
}


static bool
compare(struct ssi_page *p, str_t expr, str_t left, str_t right, bool *is_true)
{
    struct arena *a = p->r->task.arena;

    if (!ssi_evaluate(p, a, STR(""), right, &right))
        return false;
    if (right.n < 2 || right.p[0] != '/') {
        *is_true = str_eq(left, right);
        return true;
    }
    if (right.p[right.n - 1] == '/')
        return test_pattern(p, left, (str_t){ right.p + 1, right.n - 2 },
                            is_true);
    log_error(p->r->task.log, "invalid expression in \"" STR_F "\"",
              STR_A(expr));
    return false;
}


bool
ssi_test(struct ssi_page *p, str_t expr, bool *is_true)
{
    str_t left, right;
    bool  is_negated;

    if (!split(expr, &left, &right, &is_negated)) {
        log_error(p->r->task.log, "invalid expression in \"" STR_F "\"",
                  STR_A(expr));
        return false;
    }
    if (!ssi_evaluate(p, p->r->task.arena, STR(""), left, &left))
        return false;
    if (right.p == NULL) {
        *is_true = left.n != 0;
        return true;
    }
    if (!compare(p, expr, left, right, is_true))
        return false;
    *is_true ^= is_negated;
    return true;
}
