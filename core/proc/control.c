/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All descriptors are in an epoll set of their own, which is a single one for
 * those who wait.  A place belongs to a client until the answer is out; when
 * all are taken, the client that has been asking for the longest goes.
 */
#include "core/proc/control.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/json_read.h"
#include "core/proc/inquiry.h"

enum { CLIENTS = 32, BACKLOG = 32, EVENTS = 8 };

enum client_state {
    CLIENT_FREE,
    CLIENT_ASKS,      /* its line is not complete                            */
    CLIENT_WAITS,     /* for a reload that has not begun                     */
    CLIENT_UNDER_WAY, /* for one that has                                    */
    CLIENT_GETS,      /* the answer                                          */
};

struct client {
    enum client_state state;
    int               fd;
    uint64_t          serial; /* the lower, the earlier it came              */
    char              line[INQUIRY_LINE];
    size_t            n;
    struct arena     *arena; /* of the answer                                */
    str_t             left;  /* of the answer, to be sent                    */
};

static struct {
    char                      path[PATH_MAX];
    struct stat               file; /* of path, to know it again            */
    int                       epoll, fd; /* -1: not open                     */
    const struct control_ops *ops;
    uint64_t                  serial;
    struct client             clients[CLIENTS];
} control = { .epoll = -1, .fd = -1 };


/* --- the socket ---------------------------------------------------------------- */

str_t
control_path(struct arena *a, str_t pid)
{
    return str_join(a, pid, STR(".control"));
}


static bool
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}


/* Removes what an earlier process has left; what is no socket stays. */
static void
remove_stale(const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
}


static void
remove_own(void)
{
    struct stat st;

    if (lstat(control.path, &st) == 0 && is_same(&st, &control.file))
        unlink(control.path);
}


/* Listens at path; -1, with errno. */
static int
listen_at(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int                fd, saved;

    if (strlen(path) >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    remove_stale(path);
    /* The file that bind() makes has the mode of the descriptor. */
    if (fchmod(fd, 0600) == 0
        && bind(fd, (struct sockaddr *) &to, sizeof(to)) == 0
        && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}


static bool
watch(int fd, uint32_t events, uint32_t number, bool is_new)
{
    struct epoll_event e = { .events = events, .data = { .u32 = number } };

    return epoll_ctl(control.epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd,
                     &e)
           == 0;
}


/* A descriptor that a child may have, too, stays in the set when it is
 * closed. */
static void
forget(int fd)
{
    epoll_ctl(control.epoll, EPOLL_CTL_DEL, fd, NULL);
    close(fd);
}


/* In place of the one that there was. */
static bool
open_at(const char *path)
{
    int fd = listen_at(path);

    if (fd == -1)
        return false;
    if (control.fd != -1) {
        remove_own();
        forget(control.fd);
    }
    control.fd = fd;
    strcpy(control.path, path);
    if (lstat(path, &control.file) == -1)
        control.file = (struct stat){ .st_ino = 0 };
    return watch(fd, EPOLLIN, CLIENTS, true);
}


/* Beside a pid file that is none (/dev/null) there is no place for it. */
static bool
has_place(const char *pid)
{
    struct stat st;

    return lstat(pid, &st) == 0 && S_ISREG(st.st_mode);
}


void
control_open(const struct generation *g, const struct log *log)
{
    str_t         pid = process_conf_of(g)->pid;
    struct arena *a;
    str_t         path;

    if (control.epoll == -1)
        control.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!has_place(pid.p))
        return;
    a = arena_new(0);
    path = control_path(a, pid);
    if (control.epoll == -1 || !open_at(path.p))
        log_at(log, LEVEL_WARN, errno,
               "no control socket for \"%s reload\" and \"%s status\": bind() "
               "to \"%s\" failed",
               log_program, log_program, path.p);
    arena_free(a);
}


void
control_follow(const struct generation *g, const struct log *log)
{
    struct arena *a = arena_new(0);
    bool          is_there = str_eq(control_path(a, process_conf_of(g)->pid),
                                    str_of(control.path));

    arena_free(a);
    if (!is_there)
        control_open(g, log);
}


void
control_rename(const char *pid, const struct log *log)
{
    struct arena *a;
    str_t         path;

    if (control.fd == -1)
        return;
    a = arena_new(0);
    path = control_path(a, str_of(pid));
    if (path.n >= sizeof(control.path) || rename(control.path, path.p) == -1)
        log_at(log, LEVEL_ALERT, errno, "rename() %s to %s failed",
               control.path, path.p);
    else
        strcpy(control.path, path.p);
    arena_free(a);
}


/* --- answers --------------------------------------------------------------------- */

/* Accepts again, in case that descriptors were short. */
static void
resume(void)
{
    if (control.fd != -1)
        watch(control.fd, EPOLLIN, CLIENTS, false);
}


static void
end(struct client *c)
{
    forget(c->fd);
    resume();
    if (c->arena != NULL)
        arena_free(c->arena);
    *c = (struct client){ .fd = -1 };
}


static void
push(struct client *c)
{
    ssize_t n;

    while (c->left.n != 0) {
        n = send(c->fd, c->left.p, c->left.n, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN) {
            if (!watch(c->fd, EPOLLOUT, (uint32_t) (c - control.clients),
                       false))
                end(c);
            return;
        }
        if (n == -1)
            break;
        c->left = str_from(c->left, (size_t) n);
    }
    end(c);
}


static void
answer(struct client *c, struct json_text *t)
{
    *vec_push(t->arena, &t->out) = '\n';
    c->state = CLIENT_GETS;
    c->left = (str_t){ t->out.at, t->out.n };
    push(c);
}


static struct json_text
begin_answer(struct client *c)
{
    c->arena = arena_new(0);
    return (struct json_text){ .arena = c->arena };
}


static void
answer_error(struct client *c, const char *error)
{
    struct json_text t = begin_answer(c);

    json_open(&t, NULL, '{');
    json_put(&t, "error", str_of(error));
    json_close(&t, '}');
    answer(c, &t);
}


static void
answer_status(struct client *c)
{
    struct json_text t = begin_answer(c);

    control.ops->status(&t);
    answer(c, &t);
}


void
control_begin(void)
{
    resume();
    for (unsigned i = 0; i < CLIENTS; i++)
        if (control.clients[i].state == CLIENT_WAITS)
            control.clients[i].state = CLIENT_UNDER_WAY;
}


void
control_tell(const struct reload_outcome *o)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client   *c = &control.clients[i];
        struct json_text t;

        if (c->state != CLIENT_UNDER_WAY)
            continue;
        t = begin_answer(c);
        outcome_put(&t, NULL, o);
        answer(c, &t);
    }
}


/* --- questions ------------------------------------------------------------------- */

static void
start_reload(struct client *c, str_t line)
{
    const char *error;
    str_t       value;
    bool        explains = json_member(line, "explains", &value)
                    && str_is(value, "true");

    /* No more is read; who closes is found out by writing. */
    if (!watch(c->fd, 0, (uint32_t) (c - control.clients), false)) {
        end(c);
        return;
    }
    c->state = CLIENT_WAITS;
    error = control.ops->reload(explains);
    if (error != NULL && c->state == CLIENT_WAITS)
        answer_error(c, error);
}


static void
pass(struct client *c, str_t line)
{
    const char *error = control.ops->pass(c->fd, line);

    if (error != NULL)
        answer_error(c, error);
    else
        end(c);
}


static void
obey(struct client *c, str_t line)
{
    str_t what = STR_NONE;

    if (!json_member(line, "do", &what))
        answer_error(c, "no \"do\" in the request");
    else if (str_is(what, "\"status\""))
        answer_status(c);
    else if (str_is(what, "\"reload\""))
        start_reload(c, line);
    else
        pass(c, line);
}


/* Input beyond the line is of no interest. */
static void
take(struct client *c)
{
    ssize_t     n;
    const char *newline;

    do {
        n = recv(c->fd, c->line + c->n, sizeof(c->line) - c->n, 0);
    } while (n == -1 && errno == EINTR);
    if (n == -1 && errno == EAGAIN)
        return;
    if (n <= 0) {
        end(c);
        return;
    }
    c->n += (size_t) n;
    newline = str_chr((str_t){ c->line, c->n }, '\n');
    if (newline != NULL)
        obey(c, str_span(c->line, newline));
    else if (c->n == sizeof(c->line))
        answer_error(c, "the request is too long");
}


/* --- clients --------------------------------------------------------------------- */

/* A free place, if need be that of who asks, or is slow to read, for the
 * longest; NULL: all wait for a reload. */
static struct client *
find_place(void)
{
    struct client *first = NULL;

    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &control.clients[i];

        if (c->state == CLIENT_FREE)
            return c;
        if ((c->state == CLIENT_ASKS || c->state == CLIENT_GETS)
            && (first == NULL || c->serial < first->serial))
            first = c;
    }
    if (first != NULL)
        end(first);
    return first;
}


/* One for each turn: the others are still ready in the next one. */
static void
welcome(void)
{
    int fd = accept4(control.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct client *c;

    if (fd == -1) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
            watch(control.fd, 0, CLIENTS, false);
        return;
    }
    c = find_place();
    if (c == NULL) {
        close(fd);
        return;
    }
    *c = (struct client){ .state = CLIENT_ASKS,
                          .fd = fd,
                          .serial = ++control.serial };
    if (!watch(fd, EPOLLIN, (uint32_t) (c - control.clients), true))
        end(c);
}


static void
serve_client(struct client *c)
{
    switch (c->state) {
    case CLIENT_ASKS:
        take(c);
        break;
    case CLIENT_GETS:
        push(c);
        break;
    case CLIENT_WAITS:
    case CLIENT_UNDER_WAY: /* it has gone */
        end(c);
        break;
    case CLIENT_FREE:
        break;
    }
}


int
control_start(const struct control_ops *ops)
{
    control.ops = ops;
    return control.epoll;
}


void
control_serve(void)
{
    struct epoll_event e[EVENTS];
    int                n = epoll_wait(control.epoll, e, EVENTS, 0);

    for (int i = 0; i < n; i++) {
        if (e[i].data.u32 == CLIENTS)
            welcome();
        else
            serve_client(&control.clients[e[i].data.u32]);
    }
}


void
control_leave(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (control.clients[i].state != CLIENT_FREE)
            close(control.clients[i].fd);
    if (control.fd != -1)
        close(control.fd);
    if (control.epoll != -1)
        close(control.epoll);
    control.fd = control.epoll = -1;
}


void
control_close(void)
{
    if (control.fd != -1)
        remove_own();
    control_leave();
}
