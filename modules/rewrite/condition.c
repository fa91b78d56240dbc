/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The condition of "if": a variable, alone or compared with a text or a
 * regular expression, or a file test.  The parentheses may be separate words
 * of the directive, or part of the first and the last word.
 */
#include "modules/rewrite/rewrite.h"

#include <errno.h>
#include <sys/stat.h>

#include "http/files.h"


static const char *
invalid(struct conf *cf, str_t word)
{
    return conf_error(cf, "invalid condition \"" STR_F "\"", STR_A(word));
}


/* Compiles the last word as a text. */
static const char *
parse_value(struct conf *cf, struct condition *c, str_t word)
{
    const char *error = NULL;

    c->value = expr_compile(cf, word, 0, &error);
    return c->value ? NULL : conf_error(cf, "%s", error);
}


static const char *
parse_operator(struct conf *cf, struct condition *c, str_t op, str_t word)
{
    const char *error = NULL;
    str_t       bare = op;

    if (op.n != 0 && op.p[0] == '!') {
        c->is_negated = true;
        bare = str_from(op, 1);
    }
    if (str_is(bare, "=")) {
        c->test = TEST_EQUAL;
        return parse_value(cf, c, word);
    }
    if (!str_is(bare, "~") && !str_is(bare, "~*"))
        return conf_error(cf, "unexpected \"" STR_F "\" in condition",
                          STR_A(op));

    c->test = TEST_MATCH;
    c->regex = regex_compile(cf, word, bare.n == 2 ? REGEX_NOCASE : 0, &error);
    return c->regex ? NULL : conf_error(cf, "%s", error);
}


static const char *
parse_file_test(struct conf *cf, struct condition *c, str_t op, str_t path)
{
    c->is_negated = op.p[0] == '!';
    switch (op.p[op.n - 1]) {
    case 'f':
        c->test = TEST_FILE;
        break;
    case 'd':
        c->test = TEST_FOLDER;
        break;
    case 'e':
        c->test = TEST_EXISTS;
        break;
    case 'x':
        c->test = TEST_EXECUTABLE;
        break;
    default:
        return invalid(cf, op);
    }
    return parse_value(cf, c, path);
}


/* Strips the parentheses off the words; n becomes the number of words left. */
static const char *
strip_parentheses(struct conf *cf, str_t **words, size_t *n)
{
    str_t *w;

    *n = cf->n_args - 1;
    w = arena_array(cf->arena, str_t, *n);
    memcpy(w, cf->args + 1, *n * sizeof(*w));
    if (w[0].n == 0 || w[0].p[0] != '(')
        return invalid(cf, w[0]);
    w[0] = str_from(w[0], 1);
    if (w[0].n == 0) {
        if (*n == 1)
            return invalid(cf, STR("("));
        w++;
        (*n)--;
    }

    if (w[*n - 1].n == 0 || w[*n - 1].p[w[*n - 1].n - 1] != ')')
        return invalid(cf, w[*n - 1]);
    w[*n - 1].n--;
    if (w[*n - 1].n == 0)
        (*n)--;
    *words = w;
    return *n ? NULL : invalid(cf, STR(")"));
}


const char *
condition_parse(struct conf *cf, struct condition *c)
{
    const char *error;
    str_t      *w = NULL;
    size_t      n = 0;

    error = strip_parentheses(cf, &w, &n);
    if (error != NULL)
        return error;

    if (w[0].n > 1 && w[0].p[0] == '$') {
        if (n != 1 && n != 3)
            return invalid(cf, w[0]);
        c->var = var_use(cf, str_from(w[0], 1));
        c->test = TEST_TRUE;
        return n == 1 ? NULL : parse_operator(cf, c, w[1], w[2]);
    }
    if ((w[0].n == 2 && w[0].p[0] == '-')
        || (w[0].n == 3 && w[0].p[0] == '!' && w[0].p[1] == '-'))
    {
        if (n != 2)
            return invalid(cf, w[0]);
        return parse_file_test(cf, c, w[0], w[1]);
    }
    return invalid(cf, w[0]);
}


/* Whether the test holds for the file at path (NUL-terminated). */
static bool
test_file(enum test test, struct task *t, str_t path)
{
    struct file_result f = http_file_open(http_of(t), path, true);
    mode_t             mode;

    if (f.file == NULL) {
        if (f.error != ENOENT && f.error != ENOTDIR && f.error != ENAMETOOLONG)
            log_at(t->log, LEVEL_CRIT, f.error, "%s \"" STR_F "\" failed",
                   f.call, STR_A(path));
        return false;
    }
    mode = f.file->mode;
    file_put(f.file);
    if (test == TEST_FILE)
        return S_ISREG(mode);
    if (test == TEST_FOLDER)
        return S_ISDIR(mode);
    if (test == TEST_EXECUTABLE)
        return (mode & S_IXUSR) != 0;
    return S_ISREG(mode) || S_ISDIR(mode);
}


enum regex_verdict
rewrite_match(const struct regex *re, struct task *t, str_t subject,
              bool is_logged)
{
    enum regex_verdict verdict = regex_exec(re, t, subject);

    /* unlike elsewhere, a failed match clears the captures */
    if (verdict == REGEX_NO)
        t->captures.n = 0;
    if (is_logged && verdict != REGEX_ERROR)
        log_at(t->log, LEVEL_NOTICE, 0, "\"" STR_F "\" %s \"" STR_F "\"",
               STR_A(regex_pattern(re)),
               verdict == REGEX_YES ? "matches" : "does not match",
               STR_A(subject));
    return verdict;
}


enum condition_verdict
condition_holds(const struct condition *c, struct task *t, str_t value,
                bool is_logged)
{
    enum regex_verdict match;
    bool               holds = false;

    switch (c->test) {
    case TEST_TRUE:
        holds = expr_is_true(var_get(t, c->var));
        break;
    case TEST_EQUAL:
        holds = str_eq(var_get(t, c->var), value);
        break;
    case TEST_MATCH:
        match = rewrite_match(c->regex, t, var_get(t, c->var), is_logged);
        if (match == REGEX_ERROR)
            return CONDITION_ERROR;
        holds = match == REGEX_YES;
        break;
    case TEST_FILE:
    case TEST_FOLDER:
    case TEST_EXISTS:
    case TEST_EXECUTABLE:
        holds = test_file(c->test, t, str_copy(t->arena, value));
        break;
    }
    return holds != c->is_negated ? CONDITION_TRUE : CONDITION_FALSE;
}
