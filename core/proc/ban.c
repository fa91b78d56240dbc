/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `weir ban`: shows and changes the bans of the running server, which the module
 * ban keeps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/json_read.h"
#include "core/base/json_text.h"
#include "core/base/number.h"
#include "core/conf/module.h"
#include "core/log/log.h"
#include "core/proc/question.h"

struct wish {
    const char *action, *zone, *key;
    uint64_t    seconds; /* 0: not given                                     */
    char       *rest[3]; /* what belongs to all questions                    */
    unsigned    n_rest;
};


/* ls; add KEY; rm KEY; with options before or after.  Nonzero: an error was
 * printed. */
static int
read_wish(struct wish *w, char **argv)
{
    bool has_key;

    if (*argv == NULL)
        return question_complain("\"ban\" requires ls, add or rm", NULL);
    w->action = *argv++;
    has_key = strcmp(w->action, "add") == 0 || strcmp(w->action, "rm") == 0;
    if (!has_key && strcmp(w->action, "ls") != 0)
        return question_complain("\"ban\" requires ls, add or rm, not",
                                 w->action);
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "--json") == 0 && w->n_rest == 0) {
            w->rest[w->n_rest++] = *argv;
        } else if (strcmp(*argv, "--zone") == 0 && argv[1] != NULL) {
            w->zone = *++argv;
        } else if (strcmp(*argv, "--for") == 0 && argv[1] != NULL
                   && strcmp(w->action, "add") == 0)
        {
            if (!number_time(str_of(*++argv), true, &w->seconds)
                || w->seconds == 0)
                return question_complain("invalid time", *argv);
        } else if (has_key && w->key == NULL && **argv != '-') {
            w->key = *argv;
        } else {
            return question_complain("invalid option", *argv);
        }
    }
    if (has_key && w->key == NULL)
        return question_complain("a key is missing after", w->action);
    return 0;
}


static const char *
line_of(struct arena *a, const void *wish)
{
    const struct wish *w = wish;
    struct json_text   t = { .arena = a };

    question_begin(&t, "ban", w->action);
    question_put(&t, "zone", w->zone);
    question_put(&t, "key", w->key);
    if (w->seconds != 0)
        json_put_number(&t, "for", w->seconds);
    return question_end(&t);
}


/* A line for each: zone, key, end, seconds left; separated by tabs. */
static int
print_bans(const struct question *q)
{
    str_t rest = question_value(q->answer, "bans"), ban;

    while (json_item(&rest, &ban)) {
        time_t    until = (time_t) question_number(ban, "until");
        struct tm tm;
        char      text[32] = "";
        str_t     zone = question_text(q, ban, "zone");
        str_t     key = question_text(q, ban, "key");

        if (gmtime_r(&until, &tm) != NULL)
            strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        printf(STR_F "\t" STR_F "\t%s\t%" PRIu64 "\n", STR_A(zone), STR_A(key),
               text, question_number(ban, "left"));
    }
    if (question_is_true(q->answer, "more"))
        fprintf(stderr,
                "%s: there are more: older ones, or those of other zones\n",
                log_program);
    return 0;
}


static int
print_answer(const struct question *q, const void *wish)
{
    const struct wish *w = wish;
    bool is_good = w->key == NULL || question_is_true(q->answer, "ok");

    if (q->is_json)
        return question_print(q) && is_good ? 0 : 1;
    if (question_is_error(q))
        return 1;
    if (w->key == NULL)
        return print_bans(q);
    return is_good ? 0 : question_complain("it is not banned", w->key);
}


static int
ban(struct conf_paths *paths, char **argv)
{
    struct wish w = { .n_rest = 0 };

    return read_wish(&w, argv) != 0
               ? 1
               : question_run(paths, w.rest, line_of, print_answer, &w);
}


static const struct command command = {
    .name = "ban",
    .usage = "ls | add KEY | rm KEY [--zone NAME] [--for TIME] [--json] "
             "[-c FILE]",
    .says = "shows and changes who is banned",
    .options
    = "  ls           a line for each ban: zone, key, end, seconds left,\n"
      "               separated by tabs\n"
      "  add KEY      bans it: an address, a network, or what the key of the\n"
      "               zone is\n"
      "  rm KEY       ends a ban; exits with code 1 if there is none\n"
      "  --zone NAME  the zone, where there are several\n"
      "  --for TIME   of add: how long (default: 10m)\n"
      "  --json       the answer of the server\n"
      "  -c FILE      the configuration that names the pid file\n",
    .run = ban,
};

struct module ban_command_module = {
    .name = "ban_command",
    .command = &command,
};
