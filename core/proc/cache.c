/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `weir cache`: shows and purges what the running server has stored
 * (core/cache/disk/answer.c).  "explain" is `weir explain`, of the cache.
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
    const char *action, *zone, *key, *tag;
    uint64_t    limit; /* 0: not given                                       */
    bool        is_soft, is_all;
    char       *rest[2]; /* what belongs to all questions                    */
};


/* Takes an option that has a value.  False: it is none of these. */
static bool
take_option(struct wish *w, char ***argv, int *rc)
{
    const char *name = **argv, *value = (*argv)[1];
    bool        is_purge = strcmp(w->action, "purge") == 0;

    if (value == NULL)
        return false;
    if (strcmp(name, "--zone") == 0) {
        w->zone = value;
    } else if (strcmp(name, "--tag") == 0 && is_purge) {
        w->tag = value;
    } else if (strcmp(name, "--limit") == 0 && !is_purge) {
        if (!number_parse(str_of(value), 1000, &w->limit) || w->limit == 0)
            *rc = question_complain("invalid limit", value);
    } else {
        return false;
    }
    ++*argv;
    return true;
}


/* Nonzero: an error was printed. */
static int
read_wish(struct wish *w, char **argv)
{
    static const char *const actions[] = { "ls", "top", "stats", "purge" };
    bool                     is_known = false, is_purge;
    int                      rc = 0;

    if (*argv == NULL)
        return question_complain(
            "\"cache\" requires ls, top, stats, purge or explain", NULL);
    w->action = *argv++;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        is_known |= strcmp(w->action, actions[i]) == 0;
    if (!is_known)
        return question_complain(
            "\"cache\" requires ls, top, stats, purge or explain, "
            "not",
            w->action);
    is_purge = strcmp(w->action, "purge") == 0;
    for (; *argv != NULL && rc == 0; argv++) {
        if (strcmp(*argv, "--json") == 0)
            w->rest[0] = *argv;
        else if (strcmp(*argv, "--soft") == 0 && is_purge)
            w->is_soft = true;
        else if (strcmp(*argv, "--all") == 0 && is_purge)
            w->is_all = true;
        else if (is_purge && w->key == NULL && **argv != '-' && **argv != '\0')
            w->key = *argv;
        else if (!take_option(w, &argv, &rc))
            return question_complain("invalid option", *argv);
    }
    if (rc == 0 && is_purge
        && (w->key != NULL) + (w->tag != NULL) + w->is_all != 1)
        return question_complain(
            "\"cache purge\" requires a key, --tag or --all", NULL);
    return rc;
}


static const char *
line_of(struct arena *a, const void *wish)
{
    const struct wish *w = wish;
    struct json_text   t = { .arena = a };

    question_begin(&t, "cache", w->action);
    question_put(&t, "zone", w->zone);
    question_put(&t, "key", w->key);
    question_put(&t, "tag", w->tag);
    if (w->limit != 0)
        json_put_number(&t, "limit", w->limit);
    if (w->is_soft)
        json_put_bool(&t, "soft", true);
    if (w->is_all)
        json_put_bool(&t, "all", true);
    return question_end(&t);
}


/* Zone, keys, room, bytes, purges, path; separated by tabs. */
static void
print_stats(const struct question *q)
{
    str_t rest = question_value(q->answer, "caches"), c;

    while (json_item(&rest, &c)) {
        str_t zone = question_text(q, c, "zone");
        str_t path = question_text(q, c, "path");

        printf(STR_F "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                     "\t" STR_F "%s\n",
               STR_A(zone), question_number(c, "keys"),
               question_number(c, "room"), question_number(c, "bytes"),
               question_number(c, "purges"), STR_A(path),
               question_is_true(c, "loading") ? "\tloading" : "");
    }
}


/* What came of requests: "requests", reason, how many. */
static void
print_reasons(const struct question *q)
{
    str_t all = question_value(q->answer, "requests"), name;

    if (all.n < 2)
        return;
    all = str_span(all.p + 1, all.p + all.n - 1);
    while (all.n != 0) {
        str_t one = str_cut(&all, ',');

        name = str_cut(&one, ':');
        if (name.n > 2)
            printf("requests\t" STR_F "\t" STR_F "\n", (int) name.n - 2,
                   name.p + 1, STR_A(one));
    }
}


/* Zone, uses, bytes, seconds left, key; separated by tabs. */
static void
print_entries(const struct question *q)
{
    str_t rest = question_value(q->answer, "entries"), e;

    while (json_item(&rest, &e)) {
        str_t zone = question_text(q, e, "zone");
        str_t key = question_text(q, e, "key");

        if (key.p == NULL)
            key = question_text(q, e, "file");
        printf(STR_F "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t" STR_F "\n",
               STR_A(zone), question_number(e, "uses"),
               question_number(e, "bytes"), question_number(e, "left"),
               STR_A(key));
    }
}


static int
print_answer(const struct question *q, const void *wish)
{
    const struct wish *w = wish;
    bool               is_good = strcmp(w->action, "purge") != 0
                   || question_is_true(q->answer, "ok");

    if (q->is_json)
        return question_print(q) && is_good ? 0 : 1;
    if (question_is_error(q))
        return 1;
    if (strcmp(w->action, "stats") == 0) {
        print_stats(q);
        print_reasons(q);
    } else if (strcmp(w->action, "purge") != 0)
        print_entries(q);
    return is_good ? 0 : question_complain("it is not stored", w->key);
}


static int
cache(struct conf_paths *paths, char **argv)
{
    struct wish w = { .action = NULL };

    return read_wish(&w, argv) != 0
               ? 1
               : question_run(paths, w.rest, line_of, print_answer, &w);
}


static const struct command command = {
    .name = "cache",
    .usage
    = "ls | top | stats | purge KEY | explain URL [--zone NAME] [--json] "
      "[-c FILE]",
    .says = "shows and purges what is cached",
    .options
    = "  ls           what was used last: zone, uses, bytes, seconds that it is\n"
      "               fresh, key, separated by tabs\n"
      "  top          the same, of what is used most\n"
      "  stats        zone, keys, room for them, bytes, purges, path; and how often\n"
      "               caches were asked, by what came of it\n"
      "  purge KEY    purges a key; KEY*: all that begin so; exits with code 1 if\n"
      "               it was not stored\n"
      "  explain URL  what the cache would do: weir explain --cache\n"
      "  --tag TAGS   of purge, instead of KEY: whatever has one of the tags\n"
      "  --all        of purge, instead of KEY: everything\n"
      "  --soft       of purge: it is used until it was fetched anew\n"
      "  --limit N    of ls and top (100)\n"
      "  --zone NAME  only this cache\n"
      "  --json       the answer of the server\n"
      "  -c FILE      the configuration that names the pid file\n",
    .passes = "explain",
    .run = cache,
};

struct module cache_command_module = {
    .name = "cache_command",
    .command = &command,
};
