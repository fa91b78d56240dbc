/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns statements into settings: finds the row of each directive, checks its
 * place, arguments and repetition, and lets the row's type parse it.  After an
 * error, reading continues with the next statement, so that one run reports
 * all errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf/known.h"
#include "core/conf/lint.h"
#include "core/conf/reader.h"
#include "core/conf/types.h"

static void read_block(struct conf *cf, bool is_inner);


static const char *read_include(struct conf *cf, void *field);


static const struct conf_type include_type
    = { .name = "include", .parse = read_include };

const struct directive conf_include_row = {
    "include",
    IN_ANY | ROW_MANY,
    ARGS_1,
    &include_type,
    0,
    NULL,
    NULL,
    "file | pattern",
    "Reads the file, or in the order of their names the files that the "
    "pattern matches, in place of this line.",
};

static const struct row include_row = { .directive = &conf_include_row };


/* --- counting arguments ---------------------------------------------- */

static bool
takes_args(unsigned args, unsigned n)
{
    if (args & ARGS_ANY)
        return true;
    if (args & ARGS_FLAG)
        return n == 1;
    if ((args & ARGS_1_OR_MORE) && n >= 1)
        return true;
    if ((args & ARGS_2_OR_MORE) && n >= 2)
        return true;
    return n <= 7 && (args & (1u << n));
}


/* --- finding the row --------------------------------------------------- */

static const char *
no_such_directive(struct conf *cf, str_t name)
{
    for (const struct known_need *n = known_needs; n->name != NULL; n++)
        if (str_eq(name, str_of(n->name)))
            return conf_error(cf,
                              "directive \"" STR_F "\" is not supported by "
                              "this build: it needs %s",
                              STR_A(name), n->library);
    if (rows_is_known(name))
        return conf_error(
            cf, "directive \"" STR_F "\" is not supported by this build",
            STR_A(name));
    cf->reader->suggestion = rows_suggest(cf->reader, name, cf->block->kind);
    if (cf->reader->suggestion.p == NULL)
        cf->reader->suggestion = rows_suggest(cf->reader, name, ~0u);
    return conf_error(cf, "unknown directive \"" STR_F "\"", STR_A(name));
}


/* The row for cf->args[0] in this block, or NULL with *error set. */
static const struct row *
find_row(struct conf *cf, enum lex how, const char **error)
{
    const struct row *row;
    str_t             name = cf->args[0];
    bool              is_block;

    if (str_is(name, "include"))
        row = &include_row;
    else
        row = rows_find_in(cf->reader, name, cf->block->kind);
    if (row == NULL && rows_find(cf->reader, name) == NULL) {
        *error = no_such_directive(cf, name);
        return NULL;
    }
    if (row == NULL) {
        *error = conf_error(cf, "\"" STR_F "\" directive is not allowed here",
                            STR_A(name));
        return NULL;
    }
    is_block = row->directive->args & ARGS_BLOCK;
    if (!is_block && how == LEX_BLOCK_START)
        *error = conf_error(
            cf, "directive \"" STR_F "\" is not terminated by \";\"",
            STR_A(name));
    else if (is_block && how != LEX_BLOCK_START)
        *error = conf_error(cf, "directive \"" STR_F "\" has no opening \"{\"",
                            STR_A(name));
    else if (!takes_args(row->directive->args & ~(unsigned) ARGS_BLOCK,
                         cf->n_args - 1))
        *error = conf_error(
            cf, "invalid number of arguments in \"" STR_F "\" directive",
            STR_A(name));
    return *error ? NULL : row;
}


/* --- where the value goes ------------------------------------------------ */

void *
conf_find(const struct conf_block *b, const struct module *m)
{
    if (b->conf == NULL || b->conf[m->slot / CONF_PAGE] == NULL)
        return NULL;
    return confs_get(b->conf, m);
}


static void
note_module(struct conf *cf, const struct module *m)
{
    for (; m != NULL; m = m->part_of)
        cf->gen->is_set[m->slot] = true;
}


void *
conf_touch(struct conf *cf, const struct module *m)
{
    void *conf = conf_find(cf->block, m);

    if (conf == NULL) {
        conf = conf_make(cf, m);
        conf_put(cf, cf->block, m, conf, NULL);
        note_module(cf, m);
    }
    return conf;
}


static void
note_setting(struct conf *cf, const struct directive *d)
{
    struct setting *s = arena_make(cf->arena, struct setting);

    s->row = d;
    s->file = cf->file;
    s->line = cf->line;
    s->args = cf->args;
    s->n_args = cf->n_args;
    s->shown = cf->reader->shown;
    s->next = cf->block->settings;
    cf->block->settings = s;
}


static bool
is_off(const str_t *args, unsigned n)
{
    return n == 2 && str_is(args[1], "off");
}


/* Whether a directive may be repeated in a block. */
static bool
may_stand_again(const struct conf *cf, const struct directive *d)
{
    const struct setting *s;

    if (!(d->where & ROW_OFF_ALONE))
        return d->where & ROW_MANY;
    s = setting_named(cf->block, d->name);
    return !is_off(cf->args, cf->n_args)
           && (s == NULL || !is_off(s->args, s->n_args));
}


/* The field of the directive at hand, its bit set; NULL with *error set when
 * it is a duplicate. */
static void *
claim_field(struct conf *cf, const struct row *row, const char **error)
{
    const struct directive *d = row->directive;
    struct conf_head       *h;
    uint64_t                bit = (uint64_t) 1 << row->bit % 64;
    void                   *conf;

    /* No value to store, and whether it was set does not matter. */
    if (row->module == NULL
        || (row->module->conf_size == 0 && (d->where & ROW_MANY)))
        return NULL;
    conf = conf_touch(cf, row->module);
    h = conf_head_of(conf);
    if ((h->set[row->bit / 64] & bit) && !may_stand_again(cf, d)) {
        *error = conf_error(cf, "\"%s\" directive is duplicate", d->name);
        return NULL;
    }
    h->set[row->bit / 64] |= bit;
    return (char *) conf + d->offset;
}


/* --- blocks ------------------------------------------------------------- */

struct conf_block *
conf_block_new(struct conf *cf, unsigned kind)
{
    struct conf_block *b = arena_make(cf->arena, struct conf_block);

    b->kind = kind;
    b->errors = cf->errors;
    b->up = cf->block;
    b->file = cf->file;
    b->line = b->end_line = cf->line;
    if (b->up != NULL) {
        b->opening = b->up->settings;
        if (b->up->last != NULL)
            b->up->last->next = b;
        else
            b->up->first = b;
        b->up->last = b;
        b->owner = b->up->owner;
        b->server = b->up->server;
    }
    return b;
}


static enum serves_kind
kind_of_block(unsigned kind)
{
    if (kind & (IN_STREAM | IN_STREAM_SERVER | IN_STREAM_UPSTREAM))
        return CONF_STREAM;
    if (kind & (IN_MAIL | IN_MAIL_SERVER))
        return CONF_MAIL;
    if (kind & (IN_MAIN | IN_EVENTS))
        return CONF_MAIN;
    return CONF_HTTP;
}


static bool
stands_already(const struct conf_block *b, const struct directive *d)
{
    const struct setting *s;

    for (s = b->settings; s != NULL; s = s->next)
        if (s->row == d)
            return true;
    return false;
}


static const char *
read_opened(struct conf *cf, const struct row *row)
{
    const struct conf_opener *opener = row->directive->detail;
    struct conf_reader       *rd = cf->reader;
    struct conf_block        *outer = cf->block, *b;
    enum serves_kind          kind = cf->kind;
    const char               *error = NULL;

    if (opener->once && stands_already(outer, row->directive)) {
        lexer_skip_block(rd->lexer, rd->words);
        return conf_error(cf, "\"%s\" directive is duplicate",
                          row->directive->name);
    }
    note_setting(cf, row->directive);
    b = conf_block_new(cf, opener->inside);
    cf->kind = kind_of_block(opener->inside);
    if (opener->open != NULL)
        error = opener->open(cf, b);
    if (error != NULL)
        conf_report(cf, error);

    cf->block = b;
    read_block(cf, true);
    b->end_line = cf->line;
    error = NULL;
    if (opener->close != NULL)
        error = opener->close(cf, b);
    cf->block = outer;
    cf->kind = kind;
    return error;
}


static enum lex
next_statement(struct conf *cf)
{
    struct conf_reader *rd = cf->reader;
    enum lex            how;

    arena_reset(rd->words);
    how = lexer_next(rd->lexer, rd->words);
    if (rd->lexer->comments.n != 0)
        lint_note(cf, rd->lexer);
    return how;
}


/* --- blocks of data ------------------------------------------------------ */

struct data {
    const struct conf_lines *lines;
    void                    *state;
    const str_t             *opening;
    unsigned                 n_opening;
};

static void read_data_lines(struct conf *cf, struct data *d, bool is_inner);


/* The words of the statement joined, each with its NUL. */
static str_t
all_words(const struct lexer *lx, struct arena *a)
{
    size_t n = 0;
    char  *text, *p;

    VEC_EACH(&lx->words, w)
        n += w->text.n + 1;
    p = text = arena_bytes(a, n);
    VEC_EACH(&lx->words, it) {
        memcpy(p, it->text.p, it->text.n + 1);
        p += it->text.n + 1;
    }
    return (str_t){ text, n };
}


static const str_t *
make_args(struct conf *cf, str_t all)
{
    const struct lexer *lx = cf->reader->lexer;
    str_t              *args = arena_array(cf->arena, str_t, lx->words.n);
    const char         *p = all.p;
    size_t              i;

    for (i = 0; i < lx->words.n; i++) {
        args[i] = (str_t){ p, lx->words.at[i].text.n };
        p += args[i].n + 1;
    }
    return args;
}


/* Then all_words would not tell where a word ends. */
static bool
has_nul(const struct lexer *lx)
{
    VEC_EACH(&lx->words, w)
        if (memchr(w->text.p, '\0', w->text.n) != NULL)
            return true;
    return false;
}


/* Equal statements share their arguments: a large configuration is mostly
 * repetition.  Lines of data do not. */
static void
take_words(struct conf *cf, bool may_repeat)
{
    struct conf_reader *rd = cf->reader;
    str_t               all;
    void               *args = NULL;

    cf->line = rd->lexer->line;
    cf->n_args = (unsigned) rd->lexer->words.n;
    may_repeat = may_repeat && !has_nul(rd->lexer);
    if (may_repeat)
        args = hash_get(rd->statements, all_words(rd->lexer, rd->words));
    if (args != NULL) {
        cf->args = args;
        return;
    }
    all = all_words(rd->lexer, cf->arena);
    cf->args = make_args(cf, all);
    if (may_repeat)
        hash_set(rd->statements, all, (void *) (uintptr_t) cf->args);
}


static const char *
read_data(struct conf *cf, const struct row *row, void *field)
{
    struct data d = { .lines = row->directive->detail,
                      .opening = cf->args,
                      .n_opening = cf->n_args };
    const char *error;

    note_setting(cf, row->directive);
    error = d.lines->open ? d.lines->open(cf, field, &d.state) : NULL;
    if (error != NULL) {
        lexer_skip_block(cf->reader->lexer, cf->reader->words);
        return error;
    }
    if (d.lines->open == NULL)
        d.state = field;
    cf->reader->data_start = cf->reader->lexer->p;
    cf->reader->data_line = cf->reader->lexer->line;
    read_data_lines(cf, &d, true);
    cf->reader->data_start = NULL;
    if (d.lines->close == NULL)
        return NULL;
    cf->args = d.opening;
    cf->n_args = d.n_opening;
    return d.lines->close(cf, d.state);
}


/* --- statements ---------------------------------------------------------- */

/* A block whose "{" is missing, which has been reported: reads the following
 * lines as its content, so that its "}" does not end an outer block.  False:
 * they do not look like that. */
static bool
reopen(struct conf *cf)
{
    struct lexer *lx = cf->reader->lexer;
    bool          is_block;
    size_t        n = conf_unended(cf, &is_block);

    if (n == 0 || !is_block)
        return false;
    lx->p = lx->words.at[n].at;
    lx->line = lx->words.at[n].line;
    lx->words.n = n;
    return true;
}


/* Behind an error.  Where a "{" of a pattern was taken for that of a block, the
 * pattern's own block goes on: its "}" is yet to be read. */
static void
skip_block(struct conf *cf)
{
    struct lexer *lx = cf->reader->lexer;
    const char   *brace = hint_brace(lx);

    if (brace != NULL && brace == lx->p - 1) {
        while (*lx->p++ != '}')
            ;
        lexer_recover(lx, cf->reader->words);
        return;
    }
    lexer_skip_block(lx, cf->reader->words);
    if (brace != NULL && lx->p > lx->text.p && lx->p[-1] == '}')
        lx->p--;
}


static void
read_statement(struct conf *cf, enum lex how)
{
    struct conf_reader *rd = cf->reader;
    const struct row   *row;
    const char         *error = NULL;
    void               *field = NULL;
    unsigned            errors = cf->errors;

    error = env_expand(cf);
    take_words(cf, true);
    row = error == NULL ? find_row(cf, how, &error) : NULL;
    if (row != NULL && row->module != NULL)
        note_module(cf, row->module);
    if (row != NULL && row->directive->type != &conf_block_type)
        field = claim_field(cf, row, &error);
    if (error != NULL) {
        conf_report(cf, error);
        if (reopen(cf))
            read_statement(cf, LEX_BLOCK_START);
        else if (how == LEX_BLOCK_START)
            skip_block(cf);
        return;
    }
    cf->row = row->directive;
    if (row->directive->type == &conf_block_type) {
        error = read_opened(cf, row);
    } else if (row->directive->args & ARGS_DATA) {
        error = read_data(cf, row, field);
    } else {
        if (row != &include_row)
            note_setting(cf, row->directive);
        error = row->directive->type->parse(cf, field);
    }
    if (error != NULL)
        conf_report(cf, error);
    if (errors == cf->errors)
        rd->suggestion = STR_NONE;
}


static void
lexical_error(struct conf *cf)
{
    struct lexer *lx = cf->reader->lexer;
    const char   *at = lx->error_at;

    cf->line = lx->error_line;
    if (at >= lx->text.p + lx->text.n)
        at = NULL;
    conf_report_at(cf, cf->file, lx->error_line, at, lx->error);
    lexer_recover(lx, cf->reader->words);
    if (lx->quote_line != 0 && lx->p >= lx->text.p + lx->text.n)
        lx->has_ended = true;
}


/* Checks the end of the text or of a block.  True: continue. */
static bool
goes_on(struct conf *cf, enum lex how, bool is_inner)
{
    struct lexer *lx = cf->reader->lexer;

    cf->line = lx->line;
    lx->words.n = 0;
    if (how == LEX_BLOCK_END && !is_inner) {
        conf_report_at(cf, cf->file, lx->line, lx->p - 1, "unexpected \"}\"");
        return true;
    }
    if (how == LEX_END && is_inner && !lx->has_ended)
        conf_report_at(cf, cf->file, lx->line, NULL,
                       "unexpected end of file, expecting \"}\"");
    lx->has_ended = how == LEX_END;
    return false;
}


static bool
too_many_errors(struct conf *cf)
{
    return cf->errors > CONF_ERRORS_MAX;
}


static void
read_data_lines(struct conf *cf, struct data *d, bool is_inner)
{
    struct conf_reader *rd = cf->reader;
    const char         *error;
    enum lex            how;

    while (!too_many_errors(cf)) {
        how = next_statement(cf);
        if (how == LEX_ERROR) {
            lexical_error(cf);
            continue;
        }
        if (how == LEX_BLOCK_END || how == LEX_END) {
            if (goes_on(cf, how, is_inner))
                continue;
            return;
        }
        error = env_expand(cf);
        take_words(cf, false);
        if (how == LEX_BLOCK_START) {
            conf_report(cf, "unexpected \"{\"");
            lexer_skip_block(rd->lexer, rd->words);
            continue;
        }
        if (error == NULL)
            error = d->lines->line(cf, d->state);
        if (error != NULL)
            conf_report(cf, error);
    }
}


/* Reads statements up to the end of the block, or of the text. */
static void
read_block(struct conf *cf, bool is_inner)
{
    struct conf_reader *rd = cf->reader;
    enum lex            how;

    while (!too_many_errors(cf)) {
        how = next_statement(cf);
        if (how == LEX_ERROR) {
            lexical_error(cf);
        } else if (how == LEX_BLOCK_END || how == LEX_END) {
            if (!goes_on(cf, how, is_inner))
                return;
        } else if (how == LEX_BLOCK_START && cf->file == NULL) {
            cf->line = rd->lexer->line;
            conf_report(cf, "block directives are not supported in -g option");
            lexer_skip_block(rd->lexer, rd->words);
        } else {
            read_statement(cf, how);
        }
    }
}


/* --- texts and files ------------------------------------------------------ */

static void
note_source(struct conf *cf, const char *name, str_t text)
{
    struct source *s = arena_make(cf->reader->arena, struct source);

    s->name = name;
    s->text = text;
    s->next = cf->reader->sources;
    cf->reader->sources = s;
}


/* Reads a text in the block at hand; data lines when d is given. */
static void
read_source(struct conf *cf, const char *name, str_t text, struct data *d)
{
    struct conf_reader *rd = cf->reader;
    struct lexer        lx, *outer = rd->lexer;
    struct arena       *words = rd->words;
    const char         *file = cf->file;
    unsigned            line = cf->line;

    note_source(cf, name, text);
    lexer_init(&lx, text, name != NULL);
    lx.keeps_comments = cf->gen->paths.lints;
    rd->lexer = &lx;
    rd->words = arena_new(0);
    rd->depth++;
    cf->file = name;
    cf->line = 1;
    if (d != NULL)
        read_data_lines(cf, d, false);
    else
        read_block(cf, false);
    rd->depth--;
    if (outer != NULL) {
        cf->file = file;
        cf->line = line;
    }
    arena_free(rd->words);
    rd->words = words;
    rd->lexer = outer;
}


void
conf_read_text(struct conf *cf, const char *name, str_t text)
{
    read_source(cf, name, text, NULL);
}


/* The bytes of a file in the scratch arena; false with errno set. */
static bool
load_file(struct conf *cf, const char *path, str_t *text, const char **call)
{
    struct stat st;
    char       *p;
    size_t      n = 0, room;
    ssize_t     got;
    int         fd;

    *call = "open";
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    *call = "fstat";
    if (fstat(fd, &st) == -1) {
        close(fd);
        return false;
    }
    room = st.st_size > 0 ? (size_t) st.st_size + 1 : 65536;
    p = arena_bytes(cf->reader->arena, room);
    *call = "read";
    while ((got = read(fd, p + n, room - n)) > 0) {
        n += (size_t) got;
        if (n == room) {
            p = arena_grow(cf->reader->arena, p, n, 2 * room);
            room *= 2;
        }
    }
    close(fd);
    *text = (str_t){ p, n };
    return got == 0;
}


static const char *
read_path(struct conf *cf, const char *path, struct data *d)
{
    const char *call, *name;
    str_t       text;

    if (cf->reader->depth >= INCLUDE_DEPTH_MAX)
        return conf_error(cf, "too many nested includes of \"%s\"", path);
    if (!load_file(cf, path, &text, &call))
        return conf_errno(cf, errno, "%s() \"%s\" failed", call, path);
    name = str_z(cf->arena, str_of(path));
    generation_note_file(cf->gen, str_of(name), text);
    read_source(cf, name, text, d);
    return NULL;
}


bool
conf_read_file(struct conf *cf, str_t path, const char **error)
{
    *error = read_path(cf, str_z(cf->reader->arena, path), NULL);
    return *error == NULL;
}


static const char *
include_into(struct conf *cf, str_t pattern, struct data *d)
{
    struct conf_block *block = cf->block;
    str_t              path = conf_path_conf(cf, pattern);
    const char        *error = NULL;
    glob_t             g;
    size_t             i;
    int                rc;

    if (strpbrk(path.p, "*?[") == NULL)
        return read_path(cf, path.p, d);
    rc = glob(path.p, 0, NULL, &g);
    if (rc == GLOB_NOMATCH) {
        lint_note_include(cf, path);
        return NULL;
    }
    if (rc != 0)
        return conf_error(cf, "glob() \"%s\" failed", path.p);
    for (i = 0; i < g.gl_pathc && error == NULL; i++)
        error = read_path(cf, g.gl_pathv[i], d);
    globfree(&g);
    cf->block = block;
    return error;
}


static const char *
read_include(struct conf *cf, void *field)
{
    (void) field;
    return include_into(cf, cf->args[1], NULL);
}


const char *
conf_include_lines(struct conf *cf, const struct conf_lines *lines, void *state)
{
    struct data d = { .lines = lines, .state = state };

    return include_into(cf, cf->args[1], &d);
}
