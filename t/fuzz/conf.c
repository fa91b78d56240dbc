/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration text: the lexer moves forward and stays inside, and a
 * generation is either built whole or refused with an error.
 */
#include "core/base/check.h"
#include "core/conf/lint.h"
#include "core/conf/reader.h"
#include "core/conf/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct toy_conf {
    uint64_t     number;
    struct texts list;
    str_t        text;
};

static const struct conf_opener http_opener = { .inside = IN_HTTP };
static const struct conf_opener server_opener = { .inside = IN_SERVER };


static const char *
take_line(struct conf *cf, void *state)
{
    (void) state;
    return cf->n_args == 2 ? NULL : conf_error(cf, "two words a line");
}


static const struct conf_lines lines = { .line = take_line };

#define C struct toy_conf

static const struct directive rows[]
    = { NUMBER("n", IN_MAIN | IN_HTTP | IN_SERVER, C, number, "1", NULL, NULL),
        TEXT("t", IN_HTTP | IN_SERVER, C, text, NULL, NULL, NULL),
        { "l", IN_HTTP | IN_SERVER | ROW_MANY, ARGS_ANY, &conf_texts,
          FIELD(C, list, struct texts), NULL, NULL },
        BLOCK("h", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
        BLOCK("s", IN_HTTP, ARGS_0 | ARGS_1, &server_opener, NULL, NULL),
        { "d", IN_HTTP | ROW_MANY, ARGS_1 | ARGS_BLOCK | ARGS_DATA, &conf_data,
          0, NULL, &lines },
        { NULL } };

static struct module toy_module = {
    .name = "toy",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(C),
};

struct module *const weir_modules[] = { &toy_module, NULL };

static const struct log_targets no_targets = { .level = LEVEL_STDERR };
static struct log               quiet = { .targets = &no_targets };


static void
lex(str_t text)
{
    struct arena *a = arena_new(0);
    struct lexer  lx;
    const char   *before;
    enum lex      what;

    lexer_init(&lx, text, true);
    do {
        before = lx.p;
        what = lexer_next(&lx, a);
        CHECK(lx.p >= before && lx.p <= text.p + text.n);
        if (what == LEX_ERROR) {
            CHECK(lx.error != NULL);
            before = lx.p;
            lexer_recover(&lx, a);
            if (lx.p == before && lx.p < text.p + text.n)
                lx.p++;
        }
    } while (what != LEX_END && lx.p < text.p + text.n);
    arena_free(a);
}


/* Comments to lint: each finding has a place in the text. */
static void
lint(const struct generation *g)
{
    struct arena *a = arena_new(0);
    struct lint   l;

    lint_run(&l, g, a);
    VEC_EACH(&l.findings, f)
        CHECK(f->line > 0 && f->line <= g->root->end_line && f->cure.n != 0);
    arena_free(a);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_paths  paths = { .prefix = STR("/nosuch/"),
                                 .conf_file = STR("/nosuch/x.conf"),
                                 .conf_prefix = STR("/nosuch/"),
                                 .lints = true };
    struct generation *g;
    str_t              text = { (const char *) data, size };

    log_to_stderr = false;
    modules_init();
    lex(text);
    if (str_find(text, STR("include")) != NULL)
        return 0; /* no files */
    g = generation_read_text(&paths, STR("x"), text, &quiet);
    if (g != NULL)
        lint(g);
    generation_put(g);
    return 0;
}
