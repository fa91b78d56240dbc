/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages about configurations.  The first line of each is the same as
 * nginx's, and where tools read the output there is no other.  For people
 * (log_explains) all errors are reported, each with its source line, a caret
 * and hints below it.
 */
#include <stdarg.h>
#include <stdio.h>

#include "core/conf/reader.h"

void (*conf_tap)(unsigned column);


__attribute__((format(printf, 2, 0))) static const char *
vformat(struct conf *cf, const char *fmt, va_list args)
{
    return arena_vprintf(cf->reader->arena, fmt, args).p;
}


const char *
conf_error(struct conf *cf, const char *fmt, ...)
{
    const char *text;
    va_list     args;

    va_start(args, fmt);
    text = vformat(cf, fmt, args);
    va_end(args);
    return text;
}


const char *
conf_errno(struct conf *cf, int errnum, const char *fmt, ...)
{
    const char *text;
    va_list     args;

    va_start(args, fmt);
    text = vformat(cf, fmt, args);
    va_end(args);
    return conf_error(cf, "%s (%d: %s)", text, errnum, strerror(errnum));
}


/* The source line that contains at, or the one with that number. */
static str_t
source_line(const struct conf_reader *rd, const char *file, unsigned line,
            const char *at, size_t *column)
{
    const struct source *s;
    const char          *p, *end;

    for (s = rd->sources; s != NULL; s = s->next)
        if (at ? at >= s->text.p && at <= s->text.p + s->text.n
               : s->name && file && strcmp(s->name, file) == 0)
            break;
    if (s == NULL)
        return STR_NONE;

    end = s->text.p + s->text.n;
    if (at != NULL) {
        for (p = at; p > s->text.p && p[-1] != '\n'; p--)
            ;
        *column = (size_t) (at - p);
    } else {
        for (p = s->text.p; line > 1 && p < end; p++)
            if (*p == '\n')
                line--;
        while (p < end && (*p == ' ' || *p == '\t'))
            p++;
        *column = 0;
    }
    for (at = p; at < end && *at != '\n' && *at != '\r'; at++)
        ;
    return str_span(p, at);
}


/* Prints a line below the message, unless it was the last one printed. */
static void
say_hint(struct conf *cf, const char *text)
{
    struct conf_reader *rd = cf->reader;

    if (rd->told != NULL && strcmp(rd->told, text) == 0)
        return;
    rd->told = text;
    log_at(rd->log, LEVEL_STDERR, 0, "       %s", text);
}


/* Lines of a file are shown with their tabs and other bytes kept from moving
 * the caret, which stands where the column is known. */
static void
show_line(struct conf *cf, const char *file, unsigned line, const char *at)
{
    struct conf_reader *rd = cf->reader;
    size_t              column = 0, i, from = 0;
    str_t               text = source_line(rd, file, line, at, &column);
    char               *copy;

    if (text.p == NULL || text.n == 0)
        return;
    if (column > 100)
        from = column - 40;
    text = str_from(text, from < text.n ? from : text.n);
    column -= from;
    if (text.n > 120)
        text.n = 120;
    copy = arena_bytes(rd->arena, text.n + 1);
    for (i = 0; i < text.n; i++)
        copy[i] = (unsigned char) text.p[i] < 0x20 ? ' ' : text.p[i];
    log_at(rd->log, LEVEL_STDERR, 0, "%6u | %.*s", line, (int) text.n, copy);
    if (at == NULL)
        return;
    log_at(rd->log, LEVEL_STDERR, 0, "       | %*s^", (int) column, "");
    if (conf_tap != NULL)
        conf_tap((unsigned) (from + column) + 1);
}


static void
show_hints(struct conf *cf, const char *file, unsigned line, const char *at)
{
    struct conf_reader *rd = cf->reader;

    show_line(cf, file, line, at);
    if (rd->suggestion.p != NULL)
        say_hint(cf, arena_printf(rd->arena, "did you mean \"" STR_F "\"?",
                                  STR_A(rd->suggestion))
                         .p);
    if (rd->hint != NULL)
        say_hint(cf, rd->hint);
    rd->suggestion = STR_NONE;
    rd->hint = NULL;
}


size_t
conf_unended(const struct conf *cf, bool *is_block)
{
    const struct conf_reader *rd = cf->reader;
    const struct lexer       *lx = rd->lexer;
    const struct word        *w = lx->words.at;
    const struct row         *row;
    bool                      may_be_data;

    if (lx->words.n == 0)
        return 0;
    row = rows_find_in(rd, w[0].text, cf->block->kind);
    *is_block = row != NULL && (row->directive->args & ARGS_BLOCK);
    may_be_data = *is_block && (row->directive->args & ARGS_DATA)
                  && lx->p > lx->text.p && lx->p[-1] == ';';
    for (size_t i = 1; i < lx->words.n; i++)
        if (w[i].line > w[i - 1].line
            && (may_be_data || rows_find(rd, w[i].text) != NULL
                || rows_is_known(w[i].text)))
            return i;
    return 0;
}


static void
ask_missing(struct conf *cf, const char *what, unsigned line)
{
    say_hint(cf, arena_printf(cf->reader->arena,
                              "is the \"%s\" missing at the end of line %u?",
                              what, line)
                     .p);
}


static void
show_unended(struct conf *cf, const struct lexer *lx)
{
    bool   is_block;
    size_t n = conf_unended(cf, &is_block);

    if (n != 0)
        ask_missing(cf, is_block ? "{" : ";", lx->words.at[n - 1].line);
}


/* The block that is most likely meant: the one that indentation says, or the
 * innermost one that is open. */
static void
show_open_block(struct conf *cf, const struct lexer *lx)
{
    struct arena            *a = cf->reader->arena;
    const struct conf_block *b = cf->block;
    struct unclosed          u = { .line = b->line };
    const char              *file = b->file;

    if (cf->reader->has_told_unclosed || b->up == NULL || file == NULL)
        return;
    if (hint_unclosed(cf, lx->text, lx->text.p + lx->text.n, &u))
        file = cf->file;
    show_line(cf, file, u.line, NULL);
    if (u.closer != 0)
        say_hint(cf, arena_printf(a,
                                  "this block is not closed: the \"}\" of line "
                                  "%u stands left of it",
                                  u.closer)
                         .p);
    else
        say_hint(cf, "this block is not closed");
}


/* The text or a block ended too early. */
static void
show_unclosed(struct conf *cf, const struct lexer *lx, const char *message)
{
    if (lx->words.n > 0 && message == lx->error) {
        if (lx->quote_line == 0
            && (strncmp(message, "unexpected \"}", 13) == 0
                || strstr(message, "expecting \";\"") != NULL))
            ask_missing(cf, ";", lx->words.at[lx->words.n - 1].line);
    } else if (strstr(message, "end of file, expecting \"}\"") != NULL) {
        show_open_block(cf, lx);
    }
}


static void
write_at(const struct log *log, enum log_level level, const char *file,
         unsigned line, const char *message)
{
    if (line == 0)
        log_write(log, level, 0, "%s", message);
    else if (file == NULL)
        log_write(log, level, 0, "%s in command line", message);
    else
        log_write(log, level, 0, "%s in %s:%u", message, file, line);
}


/* For people: all errors, of which only the first one is logged. */
static void
print_all(struct conf *cf, enum log_level level, const char *file,
          unsigned line, const char *message)
{
    bool              is_first = cf->errors == (level == LEVEL_EMERG);
    const struct log *log = is_first ? cf->reader->log : &log_aside;

    if (!is_first || log_enabled(log, level))
        write_at(log, level, file, line, message);
}


/* For tools: nginx ends at its first error.  A directive that it has and this
 * build lacks is none for it, and so gives way to another error. */
static void
print_first(struct conf *cf, enum log_level level, const char *file,
            unsigned line, const char *message)
{
    struct conf_reader *rd = cf->reader;

    if (rd->has_failed || !log_enabled(rd->log, level))
        return;
    if (level == LEVEL_EMERG
        && strstr(message, " is not supported by this build") != NULL)
    {
        if (rd->unsupported.message == NULL) {
            rd->unsupported.message = message;
            rd->unsupported.file = file;
            rd->unsupported.line = line;
        }
        return;
    }
    rd->has_failed = level == LEVEL_EMERG;
    write_at(rd->log, level, file, line, message);
}


static void
print_at(struct conf *cf, enum log_level level, const char *file, unsigned line,
         const char *message)
{
    if (log_explains)
        print_all(cf, level, file, line, message);
    else
        print_first(cf, level, file, line, message);
}


void
conf_report_unsupported(struct conf *cf)
{
    const struct conf_reader *rd = cf->reader;

    if (!rd->has_failed && rd->unsupported.message != NULL)
        write_at(rd->log, LEVEL_EMERG, rd->unsupported.file,
                 rd->unsupported.line, rd->unsupported.message);
}


void
conf_report_at(struct conf *cf, const char *file, unsigned line, const char *at,
               const char *message)
{
    if (cf->errors++ > CONF_ERRORS_MAX)
        return;
    print_at(cf, LEVEL_EMERG, file, line, message);
    if (cf->reader->hint == NULL && cf->reader->suggestion.p == NULL
        && cf->reader->lexer != NULL && message == cf->reader->lexer->error)
        cf->reader->hint = hint_for(cf, message);
    show_hints(cf, file, line, at);
    if (cf->reader->lexer != NULL)
        show_unclosed(cf, cf->reader->lexer, message);
}


/* The word that a message quotes, or else the directive's name. */
static const struct word *
blamed_word(const struct lexer *lx, const char *message)
{
    const struct word *found = lx->words.n ? lx->words.at : NULL;
    const char        *p;

    VEC_EACH(&lx->words, w) {
        if (w == lx->words.at || w->text.n == 0)
            continue;
        p = str_find(str_of(message), w->text);
        if (p != NULL && p > message && p[-1] == '"' && p[w->text.n] == '"')
            found = w;
    }
    return found;
}


static void
note_unsure(struct conf_reader *rd, const struct lexer *lx)
{
    VEC_EACH(&lx->words, w)
        if (w->text.n > 1 && w->text.p[0] == '$')
            *vec_push(rd->arena, &rd->unsure)
                = str_copy(rd->arena, str_from(w->text, 1));
}


bool
conf_is_unsure(const struct conf *cf, str_t name)
{
    VEC_EACH(&cf->reader->unsure, it)
        if (str_eq(*it, name))
            return true;
    return false;
}


/* A common mistake is not a misspelt name. */
static void
prefer_hint(struct conf *cf, const char *hint)
{
    if (hint == NULL)
        return;
    cf->reader->hint = hint;
    cf->reader->suggestion = STR_NONE;
}


void
conf_report(struct conf *cf, const char *message)
{
    const struct word *w;
    struct lexer      *lx = cf->reader->lexer;

    w = lx ? blamed_word(lx, message) : NULL;
    if (cf->errors++ > CONF_ERRORS_MAX)
        return;
    print_at(cf, LEVEL_EMERG, cf->file, cf->line, message);
    if (cf->reader->hint == NULL)
        prefer_hint(cf, hint_for(cf, message));
    show_hints(cf, cf->file, w ? w->line : cf->line, w ? w->at : NULL);
    if (lx != NULL) {
        show_unended(cf, lx);
        note_unsure(cf->reader, lx);
    }
}


void
conf_error_at(struct conf *cf, const char *file, unsigned line, const char *fmt,
              ...)
{
    const char *text;
    va_list     args;

    va_start(args, fmt);
    text = vformat(cf, fmt, args);
    va_end(args);
    conf_report_at(cf, file, line, NULL, text);
}


str_t
conf_source_line(const struct conf *cf, const char *file, unsigned line)
{
    size_t column;

    return source_line(cf->reader, file, line, NULL, &column);
}


void
conf_error_bare(struct conf *cf, const char *file, unsigned line,
                const char *fmt, ...)
{
    const char *text;
    va_list     args;

    va_start(args, fmt);
    text = vformat(cf, fmt, args);
    va_end(args);
    if (cf->errors++ > CONF_ERRORS_MAX)
        return;
    print_at(cf, LEVEL_EMERG, NULL, 0, text);
    if (file != NULL) {
        log_at(cf->reader->log, LEVEL_STDERR, 0, "       in %s:%u", file, line);
        show_hints(cf, file, line, NULL);
    }
}


void
conf_warn(struct conf *cf, const char *fmt, ...)
{
    const char *text;
    va_list     args;

    va_start(args, fmt);
    text = vformat(cf, fmt, args);
    va_end(args);
    print_at(cf, LEVEL_WARN, cf->file, cf->line, text);
    text = hint_for(cf, text);
    if (text != NULL)
        say_hint(cf, text);
}


void
conf_warn_at(struct conf *cf, const char *file, unsigned line, const char *fmt,
             ...)
{
    const char *text;
    va_list     args;

    va_start(args, fmt);
    text = vformat(cf, fmt, args);
    va_end(args);
    print_at(cf, LEVEL_WARN, file, line, text);
    show_hints(cf, file, line, NULL);
}


void
conf_warn_bare(struct conf *cf, const char *fmt, ...)
{
    const char *text;
    va_list     args;

    va_start(args, fmt);
    text = vformat(cf, fmt, args);
    va_end(args);
    print_at(cf, LEVEL_WARN, NULL, 0, text);
}


void
conf_hint(struct conf *cf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    cf->reader->hint = vformat(cf, fmt, args);
    va_end(args);
}


void
conf_suggest(struct conf *cf, str_t given, const char *const *words)
{
    unsigned best = given.n > 8 ? 3 : given.n > 3 ? 2 : 1, d;
    str_t   *found = &cf->reader->suggestion, word;

    *found = STR_NONE;
    best++;
    for (; *words != NULL; words++) {
        word = str_of(*words);
        d = str_distance(given, word, best);
        if (d < best
            || (d == best && found->p != NULL && str_cmp(word, *found) < 0)) {
            best = d;
            *found = word;
        }
    }
}
