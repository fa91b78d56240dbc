/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel shows the memory where it placed the arguments.  The environment
 * follows them, and its room can be used as well once the environment has been
 * moved.
 */
#include "core/os/title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"

static struct {
    char  *start;
    size_t room;
    char **argv, **env; /* the copies */
} title;


static char **
copy_list(char **from, size_t n)
{
    char **to = calloc(n + 1, sizeof(*to));

    CHECK(to != NULL);
    for (size_t i = 0; i < n; i++) {
        to[i] = strdup(from[i]);
        CHECK(to[i] != NULL);
    }
    return to;
}


/* Counts the strings that follow at end without a gap; advances end. */
static size_t
extend(char **list, char **end)
{
    size_t n;

    for (n = 0; list[n] != NULL; n++)
        if (list[n] == *end)
            *end += strlen(list[n]) + 1;
    return n;
}


char **
title_init(int argc, char **argv)
{
    char  *end = argc > 0 ? argv[0] : NULL;
    size_t n_env;

    if (argc < 1)
        return argv;
    title.start = argv[0];
    extend(argv, &end);
    n_env = extend(environ, &end);
    title.room = (size_t) (end - title.start);
    title.argv = copy_list(argv, (size_t) argc);
    title.env = copy_list(environ, n_env);
    environ = title.env;
    return title.argv;
}


void
title_set(const char *program, const char *text)
{
    int n;

    if (title.room == 0)
        return;
    n = snprintf(title.start, title.room, "%s: %s", program, text);
    if (n >= 0 && (size_t) n < title.room)
        memset(title.start + n, 0, title.room - (size_t) n);
}


static void
free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}


void
title_fini(void)
{
    free_list(title.argv);
    free_list(title.env);
    environ = NULL;
    title.argv = title.env = NULL;
}
