/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets are passed from one binary to the next in the environment:
 * NGINX=6;7; with ";" or ":" after each number.  If an address has several
 * descriptors, they are those of a listener with reuseport.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/base/number.h"
#include "core/net/listen.h"


static bool
ask_socket(int fd, struct listener *l, const struct log *log)
{
    socklen_t len = sizeof(l->type);

    l->addr.len = sizeof(l->addr.un);
    if (getsockname(fd, &l->addr.sa, &l->addr.len) == -1) {
        log_at(log, LEVEL_CRIT, errno,
               "getsockname() of the inherited "
               "socket #%d failed",
               fd);
        return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &l->type, &len) == -1) {
        log_at(log, LEVEL_CRIT, errno,
               "getsockopt(SO_TYPE) of the inherited "
               "socket #%d failed",
               fd);
        return false;
    }
    return l->addr.sa.sa_family == AF_INET || l->addr.sa.sa_family == AF_INET6
           || l->addr.sa.sa_family == AF_UNIX;
}


static struct listener *
find_same(const listeners_t *in, const struct listener *wanted)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->at[i]->type == wanted->type
            && addr_same(&in->at[i]->addr.sa, &wanted->addr.sa, true))
            return in->at[i];
    return NULL;
}


/* Adds a further descriptor of a known address. */
static void
add_fd(struct arena *a, struct listener *l, int fd)
{
    unsigned n = l->n_fds != 0 ? l->n_fds : 1;
    int     *fds = arena_array(a, int, n + 1);

    if (l->n_fds != 0)
        memcpy(fds, l->fds, n * sizeof(fds[0]));
    else
        fds[0] = l->fd;
    fds[n] = fd;
    l->fds = fds;
    l->n_fds = n + 1;
    l->options.reuseport = true;
}


static void
add_socket(struct arena *a, listeners_t *out, int fd, const struct log *log)
{
    struct listener  asked = { .fd = fd, .is_inherited = true };
    struct listener *l;
    char             text[ADDR_TEXT];

    listen_options_init(&asked.options);
    if (!ask_socket(fd, &asked, log))
        return;
    l = find_same(out, &asked);
    if (l != NULL) {
        add_fd(a, l, fd);
        return;
    }
    l = arena_make(a, struct listener);
    *l = asked;
    l->text = str_copy(
        a, (str_t){ text, addr_text(text, &l->addr.sa, l->addr.len, true) });
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    *vec_push(a, out) = l;
}


/* Splits off the number before the next ";" or ":"; false: there is none. */
static bool
cut_number(str_t *rest, str_t *number)
{
    for (size_t i = 0; i < rest->n; i++) {
        if (rest->p[i] == ';' || rest->p[i] == ':') {
            *number = (str_t){ rest->p, i };
            *rest = str_from(*rest, i + 1);
            return true;
        }
    }
    return false;
}


bool
listeners_inherit(struct arena *a, listeners_t *out, str_t env,
                  const struct log *log)
{
    str_t    rest = env, number;
    uint64_t fd;

    if (env.p == NULL)
        return false;
    log_at(log, LEVEL_NOTICE, 0, "using inherited sockets from \"" STR_F "\"",
           STR_A(env));
    while (cut_number(&rest, &number)) {
        if (!number_parse(number, INT32_MAX, &fd)) {
            log_at(log, LEVEL_EMERG, 0,
                   "invalid socket number \"" STR_F
                   "\" in NGINX environment variable, ignoring the rest "
                   "of the variable",
                   STR_A(number));
            return true;
        }
        add_socket(a, out, (int) fd, log);
    }
    if (rest.n != 0)
        log_at(log, LEVEL_EMERG, 0,
               "invalid socket number \"" STR_F
               "\" in NGINX environment variable, ignoring",
               STR_A(rest));
    return true;
}


static unsigned
row_length(const struct listener *l)
{
    return l->n_fds != 0 ? l->n_fds : 1;
}


str_t
listeners_export(struct arena *a, const listeners_t *all)
{
    size_t room = 1, n = 0;
    char  *out;

    for (size_t i = 0; i < all->n; i++)
        room += row_length(all->at[i]) * sizeof("2147483647;");
    out = arena_bytes(a, room);
    for (size_t i = 0; i < all->n; i++) {
        for (unsigned w = 0; w < row_length(all->at[i]); w++) {
            int fd = listener_fd(all->at[i], w);

            if (fd == -1)
                continue;
            n += number_put(out + n, (uint64_t) fd);
            out[n++] = ';';
        }
    }
    out[n] = '\0';
    return (str_t){ out, n };
}
