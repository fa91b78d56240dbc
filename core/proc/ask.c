/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `weir reload` and `weir status`: ask the running server through its control
 * socket, which is found as -s finds the pid file.
 */
#include <config.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/base/json_read.h"
#include "core/os/clock.h"
#include "core/os/resolve.h"
#include "core/proc/control.h"

enum { ANSWER_MAX = 4 * 1024 * 1024, WAIT_S = 60, WAIT_MAX_S = 86400 };

struct question {
    struct arena *arena;
    bool          is_json; /* the answer is printed as it came               */
    uint64_t      wait_s;
    str_t         answer;
};


/* --- arguments ----------------------------------------------------------------- */

static bool
take_wait(struct question *q, const char *text)
{
    if (text != NULL && number_parse(str_of(text), WAIT_MAX_S, &q->wait_s)
        && q->wait_s != 0)
        return true;
    fprintf(stderr, "%s: option \"--wait\" requires a number of seconds\n",
            log_program);
    return false;
}


static bool
read_arguments(struct question *q, char **argv, bool may_wait)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "--json") == 0) {
            q->is_json = true;
        } else if (may_wait && strcmp(*argv, "--wait") == 0) {
            if (!take_wait(q, *++argv))
                return false;
        } else {
            fprintf(stderr, "%s: invalid option: \"%s\"\n", log_program, *argv);
            return false;
        }
    }
    return true;
}


/* --- where to ask -------------------------------------------------------------- */

static unsigned errors; /* of the configuration, while it is read            */


static void
count_error(enum log_level level, str_t text, bool is_wanted)
{
    (void) text;
    (void) is_wanted;
    errors += level == LEVEL_EMERG;
}


/* Of a configuration that may have errors: the server, which has an older one,
 * will tell them. */
static str_t
find_pid(const struct question *q, struct conf_paths *paths)
{
    const struct process_conf *c;
    struct generation         *g;
    str_t                      pid = STR(WEIR_PID_PATH);

    resolve_go_offline();
    paths->keeps_broken = true;
    log_tap = count_error;
    g = generation_read(paths, &log_start);
    log_tap = NULL;
    paths->keeps_broken = false;
    c = conf_find(g->root, &core_module);
    if (c != NULL && c->pid.n != 0)
        pid = str_copy(q->arena, c->pid);
    else if (pid.p[0] != '/')
        pid = str_join(q->arena, paths->prefix, pid);
    generation_put(g);
    return pid;
}


/* -1: an error was printed. */
static int
connect_to(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    errno = ENAMETOOLONG;
    if (fd != -1 && strlen(path) < sizeof(to.sun_path)) {
        memcpy(to.sun_path, path, strlen(path));
        if (connect(fd, (struct sockaddr *) &to, sizeof(to)) == 0)
            return fd;
    }
    log_at(&log_start, LEVEL_ERROR, errno,
           "connect() to the control socket \"%s\" failed", path);
    if (fd != -1)
        close(fd);
    return -1;
}


/* --- question and answer --------------------------------------------------------- */

/* One more piece of the answer; false: no more, or an error. */
static bool
receive(int fd, char *p, size_t room, msec_t end, ssize_t *n)
{
    struct pollfd w = { .fd = fd, .events = POLLIN };
    msec_t        now = clock_fresh_ms();

    *n = -1;
    errno = ETIMEDOUT;
    if (now >= end || poll(&w, 1, (int) (end - now)) <= 0)
        return false;
    *n = recv(fd, p, room, 0);
    return *n > 0;
}


static bool
read_answer(struct question *q, int fd)
{
    char   *p = arena_bytes(q->arena, ANSWER_MAX);
    size_t  used = 0;
    ssize_t n;
    msec_t  end = clock_fresh_ms() + q->wait_s * 1000;

    while (used < ANSWER_MAX
           && receive(fd, p + used, ANSWER_MAX - used, end, &n)) {
        used += (size_t) n;
        if (p[used - 1] == '\n') {
            q->answer = (str_t){ p, used - 1 };
            return true;
        }
    }
    if (n == -1 && errno == ETIMEDOUT)
        log_at(&log_start, LEVEL_ERROR, 0, "no answer within %" PRIu64 " %s",
               q->wait_s, q->wait_s == 1 ? "second" : "seconds");
    else
        log_at(&log_start, LEVEL_ERROR, n == -1 ? errno : 0,
               "the server ended without an answer");
    return false;
}


static bool
ask(struct question *q, struct conf_paths *paths, const char *line)
{
    str_t   path = control_path(q->arena, find_pid(q, paths));
    ssize_t n = (ssize_t) strlen(line);
    bool    is_good;
    int     fd;

    /* The reason may be in what was not shown so far: a wrong -c. */
    fd = connect_to(path.p);
    if (fd == -1) {
        if (errors != 0)
            generation_put(generation_read(paths, &log_start));
        return false;
    }
    is_good = send(fd, line, (size_t) n, MSG_NOSIGNAL) == n;
    if (!is_good)
        log_at(&log_start, LEVEL_ERROR, errno, "send() to \"%s\" failed",
               path.p);
    is_good = is_good && read_answer(q, fd);
    close(fd);
    return is_good;
}


/* --- members of the answer -------------------------------------------------------- */

static str_t
member(const struct question *q, str_t object, const char *name)
{
    str_t value, text;

    if (!json_member(object, name, &value))
        return STR_NONE;
    return json_string(q->arena, value, &text) ? text : STR_NONE;
}


static uint64_t
number(str_t object, const char *name)
{
    str_t    value;
    uint64_t n;

    return json_member(object, name, &value) && json_number(value, &n) ? n : 0;
}


static bool
is_true(str_t object, const char *name)
{
    str_t value;

    return json_member(object, name, &value) && str_is(value, "true");
}


static str_t
list(str_t object, const char *name)
{
    str_t value;

    return json_member(object, name, &value) ? value : STR_NONE;
}


/* The answer says why there is none. */
static bool
is_error(const struct question *q)
{
    str_t error = member(q, q->answer, "error");

    if (error.p == NULL)
        return false;
    log_at(&log_start, LEVEL_ERROR, 0, STR_F, STR_A(error));
    return true;
}


/* --- reload ----------------------------------------------------------------------- */

/* As -t prints them. */
static void
print_messages(const struct question *q, str_t outcome)
{
    str_t rest = list(outcome, "messages"), m;

    while (json_item(&rest, &m)) {
        str_t level = member(q, m, "level"), text = member(q, m, "text");

        if (level.p != NULL)
            fprintf(stderr, "%s: [" STR_F "] ", log_program, STR_A(level));
        fprintf(stderr, STR_F "\n", STR_A(text));
    }
}


/* "in place", or why not. */
static str_t
way(const struct question *q, str_t outcome)
{
    str_t how = member(q, outcome, "how");
    str_t directive = member(q, outcome, "directive");

    if (directive.p == NULL)
        return how;
    return arena_printf(q->arena, STR_F ", as \"" STR_F "\" has changed",
                        STR_A(how), STR_A(directive));
}


static int
report(const struct question *q)
{
    str_t how = way(q, q->answer);
    str_t file = member(q, q->answer, "file");

    if (q->is_json) {
        printf(STR_F "\n", STR_A(q->answer));
        return is_true(q->answer, "ok") ? 0 : 1;
    }
    if (is_error(q))
        return 1;
    if (is_true(q->answer, "refused") && is_true(q->answer, "syntax"))
        fprintf(stderr, "%s: the configuration file " STR_F " syntax is ok\n",
                log_program, STR_A(file));
    print_messages(q, q->answer);
    if (is_true(q->answer, "ok")) {
        printf("generation %" PRIu64 ", " STR_F "\n",
               number(q->answer, "generation"), STR_A(how));
        return 0;
    }
    if (is_true(q->answer, "refused"))
        fprintf(stderr, "%s: configuration file " STR_F " test failed\n",
                log_program, STR_A(file));
    return 1;
}


static int
reload(struct conf_paths *paths, char **argv)
{
    struct question q = { .wait_s = WAIT_S };
    int             rc = 1;

    if (!read_arguments(&q, argv, true))
        return 1;
    log_explains = isatty(STDERR_FILENO);
    q.arena = arena_new(0);
    if (ask(&q, paths,
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
    str_t rest = list(q->answer, "generations"), g;

    printf("\ngeneration  since                requests  connections\n");
    while (json_item(&rest, &g)) {
        str_t since = moment(q, number(g, "since"));

        printf("%-10" PRIu64 "  " STR_F "  %8" PRIu64 "  %11" PRIu64 "\n",
               number(g, "number"), STR_A(since), number(g, "requests"),
               number(g, "connections"));
    }
}


static void
print_workers(const struct question *q)
{
    str_t rest = list(q->answer, "workers"), w;

    printf("\nworker  pid      generation  up          connections\n");
    while (json_item(&rest, &w)) {
        str_t up = duration(q, number(w, "uptime"));

        printf("%-6" PRIu64 "  %-7" PRIu64 "  %-10" PRIu64
               "  %-10.*s  %11" PRIu64 "%s\n",
               number(w, "number"), number(w, "pid"), number(w, "generation"),
               STR_A(up), number(w, "connections"),
               is_true(w, "ending") ? "  shutting down" : "");
    }
}


static void
print_reload(const struct question *q)
{
    str_t    r = list(q->answer, "reload"), how = way(q, r);
    uint64_t n = number(r, "generation");
    str_t    at = moment(q, number(r, "time"));

    if (r.n == 0 || str_is(r, "null")) {
        printf("\nno reload so far\n");
        return;
    }
    printf("\nlast reload: " STR_F ", ", STR_A(at));
    if (is_true(r, "ok"))
        printf("generation %" PRIu64 ", " STR_F ", took %" PRIu64 " ms\n", n,
               STR_A(how), number(r, "ms"));
    else
        printf("%s; generation %" PRIu64 " stays in force\n",
               is_true(r, "refused") ? "refused" : "failed", n);
    fflush(stdout);
    print_messages(q, r);
}


static void
print_status(const struct question *q)
{
    str_t version = member(q, q->answer, "version");

    printf("weir " STR_F ", process %" PRIu64 ", generation %" PRIu64 "\n",
           STR_A(version), number(q->answer, "pid"),
           number(q->answer, "generation"));
    print_generations(q);
    print_workers(q);
    print_reload(q);
}


static int
status(struct conf_paths *paths, char **argv)
{
    struct question q = { .wait_s = WAIT_S };
    int             rc = 1;

    if (!read_arguments(&q, argv, false))
        return 1;
    log_explains = isatty(STDERR_FILENO);
    q.arena = arena_new(0);
    if (ask(&q, paths, "{\"do\":\"status\"}\n")) {
        rc = 0;
        if (q.is_json)
            printf(STR_F "\n", STR_A(q.answer));
        else if (is_error(&q))
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
