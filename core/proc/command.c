/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subcommands: "weir NAME ARGUMENT ...", provided by modules.  They start no
 * server; an unknown name remains an invalid option.
 */
#include <stdio.h>

#include "core/base/version.h"
#include "core/conf/module.h"
#include "core/proc/worker.h"


const struct command *
command_find(const char *name)
{
    unsigned i;

    for (i = 0; weir_modules[i] != NULL; i++)
        if (weir_modules[i]->command != NULL
            && strcmp(weir_modules[i]->command->name, name) == 0)
            return weir_modules[i]->command;
    return NULL;
}


void
commands_print(void)
{
    const struct command *c;
    unsigned              i;

    fprintf(stderr, "Commands:\n");
    for (i = 0; weir_modules[i] != NULL; i++) {
        c = weir_modules[i]->command;
        if (c != NULL)
            fprintf(stderr, "  %s %s\n%18s%s\n", c->name, c->usage, "",
                    c->says);
    }
    fprintf(stderr, "\n");
}


/* "weir NAME --help" or "--version": printed to standard output, because it
 * was asked for. */
static bool
is_answered(const struct command *c, char **argv)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "--version") == 0) {
            printf("weir " WEIR_VERSION "\n");
            return true;
        }
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0) {
            printf("Usage: weir %s %s\n\n%c%s.\n", c->name, c->usage,
                   c->says[0] & ~0x20, c->says + 1);
            if (c->options != NULL)
                printf("\n%s", c->options);
            return true;
        }
    }
    return false;
}


/* What a command that passes its arguments on is about. */
static char cache_only[] = "--cache";


int
command_run(struct setup *s, const struct command *c, char **argv)
{
    unsigned n = 0;
    char   **own;
    bool     passes = c->passes != NULL && *argv != NULL
                  && strcmp(*argv, c->passes) == 0;

    if (passes)
        c = command_find(c->passes);
    if (is_answered(c, argv))
        return 0;
    while (argv[n] != NULL)
        n++;
    own = arena_array(s->arena, char *, n + 1);
    memcpy(own, argv, n * sizeof(*own));
    if (passes)
        own[0] = cache_only;
    if (!options_extract(&s->options, own))
        return 1;
    log_explains = true;
    options_paths(&s->options, s->arena, &s->paths);
    return c->dry != NULL ? worker_dry(s, c, own) : c->run(&s->paths, own);
}
