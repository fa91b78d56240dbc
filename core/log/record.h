/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of the error log while it is formatted, in one of two forms: nginx's
 * text, or a JSON object.  Internal to core/log; frames write to it with
 * log_part and log_part_quoted (log.h).
 */
#pragma once

#include "core/log/log.h"

/* Values are cut as in the text form; the room is larger because escaping must
 * not crowd out later fields. */
enum { LOG_JSON_MAX = 4 * LOG_LINE_MAX };

/* p never passes last; the line's end fits after that. */
struct log_record {
    char       *p, *last;
    const char *text; /* in the text form: what follows date and process     */
    bool        is_json, is_cut;
    bool        is_raw; /* text with intended control bytes (LEVEL_STDERR)    */
};

/* Each formats the whole line with its newline in room, which has LOG_LINE_MAX
 * or LOG_JSON_MAX bytes, and returns it. */
str_t record_text(struct log_record *l, char *room, const struct log *log,
                  enum log_level level, int errnum, const char *fmt,
                  va_list args) __attribute__((format(printf, 6, 0)));
str_t record_json(char *room, const struct log *log, enum log_level level,
                  int errnum, const char *fmt, va_list args)
    __attribute__((format(printf, 5, 0)));
