/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splits configuration text into statements.  A word begins after blank space
 * and may be quoted; outside of quotes it ends at blank space, ; or {, but
 * "${" does not open a block.
 *
 * Invariant between calls: p is after the byte that ended the last statement.
 */
#include "core/conf/lexer.h"


static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


void
lexer_init(struct lexer *lx, str_t text, bool is_file)
{
    *lx = (struct lexer){
        .text = text, .p = text.p, .line = 1, .is_file = is_file
    };
}


static const char *
text_end(const struct lexer *lx)
{
    return lx->text.p + lx->text.n;
}


static enum lex
fail(struct lexer *lx, const char *at, unsigned line, const char *message)
{
    lx->error = message;
    lx->error_at = at;
    lx->error_line = line;
    return LEX_ERROR;
}


static enum lex
unexpected(struct lexer *lx, struct arena *a, char c)
{
    return fail(lx, lx->p, lx->line, arena_printf(a, "unexpected \"%c\"", c).p);
}


static bool
is_alone(const struct lexer *lx, const char *p)
{
    while (p > lx->text.p && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    return p == lx->text.p || p[-1] == '\n';
}


/* The comment from p to where lx is. */
static void
keep_comment(struct lexer *lx, struct arena *a, const char *p)
{
    str_t           text = str_span(p, lx->p);
    struct comment *c;

    if (!str_starts(str_trim(str_from(text, 1)), STR("weir:")))
        return;
    c = vec_push(a, &lx->comments);
    c->text = text;
    c->line = lx->line;
    c->is_ahead = lx->words.n != 0 || is_alone(lx, p);
}


/* Skips blank space and comments. */
static void
skip_blank(struct lexer *lx, struct arena *a)
{
    const char *start;
    const char *end = text_end(lx);

    for (; lx->p < end; lx->p++) {
        if (*lx->p == '\n') {
            lx->line++;
        } else if (*lx->p == '#') {
            start = lx->p;
            while (lx->p < end && *lx->p != '\n')
                lx->p++;
            if (lx->keeps_comments)
                keep_comment(lx, a, start);
            lx->p--;
        } else if (!is_blank(*lx->p)) {
            return;
        }
    }
}


/* The raw bytes of a word without their escapes. */
static str_t
unescape(struct arena *a, const char *p, const char *end)
{
    char  *out = arena_bytes(a, (size_t) (end - p) + 1), *w = out;
    size_t i;

    static const char from[] = "\"'\\trn", to[] = "\"'\\\t\r\n";

    for (; p < end; p++) {
        if (*p == '\\' && p + 1 < end) {
            for (i = 0; from[i] != '\0' && from[i] != p[1]; i++)
                ;
            if (from[i] != '\0') {
                *w++ = to[i];
                p++;
                continue;
            }
        }
        *w++ = *p;
    }
    *w = '\0';
    return str_span(out, w);
}


static void
push_word(struct lexer *lx, struct arena *a, const char *start,
          const char *text, const char *end, unsigned line)
{
    struct word *w = vec_push(a, &lx->words);

    w->text = unescape(a, text, end);
    w->at = start;
    w->line = line;
}


static enum lex
too_long(struct lexer *lx, struct arena *a, const char *start, unsigned line,
         char quote)
{
    if (quote != '\0')
        return fail(lx, start, line,
                    arena_printf(a,
                                 "too long parameter, probably missing "
                                 "terminating \"%c\" character",
                                 quote)
                        .p);
    return fail(
        lx, start, line,
        arena_printf(a, "too long parameter \"%.10s...\" started", start).p);
}


static enum lex
end_too_early(struct lexer *lx)
{
    return fail(lx, lx->p, lx->line,
                lx->is_file ? "unexpected end of file, "
                              "expecting \";\" or \"}\""
                            : "unexpected end of parameter, "
                              "expecting \";\"");
}


/* A word in quotes; p is at the opening one. */
static enum lex
quoted_word(struct lexer *lx, struct arena *a)
{
    const char *start = lx->p, *end = text_end(lx);
    unsigned    line = lx->line;
    char        quote = *lx->p++;

    for (; lx->p < end; lx->p++) {
        if (lx->p - start >= LEX_WORD_MAX)
            return too_long(lx, a, start, line, quote);
        if (*lx->p == '\n')
            lx->line++;
        if (*lx->p == '\\') {
            if (++lx->p < end && *lx->p == '\n')
                lx->line++;
            continue;
        }
        if (*lx->p != quote)
            continue;
        push_word(lx, a, start, start + 1, lx->p, line);
        lx->p++;
        if (lx->p == end || is_blank(*lx->p) || *lx->p == ';' || *lx->p == '{'
            || *lx->p == ')')
            return LEX_STATEMENT;
        lx->quote_line = line != lx->line ? line : 0;
        return unexpected(lx, a, *lx->p);
    }
    lx->p = end;
    lx->quote_line = line;
    return end_too_early(lx);
}


/* A word without quotes. */
static enum lex
plain_word(struct lexer *lx, struct arena *a)
{
    const char *start = lx->p, *end = text_end(lx);
    unsigned    line = lx->line;

    for (; lx->p < end; lx->p++) {
        if (lx->p - start >= LEX_WORD_MAX)
            return too_long(lx, a, start, line, '\0');
        if (*lx->p == '\\') {
            if (++lx->p < end && *lx->p == '\n')
                lx->line++;
            continue;
        }
        if (*lx->p == '$' && lx->p + 1 < end && lx->p[1] == '{') {
            lx->p++;
            continue;
        }
        if (is_blank(*lx->p) || *lx->p == ';' || *lx->p == '{')
            break;
    }
    if (lx->p >= end) {
        lx->p = end;
        return end_too_early(lx);
    }
    push_word(lx, a, start, start, lx->p, line);
    return LEX_STATEMENT;
}


enum lex
lexer_next(struct lexer *lx, struct arena *a)
{
    enum lex what;
    char     c;

    lx->quote_line = 0;
    lx->words.at = NULL;
    lx->words.n = lx->words.room = 0;
    lx->comments.at = NULL;
    lx->comments.n = lx->comments.room = 0;

    for (;;) {
        skip_blank(lx, a);
        if (lx->p >= text_end(lx))
            return lx->words.n == 0 ? LEX_END : end_too_early(lx);

        c = *lx->p;
        switch (c) {
        case ';':
        case '{':
            if (lx->words.n == 0)
                return unexpected(lx, a, c);
            lx->p++;
            return c == ';' ? LEX_STATEMENT : LEX_BLOCK_START;
        case '}':
            if (lx->words.n != 0)
                return unexpected(lx, a, c);
            lx->p++;
            return LEX_BLOCK_END;
        case '"':
        case '\'':
            what = quoted_word(lx, a);
            break;
        default:
            what = plain_word(lx, a);
        }
        if (what == LEX_ERROR)
            return what;
    }
}


void
lexer_recover(struct lexer *lx, struct arena *a)
{
    const char *end = text_end(lx);

    (void) a;
    for (; lx->p < end; lx->p++) {
        if (*lx->p == '\n')
            lx->line++;
        if (*lx->p == ';') {
            lx->p++;
            return;
        }
        if (*lx->p == '}')
            return;
        if (*lx->p == '{') {
            lx->p++;
            lexer_skip_block(lx, a);
            return;
        }
    }
}


void
lexer_skip_block(struct lexer *lx, struct arena *a)
{
    unsigned depth = 1;

    while (depth > 0) {
        switch (lexer_next(lx, a)) {
        case LEX_STATEMENT:
            break;
        case LEX_BLOCK_START:
            depth++;
            break;
        case LEX_BLOCK_END:
            depth--;
            break;
        case LEX_END:
            return;
        case LEX_ERROR:
            if (lx->p >= text_end(lx))
                return;
            if (*lx->p == '}' && lx->words.n != 0)
                break; /* read again as the end of the block */
            lx->p++;
        }
    }
}
