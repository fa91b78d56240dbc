/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of a dry run.
 */
#include "core/event/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


void
trace_tell(struct task *t, unsigned kind, const char *verdict, const char *file,
           unsigned line, const char *why, const char *fmt, ...)
{
    struct trace_event e = {
        .kind = kind, .verdict = verdict, .why = why, .file = file, .line = line
    };
    va_list args;
    char   *text = NULL;
    int     n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        check_memory(0);
    e.what = str_copy(t->arena, (str_t){ text, (size_t) n });
    free(text);
    t->trace->tell(t->trace, t, &e);
}
