/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening, taking over and closing listening sockets.  Their descriptors are
 * the only thing that passes from one generation to the next.  They are not
 * close-on-exec: a new binary inherits them.
 *
 * A listener has one descriptor, or, with reuseport, one a worker; the
 * functions below see both as a row of them (row_of).
 */
#include "core/net/holder.h"
#include "core/net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 511,
    TRIES = 5,
    PAUSE_NS = 500 * 1000 * 1000,
    SOCKET_UMASK = 0111, /* unix sockets are for everybody to write to   */
};

struct row {
    int     *at;
    unsigned n;
};


static struct row
row_of(struct listener *l)
{
    if (l->n_fds != 0)
        return (struct row){ l->fds, l->n_fds };
    return (struct row){ &l->fd, 1 };
}


void
listen_options_init(struct listen_options *o)
{
    *o = (struct listen_options){
        .backlog = -1, .rcvbuf = -1, .sndbuf = -1, .fastopen = -1, .ipv6only = 1
    };
}


int
listener_fd(const struct listener *l, unsigned worker)
{
    return l->n_fds != 0 ? worker < l->n_fds ? l->fds[worker] : -1 : l->fd;
}


static int
backlog_of(const struct listener *l)
{
    return l->options.backlog > 0 ? l->options.backlog : BACKLOG;
}


static struct listener *
find(const listeners_t *in, const struct listener *wanted)
{
    for (size_t i = 0; in != NULL && i < in->n; i++) {
        struct listener *l = in->at[i];

        if (l->type == wanted->type
            && addr_same(&l->addr.sa, &wanted->addr.sa, true))
            return l;
    }
    return NULL;
}


static void
unlink_path(const struct listener *l, const struct log *log)
{
    if (l->addr.sa.sa_family != AF_UNIX)
        return;
    if (unlink(l->addr.un.sun_path) == -1)
        log_at(log, LEVEL_EMERG, errno, "unlink() \"%s\" failed",
               l->addr.un.sun_path);
}


static bool
set_option(const struct listener *l, int fd, int name, int value,
           const char *text, const struct log *log)
{
    if (setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)) == 0)
        return true;
    log_at(log, LEVEL_EMERG, errno, "setsockopt(%s) " STR_F " failed", text,
           STR_A(l->text));
    return false;
}


/* Before bind: what decides whether the address may be taken. */
static bool
prepare(const struct listener *l, int fd, const struct log *log)
{
    int only = l->options.ipv6only;

    if (!set_option(l, fd, SO_REUSEADDR, 1, "SO_REUSEADDR", log))
        return false;
    if (l->options.reuseport
        && !set_option(l, fd, SO_REUSEPORT, 1, "SO_REUSEPORT", log))
        return false;
    if (l->addr.sa.sa_family == AF_INET6
        && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) == -1)
        log_at(log, LEVEL_EMERG, errno,
               "setsockopt(IPV6_V6ONLY) " STR_F " failed, ignored",
               STR_A(l->text));
    return true;
}


/* Under the message of bind(), or of the last try: the line that asks for the
 * address, and what is known of the reason. */
static void
explain_refusal(const struct listener *l, int errnum, const struct log *log)
{
    char  name[HOLDER_NAME];
    pid_t pid = 0;

    if (!log_explains)
        return;
    if (l->file != NULL)
        log_at(log, LEVEL_STDERR, 0, "       \"listen\" of " STR_F " in %s:%u",
               STR_A(l->text), l->file, l->line);
    if (l->addr.sa.sa_family == AF_UNIX)
        return;
    if (errnum == EACCES && addr_port(&l->addr.sa) < 1024)
        log_at(log, LEVEL_STDERR, 0,
               "       ports below 1024 need root or CAP_NET_BIND_SERVICE");
    if (errnum == EADDRNOTAVAIL)
        log_at(log, LEVEL_STDERR, 0,
               "       no interface of this machine has that address");
    if (errnum == EADDRINUSE && l->type == SOCK_STREAM)
        pid = holder_find(&l->addr.sa, name);
    if (pid != 0)
        log_at(log, LEVEL_STDERR, 0, "       held by process %d, \"%s\"",
               (int) pid, name);
}


enum opened { OPENED, BUSY, FAILED };


static enum opened
refused(const char *call, const struct listener *l, bool is_test,
        const struct log *log)
{
    int error = errno;

    if (error != EADDRINUSE || !is_test)
        log_at(log, LEVEL_EMERG, error, "%s " STR_F " failed", call,
               STR_A(l->text));
    if (error == EADDRINUSE)
        return BUSY;
    explain_refusal(l, error, log);
    return FAILED;
}


/* Whether the path is a socket at which nobody listens: what a server that was
 * killed leaves behind. */
static bool
is_stale(const struct listener *l)
{
    struct stat st;
    int         fd;
    bool        is_refused;

    if (l->addr.sa.sa_family != AF_UNIX || lstat(l->addr.un.sun_path, &st) == -1
        || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, l->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return false;
    is_refused = connect(fd, &l->addr.sa, l->addr.len) == -1
                 && errno == ECONNREFUSED;
    close(fd);
    return is_refused;
}


/* The mode comes with the name, so that it is never another's that changes. */
static bool
bind_name(const struct listener *l, int fd)
{
    mode_t before = umask(SOCKET_UMASK);
    int    rc = bind(fd, &l->addr.sa, l->addr.len), error = errno;

    umask(before);
    errno = error;
    return rc == 0;
}


static bool
take_name(const struct listener *l, int fd, bool is_test, const struct log *log)
{
    if (bind_name(l, fd))
        return true;
    if (errno != EADDRINUSE || is_test)
        return false;
    if (!is_stale(l)) {
        errno = EADDRINUSE;
        return false;
    }
    log_warn(log,
             "nobody listens on " STR_F ", which was left behind: replaced",
             STR_A(l->text));
    unlink_path(l, log);
    return bind_name(l, fd);
}


static enum opened
bind_socket(const struct listener *l, int fd, bool is_test,
            const struct log *log)
{
    if (!take_name(l, fd, is_test, log))
        return refused("bind() to", l, is_test, log);
    if (is_test)
        unlink_path(l, log);
    if (l->type == SOCK_STREAM && listen(fd, backlog_of(l)) == -1) {
        if (errno == EADDRINUSE)
            return refused("listen() to", l, is_test, log);
        log_at(log, LEVEL_EMERG, errno,
               "listen() to " STR_F ", backlog %d failed", STR_A(l->text),
               backlog_of(l));
        return FAILED;
    }
    return OPENED;
}


static enum opened
open_one(const struct listener *l, int *out, bool is_test,
         const struct log *log)
{
    int         protocol = l->options.multipath ? IPPROTO_MPTCP : 0;
    int         fd;
    enum opened how = FAILED;

    fd = socket(l->addr.sa.sa_family, l->type | SOCK_NONBLOCK, protocol);
    if (fd == -1) {
        log_at(log, LEVEL_EMERG, errno, "socket() " STR_F " failed",
               STR_A(l->text));
        return FAILED;
    }
    if (prepare(l, fd, log))
        how = bind_socket(l, fd, is_test, log);
    if (how == OPENED)
        *out = fd;
    else
        close(fd);
    return how;
}


/* Opens what is closed in the row; the worst that happened. */
static enum opened
open_row(struct listener *l, bool is_test, const struct log *log)
{
    struct row r = row_of(l);

    for (unsigned i = 0; i < r.n; i++) {
        enum opened how;

        if (r.at[i] != -1)
            continue;
        how = open_one(l, &r.at[i], is_test, log);
        if (how != OPENED)
            return how;
    }
    return OPENED;
}


static enum opened
open_rows(listeners_t *all, bool is_test, const struct log *log)
{
    enum opened worst = OPENED;

    for (size_t i = 0; i < all->n; i++) {
        enum opened how = open_row(all->at[i], is_test, log);

        if (how == FAILED)
            return FAILED;
        if (how == BUSY)
            worst = BUSY;
    }
    return worst;
}


/* Readies the row; takes over the descriptors that the same address had. */
static void
take_over(struct arena *a, struct listener *l, const listeners_t *old,
          unsigned workers, const struct log *log)
{
    struct listener *before = find(old, l);
    struct row       from, to;

    l->fd = -1;
    l->n_fds = 0;
    if (l->options.reuseport && workers != 0) {
        l->fds = arena_array(a, int, workers);
        l->n_fds = workers;
    }
    to = row_of(l);
    for (unsigned i = 0; i < to.n; i++)
        to.at[i] = -1;
    if (before == NULL)
        return;
    from = row_of(before);
    for (unsigned i = 0; i < from.n && i < to.n; i++)
        to.at[i] = from.at[i];
    l->is_inherited = to.at[0] != -1;
    if (l->n_fds != 0 && before->n_fds == 0 && l->is_inherited)
        set_option(l, to.at[0], SO_REUSEPORT, 1, "SO_REUSEPORT", log);
}


static bool
has_fd(struct listener *l, int fd)
{
    struct row r = row_of(l);

    for (unsigned i = 0; i < r.n; i++)
        if (r.at[i] == fd)
            return true;
    return false;
}


/* Closes what l has and other (which may be NULL) has not.  True when other
 * has none of them. */
static bool
close_row(struct listener *l, struct listener *other)
{
    struct row r = row_of(l);
    bool       is_gone = true;

    for (unsigned i = 0; i < r.n; i++) {
        if (r.at[i] == -1)
            continue;
        if (other != NULL && has_fd(other, r.at[i])) {
            is_gone = false;
            continue;
        }
        close(r.at[i]);
        r.at[i] = -1;
    }
    return is_gone;
}


static void
undo(listeners_t *all, const listeners_t *old, const struct log *log)
{
    for (size_t i = 0; i < all->n; i++) {
        struct listener *l = all->at[i];
        bool             was_open = row_of(l).at[0] != -1;

        if (close_row(l, find(old, l)) && was_open)
            unlink_path(l, log);
    }
}


static void
set_fd(listeners_t *all)
{
    for (size_t i = 0; i < all->n; i++)
        all->at[i]->fd = row_of(all->at[i]).at[0];
}


static void
explain_busy(listeners_t *all, const struct log *log)
{
    log_at(log, LEVEL_EMERG, 0, "still could not bind()");
    for (size_t i = 0; i < all->n; i++)
        if (row_of(all->at[i]).at[0] == -1)
            explain_refusal(all->at[i], EADDRINUSE, log);
}


bool
listeners_open(struct arena *a, listeners_t *all, const listeners_t *old,
               bool is_test, unsigned workers, const struct log *log)
{
    struct timespec pause = { .tv_nsec = PAUSE_NS };
    enum opened     how = BUSY;

    for (size_t i = 0; i < all->n; i++)
        take_over(a, all->at[i], old, workers, log);
    for (int tries = TRIES; tries > 0 && how == BUSY; tries--) {
        how = open_rows(all, is_test, log);
        if (how != BUSY || is_test)
            break;
        log_at(log, LEVEL_NOTICE, 0, "try again to bind() after 500ms");
        nanosleep(&pause, NULL);
    }
    set_fd(all);
    if (how == OPENED || (how == BUSY && is_test))
        return true;
    if (how == BUSY)
        explain_busy(all, log);
    undo(all, old, log);
    return false;
}


void
listeners_close_unused(listeners_t *old, const listeners_t *now,
                       const struct log *log)
{
    for (size_t i = 0; i < old->n; i++) {
        struct listener *l = old->at[i];
        bool             was_open = row_of(l).at[0] != -1;

        if (close_row(l, find(now, l)) && was_open)
            unlink_path(l, log);
    }
}


void
listeners_close_foreign(listeners_t *old, const listeners_t *now)
{
    for (size_t i = 0; i < old->n; i++)
        close_row(old->at[i], find(now, old->at[i]));
}


void
listeners_close(listeners_t *all)
{
    for (size_t i = 0; i < all->n; i++)
        close_row(all->at[i], NULL);
}


/* The place of the worker in the row; r.n: it has none. */
static unsigned
place_of(const struct listener *l, unsigned worker)
{
    return l->n_fds != 0 ? worker : 0;
}


void
listeners_keep_own(listeners_t *all, unsigned worker)
{
    for (size_t i = 0; i < all->n; i++) {
        struct row r = row_of(all->at[i]);

        for (unsigned n = 0; n < r.n; n++) {
            if (n == place_of(all->at[i], worker) || r.at[n] == -1)
                continue;
            close(r.at[n]);
            r.at[n] = -1;
        }
    }
}


/* The descriptor that the worker has of the time before, which is only of use
 * if the master, too, has taken it over. */
static int
had(const struct listener *l, const listeners_t *old, unsigned worker)
{
    const struct listener *before = find(old, l);

    if (before == NULL || place_of(before, worker) != place_of(l, worker))
        return -1;
    return listener_fd(before, worker);
}


int *
listener_lacks(struct listener *l, const listeners_t *old, unsigned worker)
{
    struct row r = row_of(l);
    unsigned   place = place_of(l, worker);

    return place < r.n && had(l, old, worker) == -1 ? &r.at[place] : NULL;
}


void
listeners_localize(listeners_t *all, const listeners_t *old, unsigned worker)
{
    for (size_t i = 0; i < all->n; i++) {
        struct row r = row_of(all->at[i]);

        for (unsigned n = 0; n < r.n; n++)
            r.at[n] = -1;
        if (place_of(all->at[i], worker) < r.n)
            r.at[place_of(all->at[i], worker)] = had(all->at[i], old, worker);
    }
}
