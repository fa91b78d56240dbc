/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subcommands that ask the running server.
 */
#include "core/proc/question.h"

#include <config.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/json_read.h"
#include "core/os/clock.h"
#include "core/os/resolve.h"
#include "core/proc/control.h"

enum { ANSWER_MAX = 4 * 1024 * 1024, WAIT_MAX_S = 86400 };


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


bool
question_arguments(struct question *q, char **argv, bool may_wait)
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


bool
question_ask(struct question *q, struct conf_paths *paths, const char *line)
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

str_t
question_text(const struct question *q, str_t object, const char *name)
{
    str_t value, text;

    if (!json_member(object, name, &value))
        return STR_NONE;
    return json_string(q->arena, value, &text) ? text : STR_NONE;
}


uint64_t
question_number(str_t object, const char *name)
{
    str_t    value;
    uint64_t n;

    return json_member(object, name, &value) && json_number(value, &n) ? n : 0;
}


bool
question_is_true(str_t object, const char *name)
{
    str_t value;

    return json_member(object, name, &value) && str_is(value, "true");
}


str_t
question_value(str_t object, const char *name)
{
    str_t value;

    return json_member(object, name, &value) ? value : STR_NONE;
}


/* The answer says why there is none. */
bool
question_is_error(const struct question *q)
{
    str_t error = question_text(q, q->answer, "error");

    if (error.p == NULL)
        return false;
    log_at(&log_start, LEVEL_ERROR, 0, STR_F, STR_A(error));
    return true;
}


/* --- subcommands with words of their own ----------------------------------------- */

int
question_complain(const char *what, const char *word)
{
    fprintf(stderr, "%s: %s%s%s%s\n", log_program, what, word ? ": \"" : "",
            word ? word : "", word ? "\"" : "");
    return 1;
}


void
question_begin(struct json_text *t, const char *what, const char *action)
{
    json_open(t, NULL, '{');
    json_put(t, "do", str_of(what));
    json_put(t, "action", str_of(action));
}


void
question_put(struct json_text *t, const char *name, const char *text)
{
    if (text != NULL)
        json_put(t, name, str_of(text));
}


const char *
question_end(struct json_text *t)
{
    json_close(t, '}');
    *vec_push(t->arena, &t->out) = '\n';
    return str_z(t->arena, (str_t){ t->out.at, t->out.n });
}


bool
question_print(const struct question *q)
{
    printf(STR_F "\n", STR_A(q->answer));
    return question_value(q->answer, "error").p == NULL;
}


int
question_run(struct conf_paths *paths, char **rest,
             const char *(*line)(struct arena *, const void *),
             int (*print)(const struct question *, const void *),
             const void *wish)
{
    struct question q = { .wait_s = QUESTION_WAIT_S };
    int             rc = 1;

    if (!question_arguments(&q, rest, false))
        return 1;
    q.arena = arena_new(0);
    if (question_ask(&q, paths, line(q.arena, wish)))
        rc = print(&q, wish);
    arena_free(q.arena);
    return rc;
}
