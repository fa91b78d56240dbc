/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of SSI: which one, where it may stand, its parameters, and what
 * it does.
 */
#include "modules/filter/ssi.h"

enum what {
    INCLUDE,
    ECHO,
    SET,
    CONFIG,
    IF,
    ELIF,
    ELSE,
    ENDIF,
    BLOCK,
    ENDBLOCK
};

struct kind {
    const char *name;
    enum what   what;
    unsigned    branches;  /* where it may stand, by 1 << ssi_branch; 0: where
                             text is shown                                   */
    const char *params[6]; /* the first needed of them are mandatory         */
    unsigned    needed;
};

static const struct kind kinds[] = {
    { "include",
      INCLUDE,
      0,
      { "virtual", "file", "wait", "set", "stub", NULL },
      0 },
    { "echo", ECHO, 0, { "var", "default", "encoding", NULL }, 1 },
    { "config", CONFIG, 0, { "errmsg", "timefmt", NULL }, 0 },
    { "set", SET, 0, { "var", "value", NULL }, 2 },
    { "if", IF, 1 << SSI_NO_IF, { "expr", NULL }, 1 },
    { "elif", ELIF, 1 << SSI_IN_IF, { "expr", NULL }, 1 },
    { "else", ELSE, 1 << SSI_IN_IF, { NULL }, 0 },
    { "endif", ENDIF, 1 << SSI_IN_IF | 1 << SSI_IN_ELSE, { NULL }, 0 },
    { "block", BLOCK, 0, { "name", NULL }, 1 },
    { "endblock", ENDBLOCK, 0, { NULL }, 0 },
};


static const struct kind *
find_kind(str_t name)
{
    unsigned i;

    for (i = 0; i < countof(kinds); i++)
        if (str_eq(name, str_of(kinds[i].name)))
            return &kinds[i];
    return NULL;
}


/* p NULL: absent. */
static str_t
param(const struct ssi_command *c, str_t name)
{
    unsigned i;

    for (i = 0; i < c->n; i++)
        if (str_eq(c->params[i].name, name))
            return c->params[i].value;
    return STR_NONE;
}


static bool
is_known(const struct kind *k, str_t name)
{
    unsigned i;

    for (i = 0; k->params[i] != NULL; i++)
        if (str_eq(name, str_of(k->params[i])))
            return true;
    return false;
}


static bool
has_good_params(struct ssi_page *p, const struct kind *k,
                const struct ssi_command *c)
{
    struct log *log = p->r->task.log;
    unsigned    i;

    for (i = 0; i < c->n; i++) {
        str_t name = c->params[i].name;

        if (!is_known(k, name)) {
            log_error(log,
                      "invalid parameter name: \"" STR_F
                      "\" in \"%s\" SSI command",
                      STR_A(name), k->name);
            return false;
        }
        if (param(c, name).p != c->params[i].value.p) {
            log_error(log,
                      "duplicate \"" STR_F "\" parameter in \"%s\" SSI command",
                      STR_A(name), k->name);
            return false;
        }
    }
    for (i = 0; i < k->needed; i++) {
        if (param(c, str_of(k->params[i])).p == NULL) {
            log_error(log,
                      "mandatory \"%s\" parameter is absent in \"%s\" SSI "
                      "command",
                      k->params[i], k->name);
            return false;
        }
    }
    return true;
}


/* --- what is put out ----------------------------------------------------- */

static bool
count_item(struct ssi_page *p)
{
    if (p->shared->items >= SSI_ITEMS_MAX) {
        log_error(p->r->task.log, "too much in SSI blocks");
        return false;
    }
    p->shared->items++;
    return true;
}


/* NULL: there are too many. */
static struct ssi_item *
add_item(struct ssi_page *p)
{
    return count_item(p) ? vec_push(p->shared->arena, &p->block->items) : NULL;
}


void
ssi_put(struct ssi_page *p, struct chain *out, const struct piece *piece,
        str_t s)
{
    struct ssi_item *item;

    if (p->block == NULL) {
        if (!p->is_hidden)
            gather_part(&p->out, out, piece, s);
        return;
    }
    item = add_item(p);
    if (item != NULL && !ssi_copy(p->shared->arena, s, &item->text))
        log_error(p->r->task.log, "no memory for the block \"" STR_F "\"",
                  STR_A(p->block->name));
}


void
ssi_put_error(struct ssi_page *p, struct chain *out)
{
    if (!p->conf->is_silent)
        gather_copy(&p->out, out, p->error);
}


/* --- commands ------------------------------------------------------------ */

/* Characters of HTML and URLs grow to six times their length: in memory that
 * goes at once. */
static void
put_encoded(struct ssi_page *p, str_t s, struct chain *out)
{
    struct arena *a;

    if (p->encoding == SSI_PLAIN) {
        gather_copy(&p->out, out, s);
        return;
    }
    a = arena_new(0);
    if (p->encoding == SSI_ENTITY)
        s = escape_html(a, s);
    else
        s = escape_uri(a, s, ESCAPE_SSI);
    gather_copy(&p->out, out, s);
    arena_free(a);
}


static bool
echo(struct ssi_page *p, const struct ssi_command *c, struct chain *out)
{
    str_t encoding = param(c, STR("encoding")), value;

    if (str_is(encoding, "none"))
        p->encoding = SSI_PLAIN;
    else if (str_is(encoding, "url"))
        p->encoding = SSI_URL;
    else if (str_is(encoding, "entity"))
        p->encoding = SSI_ENTITY;
    else if (encoding.p != NULL)
        log_error(p->r->task.log,
                  "unknown encoding \"" STR_F "\" in the \"echo\" command",
                  STR_A(encoding));
    value = ssi_variable(p, param(c, STR("var")));
    if (value.p == NULL)
        value = param(c, STR("default"));
    if (value.p == NULL)
        value = STR("(none)");
    put_encoded(p, value, out);
    return true;
}


static bool
set(struct ssi_page *p, const struct ssi_command *c)
{
    str_t value;

    return ssi_evaluate(p, p->r->task.arena, STR(""), param(c, STR("value")),
                        &value)
           && ssi_set(p->shared, param(c, STR("var")), value);
}


/* Without memory it stays as it was. */
static bool
configure(struct ssi_page *p, const struct ssi_command *c)
{
    struct arena *a = p->r->task.arena;
    str_t         error = param(c, STR("errmsg"));
    str_t         format = param(c, STR("timefmt"));

    return (error.p == NULL || ssi_copy(a, error, &p->error))
           && (format.p == NULL || ssi_copy(a, format, &p->time_format));
}


static bool
begin_if(struct ssi_page *p, const struct ssi_command *c)
{
    bool is_true;

    if (!ssi_test(p, param(c, STR("expr")), &is_true))
        return false;
    p->branch = SSI_IN_IF;
    p->has_chosen = is_true;
    p->is_hidden = !is_true;
    return true;
}


static bool
go_on_with_elif(struct ssi_page *p, const struct ssi_command *c)
{
    if (!p->has_chosen)
        return begin_if(p, c);
    p->is_hidden = true;
    return true;
}


static bool
begin_block(struct ssi_page *p, const struct ssi_command *c)
{
    struct arena     *a = p->shared->arena;
    struct ssi_block *b;

    if (!count_item(p))
        return false;
    b = arena_make(a, struct ssi_block);
    b->name = str_copy(a, param(c, STR("name")));
    *vec_push(a, &p->shared->blocks) = b;
    p->block = b;
    return true;
}


/* A command within a block is kept for later. */
static void
keep_command(struct ssi_page *p, const struct ssi_command *c)
{
    struct arena       *a = p->shared->arena;
    struct ssi_item    *item = add_item(p);
    struct ssi_command *copy;
    unsigned            i;

    if (item == NULL)
        return;
    copy = &item->command;
    *copy = *c;
    copy->name = str_copy(a, c->name);
    for (i = 0; i < c->n; i++) {
        copy->params[i].name = str_copy(a, c->params[i].name);
        copy->params[i].value = str_copy(a, c->params[i].value);
    }
}


/* Whether it may stand here. */
static bool
is_in_place(const struct ssi_page *p, const struct kind *k)
{
    if (k->branches == 0)
        return !p->is_hidden;
    return (k->branches >> p->branch) & 1;
}


/* Tells why a command is not run, if that is to be told. */
static void
tell_why(struct ssi_page *p, const struct kind *k, str_t name)
{
    struct log *log = p->r->task.log;

    if (k == NULL)
        log_error(log, "invalid SSI command: \"" STR_F "\"", STR_A(name));
    else if (k->what == IF)
        log_error(log, "the \"if\" command inside the \"if\" command");
    else
        log_error(log, "invalid context of SSI command: \"%s\"", k->name);
}


/* False: the command is wrong. */
static bool
run(struct ssi_page *p, const struct kind *k, const struct ssi_command *c,
    struct chain *out, enum step *step)
{
    switch (k->what) {
    case INCLUDE:
        return ssi_include(p, c, out, step);
    case ECHO:
        return echo(p, c, out);
    case SET:
        return set(p, c);
    case CONFIG:
        return configure(p, c);
    case IF:
        return begin_if(p, c);
    case ELIF:
        return go_on_with_elif(p, c);
    case ELSE:
        p->branch = SSI_IN_ELSE;
        p->is_hidden = p->has_chosen;
        return true;
    case ENDIF:
        p->branch = SSI_NO_IF;
        p->is_hidden = p->has_chosen = false;
        return true;
    case BLOCK:
        return begin_block(p, c);
    case ENDBLOCK:
        p->block = NULL;
        return true;
    }
    return true;
}


enum step
ssi_run(struct ssi_page *p, const struct ssi_command *c, struct chain *out)
{
    const struct kind *k = find_kind(c->name);
    enum step          step = STEP_NEXT;

    if (p->block != NULL && (k == NULL || k->what != ENDBLOCK)) {
        if (k != NULL)
            keep_command(p, c);
        return STEP_NEXT;
    }
    if (k == NULL || !is_in_place(p, k)) {
        if (p->is_hidden)
            return STEP_NEXT;
        tell_why(p, k, c->name);
    } else if (has_good_params(p, k, c) && run(p, k, c, out, &step)) {
        return step;
    }
    ssi_put_error(p, out);
    return STEP_NEXT;
}
