/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular expressions with captures (PCRE2 with JIT).  A match sets the
 * task's $1 to $9 and the variables named by (?<name>...).
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/task.h"

struct regex;

enum regex_flag {
    REGEX_NOCASE = 1,
    REGEX_DOTALL = 2, /* "." matches line breaks, too                        */
};

/* Compiles; named groups become variables of the configuration.  NULL with
 * *error set in nginx's words. */
struct regex *regex_compile(struct conf *cf, str_t pattern, unsigned flags,
                            const char **error);

/* What came of a match.  An error has been logged (a limit was reached, the
 * subject is no UTF-8), and is no answer to base a decision on. */
enum regex_verdict { REGEX_NO, REGEX_YES, REGEX_ERROR };

/* Matches and, when it does, sets the task's captures (copied into its
 * arena).  A failing match leaves the captures as they were. */
enum regex_verdict regex_exec(const struct regex *re, struct task *t,
                              str_t subject);
/* The same where nothing depends on the result: an error counts as no match. */
bool regex_match(const struct regex *re, struct task *t, str_t subject);

/* Expressions in their order, each with a value. */
struct pattern {
    struct regex *regex;
    void         *value;
};
struct patterns {
    VEC(struct pattern) list;
};
void patterns_add(struct arena *a, struct patterns *to, struct regex *re,
                  void *value);
/* The value of the first one that matches (and sets the task's captures);
 * *value is unchanged if none does.  False: a match ended in an error. */
bool patterns_find(const struct patterns *all, struct task *t, str_t subject,
                   void **value);

/* Without a task, without captures. */
enum regex_verdict regex_try(const struct regex *re, const struct log *log,
                             str_t subject);
/* The same for explanations: nothing is logged, an error counts as no match. */
bool regex_test(const struct regex *re, str_t subject);

/* Without a task: the first n groups, as parts of subject; empty where one took
 * no part or is not there.  Set on REGEX_YES only. */
enum regex_verdict regex_split(const struct regex *re, const struct log *log,
                               str_t subject, str_t *out, unsigned n);
/* For a pattern that comes with a task (SSI), and is used once.  On REGEX_YES,
 * out has the captures, in a, and named is called for each group with a name.
 * REGEX_ERROR, logged: the pattern cannot be compiled, there is no memory in a,
 * or the match ended in an error. */
struct regex_once {
    struct arena    *a;
    struct captures *out;
    void (*named)(void *arg, str_t name, str_t value);
    void *arg;
};
enum regex_verdict regex_once(const struct regex_once *how, struct log *log,
                              str_t pattern, str_t subject);
/* How many groups it has. */
unsigned regex_groups(const struct regex *re);

/* The text of a group of the task's last match; empty where it took no part
 * or is not there. */
str_t captures_get(const struct captures *c, unsigned group);

str_t regex_pattern(const struct regex *re);
