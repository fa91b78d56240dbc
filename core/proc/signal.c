/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals that are handled.
 */
#include "core/proc/signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct name {
    int         number;
    const char *text;
};

static const struct name names[] = {
    { SIGHUP, "SIGHUP" },   { SIGUSR1, "SIGUSR1" }, { SIGWINCH, "SIGWINCH" },
    { SIGTERM, "SIGTERM" }, { SIGQUIT, "SIGQUIT" }, { SIGUSR2, "SIGUSR2" },
    { SIGINT, "SIGINT" },   { SIGCHLD, "SIGCHLD" }, { SIGIO, "SIGIO" },
    { SIGALRM, "SIGALRM" },
};


static void
fill(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < countof(names); i++)
        sigaddset(set, names[i].number);
}


void
signals_block(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t         set;

    fill(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGSYS, &ignore, NULL);
}


void
signals_unblock(void)
{
    sigset_t set;

    fill(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}


int
signals_open(const struct log *log)
{
    sigset_t set;
    int      fd;

    fill(&set);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1)
        log_at(log, LEVEL_ALERT, errno, "signalfd() failed");
    return fd;
}


bool
signals_read(int fd, struct signal_info *out)
{
    struct signalfd_siginfo info;
    ssize_t                 n;

    do {
        n = read(fd, &info, sizeof(info));
    } while (n == -1 && errno == EINTR);
    if (n != (ssize_t) sizeof(info))
        return false;
    out->number = (int) info.ssi_signo;
    out->sender = (pid_t) info.ssi_pid;
    return true;
}


void
signals_log(const struct signal_info *s, const char *action,
            const struct log *log)
{
    const char *text = "";

    for (size_t i = 0; i < countof(names); i++)
        if (names[i].number == s->number)
            text = names[i].text;
    if (s->sender != 0)
        log_at(log, LEVEL_NOTICE, 0, "signal %d (%s) received from %d%s",
               s->number, text, (int) s->sender, action);
    else
        log_at(log, LEVEL_NOTICE, 0, "signal %d (%s) received%s", s->number,
               text, action);
}
