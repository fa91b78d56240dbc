/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subcommands: "weir NAME ARGUMENT ...", which modules give.  They start no
 * server; a name that is none stays an invalid option.
 */
#include <stdio.h>

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


int
command_run(struct setup *s, const struct command *c, char **argv)
{
    unsigned n = 0;
    char   **own;

    while (argv[n] != NULL)
        n++;
    own = arena_array(s->arena, char *, n + 1);
    memcpy(own, argv, n * sizeof(*own));
    if (!options_extract(&s->options, own))
        return 1;
    options_paths(&s->options, s->arena, &s->paths);
    return c->dry != NULL ? worker_dry(s, c, own) : c->run(&s->paths, own);
}
