/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `weir reload` and `weir status`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/base/json_read.h"
#include "core/os/clock.h"
#include "core/proc/control.h"
#include "core/proc/question.h"


/* --- reload ----------------------------------------------------------------------- */

/* As -t prints them. */
static void
print_messages(const struct question *q, str_t outcome)
{
    str_t rest = question_value(outcome, "messages"), m;

    while (json_item(&rest, &m)) {
        str_t level = question_text(q, m, "level"),
              text = question_text(q, m, "text");

        if (level.p != NULL)
            fprintf(stderr, "%s: [" STR_F "] ", log_program, STR_A(level));
        fprintf(stderr, STR_F "\n", STR_A(text));
    }
}


/* "in place", or why not. */
static str_t
way(const struct question *q, str_t outcome)
{
    str_t how = question_text(q, outcome, "how");
    str_t directive = question_text(q, outcome, "directive");

    if (directive.p == NULL)
        return how;
    return arena_printf(q->arena, STR_F ", as \"" STR_F "\" has changed",
                        STR_A(how), STR_A(directive));
}


static int
report(const struct question *q)
{
    str_t how = way(q, q->answer);
    str_t file = question_text(q, q->answer, "file");

    if (q->is_json) {
        printf(STR_F "\n", STR_A(q->answer));
        return question_is_true(q->answer, "ok") ? 0 : 1;
    }
    if (question_is_error(q))
        return 1;
    if (question_is_true(q->answer, "refused")
        && question_is_true(q->answer, "syntax"))
        fprintf(stderr, "%s: the configuration file " STR_F " syntax is ok\n",
                log_program, STR_A(file));
    print_messages(q, q->answer);
    if (question_is_true(q->answer, "ok")) {
        printf("generation %" PRIu64 ", " STR_F "\n",
               question_number(q->answer, "generation"), STR_A(how));
        return 0;
    }
    if (question_is_true(q->answer, "refused"))
        fprintf(stderr, "%s: configuration file " STR_F " test failed\n",
                log_program, STR_A(file));
    return 1;
}


static int
reload(struct conf_paths *paths, char **argv)
{
    struct question q = { .wait_s = QUESTION_WAIT_S };
    int             rc = 1;

    if (!question_arguments(&q, argv, true))
        return 1;
    log_explains = isatty(STDERR_FILENO);
    q.arena = arena_new(0);
    if (question_ask(&q, paths,
                     log_explains ? "{\"do\":\"reload\",\"explains\":true}\n"
                                  : "{\"do\":\"reload\"}\n"))
        rc = report(&q);
    arena_free(q.arena);
    return rc;
}


/* --- status ----------------------------------------------------------------------- */

static str_t
moment(const struct question *q, uint64_t at)
{
    struct tm tm = clock_local((time_t) at);
    char      text[32];

    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    return str_copy(q->arena, str_of(text));
}


/* The two largest units of a duration. */
static str_t
duration(const struct question *q, uint64_t s)
{
    if (s < 60)
        return arena_printf(q->arena, "%us", (unsigned) s);
    if (s < 3600)
        return arena_printf(q->arena, "%um %us", (unsigned) (s / 60),
                            (unsigned) (s % 60));
    if (s < 86400)
        return arena_printf(q->arena, "%uh %um", (unsigned) (s / 3600),
                            (unsigned) (s / 60 % 60));
    return arena_printf(q->arena, "%ud %uh", (unsigned) (s / 86400),
                        (unsigned) (s / 3600 % 24));
}


static void
print_generations(const struct question *q)
{
    str_t rest = question_value(q->answer, "generations"), g;

    printf("\ngeneration  since                requests  connections\n");
    while (json_item(&rest, &g)) {
        str_t since = moment(q, question_number(g, "since"));

        printf("%-10" PRIu64 "  " STR_F "  %8" PRIu64 "  %11" PRIu64 "\n",
               question_number(g, "number"), STR_A(since),
               question_number(g, "requests"),
               question_number(g, "connections"));
    }
}


static void
print_workers(const struct question *q)
{
    str_t rest = question_value(q->answer, "workers"), w;

    printf("\nworker  pid      generation  up          connections\n");
    while (json_item(&rest, &w)) {
        str_t up = duration(q, question_number(w, "uptime"));

        printf("%-6" PRIu64 "  %-7" PRIu64 "  %-10" PRIu64
               "  %-10.*s  %11" PRIu64 "%s\n",
               question_number(w, "number"), question_number(w, "pid"),
               question_number(w, "generation"), STR_A(up),
               question_number(w, "connections"),
               question_is_true(w, "ending") ? "  shutting down" : "");
    }
}


static void
print_reload(const struct question *q)
{
    str_t    r = question_value(q->answer, "reload"), how = way(q, r);
    uint64_t n = question_number(r, "generation");
    str_t    at = moment(q, question_number(r, "time"));

    if (r.n == 0 || str_is(r, "null")) {
        printf("\nno reload so far\n");
        return;
    }
    printf("\nlast reload: " STR_F ", ", STR_A(at));
    if (question_is_true(r, "ok"))
        printf("generation %" PRIu64 ", " STR_F ", took %" PRIu64 " ms\n", n,
               STR_A(how), question_number(r, "ms"));
    else
        printf("%s; generation %" PRIu64 " stays in force\n",
               question_is_true(r, "refused") ? "refused" : "failed", n);
    fflush(stdout);
    print_messages(q, r);
}


static void
print_status(const struct question *q)
{
    str_t version = question_text(q, q->answer, "version");

    printf("weir " STR_F ", process %" PRIu64 ", generation %" PRIu64 "\n",
           STR_A(version), question_number(q->answer, "pid"),
           question_number(q->answer, "generation"));
    print_generations(q);
    print_workers(q);
    print_reload(q);
}


static int
status(struct conf_paths *paths, char **argv)
{
    struct question q = { .wait_s = QUESTION_WAIT_S };
    int             rc = 1;

    if (!question_arguments(&q, argv, false))
        return 1;
    log_explains = isatty(STDERR_FILENO);
    q.arena = arena_new(0);
    if (question_ask(&q, paths, "{\"do\":\"status\"}\n")) {
        rc = 0;
        if (q.is_json)
            printf(STR_F "\n", STR_A(q.answer));
        else if (question_is_error(&q))
            rc = 1;
        else
            print_status(&q);
    }
    arena_free(q.arena);
    return rc;
}


static const struct command reload_command = {
    .name = "reload",
    .usage = "[--wait N] [--json] [-c FILE]",
    .says = "reads the configuration again, and tells the outcome",
    .options = "  --wait N  wait for at most N seconds (default: 60)\n"
               "  --json    the outcome as an object\n"
               "  -c FILE   the configuration that names the pid file\n",
    .run = reload,
};

static const struct command status_command = {
    .name = "status",
    .usage = "[--json] [-c FILE]",
    .says = "shows generations, workers and the last reload",
    .options = "  --json    the same as an object\n"
               "  -c FILE   the configuration that names the pid file\n",
    .run = status,
};

struct module reload_module = { .name = "reload", .command = &reload_command };
struct module status_module = { .name = "status", .command = &status_command };
