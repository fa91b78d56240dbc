/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question to the running server, for subcommands: it goes through the control
 * socket (core/proc/control.h), which is found as -s finds the pid file.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/json_text.h"
#include "core/conf/generation.h"

enum { QUESTION_WAIT_S = 60 };

struct question {
    struct arena *arena;
    bool          is_json; /* the answer is printed as it came               */
    uint64_t      wait_s;
    str_t         answer;
};

/* Takes --json, and --wait if may_wait, and nothing else.  False: an error was
 * printed. */
bool question_arguments(struct question *q, char **argv, bool may_wait);

/* Sends the line, which ends with a newline, and waits for q->answer.  False: an
 * error was printed. */
bool question_ask(struct question *q, struct conf_paths *paths,
                  const char *line);
/* The answer says why there is none, which is printed. */
bool question_is_error(const struct question *q);

/* For subcommands with words and options of their own.  Prints what is wrong with
 * the command line (word: with which word, or NULL), and returns 1. */
int question_complain(const char *what, const char *word);
/* The line: begins it, adds a text where there is one, and ends it. */
void        question_begin(struct json_text *t, const char *what,
                           const char *action);
void        question_put(struct json_text *t, const char *name,
                         const char *text);
const char *question_end(struct json_text *t);
/* Prints the answer as it came.  False: it says why there is none. */
bool question_print(const struct question *q);
/* Asks the line and prints the answer, both made of wish; rest are the arguments
 * that belong to all questions.  The exit code. */
int question_run(struct conf_paths *paths, char **rest,
                 const char *(*line)(struct arena *a, const void *wish),
                 int (*print)(const struct question *q, const void *wish),
                 const void *wish);

/* Members of an object in the answer.  STR_NONE: no text; 0: no number. */
str_t    question_text(const struct question *q, str_t object,
                       const char *name);
uint64_t question_number(str_t object, const char *name);
bool     question_is_true(str_t object, const char *name);
/* The value as it stands there, or STR_NONE. */
str_t    question_value(str_t object, const char *name);
