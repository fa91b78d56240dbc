/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts with variables: whatever compiles evaluates to the text with each
 * variable's name in place of it, in angle brackets, and is as long as that.
 */
#include "core/base/check.h"
#include "core/conf/reader.h"
#include "core/expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct log_targets quiet_targets = { .level = LEVEL_STDERR };
static struct log         quiet = { .targets = &quiet_targets };


static str_t
get_name(struct task *t, uintptr_t arg)
{
    return str_join3(t->arena, STR("<"), *(const str_t *) arg, STR(">"));
}


/* Every name of two bytes or more is in one of these families. */
#define F(c) \
    { \
        c, get_name, 0, VAR_PREFIX | VAR_CHANGEABLE, NULL \
    }
static const struct variable variables[]
    = { F("a"), F("b"), F("c"), F("d"), F("e"), F("f"),          F("g"), F("h"),
        F("i"), F("j"), F("k"), F("l"), F("m"), F("n"),          F("o"), F("p"),
        F("q"), F("r"), F("s"), F("t"), F("u"), F("v"),          F("w"), F("x"),
        F("y"), F("z"), F("_"), F("0"), F("1"), F("2"),          F("3"), F("4"),
        F("5"), F("6"), F("7"), F("8"), F("9"), { .name = NULL } };

static struct module test_module = {
    .name = "test",
    .serves = FOR_HTTP,
    .variables = variables,
};

struct module *const weir_modules[] = { &test_module, NULL };


static void
evaluate(struct generation *g, const struct expr *e, str_t text)
{
    struct task t
        = { .arena = arena_new(0), .log = &quiet, .gen = g, .kind = FOR_HTTP };
    str_t plain = expr_eval(e, &t);

    CHECK(plain.p != NULL);
    CHECK(str_eq(expr_text(e), text));
    if (expr_is_constant(e))
        CHECK(str_eq(plain, text) && str_chr(text, '$') == NULL);
    else
        CHECK(str_chr(text, '$') != NULL);
    CHECK(str_eq(plain, expr_eval(e, &t)));
    CHECK(str_eq(plain, expr_eval_escaped(e, &t)));
    arena_free(t.arena);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t              text = { (const char *) data, size };
    struct arena      *a = arena_new(0);
    struct generation *g = arena_make(a, struct generation);
    struct conf_reader reader = { .arena = a, .log = &quiet };
    struct conf        cf
        = { .gen = g, .arena = a, .kind = CONF_HTTP, .reader = &reader };
    const char  *error = NULL;
    struct expr *e;

    log_to_stderr = false;
    g->arena = a;
    e = expr_compile(&cf, text, 0, &error);
    CHECK((e == NULL) == (error != NULL));
    if (e != NULL) {
        vars_resolve(&cf);
        if (cf.errors == 0)
            evaluate(g, e, text);
    }
    arena_free(a);
    return 0;
}
