/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of the error log while it is made, in one of two forms: nginx's
 * text, or a JSON object.  For the files of core/log alone; the frames write
 * to it by log_part and log_part_quoted (log.h).
 */
#pragma once

#include "core/log/log.h"

/* Values are cut as in the text, and what escapes make of them must not
 * crowd out those behind. */
enum { LOG_JSON_MAX = 4 * LOG_LINE_MAX };

/* p never passes last, behind which there is room for the line's end. */
struct log_record {
    char       *p, *last;
    const char *text; /* of the text form: what follows date and process     */
    bool        is_json, is_cut;
    bool        is_raw; /* text whose control bytes are meant (LEVEL_STDERR)  */
};

/* Each makes the line, with its newline, in room of LOG_LINE_MAX and of
 * LOG_JSON_MAX bytes, and returns it. */
str_t record_text(struct log_record *l, char *room, const struct log *log,
                  enum log_level level, int errnum, const char *fmt,
                  va_list args) __attribute__((format(printf, 6, 0)));
str_t record_json(char *room, const struct log *log, enum log_level level,
                  int errnum, const char *fmt, va_list args)
    __attribute__((format(printf, 5, 0)));
