/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The subcommand.
 */
#include "http/explain/explain.h"


static int
explain(struct worker *w, char **argv)
{
    struct explain e = { .worker = w, .folder = w->gen->paths.conf_prefix };
    bool           is_good;

    e.arena = arena_new(0);
    is_good = ask_parse(&e.ask, e.arena, argv);
    if (is_good) {
        record_init(&e);
        is_good = drive(&e);
        record_end(&e);
    }
    if (is_good && e.ask.is_json)
        json_print(&e);
    else if (is_good)
        text_print(&e);
    arena_free(e.arena);
    return is_good ? 0 : 1;
}


static const struct command command = {
    .name = "explain",
    .usage = "'[METHOD] URL' [-H 'Name: value'] [--from IP] [--status N] "
             "[--answer 'Name: value'] [--full] [--cache] "
             "[--json] [-c file]",
    .says = "the path that a request takes, and why; nobody is contacted",
    .options
    = "  -H 'Name: value'        a header field of the request; Host is the\n"
      "                          target of CONNECT, and the URL its server\n"
      "  --from IP               the client's address (127.0.0.1)\n"
      "  --status N              what upstreams answer (200)\n"
      "  --answer 'Name: value'  a header field of their answer\n"
      "  --full                  long lines, and constant \"set\"s, whole\n"
      "  --cache                 only what the cache does\n"
      "  --json                  the same as an object\n"
      "  -c FILE                 the configuration\n"
      "\n"
      "Values of ${env:NAME} are not shown.\n",
    .dry = explain,
};

struct module explain_module = {
    .name = "explain",
    .command = &command,
};
