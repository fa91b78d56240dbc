/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the process ends because something is wrong: a broken invariant, or
 * exhausted memory.
 */
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void (*check_context)(const char *message);


static _Noreturn void
die(const char *message)
{
    void (*context)(const char *) = check_context;

    fprintf(stderr, "%s\n", message);

    /* A check that fails within the context function must not come here
     * again. */
    check_context = NULL;
    if (context)
        context(message);

    abort();
}


void
check_failed(const char *cond, const char *file, int line)
{
    char message[512];

    snprintf(message, sizeof(message), "check failed: %s at %s:%d", cond, file,
             line);
    die(message);
}


void
check_memory(size_t wanted)
{
    char message[64];

    snprintf(message, sizeof(message), "out of memory: %zu bytes wanted",
             wanted);
    die(message);
}
