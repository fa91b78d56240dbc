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
static const struct conf_opener stream_opener = { .inside = IN_STREAM };
static const struct conf_opener stream_server_opener
    = { .inside = IN_STREAM_SERVER };
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
    BLOCK("stream", IN_MAIN, ARGS_0, &stream_opener, NULL, NULL),
    BLOCK("server", IN_STREAM, ARGS_0, &stream_server_opener, NULL, NULL),
    BLOCK("if", IN_LOCATION, ARGS_1_OR_MORE, &if_opener, NULL, NULL),
    ACCEPTED("quiet", IN_MAIN, conf_number, NULL, NULL),
    { NULL }
};

/* Rows for a part of a conf, used by two modules: one has two such parts, with
 * two prefixes; the other has one, at another offset and in other blocks. */
struct well {
    uint64_t     depth; /* not handed down                                   */
    bool         is_dry;
    struct texts stones;
};

static const struct directive well_rows[] = {
    NUMBER("_depth", ROW_OWN, struct well, depth, "3", NULL, NULL),
    FLAG("_dry", 0, struct well, is_dry, "off", "Like PREFIX_depth, PREFIX."),
    { "_stone", ROW_MANY, ARGS_1, &conf_texts,
      FIELD(struct well, stones, struct texts), NULL, NULL },
    { NULL },
};

struct deep_conf {
    struct well old;
    char        between;
    struct well new;
};

static const struct directive deep_rows[]
    = { FLAG("deep", IN_WEB, struct deep_conf, old.is_dry, NULL, NULL),
        { NULL } };

static const struct template deep_templates[] = {
    { well_rows, "toy", FIELD(struct deep_conf, old, struct well), IN_WEB },
    { well_rows, "new", FIELD(struct deep_conf, new, struct well), IN_HTTP },
    { .rows = NULL },
};

struct far_conf {
    char        before[100];
    struct well well;
};

static const struct template far_templates[] = {
    { well_rows, "toy", FIELD(struct far_conf, well, struct well),
      IN_STREAM | IN_STREAM_SERVER },
    { .rows = NULL },
};

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
    .directives = deep_rows,
    .templates = deep_templates,
    .conf_size = sizeof(struct deep_conf),
};

static struct module far_module = {
    .name = "far",
    .serves = FOR_STREAM,
    .templates = far_templates,
    .conf_size = sizeof(struct far_conf),
};

struct module *const weir_modules[]
    = { &toy_module, &deep_module, &far_module, NULL };

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
    struct generation *g
        = read_text("number 1;\n"
                    "http { list a b; own 5; nameless 6; flag off;\n"
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
    is(n_settled, 1, "modules settle once");
    generation_put(g);
}


static const struct deep_conf *
deep_at(const struct conf_block *b)
{
    return confs_get(b->conf, &deep_module);
}


static const struct well *
far_well(const struct conf_block *b)
{
    const struct far_conf *c = confs_get(b->conf, &far_module);

    return &c->well;
}


static void
test_templates(void)
{
    struct generation *g = read_text(
        "http { toy_depth 9; toy_dry on; new_depth 8; new_stone a;\n"
        "  new_stone b; server { toy_dry off; toy_stone c; } server { } }\n"
        "stream { toy_depth 7; server { toy_depth 6; toy_dry on; }\n"
        "  toy_stone d; }\n");
    const struct conf_block *http, *stream;
    const struct directive  *rows;

    ok(g != NULL, "one set of rows, three times");
    if (g == NULL)
        return;
    http = g->root->first;
    stream = http->next;

    is(deep_at(g->root)->old.depth, 3, "a preset of the first");
    is(deep_at(g->root)->new.depth, 3, "and of the second, elsewhere");
    is(far_well(g->root)->depth, 3, "and of the other module");
    is(deep_at(http)->old.depth, 9, "set under the one prefix");
    is(deep_at(http)->new.depth, 8, "set under the other");
    is(far_well(http)->depth, 3, "the other module's is not http's");
    is(deep_at(http)->new.stones.list.n, 2, "a list of the second");
    ok(!deep_at(http->first)->old.is_dry, "a server has its own");
    is(deep_at(http->first)->old.stones.list.n, 1, "and a list of its own");
    is(deep_at(http->first)->new.stones.list.n, 2, "that of http handed down");
    is(deep_at(http->first)->old.depth, 0, "flags of rows hold: not inherited");
    ok(deep_at(http->first->next)->old.is_dry, "inherited");
    is(far_well(stream)->depth, 7, "the same name is the other module's");
    is(far_well(stream)->stones.list.n, 1, "with its list");
    is(far_well(stream->first)->depth, 6, "in its inner block");
    ok(far_well(stream->first)->is_dry, "with its flag");
    is_str(str_of(deep_module.rows[2].name), "toy_dry", "behind its own rows");
    rows = deep_module.rows;
    is(modules_init(), 3, "three modules");
    is_same(deep_module.rows, rows, "rows are listed once");
    is_str(str_of(deep_module.rows[5].says), "Like new_depth, new.",
           "what rows say has the prefix");
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
        "toy_depth 1;",
        "http { server { new_depth 1; } }",
        "stream { new_depth 1; }",
        "http { toy_depth 1; toy_depth 2; }",
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
    test_templates();
    test_two();
    test_refusals();
    test_cuts();
    ok(n_ready > 10, "ready() for each distinct conf");
    return done();
}
