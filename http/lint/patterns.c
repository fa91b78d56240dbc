/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular expressions of locations that are meant for extensions of file
 * names, but match more than that.
 */
#include "http/guard.h"
#include "http/lint/rules.h"

/* Only these are recognized as extensions. */
static const char *const endings[] = {
    "asp",  "aspx", "avi",   "bmp",  "bz2",  "cgi",  "css",   "csv",
    "doc",  "docx", "eot",   "fcgi", "flv",  "gif",  "gz",    "htm",
    "html", "ico",  "jpeg",  "jpg",  "js",   "json", "jsp",   "less",
    "map",  "mjs",  "mp3",   "mp4",  "ogg",  "otf",  "pdf",   "php",
    "php3", "php4", "php5",  "php7", "phps", "pht",  "phtml", "pl",
    "png",  "ppt",  "py",    "rar",  "rss",  "scss", "svg",   "svgz",
    "swf",  "tar",  "tgz",   "ttf",  "txt",  "wasm", "wav",   "webm",
    "webp", "woff", "woff2", "xls",  "xlsx", "xml",  "zip",   NULL,
};


static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
}


/* The first known extension among alternatives like "jpg|png"; empty when
 * there is none, or other characters than letters and digits occur. */
static str_t
known_ending(str_t alternatives)
{
    str_t rest = alternatives, one, found = STR("");
    char  lower[16];

    for (size_t i = 0; i < rest.n; i++)
        if (!is_word(rest.p[i]) && rest.p[i] != '|' && rest.p[i] != '?')
            return found;
    while (rest.p != NULL) {
        one = str_cut(&rest, '|');
        if (found.n != 0 || one.n == 0 || one.n >= sizeof(lower))
            continue;
        str_lower_to(lower, one);
        lower[one.n] = '\0';
        if (lint_is_one_of(lower, endings))
            found = one;
    }
    return found;
}


/* The known extension after the dot in "X.(jpg|png)" or "X.php"; *dot is the
 * index of the dot in the pattern. */
static str_t
ending_of(str_t p, size_t *dot)
{
    size_t start = p.n;
    str_t  words;

    if (p.n != 0 && p.p[p.n - 1] == ')') {
        while (start > 0 && p.p[start - 1] != '(')
            start--;
        words = str_span(p.p + start, p.p + p.n - 1);
        start -= start > 0;
        if (str_starts(words, STR("?:")))
            words = str_from(words, 2);
    } else {
        while (start > 0 && is_word(p.p[start - 1]))
            start--;
        words = str_from(p, start);
    }
    if (start == 0 || p.p[start - 1] != '.')
        return STR("");
    *dot = start - 1;
    return known_ending(words);
}


/* Matching too much does no harm if the location denies access. */
static bool
refuses(const struct conf_block *b)
{
    const struct setting *s = lint_sure_return(b);

    return (s != NULL && http_is_refusal(s))
           || setting_named(b, "deny") != NULL;
}


static void
check_anchor(struct lint *l, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b);
    str_t                       p = at->name, ending;
    size_t                      dot;

    if (at->kind != LOCATION_REGEX || str_chr(p, '$') != NULL || p.n == 0
        || p.p[0] == '^')
        return;
    ending = ending_of(p, &dot);
    if (ending.n == 0 || dot == 0 || p.p[dot - 1] != '\\'
        || (dot > 1 && p.p[dot - 2] == '/') || refuses(b))
        return;
    lint_at_block(l, b,
                  arena_printf(l->arena, "write \"" STR_F "$\"", STR_A(p)),
                  "\"" STR_F "\" has no end: \"." STR_F "x\" and \"." STR_F
                  "/y\" match too",
                  STR_A(p), STR_A(ending), STR_A(ending));
}


void
lint_unanchored_regex(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check_anchor);
}


static void
check_dot(struct lint *l, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b);
    str_t                       p = at->name, ending, bare = p;
    size_t                      dot;

    if (at->kind != LOCATION_REGEX)
        return;
    if (bare.n != 0 && bare.p[bare.n - 1] == '$')
        bare.n--;
    ending = ending_of(bare, &dot);
    if (ending.n == 0 || (dot > 0 && strchr("\\[", p.p[dot - 1]) != NULL))
        return;
    lint_at_block(l, b,
                  arena_printf(l->arena, "write \"" STR_F "\\" STR_F "\"",
                               (int) dot, p.p, STR_A(str_from(p, dot))),
                  "the dot before \"" STR_F
                  "\" stands for any character, as in "
                  "\"x" STR_F "\"",
                  STR_A(ending), STR_A(ending));
}


void
lint_unescaped_dot(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check_dot);
}
