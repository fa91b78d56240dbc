/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question to the running server, for subcommands: it goes through the control
 * socket (core/proc/control.h), which is found as -s finds the pid file.
 */
#pragma once

#include "core/base/arena.h"
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

/* Members of an object in the answer.  STR_NONE: no text; 0: no number. */
str_t    question_text(const struct question *q, str_t object,
                       const char *name);
uint64_t question_number(str_t object, const char *name);
bool     question_is_true(str_t object, const char *name);
/* The value as it stands there, or STR_NONE. */
str_t    question_value(str_t object, const char *name);
