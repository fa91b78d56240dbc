/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hints about common mistakes, printed below an error message.  Each row of
 * the table names a message and a function.  The function looks at the words
 * that caused the error, and returns what to write instead, or NULL when they
 * do not look like its mistake.
 */
#include <stdlib.h>

#include "core/conf/reader.h"
#include "core/conf/types.h"

typedef const char *hint_fn(struct conf *cf, const struct lexer *lx,
                            const char *message);


static const char *say(struct conf *cf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


static const char *
say(struct conf *cf, const char *fmt, ...)
{
    va_list     args;
    const char *text;

    va_start(args, fmt);
    text = arena_vprintf(cf->reader->arena, fmt, args).p;
    va_end(args);
    return text;
}


static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


/* --- bytes of editors and word processors ------------------------------------- */

static const char *
curly_quotes(struct conf *cf, const struct lexer *lx, const char *message)
{
    static const char *const quotes[]
        = { "\u2018", "\u2019", "\u201c", "\u201d", "\u201e", NULL };

    (void) message;
    VEC_EACH(&lx->words, w)
        for (unsigned i = 0; quotes[i] != NULL; i++)
            if (str_find(w->text, str_of(quotes[i])) != NULL)
                return say(cf,
                           "%s is a typographic quote, a letter like others: "
                           "write \" or '",
                           quotes[i]);
    return NULL;
}


static const char *
byte_order_mark(struct conf *cf, const struct lexer *lx, const char *message)
{
    (void) message;
    if (lx->words.n == 0 || !str_starts(lx->words.at[0].text, STR("\ufeff")))
        return NULL;
    return say(cf, "the file begins with a byte order mark (EF BB BF): save "
                   "it without");
}


/* --- braces and quotes ---------------------------------------------------------- */

/* Whether the "{" at p, which was read as the start of a block, belongs to a
 * quantifier: "2}" or "2,4}" follows, and no blank comes before. */
static bool
is_quantifier(const struct lexer *lx, const char *p)
{
    const char *end = lx->text.p + lx->text.n;

    if (p <= lx->text.p || *p != '{' || is_space(p[-1]))
        return false;
    for (p++; p < end && (is_digit(*p) || *p == ','); p++)
        ;
    return p < end && *p == '}' && p[-1] != '{';
}


const char *
hint_brace(const struct lexer *lx)
{
    const char *p = lx->p - 1;

    if (lx->words.n != 0 && is_quantifier(lx, lx->words.at[0].at - 1))
        return lx->words.at[0].at - 1;
    return p >= lx->text.p && is_quantifier(lx, p) ? p : NULL;
}


static const char *
brace_in_pattern(struct conf *cf, const struct lexer *lx, const char *message)
{
    const char *end = lx->text.p + lx->text.n, *start = hint_brace(lx), *p;

    (void) message;
    if (start == NULL)
        return NULL;
    for (p = start; p < end && !is_space(*p) && *p != ';'; p++)
        ;
    while (start > lx->text.p && !is_space(start[-1]))
        start--;
    return say(cf, "a pattern with \"{\" in it stands in quotes: \"%.*s\"",
               (int) (p - start), start);
}


static const char *
open_quote(struct conf *cf, const struct lexer *lx, const char *message)
{
    (void) message;
    if (lx->quote_line == 0)
        return NULL;
    return say(cf, "the quote that opens in line %u may lack its end",
               lx->quote_line);
}


/* --- values ----------------------------------------------------------------------- */

/* The number of digits in "10MB"; 0 unless letters follow the digits. */
static size_t
number_length(str_t s)
{
    size_t n = 0, i;

    while (n < s.n && is_digit(s.p[n]))
        n++;
    for (i = n; i < s.n; i++)
        if ((s.p[i] | 0x20) < 'a' || (s.p[i] | 0x20) > 'z')
            return 0;
    return n < s.n ? n : 0;
}


static bool
is_one_of(str_t word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (str_ieq(word, str_of(*words)))
            return true;
    return false;
}


static const char *
unit(struct conf *cf, const struct lexer *lx, const char *message)
{
    static const char *const sizes[]
        = { "b", "kb", "mb", "gb", "kib", "mib", "gib", "byte", "bytes", NULL };
    static const char *const times[]
        = { "sec",     "secs", "second", "seconds", "min", "mins", "minute",
            "minutes", "hour", "hours",  "hr",      "day", "days", NULL };
    str_t  word, suffix;
    size_t n;
    char   letter;

    (void) message;
    if (lx->words.n < 2)
        return NULL;
    word = lx->words.at[1].text;
    n = number_length(word);
    suffix = str_from(word, n);
    if (n == 0)
        return NULL;
    letter = (char) (suffix.p[0] | 0x20);
    if (is_one_of(suffix, times))
        return say(cf, "times end in ms, s, m, h or d: \"%.*s%c\"", (int) n,
                   word.p, letter);
    if (!is_one_of(suffix, sizes))
        return NULL;
    return letter == 'b' ? say(cf,
                               "sizes are in bytes, or end in k, m or g: "
                               "\"%.*s\"",
                               (int) n, word.p)
                         : say(cf, "sizes end in k, m or g: \"%.*s%c\"",
                               (int) n, word.p, letter);
}


static const char *
no_scheme(struct conf *cf, const struct lexer *lx, const char *message)
{
    str_t url;

    (void) message;
    if (lx->words.n < 2)
        return NULL;
    url = lx->words.at[1].text;
    if (url.n == 0 || str_find(url, STR("://")) != NULL || url.p[0] == '/')
        return NULL;
    return say(cf, "the scheme is missing: \"http://" STR_F "\"", STR_A(url));
}


/* --- places -------------------------------------------------------------------------- */

static unsigned
allowed(const struct conf *cf, str_t name)
{
    const struct row *row = rows_find(cf->reader, name);
    unsigned          where = 0;

    for (; row != NULL; row = row->next)
        where |= row->directive->where;
    return where & IN_ANY;
}


/* The hint that an earlier block is not closed: indentation says so, and the
 * directive would be allowed outside of that block. */
static const char *
unclosed_before(struct conf *cf, const struct lexer *lx, unsigned where)
{
    const struct conf_block *b;
    struct unclosed          u;

    for (b = cf->block->up; b != NULL && !(b->kind & where); b = b->up)
        ;
    if (b == NULL || lx->words.n == 0
        || !hint_unclosed(cf, lx->text, lx->words.at[0].at, &u))
        return NULL;
    cf->reader->has_told_unclosed = true;
    return say(cf,
               "is the block of line %u not closed?  The \"}\" of line %u "
               "stands left of it",
               u.line, u.closer);
}


static const char *
allowed_in(struct conf *cf, const struct lexer *lx, const char *message)
{
    str_t       list = STR("");
    unsigned    where = lx->words.n ? allowed(cf, lx->words.at[0].text) : 0;
    const char *unclosed = unclosed_before(cf, lx, where);

    (void) message;
    if (unclosed != NULL)
        return unclosed;
    for (const struct block_kind *k = block_kinds; k->name != NULL; k++)
        if (where & k->bit)
            list = str_join3(cf->reader->arena, list,
                             list.n ? STR(", ") : STR(""),
                             k->bit == IN_MAIN ? STR("the outermost level")
                                               : str_of(k->name));
    if (list.n == 0)
        return NULL;
    if (cf->block->kind == IN_MAIN && (where & (IN_HTTP | IN_SERVER)))
        return say(cf,
                   "allowed in: " STR_F "; a file of servers is included "
                   "within \"http { }\"",
                   STR_A(list));
    return say(cf, "allowed in: " STR_F, STR_A(list));
}


/* --- what stood there before ------------------------------------------------------------ */

/* The argument of the statement that the message quotes, or STR_NONE. */
static str_t
quoted_argument(const struct conf *cf, const char *message)
{
    const char *p;

    for (unsigned i = 1; i < cf->n_args; i++) {
        p = cf->args[i].n ? str_find(str_of(message), cf->args[i]) : NULL;
        if (p != NULL && p > message && p[-1] == '"' && p[cf->args[i].n] == '"')
            return cf->args[i];
    }
    return STR_NONE;
}


static bool
is_meant(const struct conf *cf, const struct setting *s, str_t argument,
         const char *message)
{
    const char *other = strstr(message, "\" directive was specified earlier");
    str_t       name = str_of(s->row->name);

    if (other != NULL)
        return other - message > (ptrdiff_t) name.n
               && memcmp(other - name.n, name.p, name.n) == 0;
    return str_eq(name, cf->args[0])
           && (argument.p == NULL
               || (s->n_args > 1 && str_ieq(s->args[1], argument)));
}


/* In a block of data: finds the first line that begins with the same word. */
static const char *
first_line(struct conf *cf, const struct lexer *lx)
{
    struct lexer again = *lx;

    if (cf->reader->data_start == NULL || cf->reader->data_start < lx->text.p
        || cf->reader->data_start > lx->p)
        return NULL;
    again.p = cf->reader->data_start;
    again.line = cf->reader->data_line;
    while (again.p < lx->p
           && lexer_next(&again, cf->reader->words) == LEX_STATEMENT)
        if (str_eq(again.words.at[0].text, cf->args[0]))
            return again.p < lx->p
                       ? say(cf, "the first one is at line %u", again.line)
                       : NULL;
    return NULL;
}


static const char *
first_place(struct conf *cf, const struct lexer *lx, const char *message)
{
    str_t                 argument = quoted_argument(cf, message);
    const struct setting *s, *first = NULL;

    if (cf->reader->data_start != NULL)
        return first_line(cf, lx);
    s = cf->block->settings;
    if (s != NULL && s->args == cf->args && s->line == cf->line)
        s = s->next; /* the current statement */
    for (; s != NULL; s = s->next)
        if (is_meant(cf, s, argument, message))
            first = s;
    if (first == NULL)
        return NULL;
    return first->file
               ? say(cf, "the first one is at %s:%u", first->file, first->line)
               : say(cf, "the first one is on the command line");
}


/* --- variables ----------------------------------------------------------------------------- */

/* Names of variables ignore case, but those of the environment are usually
 * written in capitals.  So the line is searched for "$HOME" or "${HOME}". */
const char *
conf_hint_environment(struct conf *cf, str_t line, str_t name)
{
    char  *upper = arena_bytes(cf->reader->arena, name.n);
    size_t i, from;

    for (i = 0; i < name.n; i++)
        upper[i] = name.p[i] >= 'a' && name.p[i] <= 'z'
                       ? (char) (name.p[i] - 32)
                       : name.p[i];
    for (i = 0; i + 1 + name.n <= line.n; i++) {
        from = i + 1 + (i + 1 < line.n && line.p[i + 1] == '{');
        if (line.p[i] == '$' && from + name.n <= line.n
            && memcmp(line.p + from, upper, name.n) == 0)
            return say(cf, "the environment's is \"${env:%.*s}\"", (int) name.n,
                       upper);
    }
    return NULL;
}


/* --- what is not supported ---------------------------------------------------------------- */

/* What to use in place of modules that weir will not have. */
static const char *
instead(struct conf *cf, const struct lexer *lx, const char *message)
{
    static const struct {
        const char *prefix, *text;
    } others[] = {
        { "js_", "map, set and auth_request do without a script; others are "
                 "for an application behind proxy_pass" },
        { "perl", "map, set and auth_request do without a script; others are "
                  "for an application behind proxy_pass" },
        { "geoip_", "geoip2 reads the databases that are still made: \"geoip2 "
                    "FILE.mmdb { ... }\"" },
        { "degrad", "limit_conn, limit_req and max_conns keep too much away" },
    };

    (void) message;
    for (size_t i = 0; i < countof(others) && lx->words.n != 0; i++)
        if (str_starts(lx->words.at[0].text, str_of(others[i].prefix)))
            return say(cf, "%s", others[i].text);
    return NULL;
}


/* --- blocks that do not end ----------------------------------------------------------------- */

/* A line that opens a block, and its indentation; blanks.p is NULL when
 * something else precedes the block on the line. */
struct opened {
    unsigned line;
    str_t    blanks;
};


static str_t
blanks_before(str_t text, const char *at)
{
    const char *p = at;

    while (p > text.p && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    return p == text.p || p[-1] == '\n' ? str_span(p, at) : STR_NONE;
}


bool
hint_unclosed(struct conf *cf, str_t text, const char *end, struct unclosed *u)
{
    struct arena      *a = cf->reader->arena;
    VEC(struct opened) stack = { 0 };
    struct opened      top;
    struct lexer       lx;
    str_t              blanks;
    enum lex           how;

    lexer_init(&lx, text, true);
    for (;;) {
        how = lexer_next(&lx, a);
        if (how == LEX_END || how == LEX_ERROR || lx.p > end)
            return false;
        if (how == LEX_BLOCK_START)
            *vec_push(a, &stack)
                = (struct opened){ lx.words.at[0].line,
                                   blanks_before(text, lx.words.at[0].at) };
        if (how != LEX_BLOCK_END)
            continue;
        if (stack.n == 0)
            return false;
        top = stack.at[--stack.n];
        blanks = blanks_before(text, lx.p - 1);
        if (blanks.p == NULL || top.blanks.p == NULL || top.line == lx.line
            || blanks.n >= top.blanks.n || !str_starts(top.blanks, blanks))
            continue;
        *u = (struct unclosed){ top.line, lx.line };
        return true;
    }
}


/* --- the table --------------------------------------------------------------------------------- */

static const struct {
    const char *message; /* contains this                                    */
    hint_fn    *look;
} hints[] = {
    { "", curly_quotes },
    { "unknown directive", byte_order_mark },
    { "unknown directive", brace_in_pattern },
    { "is not terminated by", brace_in_pattern },
    { "invalid condition", brace_in_pattern },
    { "unexpected", open_quote },
    { "invalid value", unit },
    { "invalid URL prefix", no_scheme },
    { "is not allowed here", allowed_in },
    { "is not supported by this build", instead },
    { "duplicate", first_place },
    { "conflicting parameter", first_place },
};


const char *
hint_for(struct conf *cf, const char *message)
{
    const struct lexer *lx = cf->reader->lexer;
    const char         *text;

    if (lx == NULL)
        return NULL;
    for (size_t i = 0; i < countof(hints); i++) {
        if (strstr(message, hints[i].message) == NULL)
            continue;
        text = hints[i].look(cf, lx, message);
        if (text != NULL)
            return text;
    }
    return NULL;
}
