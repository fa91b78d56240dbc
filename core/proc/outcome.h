/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a reload went, and what was logged meanwhile.
 */
#pragma once

#include "core/base/json_text.h"
#include "core/base/number.h"
#include "core/log/log.h"

struct reload_message {
    enum log_level level; /* LEVEL_STDERR: below the message before it       */
    str_t          text;
};

struct reload_outcome {
    uint64_t    number; /* of the generation that is in force after it; 0:
                           there was no reload so far                        */
    bool        is_good;
    bool        is_refused; /* the configuration has errors, or what it names
                               cannot be opened                              */
    bool        is_read;    /* it has no errors                              */
    time_t      time;       /* when it began                                 */
    msec_t      began, took; /* monotonic; until every worker served it      */
    str_t       file;        /* that was read                                 */
    const char *how;         /* "in place", "by new workers"; NULL: refused  */
    const char *directive;   /* that made it otherwise, or NULL              */

    struct arena              *arena; /* of the messages                     */
    size_t                     size;  /* of their texts                      */
    bool                       explained; /* log_explains before it          */
    VEC(struct reload_message) messages; /* as -t shows them                 */
};

/* A reload begins: what is logged from now on, of warn and above, is kept; with
 * explains also hints, and errors after the first one, which do not get into
 * logs.  file belongs to the process. */
void outcome_begin(struct reload_outcome *o, str_t file, bool explains);
/* The configuration has been read, and its files opened: hints end here. */
void outcome_read(struct reload_outcome *o);
/* It is over: number is that of the generation in force; is_good, is_refused,
 * is_read and how are set by the caller. */
void outcome_end(struct reload_outcome *o, uint64_t number);

/* In a child of the process that reloads. */
void outcome_leave(void);

/* A log with the same targets as log which lets warnings through to *o, even if
 * no target wants them; room for it in *named. */
struct log outcome_log(const struct log *log, struct log_targets *named);

/* The outcome as an object. */
void outcome_put(struct json_text *t, const char *name,
                 const struct reload_outcome *o);
