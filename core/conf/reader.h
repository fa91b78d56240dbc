/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to core/conf: the state of reading that directive types need not
 * see, and the table of rows.
 */
#pragma once

#include "core/base/hash.h"
#include "core/conf/conf.h"
#include "core/conf/lexer.h"

/* A row under its full name. */
struct row {
    const struct module    *module;
    const struct directive *directive;
    unsigned                bit;  /* in the set of its module                */
    struct row             *next; /* of the same name                        */
};

/* A field that rows of one module share. */
struct row_field {
    size_t                  offset;
    const struct conf_type *type;
    unsigned                where;    /* of the rows, or'ed: ROW_OWN ...     */
    uint64_t                bits[2];  /* the rows                            */
};

struct module_rows {
    const struct module *module;
    VEC(struct row *)        rows;
    VEC(struct row_field)    fields;
    bool                     has_own; /* a field that is not simply handed on */
};

/* The header before each conf. */
struct conf_head {
    uint64_t set[2]; /* bit per row                                          */
};

enum { MODULE_ROWS_MAX = 128, CONF_ERRORS_MAX = 50, INCLUDE_DEPTH_MAX = 64 };

struct source {
    struct source *next;
    const char    *name; /* NULL: the -g option                              */
    str_t          text;
};

/* A conf of an http{} (or the like) with an error that only counts in servers
 * that inherit it unchanged. */
struct unready {
    const void *conf;
    const char *error;
};

struct conf_reader {
    struct arena       *arena;   /* scratch: goes when all is read           */
    struct arena       *words;   /* of the statement at hand of lexer        */
    const struct log   *log;
    struct hash        *by_name; /* struct row                               */
    struct hash        *statements; /* arguments that came before, by text   */
    struct module_rows *modules; /* by slot                                  */
    unsigned            n_modules;
    struct conf_page  **defaults; /* confs made of the presets               */
    struct lexer       *lexer;   /* of the file at hand                      */
    struct source      *sources;
    str_t               suggestion; /* for the next error                    */
    const char         *hint;    /* the same: a line, or NULL                */
    const str_t        *shown;   /* words of the statement at hand before
                                    ${env:}, or NULL                         */
    const char         *told;    /* the last hint that was printed           */
    bool                has_told_unclosed; /* a hint named the open block    */
    const char         *data_start; /* of the block of data at hand, or NULL */
    unsigned            data_line;
    VEC(str_t)          unsure;  /* $names among the words of statements that
                                    failed: they may be defined there        */
    VEC(struct unready) unready; /* of outermost blocks                      */
    unsigned            depth;   /* of includes                              */
    bool                has_failed; /* an error was logged for tools         */
    struct {
        const char *message, *file;
        unsigned    line;
    } unsupported;               /* the first such error, where it is not
                                    logged so far; message NULL: none        */
};

/* rows.c */
void rows_init(struct conf *cf);
struct row *rows_find(const struct conf_reader *rd, str_t name);
/* The row that is allowed in a block of that kind. */
struct row *rows_find_in(const struct conf_reader *rd, str_t name,
                         unsigned kind);
/* The closest name that is allowed in a block of that kind, or STR_NONE. */
str_t rows_suggest(const struct conf_reader *rd, str_t name, unsigned kind);
/* Whether nginx has a directive of that name. */
bool rows_is_known(str_t name);

/* resolve.c */
void *conf_make(struct conf *cf, const struct module *m);
/* Puts a conf into a block, on a page of its own: a copy of outer's, or an
 * empty one where outer is NULL. */
void conf_put(struct conf *cf, struct conf_block *b, const struct module *m,
              void *conf, struct conf_page *const *outer);
static inline unsigned
conf_pages(const struct conf_reader *rd)
{
    return (rd->n_modules + CONF_PAGE - 1) / CONF_PAGE;
}
static inline struct conf_head *
conf_head_of(void *conf)
{
    return (struct conf_head *) conf - 1;
}
void conf_read_presets(struct conf *cf);
void conf_resolve(struct conf *cf, struct conf_block *b,
                  struct conf_block *outer);

/* error.c */
/* Where in the current statement a line begins with the name of a directive, so
 * that the line before probably lacks its ";", or its "{" where *is_block; 0:
 * nowhere. */
size_t conf_unended(const struct conf *cf, bool *is_block);
/* Prints a message for the statement at hand and counts it. */
void conf_report(struct conf *cf, const char *message);
/* The same for a place of its own. */
/* Everything has been read: for tools, what this build lacks is the error only
 * where there was no other one. */
void conf_report_unsupported(struct conf *cf);
void conf_report_at(struct conf *cf, const char *file, unsigned line,
                    const char *at, const char *message);

/* hints.c.  What to write instead where the message about the statement at hand
 * comes of a usual mistake, or NULL. */
const char *hint_for(struct conf *cf, const char *message);
/* The "{" of a pattern that was taken for the start of a block, or NULL. */
const char *hint_brace(const struct lexer *lx);
/* The first block of text, up to end, at whose end a "}" stands further left
 * than it. */
struct unclosed {
    unsigned line, closer; /* of the block, of the "}"                       */
};
bool hint_unclosed(struct conf *cf, str_t text, const char *end,
                   struct unclosed *u);

/* env.c: puts the values of ${env:...} into the words of the statement at
 * hand; NULL, or the first error. */
const char *env_expand(struct conf *cf);

/* read.c */
void conf_read_text(struct conf *cf, const char *name, str_t text);
bool conf_read_file(struct conf *cf, str_t path, const char **error);
