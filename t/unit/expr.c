/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables, texts with variables, regular expressions with captures and
 * lookup tables, as a configuration makes them and a task reads them.
 */
#include <unistd.h>

#include "core/conf/types.h"
#include "core/expr/expr.h"
#include "core/expr/table.h"
#include "t/unit/http_block.h"
#include "t/unit/tap.h"

enum { MOST = 64 };

static struct expr  *texts[MOST];
static struct regex *regexes[MOST];
static unsigned      n_texts, n_regexes;
static struct table *table;
static unsigned      asked; /* how often a variable was evaluated */
static char          errors[256];


static const char *
parse_text(struct conf *cf, void *field)
{
    const char *error = NULL;

    (void) field;
    texts[n_texts] = expr_compile(cf, cf->args[1], 0, &error);
    if (texts[n_texts] != NULL) {
        n_texts++;
        return NULL;
    }
    snprintf(errors, sizeof(errors), "%s", error);
    return conf_error(cf, "%s", error);
}


static const char *
parse_regex(struct conf *cf, void *field)
{
    const char *error = NULL;

    (void) field;
    regexes[n_regexes] = regex_compile(cf, cf->args[1], 0, &error);
    if (regexes[n_regexes] != NULL) {
        n_regexes++;
        return NULL;
    }
    snprintf(errors, sizeof(errors), "%s", error);
    return conf_error(cf, "%s", error);
}


static const char *
parse_entry(struct conf *cf, void *field)
{
    str_t       key = cf->args[1];
    const char *error;
    char       *value = str_z(cf->arena, cf->args[2]);

    (void) field;
    if (table == NULL)
        table = table_new(cf->arena);
    if (key.n != 0 && key.p[0] == '~')
        error = table_add_regex(cf, table, str_from(key, 1), value);
    else
        error = table_add(cf, table, key, true, value);
    if (error != NULL)
        snprintf(errors, sizeof(errors), "%s", error);
    return error;
}


static const char *
parse_define(struct conf *cf, void *field)
{
    const char *error = NULL;
    struct var *v
        = var_define(cf, cf->args[1], VAR_CHANGEABLE | VAR_WEAK, &error);

    (void) field;
    if (v == NULL) {
        snprintf(errors, sizeof(errors), "%s", error);
        return conf_error(cf, "%s", error);
    }
    if (v->get == NULL)
        v->get = var_none;
    return NULL;
}


static const struct conf_type text_type = { .name = "x", .parse = parse_text };
static const struct conf_type regex_type
    = { .name = "x", .parse = parse_regex };
static const struct conf_type entry_type
    = { .name = "x", .parse = parse_entry };
static const struct conf_type define_type
    = { .name = "x", .parse = parse_define };
static const struct conf_opener http_opener = { .inside = IN_HTTP };

static const struct directive directives[]
    = { BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
        { "text", IN_HTTP | ROW_MANY, ARGS_1, &text_type, 0, NULL, NULL },
        { "regex", IN_HTTP | ROW_MANY, ARGS_1, &regex_type, 0, NULL, NULL },
        { "entry", IN_HTTP | ROW_MANY, ARGS_2, &entry_type, 0, NULL, NULL },
        { "define", IN_HTTP | ROW_MANY, ARGS_1, &define_type, 0, NULL, NULL },
        { .name = NULL } };


static str_t
word(struct task *t, uintptr_t arg)
{
    (void) t;
    return str_of((const char *) arg);
}


static str_t
count(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_printf(t->arena, "%u", ++asked);
}


static str_t
member(struct task *t, uintptr_t arg)
{
    return str_join(t->arena, STR("the "), *(const str_t *) arg);
}


static const struct var *loop_var;


static str_t
ask_itself(struct task *t, uintptr_t arg)
{
    (void) arg;
    return var_get(t, loop_var);
}


static const struct variable variables[]
    = { { "word", word, (uintptr_t) "hello", 0, NULL },
        { "empty", word, (uintptr_t) "", 0, NULL },
        { "missing", var_none, 0, 0, NULL },
        { "kept", count, 0, 0, NULL },
        { "passing", count, 0, VAR_VOLATILE, NULL },
        { "free", word, (uintptr_t) "as made", VAR_CHANGEABLE, NULL },
        { "cycle", ask_itself, 0, 0, NULL },
        { "of_", member, 0, VAR_PREFIX | VAR_CHANGEABLE, NULL },
        { "of_more_", member, 0, VAR_PREFIX, NULL },
        { .name = NULL } };

static struct module test_module = {
    .name = "test",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
};

struct module *const weir_modules[] = { &test_module, &vars_module, NULL };

static struct generation *gen;
static struct task        task;


static struct generation *
read_conf(const char *lines)
{
    n_texts = n_regexes = 0;
    table = NULL;
    errors[0] = '\0';
    return read_http_block(lines);
}


/* A fresh task under a fresh configuration. */
static bool
start(const char *lines)
{
    generation_put(gen);
    if (task.arena != NULL)
        arena_free(task.arena);
    memset(&task, 0, sizeof(task));
    gen = read_conf(lines);
    task.arena = arena_new(0);
    task.log = &quiet;
    task.gen = gen;
    task.kind = FOR_HTTP;
    asked = 0;
    return ok(gen != NULL, "read: %s", lines);
}


static void
is_refused(const char *lines, const char *want)
{
    struct generation *g = read_conf(lines);

    is_text(errors, want, "refused: %s", lines);
    is_same(g, NULL, "no configuration comes of it");
    generation_put(g);
}


static void
test_texts(void)
{
    if (!start("text plain; text $word; text ${word}s; text \"a $word-b\";"
               "text $word$word; text $empty; text $missing; text [$missing];"
               "text ''; text $WORD; text a$1b; text $of_Apple;"
               "text $of_more_x; text \"$word,$word,$word,$word,$word,$word,"
               "$word,$word,$word,$word\";"))
        return;
    is_str(expr_eval(texts[0], &task), "plain", "plain text");
    is_str(expr_eval(texts[1], &task), "hello", "one variable");
    is_str(expr_eval(texts[2], &task), "hellos", "braces");
    is_str(expr_eval(texts[3], &task), "a hello-b", "text around");
    is_str(expr_eval(texts[4], &task), "hellohello", "twice");
    is_str(expr_eval(texts[5], &task), "", "an empty one");
    is_str(expr_eval(texts[6], &task), "", "one that is not there");
    is_str(expr_eval(texts[7], &task), "[]", "the same in a text");
    is_str(expr_eval(texts[8], &task), "", "no text");
    is_str(expr_eval(texts[9], &task), "hello", "case does not matter");
    is_str(expr_eval(texts[10], &task), "ab", "a capture of no match");
    is_str(expr_eval(texts[11], &task), "the apple", "a family");
    is_str(expr_eval(texts[12], &task), "the x", "the longer family");
    is(expr_eval(texts[13], &task).n, 59, "many parts");
    ok(expr_is_constant(texts[0]) && !expr_is_constant(texts[1])
           && !expr_is_constant(texts[10]),
       "what is constant");
    ok(expr_has_captures(texts[10]) && !expr_has_captures(texts[1]),
       "what has captures");
    is(vars_count(gen, CONF_HTTP), 5, "a slot for each variable in use");
}


static void
test_keeping(void)
{
    const char *error = NULL;
    struct conf cf = { .kind = CONF_HTTP };

    if (!start("text $kept; text $kept; text $passing; text $free;"
               "define of_mine; text $of_mine; define new; text $new;"
               "text $cycle;"))
        return;
    is_str(expr_eval(texts[0], &task), "1", "evaluated");
    is_str(expr_eval(texts[1], &task), "1", "kept");
    is_str(expr_eval(texts[2], &task), "2", "volatile: evaluated");
    is_str(expr_eval(texts[2], &task), "3", "volatile: again");

    is_str(expr_eval(texts[3], &task), "as made", "before it is set");
    var_put(&task, var_find(gen, CONF_HTTP, STR("free")), STR("set"));
    is_str(expr_eval(texts[3], &task), "set", "after");
    is_str(expr_eval(texts[4], &task), "the mine", "a family's, defined");
    var_put(&task, var_find(gen, CONF_HTTP, STR("OF_MINE")), STR("own"));
    is_str(expr_eval(texts[4], &task), "own", "a family's, set");
    is_str(expr_eval(texts[5], &task), "", "defined and not set");
    var_put(&task, var_find(gen, CONF_HTTP, STR("passing")), STR("held"));
    is_str(expr_eval(texts[2], &task), "held", "a volatile one that was set");

    loop_var = var_find(gen, CONF_HTTP, STR("cycle"));
    is_str(expr_eval(texts[6], &task), "", "a cycle ends");
    is_same(var_find(gen, CONF_HTTP, STR("nobody")), NULL, "no such variable");

    cf.gen = gen;
    cf.arena = gen->arena;
    is_same(var_define(&cf, STR(""), 0, &error), NULL, "no name");
    is_text(error, "invalid variable name \"$\"", "no name: the message");
}


static void
test_refusals(void)
{
    is_refused("text $;", "invalid variable name");
    is_refused("text a$-b;", "invalid variable name");
    is_refused("text \"${}\";", "invalid variable name");
    is_refused("text \"${\";", "invalid variable name");
    is_refused("text \"${abc\";",
               "the closing bracket in \"abc\" variable is missing");
    is_refused("text \"${a-b}\";",
               "the closing bracket in \"a\" variable is missing");
    is_refused("define word;", "the duplicate \"word\" variable");
    is_refused("regex (?<word>x);", "the duplicate \"word\" variable");
    is_refused("regex ^(a;", "pcre2_compile() failed: missing closing "
                             "parenthesis in \"^(a\"");
    is_refused("regex a**b;", "pcre2_compile() failed: quantifier does not "
                              "follow a repeatable item in \"a**b\" at \"*b\"");
    is_refused("entry a 1; entry A 2;", "conflicting parameter \"a\"");
    is_refused("entry .a.b 1; entry *.a.b 2;",
               "conflicting parameter \"*.a.b\"");
    is_refused("entry a*b 1;", "invalid hostname or wildcard \"a*b\"");
    is_refused("entry *.*.b 1;", "invalid hostname or wildcard \"*.*.b\"");
    is_refused("text $nobody;", "");
}


static void
test_regexes(void)
{
    if (!start("regex ^/(a.)/(.)?(?<rest>.*)$; regex x; text \"$1|$2|$3|$9\";"
               "text $rest; regex ^(a+)+$; text ?$1;"))
        return;
    is_str(regex_pattern(regexes[0]), "^/(a.)/(.)?(?<rest>.*)$", "pattern");

    ok(!regex_match(regexes[0], &task, STR("/b/c")), "no match");
    is_str(expr_eval(texts[0], &task), "|||", "... and no captures");
    ok(regex_match(regexes[0], &task, STR("/ab/cdef")), "a match");
    is_str(expr_eval(texts[0], &task), "ab|c|def|", "captures");
    is_str(expr_eval(texts[1], &task), "def", "a named one");
    ok(!regex_match(regexes[0], &task, STR("/b/c")), "no match");
    is_str(expr_eval(texts[0], &task), "ab|c|def|", "captures stay");
    ok(regex_match(regexes[0], &task, STR("/ab/")), "another match");
    is_str(expr_eval(texts[0], &task), "ab|||", "groups that took no part");
    is_str(expr_eval(texts[1], &task), "", "the named one follows");

    ok(regex_test(regexes[0], STR("/ab/cdef")), "tested without a task");
    ok(!regex_test(regexes[0], STR("")), "... an empty text");
    ok(regex_match(regexes[1], &task, STR("x")), "a match without groups");
    is_str(expr_eval(texts[0], &task), "|||", "... empties the captures");

    ok(regex_match(regexes[2], &task, STR("aaaa")), "a nested repetition");
    ok(regex_match(regexes[0], &task, STR("/a&/b c")), "special characters");
    is_str(expr_eval(texts[2], &task), "?a&", "a capture as it is");
    is_str(expr_eval_escaped(texts[2], &task), "?a%26", "... and escaped");
}


static const char *
look_up(const char *key)
{
    void *value;

    return table_find(table, &task, str_of(key), &value) ? value : NULL;
}


static void
test_table(void)
{
    if (!start("entry a.b exact; entry *.wild.x wild; entry *.sub.wild.x sub;"
               "entry .dot.x dot; entry tail.* tail; entry tail.more.* more;"
               "entry '' none; entry ~^re(.) regex; entry ~*^ANY any;"
               "text $1;"))
        return;
    is_text(look_up("A.B"), "exact", "an exact key in any case");
    is_text(look_up("x.wild.x"), "wild", "a leading wildcard");
    is_text(look_up("y.x.wild.x"), "wild", "... of several labels");
    is_text(look_up("y.sub.wild.x"), "sub", "the longer wildcard");
    is_text(look_up("wild.x"), NULL, "not the name itself");
    is_text(look_up("dot.x"), "dot", "a leading dot: the name");
    is_text(look_up("a.dot.x"), "dot", "a leading dot: below it");
    is_text(look_up("tail.org"), "tail", "a trailing wildcard");
    is_text(look_up("tail.more.org"), "more", "the longer one");
    is_text(look_up(""), "none", "the empty key");
    is_text(look_up("rest"), "regex", "a regular expression");
    is_str(expr_eval(texts[0], &task), "s", "... and its capture");
    is_text(look_up("anyone"), "any", "without regard to case");
    is_text(look_up("REst"), NULL, "with regard to case");
    is_text(look_up("tail."), NULL, "nothing behind the dot");
    is_text(look_up("much.longer.than.any.name.of.the.table.wild.x"), "wild",
            "a long one below a wildcard");
    is_text(look_up("x.sub.wild.x"), "sub", "a letter below the longest");
    is_text(look_up("tail.more.than.any.name.of.the.table"), "more",
            "a long one behind a wildcard");
    is_text(look_up("tail.more.x"), "more", "a letter behind the longest");
    is_text(look_up("rest.of.a.long.text.that.stands.in.no.table"), "regex",
            "a long one for a regular expression");
    is_text(look_up("a.b.and.more.than.any.name.of.the.table"), NULL,
            "a long one that is nowhere");
}


int
main(void)
{
    log_to_stderr = false;
    modules_init();
    test_texts();
    test_keeping();
    test_refusals();
    test_regexes();
    test_table();
    generation_put(gen);
    arena_free(task.arena);
    return done();
}
