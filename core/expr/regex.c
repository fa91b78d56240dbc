/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular expressions by PCRE2 with its JIT compiler.  A compiled expression
 * lies in a generation's arena, also what PCRE2 has of it, so that it goes to
 * other processes with the generation (core/conf/image.h).  Machine code does
 * not: each process makes its own when an expression has been used a few times.
 * What a match needs in addition (result, stack) is one object per process,
 * since matches do not nest.  Only a successful match copies its subject and offsets into the
 * task's arena.  Where the ends of a pattern are plain text, those of the
 * subject are compared first (literal.h).
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/expr/regex.h"

#include <pcre2.h>

#include "core/base/check.h"
#include "core/expr/literal.h"
#include "core/expr/variable.h"
#include "core/net/worker.h"
#include "core/os/clock.h"

enum {
    STACK_START = 32 * 1024,
    STACK_MAX = 1024 * 1024,
    USES = 2, /* before machine code is worth its time                      */
    AT_ONCE = 16, /* compiled in a millisecond: a list of thousands must not
                     hold up the loop                                        */
};

struct named_group {
    const struct var *var;
    unsigned          group;
};

/* The fields that rule out most subjects come first, in one cache line. */
struct regex {
    struct literal           literal;
    pcre2_code              *code;
    bool                     is_quick; /* may be run by pcre2_jit_match       */
    uint8_t                  uses;     /* in this process, up to USES         */
    unsigned                 groups;
    const struct generation *gen;
    str_t                    pattern;
    VEC(struct named_group)  named;
};

/* What a match needs, shared by all expressions of the process; grows to the
 * largest number of groups. */
static struct {
    pcre2_match_data    *data;
    pcre2_match_context *context;
    unsigned             pairs;
    msec_t               compiled_at; /* machine code, last; ...             */
    unsigned             n_compiled;  /* how often at that time              */
} scratch;


static void *
take_memory(size_t n, void *arena)
{
    return arena_alloc(arena, n);
}


static void
leave_memory(void *p, void *arena)
{
    (void) p;
    (void) arena;
}


static void
free_contexts(void *arg)
{
    pcre2_compile_context_free(arg);
}


/* Has all that belongs to an expression put into the generation's arena. */
static pcre2_compile_context *
context_of(struct generation *g)
{
    pcre2_general_context *memory;

    if (g->regexes != NULL)
        return g->regexes;
    memory = pcre2_general_context_create(take_memory, leave_memory, g->arena);
    g->regexes = pcre2_compile_context_create(memory);
    pcre2_general_context_free(memory);
    if (g->regexes == NULL)
        check_memory(sizeof(void *));
    arena_defer(g->arena, free_contexts, g->regexes);
    return g->regexes;
}


static void
free_code(void *arg)
{
    pcre2_code_free(arg);
}


/* Room for the captures of an expression. */
static void
prepare_scratch(unsigned pairs)
{
    pcre2_jit_stack *stack;

    if (scratch.pairs < pairs) {
        pcre2_match_data_free(scratch.data);
        scratch.data = pcre2_match_data_create(pairs, NULL);
        if (scratch.data == NULL)
            check_memory(pairs * 2 * sizeof(size_t));
        scratch.pairs = pairs;
    }
    if (scratch.context != NULL)
        return;
    scratch.context = pcre2_match_context_create(NULL);
    if (scratch.context == NULL)
        check_memory(STACK_START);
    stack = pcre2_jit_stack_create(STACK_START, STACK_MAX, NULL);
    pcre2_jit_stack_assign(scratch.context, NULL, stack);
}


static str_t
compile_error(struct arena *a, str_t pattern, int number, size_t at)
{
    PCRE2_UCHAR text[256];

    if (pcre2_get_error_message(number, text, sizeof(text)) < 0)
        memcpy(text, "unknown error", sizeof("unknown error"));

    if (at >= pattern.n)
        return arena_printf(a, "pcre2_compile() failed: %s in \"" STR_F "\"",
                            (char *) text, STR_A(pattern));
    return arena_printf(
        a, "pcre2_compile() failed: %s in \"" STR_F "\" at \"" STR_F "\"",
        (char *) text, STR_A(pattern), STR_A(str_from(pattern, at)));
}


/* Defines variables for the named groups; false with *error set. */
static bool
define_groups(struct conf *cf, struct regex *re, const char **error)
{
    uint32_t   count, size;
    PCRE2_SPTR table;

    pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table);

    for (uint32_t i = 0; i < count; i++, table += size) {
        struct named_group *g;
        struct var         *v;

        v = var_define(cf, str_of((const char *) table + 2), VAR_CHANGEABLE,
                       error);
        if (v == NULL)
            return false;
        if (v->get == NULL)
            v->get = var_none;
        g = vec_push(cf->arena, &re->named);
        g->var = v;
        g->group = (unsigned) table[0] << 8 | table[1];
    }
    return true;
}


/* literal.h assumes that only a newline ends a line. */
static void
prepare_literal(struct arena *a, struct regex *re, bool is_nocase)
{
    uint32_t options, newline;

    pcre2_pattern_info(re->code, PCRE2_INFO_ALLOPTIONS, &options);
    pcre2_pattern_info(re->code, PCRE2_INFO_NEWLINE, &newline);
    if (newline == PCRE2_NEWLINE_LF && !(options & PCRE2_UTF))
        re->literal = literal_of(a, re->pattern, is_nocase);
}


/* Without JIT code (no executable memory, an unsupported item) pcre2_match uses
 * the interpreter.  pcre2_jit_match checks nothing, but UTF must be checked. */
static void
to_machine_code(struct regex *re)
{
    bool     has_jit = pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) == 0;
    uint32_t options;

    pcre2_pattern_info(re->code, PCRE2_INFO_ALLOPTIONS, &options);
    re->is_quick = has_jit && !(options & PCRE2_UTF);
}


/* Before a match without machine code.  The master, which passes expressions
 * on, makes none. */
static void
note_use(struct regex *re)
{
    if (re->uses >= USES || re->gen->no_jit || worker == NULL)
        return;
    if (scratch.compiled_at != clock_ms())
        scratch.n_compiled = 0;
    if (re->uses + 1 == USES && scratch.n_compiled >= AT_ONCE)
        return;
    if (++re->uses < USES)
        return;
    scratch.compiled_at = clock_ms();
    scratch.n_compiled++;
    to_machine_code(re);
}


struct regex *
regex_compile(struct conf *cf, str_t pattern, unsigned flags,
              const char **error)
{
    struct regex *re = arena_make(cf->arena, struct regex);
    uint32_t      options = 0, groups;
    size_t        at;
    int           number;

    options |= (flags & REGEX_NOCASE) ? PCRE2_CASELESS : 0;
    options |= (flags & REGEX_DOTALL) ? PCRE2_DOTALL : 0;
    re->pattern = str_copy(cf->arena, pattern);
    re->code = pcre2_compile((PCRE2_SPTR) pattern.p, pattern.n, options,
                             &number, &at, context_of(cf->gen));
    if (re->code == NULL) {
        *error = compile_error(cf->arena, pattern, number, at).p;
        return NULL;
    }
    arena_defer(cf->arena, free_code, re->code);

    re->gen = cf->gen;
    prepare_literal(cf->arena, re, flags & REGEX_NOCASE);
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    re->groups = groups;
    return define_groups(cf, re, error) ? re : NULL;
}


static int
match(const struct regex *re, str_t subject)
{
    PCRE2_SPTR p = (PCRE2_SPTR) (subject.p ? subject.p : "");

    prepare_scratch(re->groups + 1);
    if (!re->is_quick)
        note_use((struct regex *) (uintptr_t) re);
    if (re->is_quick)
        return pcre2_jit_match(re->code, p, subject.n, 0, 0, scratch.data,
                               scratch.context);
    return pcre2_match(re->code, p, subject.n, 0, 0, scratch.data,
                       scratch.context);
}


static void
keep_captures(const struct regex *re, struct task *t, str_t subject, unsigned n)
{
    const size_t    *from = pcre2_get_ovector_pointer(scratch.data);
    struct captures *c = &t->captures;

    c->n = n;
    if (n < 2 && re->named.n == 0)
        return; /* no group: $1 and its kin are empty now */

    c->at = arena_alloc(t->arena, sizeof(int) * 2 * n);
    for (unsigned i = 0; i < 2 * n; i++)
        c->at[i] = from[i] == PCRE2_UNSET ? -1 : (int) from[i];
    c->subject = str_copy(t->arena, subject);

    VEC_EACH(&re->named, it)
        var_store(t, it->var, captures_get(c, it->group));
}


/* *pairs: what was captured. */
static enum regex_verdict
judge(const struct regex *re, const struct log *log, str_t subject,
      unsigned *pairs)
{
    int rc;

    if (!literal_allows(&re->literal, subject))
        return REGEX_NO;
    rc = match(re, subject);
    if (rc == PCRE2_ERROR_NOMATCH)
        return REGEX_NO;
    if (rc < 0) {
        log_at(log, LEVEL_ALERT, 0,
               "pcre2_match() failed: %d on \"" STR_F "\" using \"" STR_F "\"",
               rc, STR_A(subject), STR_A(re->pattern));
        return REGEX_ERROR;
    }
    *pairs = (unsigned) rc;
    return REGEX_YES;
}


enum regex_verdict
regex_exec(const struct regex *re, struct task *t, str_t subject)
{
    unsigned           pairs;
    enum regex_verdict verdict = judge(re, t->log, subject, &pairs);

    if (verdict == REGEX_YES)
        keep_captures(re, t, subject, pairs);
    return verdict;
}


bool
regex_match(const struct regex *re, struct task *t, str_t subject)
{
    return regex_exec(re, t, subject) == REGEX_YES;
}


void
patterns_add(struct arena *a, struct patterns *to, struct regex *re,
             void *value)
{
    *vec_push(a, &to->list) = (struct pattern){ re, value };
}


bool
patterns_find(const struct patterns *all, struct task *t, str_t subject,
              void **value)
{
    VEC_EACH(&all->list, it) {
        switch (regex_exec(it->regex, t, subject)) {
        case REGEX_NO:
            break;
        case REGEX_YES:
            *value = it->value;
            return true;
        case REGEX_ERROR:
            return false;
        }
    }
    return true;
}


enum regex_verdict
regex_try(const struct regex *re, const struct log *log, str_t subject)
{
    unsigned pairs;

    return judge(re, log, subject, &pairs);
}


enum regex_verdict
regex_split(const struct regex *re, const struct log *log, str_t subject,
            str_t *out, unsigned n)
{
    unsigned           pairs;
    enum regex_verdict verdict = judge(re, log, subject, &pairs);
    const size_t      *at;

    if (verdict != REGEX_YES)
        return verdict;
    at = pcre2_get_ovector_pointer(scratch.data);
    for (unsigned i = 0; i < n; i++) {
        const size_t *pair = at + 2 * (i + 1);

        out[i] = i + 1 < pairs && pair[0] != PCRE2_UNSET && pair[1] >= pair[0]
                     ? str_span(subject.p + pair[0], subject.p + pair[1])
                     : STR("");
    }
    return REGEX_YES;
}


unsigned
regex_groups(const struct regex *re)
{
    return re->groups;
}


bool
regex_test(const struct regex *re, str_t subject)
{
    return literal_allows(&re->literal, subject) && match(re, subject) >= 0;
}


str_t
captures_get(const struct captures *c, unsigned group)
{
    const int *at;

    if (group >= c->n || c->at == NULL)
        return STR("");
    at = c->at + 2 * group;
    if (at[0] < 0 || at[1] < at[0])
        return STR("");
    return str_span(c->subject.p + at[0], c->subject.p + at[1]);
}


str_t
regex_pattern(const struct regex *re)
{
    return re->pattern;
}


/* --- patterns that are used once ----------------------------------------- */

/* n pairs of the last match. */
static bool
keep_once(const struct regex_once *how, str_t subject, unsigned n)
{
    const size_t    *from = pcre2_get_ovector_pointer(scratch.data);
    struct captures *c = how->out;
    int             *at = arena_try(how->a, sizeof(int) * 2 * n);
    char            *copy = arena_try(how->a, subject.n + 1);

    if (at == NULL || copy == NULL)
        return false;
    memcpy(copy, subject.p ? subject.p : "", subject.n);
    for (unsigned i = 0; i < 2 * n; i++)
        at[i] = from[i] == PCRE2_UNSET ? -1 : (int) from[i];
    *c = (struct captures){ .subject = { copy, subject.n }, .at = at, .n = n };
    return true;
}


static void
tell_names(const struct regex_once *how, const pcre2_code *code)
{
    uint32_t   count, size;
    PCRE2_SPTR table;

    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++, table += size)
        how->named(how->arg, str_of((const char *) table + 2),
                   captures_get(how->out, (unsigned) table[0] << 8 | table[1]));
}


static enum regex_verdict
match_once(const struct regex_once *how, struct log *log,
           const pcre2_code *code, str_t pattern, str_t subject)
{
    uint32_t groups;
    int      rc;

    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    prepare_scratch(groups + 1);
    rc = pcre2_match(code, (PCRE2_SPTR) (subject.p ? subject.p : ""), subject.n,
                     0, 0, scratch.data, scratch.context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return REGEX_NO;
    if (rc < 0) {
        log_at(log, LEVEL_ALERT, 0,
               "pcre2_match() failed: %d on \"" STR_F "\" using \"" STR_F "\"",
               rc, STR_A(subject), STR_A(pattern));
        return REGEX_ERROR;
    }
    if (!keep_once(how, subject, (unsigned) rc)) {
        log_error(log, "no memory for the captures of \"" STR_F "\"",
                  STR_A(pattern));
        return REGEX_ERROR;
    }
    tell_names(how, code);
    return REGEX_YES;
}


enum regex_verdict
regex_once(const struct regex_once *how, struct log *log, str_t pattern,
           str_t subject)
{
    enum regex_verdict verdict;
    pcre2_code        *code;
    size_t             at;
    int                number;

    code = pcre2_compile((PCRE2_SPTR) pattern.p, pattern.n, 0, &number, &at,
                         NULL);
    if (code == NULL) {
        struct arena *a = arena_new(0);

        log_error(log, STR_F, STR_A(compile_error(a, pattern, number, at)));
        arena_free(a);
        return REGEX_ERROR;
    }
    verdict = match_once(how, log, code, pattern, subject);
    pcre2_code_free(code);
    return verdict;
}
