/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Syslog in the format of RFC 3164: one datagram per line, "<PRI>date host
 * tag: text".  The socket is opened for the first line and again after a
 * failure; it never blocks, and lines that it does not take are lost.  A
 * failure is reported to the error log, but never to the target that failed.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/number.h"
#include "core/log/log.h"
#include "core/os/clock.h"
#include "core/os/resolve.h"

enum { SYSLOG_PORT = 514, TAG_MAX = 32, HOST_NAME = 256, HEAD_MAX = 512 };

struct syslog_target {
    union {
        struct sockaddr    sa;
        union resolved     in;
        struct sockaddr_un un;
    } to;
    socklen_t len;
    int       fd;
    pid_t     opener; /* the process that fd is open in                      */
    int       facility, severity; /* -1: not given                           */
    str_t     name; /* of the server                                         */
    str_t     tag;
    bool      no_hostname;
    bool      is_busy; /* reporting a failure: lines that arrive meanwhile
                          are lost                                           */
    char      hostname[HOST_NAME];
};

static const char *const facilities[] = {
    "kern",   "user",   "mail",   "daemon", "auth",     "intern",
    "lpr",    "news",   "uucp",   "clock",  "authpriv", "ftp",
    "ntp",    "audit",  "alert",  "cron",   "local0",   "local1",
    "local2", "local3", "local4", "local5", "local6",   "local7",
};

enum { FACILITY_LOCAL7 = 23, SEVERITY_INFO = 6 };


static const char *
set_unix(struct arena *a, struct syslog_target *s, str_t path)
{
    if (path.n == 0)
        return "no path in the unix domain socket";
    if (path.n >= sizeof(s->to.un.sun_path))
        return "too long path in the unix domain socket";
    s->to.un.sun_family = AF_UNIX;
    memcpy(s->to.un.sun_path, path.p, path.n);
    s->len = sizeof(s->to.un);
    s->name = arena_printf(a, "unix:" STR_F, STR_A(path));
    return NULL;
}


/* Splits "host:port", "[v6]:port" or "host". */
static bool
split_port(str_t text, str_t *host, uint64_t *port)
{
    const char *colon = str_rchr(text, ':');

    *port = SYSLOG_PORT;
    *host = text;
    if (text.n != 0 && text.p[0] == '[') {
        const char *end = str_chr(text, ']');

        if (end == NULL)
            return false;
        *host = str_span(text.p + 1, end);
        if (end + 1 == text.p + text.n)
            return true;
        if (colon != end + 1)
            return false;
    } else if (colon == NULL) {
        return true;
    } else {
        *host = str_span(text.p, colon);
    }
    return number_parse(str_span(colon + 1, text.p + text.n), 65535, port)
           && *port != 0;
}


static const char *
set_server(struct arena *a, struct syslog_target *s, str_t value)
{
    union resolved *found;
    str_t           host;
    uint64_t        port;
    const char     *why = NULL;

    if (s->len != 0)
        return "duplicate syslog \"server\"";
    if (str_starts(value, STR("unix:")))
        why = set_unix(a, s, str_from(value, 5));
    else if (!split_port(value, &host, &port))
        why = "invalid port";
    else if (host.n == 0)
        why = "no host";
    else if (resolve_host(a, host, (unsigned) port, &found) == 0)
        why = "host not found";
    else {
        s->name = arena_printf(a, STR_F ":%u", STR_A(host), (unsigned) port);
        s->to.in = found[0];
        s->len = found[0].sa.sa_family == AF_INET ? sizeof(found[0].in4)
                                                  : sizeof(found[0].in6);
    }
    return why == NULL ? NULL
                       : arena_printf(a, "%s in syslog server \"" STR_F "\"",
                                      why, STR_A(value))
                             .p;
}


static const char *
set_facility(struct arena *a, struct syslog_target *s, str_t value)
{
    if (s->facility != -1)
        return "duplicate syslog \"facility\"";
    for (size_t i = 0; i < countof(facilities); i++) {
        if (str_eq(value, str_of(facilities[i]))) {
            s->facility = (int) i;
            return NULL;
        }
    }
    return arena_printf(a, "unknown syslog facility \"" STR_F "\"",
                        STR_A(value))
        .p;
}


static const char *
set_severity(struct arena *a, struct syslog_target *s, str_t value)
{
    int level = log_level_parse(value);

    if (s->severity != -1)
        return "duplicate syslog \"severity\"";
    if (level == -1)
        return arena_printf(a, "unknown syslog severity \"" STR_F "\"",
                            STR_A(value))
            .p;
    s->severity = level - LEVEL_EMERG;
    return NULL;
}


static bool
is_tag_char(char c)
{
    return (c >= '0' && c <= '9')
           || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_';
}


static const char *
set_tag(struct arena *a, struct syslog_target *s, str_t value)
{
    if (s->tag.p != NULL)
        return "duplicate syslog \"tag\"";
    if (value.n > TAG_MAX)
        return "syslog tag length exceeds 32";
    for (size_t i = 0; i < value.n; i++)
        if (!is_tag_char(value.p[i]))
            return "syslog \"tag\" only allows alphanumeric characters "
                   "and underscore";
    s->tag = str_copy(a, value);
    return NULL;
}


static const char *
set_parameter(struct arena *a, struct syslog_target *s, str_t word)
{
    static const struct {
        str_t key;
        const char *(*set)(struct arena *, struct syslog_target *, str_t);
    } keys[] = {
        { STR_INIT("server="), set_server },
        { STR_INIT("facility="), set_facility },
        { STR_INIT("severity="), set_severity },
        { STR_INIT("tag="), set_tag },
    };

    for (size_t i = 0; i < countof(keys); i++)
        if (str_starts(word, keys[i].key))
            return keys[i].set(a, s, str_from(word, keys[i].key.n));
    if (str_is(word, "nohostname")) {
        s->no_hostname = true;
        return NULL;
    }
    return arena_printf(a, "unknown syslog parameter \"" STR_F "\"",
                        STR_A(word))
        .p;
}


static void
hang_up(void *arg)
{
    struct syslog_target *s = arg;

    if (s->fd != -1 && s->opener == getpid())
        close(s->fd);
    s->fd = -1;
}


struct syslog_target *
syslog_open(struct arena *a, str_t parameters, const char **error)
{
    struct syslog_target *s = arena_make(a, struct syslog_target);
    str_t                 rest = parameters;

    s->fd = s->facility = s->severity = -1;
    *error = NULL;
    while (rest.p != NULL && *error == NULL)
        *error = set_parameter(a, s, str_cut(&rest, ','));
    if (*error == NULL && s->len == 0)
        *error = "no syslog server specified";
    if (*error != NULL)
        return NULL;

    if (s->facility == -1)
        s->facility = FACILITY_LOCAL7;
    if (s->severity == -1)
        s->severity = SEVERITY_INFO;
    if (s->tag.p == NULL)
        s->tag = STR("nginx");
    if (gethostname(s->hostname, sizeof(s->hostname) - 1) == -1)
        s->hostname[0] = '\0';
    arena_defer(a, hang_up, s);
    return s;
}


/* Opens the socket.  NULL, or the call that failed, with errno.  What the
 * master has opened says nothing about a worker, which may have the
 * configuration from it by other ways than a fork. */
static const char *
call_up(struct syslog_target *s)
{
    if (s->fd != -1 && s->opener == getpid())
        return NULL;
    s->opener = getpid();
    s->fd = socket(s->to.sa.sa_family,
                   SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd == -1)
        return "socket() failed";
    if (connect(s->fd, &s->to.sa, s->len) == 0)
        return NULL;
    hang_up(s);
    return "connect() failed";
}


/* When a server restarts, the old socket breaks: try once more. */
static const char *
send_datagram(struct syslog_target *s, struct iovec *iov, bool *is_sent)
{
    struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
    const char   *failed = NULL;

    for (int tries = 0; tries < 2; tries++) {
        failed = call_up(s);
        if (failed != NULL)
            return failed;
        *is_sent = sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
        if (*is_sent || errno == EAGAIN || errno == ENOBUFS)
            return NULL;
        if (errno == EMSGSIZE)
            return "send() failed";
        hang_up(s);
        failed = "send() failed";
    }
    return failed;
}


struct server_frame {
    struct log_frame            frame;
    const struct syslog_target *s;
};


static void
write_server(const struct log_frame *f, struct log_record *l)
{
    log_part(l, "server", STR_F,
             STR_A(container_of(f, const struct server_frame, frame)->s->name));
}


static void
tell(struct syslog_target *s, const struct log *log, const char *failed)
{
    struct server_frame f = { { NULL, write_server }, s };
    struct log          own = { .targets = log->targets,
                                .action = "logging to syslog",
                                .frames = &f.frame };

    s->is_busy = true;
    log_at(&own, LEVEL_ALERT, errno, "%s", failed);
    s->is_busy = false;
}


bool
syslog_send(struct syslog_target *s, int severity, str_t text,
            const struct log *log)
{
    char         head[HEAD_MAX];
    str_t        date = clock_syslog();
    struct iovec iov[2];
    const char  *failed;
    bool         is_sent = false;
    int          n;

    if (s->is_busy)
        return false;
    if (severity < 0)
        severity = s->severity;
    n = snprintf(head, sizeof(head), "<%d>" STR_F "%s%s " STR_F ": ",
                 s->facility * 8 + severity, STR_A(date),
                 s->no_hostname ? "" : " ", s->no_hostname ? "" : s->hostname,
                 STR_A(s->tag));
    if (n < 0 || n >= (int) sizeof(head))
        return false;
    iov[0] = (struct iovec){ head, (size_t) n };
    iov[1] = (struct iovec){ (char *) (uintptr_t) text.p, text.n };
    failed = send_datagram(s, iov, &is_sent);
    if (failed != NULL)
        tell(s, log, failed);
    return is_sent;
}
