/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration engine with modules of its own: words and statements, how
 * values are handed down, and two generations side by side.
 */
#include "core/conf/reader.h"
#include "core/conf/types.h"
#include "t/unit/tap.h"

/* --- a small world of directives -------------------------------------------- */

struct toy_conf {
    uint64_t     number;
    bool         flag;
    str_t        text;
    struct texts list;
    uint64_t     own;      /* not handed down                                */
    uint64_t     nameless; /* only to if                                     */
    uint64_t     derived;  /* of number, by ready()                          */
    unsigned     word;
};

static unsigned n_ready, n_settled;

static const char *
make_ready(struct conf *cf, void *conf)
{
    struct toy_conf *c = conf;

    n_ready++;
    c->derived = c->number * 2;
    if (c->number == 13)
        return conf_error(cf, "thirteen is refused");
    return NULL;
}

static void
settle(struct conf *cf)
{
    (void) cf;
    n_settled++;
}

static const struct conf_range small = { 0, 100 };
static const struct conf_word  words[]
    = { { "red", 1 }, { "green", 2 }, { NULL, 0 } };

static const struct conf_opener http_opener
    = { .inside = IN_HTTP, .once = true };
static const struct conf_opener server_opener = { .inside = IN_SERVER };
static const struct conf_opener location_opener = { .inside = IN_LOCATION };
static const struct conf_opener if_opener = { .inside = IN_IF };

#define C struct toy_conf

static const struct directive toy_rows[] = {
    NUMBER("number", IN_MAIN | IN_WEB | IN_IF, C, number, "7", &small, NULL),
    FLAG("flag", IN_WEB, C, flag, "on", NULL),
    TEXT("text", IN_WEB, C, text, "'two words'", NULL, NULL),
    { "list", IN_WEB | ROW_MANY, ARGS_1_OR_MORE, &conf_texts,
      FIELD(C, list, struct texts), NULL, NULL },
    NUMBER("own", IN_WEB | ROW_OWN, C, own, NULL, NULL, NULL),
    NUMBER("nameless", IN_WEB | ROW_NAMELESS, C, nameless, NULL, NULL, NULL),
    ENUM("word", IN_WEB, C, word, "red", words, NULL),
    BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
    BLOCK("server", IN_HTTP, ARGS_0, &server_opener, NULL, NULL),
    BLOCK("location", IN_SERVER | IN_LOCATION, ARGS_1, &location_opener, NULL,
          NULL),
    BLOCK("if", IN_LOCATION, ARGS_1_OR_MORE, &if_opener, NULL, NULL),
    ACCEPTED("quiet", IN_MAIN, conf_number, NULL, NULL),
    { NULL }
};

/* A template row under the prefix of the module. */
static const struct directive template_rows[]
    = { NUMBER("_depth", IN_WEB, C, own, "3", NULL, NULL), { NULL } };
static const struct directive *const templates[] = { template_rows, NULL };

static struct module toy_module = {
    .name = "toy",
    .serves = FOR_HTTP,
    .directives = toy_rows,
    .conf_size = sizeof(C),
    .main_size = 16,
    .ready = make_ready,
    .settle = settle,
};

static struct module deep_module = {
    .name = "deep",
    .serves = FOR_HTTP,
    .prefix = "toy",
    .templates = templates,
    .conf_size = sizeof(C),
};

struct module *const weir_modules[] = { &toy_module, &deep_module, NULL };

static const struct log_targets no_targets = { .level = LEVEL_STDERR };
static struct log               quiet = { .targets = &no_targets };

static struct generation *
read_text(const char *text)
{
    struct conf_paths paths = { .prefix = STR("/p/"),
                                .conf_file = STR("/p/conf/x.conf"),
                                .conf_prefix = STR("/p/conf/") };

    return generation_read_text(&paths, STR("x.conf"), str_of(text), &quiet);
}

static const C *
conf_at(const struct conf_block *b)
{
    return confs_get(b->conf, &toy_module);
}

/* --- words ------------------------------------------------------------------- */

struct sample {
    const char *text;
    const char *want; /* words by |, then what ends it; or ! and the message */
};

static const struct sample samples[] = {
    { "a b;", "a|b;" },
    { "a{", "a{" },
    { "}", "}" },
    { "", "$" },
    { "# only a comment", "$" },
    { "a#b c;", "a#b|c;" },
    { "a # b;\nc;", "a|c;" },
    { "a \"b c\" 'd e';", "a|b c|d e;" },
    { "a \"b\\\"c\\n\";", "a|b\"c\n;" },
    { "a b\\;c\\{;", "a|b\\;c\\{;" },
    { "a ${b}c;", "a|${b}c;" },
    { "a $b{", "a|$b{" },
    { "a \"\";", "a|;" },
    { "a \"b\"x;", "!unexpected \"x\"" },
    { "a (\"b\");", "a|(\"b\");" },
    { ";", "!unexpected \";\"" },
    { "{", "!unexpected \"{\"" },
    { "a }", "!unexpected \"}\"" },
    { "a b", "!unexpected end of file, expecting \";\" or \"}\"" },
    { "a \"b", "!unexpected end of file, expecting \";\" or \"}\"" },
    { "a b\\", "!unexpected end of file, expecting \";\" or \"}\"" },
};

static void
spell(struct lexer *lx, enum lex what, char *out, size_t room)
{
    static const char ends[] = { [LEX_STATEMENT] = ';',
                                 [LEX_BLOCK_START] = '{',
                                 [LEX_BLOCK_END] = '}',
                                 [LEX_END] = '$' };
    size_t            n = 0;

    if (what == LEX_ERROR) {
        snprintf(out, room, "!%s", lx->error);
        return;
    }
    VEC_EACH(&lx->words, w)
        n += (size_t) snprintf(out + n, room - n, "%s" STR_F, n ? "|" : "",
                               STR_A(w->text));
    snprintf(out + n, room - n, "%c", ends[what]);
}

static void
test_words(void)
{
    struct arena *a = arena_new(0);
    struct lexer  lx;
    char          got[256];
    enum lex      what;

    for (size_t i = 0; i < countof(samples); i++) {
        lexer_init(&lx, str_of(samples[i].text), true);
        what = lexer_next(&lx, a);
        spell(&lx, what, got, sizeof(got));
        is_str(str_of(got), samples[i].want, "words of sample %zu", i);
    }
    arena_free(a);
}

/* Whatever a text is cut to, reading it ends, with or without an error. */
static void
test_cuts(void)
{
    const char *text = "number 1; http { text \"a\\\"b\"; server {\n"
                       " location /a { number 3; if (b) { number 4; } }\n"
                       " # comment }\n list 'x y' ${z}; } }\n";
    char        cut[256];
    size_t      n = strlen(text), good = 0;

    for (size_t i = 0; i <= n; i++) {
        memcpy(cut, text, i);
        cut[i] = '\0';
        struct generation *g = read_text(cut);
        good += g != NULL;
        generation_put(g);
    }
    ok(good >= 3 && good < n / 2, "only whole texts are taken: %zu", good);
}

/* --- handing down --------------------------------------------------------------- */

static void
test_inheritance(void)
{
    struct generation *g = read_text(
        "number 1;\n"
        "http { list a b; own 5; nameless 6; flag off; toy_depth 9;\n"
        "  server { list c; location /a { own 8; nameless 9;\n"
        "      if (x) { number 20; } location /a/b { } }\n"
        "    location /c { number 30; } }\n"
        "  server { }\n"
        "  text late; }\n");
    const struct conf_block *http, *s1, *s2, *a, *in_if, *ab, *c;

    ok(g != NULL, "a configuration is read");
    if (g == NULL)
        return;
    http = g->root->first;
    s1 = http->first;
    s2 = s1->next;
    a = s1->first;
    in_if = a->first;
    ab = in_if->next;
    c = a->next;

    is(conf_at(g->root)->number, 1, "set at the top");
    is(conf_at(http)->number, 1, "handed down to http");
    is(conf_at(c)->number, 30, "set in a location");
    is(conf_at(c)->derived, 60, "derived where it is set");
    is(conf_at(ab)->derived, 2, "derived once where it is not");
    is_str(conf_at(g->root)->text, "two words", "a preset");
    is_str(conf_at(c)->text, "late", "set behind the inner blocks");
    ok(!conf_at(c)->flag, "a flag handed down");
    is(conf_at(s1)->list.list.n, 1, "a list takes the place of the outer one");
    is(conf_at(s2)->list.list.n, 2, "or is handed down whole");
    is(conf_at(http)->own, 5, "an own value where it is set");
    is(conf_at(s1)->own, 0, "and not inside");
    is(conf_at(a)->own, 8, "an own value of a location");
    is(conf_at(ab)->own, 0, "not for the location in it");
    is(conf_at(in_if)->own, 0, "not for if either");
    is(conf_at(in_if)->nameless, 9, "a nameless value goes to if");
    is(conf_at(ab)->nameless, 0, "and to no location");
    is(conf_at(in_if)->number, 20, "if sets its own");
    ok(conf_at(s2) != conf_at(http), "a withheld value parts the confs");
    is_same(confs_get(c->conf, &deep_module),
            confs_get(http->conf, &deep_module),
            "what sets nothing shares the conf by pointer");
    is(((const C *) confs_get(c->conf, &deep_module))->own, 9,
       "a template row under its prefix");
    is(n_settled, 1, "modules settle once");
    generation_put(g);
}

static void
test_two(void)
{
    struct generation *x = read_text("number 1; http { text one; }");
    struct generation *y = read_text("number 2; http { text two; }");

    ok(x && y && x->arena != y->arena, "two at the same time");
    is(conf_at(x->root)->number, 1, "the first");
    is(conf_at(y->root)->number, 2, "the second");
    ok(generation_main(x, toy_module.slot)
           != generation_main(y, toy_module.slot),
       "each with main objects of its own");
    generation_get(x);
    generation_put(x);
    is_str(conf_at(x->root->first)->text, "one", "counted");
    generation_put(x);
    is_str(conf_at(y->root->first)->text, "two",
           "freeing one leaves the other");
    generation_put(y);
}

static void
test_refusals(void)
{
    static const char *const bad[] = {
        "nosuch 1;",
        "number;",
        "number 1 2;",
        "number x;",
        "number 101;",
        "number 1; number 2;",
        "http { number 13; server { } }",
        "http { } http { }",
        "server { }",
        "http { word blue; }",
        "http { flag maybe; }",
        "http number;",
        "number 1 { }",
        "http { server { }",
        "}",
        "http { include nosuch.conf; }",
        "worker_shutdown_timeout 1s;",
    };

    for (size_t i = 0; i < countof(bad); i++)
        is_same(read_text(bad[i]), NULL, "refused: %s", bad[i]);
}

int
main(void)
{
    log_to_stderr = false;
    modules_init();
    test_words();
    test_inheritance();
    test_two();
    test_refusals();
    test_cuts();
    ok(n_ready > 10, "ready() for each distinct conf");
    return done();
}
