/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error log: lines, levels, context, targets, files, syslog.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/log/log.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

static struct arena   *arena;
static char            folder[] = "/tmp/weir-log-XXXXXX";
static struct log_file file, stderr_file;
static int             stderr_kept;


static const char *
contents(const char *path)
{
    static char out[65536];
    int         fd = open(path, O_RDWR);
    ssize_t     n = read(fd, out, sizeof(out) - 1);

    out[n > 0 ? n : 0] = '\0';
    if (ftruncate(fd, 0) == -1)
        exit(1);
    close(fd);
    return out;
}


static void
path_in(struct log_file *f, const char *name)
{
    f->path = arena_printf(arena, "%s/%s", folder, name);
    f->fd = -1;
}


static struct log_target *
target(const char *spec, struct log_file *f, enum log_level level)
{
    const char        *error;
    struct log_target *t
        = log_target_new(arena, str_of(spec), f, level, &error);

    if (t == NULL)
        diag("%s: %s", spec, error);
    return t;
}


/* The line without its date, which has to be this second's or so. */
static const char *
behind_date(const char *line)
{
    unsigned d[6];
    int      n = 0;

    if (sscanf(line, "%4u/%2u/%2u %2u:%2u:%2u %n", &d[0], &d[1], &d[2], &d[3],
               &d[4], &d[5], &n)
        != 6)
        return "no date";
    return line + n;
}


static void
is_line(const char *path, const char *level, const char *want, const char *what)
{
    str_t full = arena_printf(arena, "[%s] %d#%d: %s", level, (int) getpid(),
                              (int) gettid(), want);

    is_text(behind_date(contents(path)), full.p, "%s", what);
}


struct client {
    struct log_frame frame;
    const char      *name;
};


static void
write_client(const struct log_frame *f, struct log_record *l)
{
    log_part(l, "client", "%s",
             container_of(f, const struct client, frame)->name);
}


static void
write_server(const struct log_frame *f, struct log_record *l)
{
    log_part_quoted(l, "server", "%s",
                    container_of(f, const struct client, frame)->name);
}


static void
test_lines(void)
{
    struct log_target *at[] = { target("/x", &file, LEVEL_INFO) };
    struct log_targets targets = { LEVEL_INFO, 1, at };
    struct log         log = { .targets = &targets };
    struct client      client = { { NULL, write_client }, "1.2.3.4" };
    struct client      server = { { NULL, write_server }, "x" };
    const char        *path = file.path.p;

    log_error(&log, "plain %d", 7);
    is_line(path, "error", "plain 7\n", "a line");
    log_error(&log, "set: \"%s\"", "-----BEGIN PRIVATE KEY-----\nMIGH\n");
    is_line(path, "error", "set: \"-----BEGIN PRIVATE KEY-----\"\n",
            "a private key is not shown");
    log_error(&log, "\"%s\" and \"%s\" failed",
              "BEGIN A PRIVATE KEY-----\nMIGH",
              "BEGIN PRIVATE KEY-----\nMIGI\n-----END PRIVATE KEY-----\n");
    is_line(
        path, "error",
        "\"BEGIN A PRIVATE KEY-----\" and \"BEGIN PRIVATE KEY-----\" failed\n",
        "nor are several, but what is said of them");
    log_errno(&log, ENOENT, "open() \"%s\" failed", "/x");
    is_line(path, "error",
            "open() \"/x\" failed (2: No such file or directory)\n", "errno");
    log.serial = 3;
    log_warn(&log, "w");
    is_line(path, "warn", "*3 w\n", "of a connection");
    log.action = "connecting to upstream";
    log_push(&log, &client.frame);
    log_push(&log, &server.frame);
    log_errno(&log, ECONNREFUSED, "connect() failed");
    is_line(path, "error",
            "*3 connect() failed (111: Connection refused) while connecting "
            "to upstream, client: 1.2.3.4, server: \"x\"\n",
            "context");
    log_pop(&log);
    log.action = NULL;
    log_info(&log, "bye");
    is_line(path, "info", "*3 bye, client: 1.2.3.4\n", "a frame less");
    log_at(&log, LEVEL_DEBUG, 0, "no");
    is_text(contents(path), "", "not at this level");
    log.debug = true;
    log_at(&log, LEVEL_DEBUG, 0, "yes");
    is_line(path, "debug", "*3 yes\n", "but with debug_connection, bare");
    errno = 5;
    log_error(&log, "x");
    is(errno, 5, "errno is kept");
    contents(path);
}


static void
test_long(void)
{
    struct log_target *at[] = { target("/x", &file, LEVEL_INFO) };
    struct log_targets targets = { LEVEL_INFO, 1, at };
    struct log         log = { .targets = &targets };
    struct client      huge = { { NULL, write_client }, NULL };
    char               text[3000];
    const char        *line;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    log_error(&log, "%s", text);
    line = contents(file.path.p);
    is(strlen(line), LOG_LINE_MAX, "cut");
    is(line[LOG_LINE_MAX - 1], '\n', "with its newline");

    log_errno(&log, ENOENT, "%s", text);
    line = contents(file.path.p);
    ok(strlen(line) <= LOG_LINE_MAX, "cut with an errno");
    ok(strstr(line, "xxx... (2: No such file or directory)\n"),
       "which stays readable");

    huge.name = text;
    log_push(&log, &huge.frame);
    log_push(&log, &(struct client){ { NULL, write_client }, "y" }.frame);
    log_error(&log, "short");
    is(strlen(contents(file.path.p)), LOG_LINE_MAX, "cut in the context");
}


/* What stands behind "tid" in an object whose head is as it has to be. */
static const char *
behind_tid(const char *line, const char *level)
{
    unsigned d[6], ms, h, m;
    int      n = 0;
    char     sign;
    str_t    head;

    if (sscanf(line, "{\"time\":\"%4u-%2u-%2uT%2u:%2u:%2u.%3u%c%2u:%2u\",%n",
               &d[0], &d[1], &d[2], &d[3], &d[4], &d[5], &ms, &sign, &h, &m, &n)
        != 10)
        return line;
    head = arena_printf(arena, "\"level\":\"%s\",\"pid\":%d,\"tid\":%d,", level,
                        (int) getpid(), (int) gettid());
    return strncmp(line + n, head.p, head.n) == 0 ? line + n + head.n : line;
}


static void
is_json(const char *level, const char *want, const char *what)
{
    is_text(behind_tid(contents(file.path.p), level), want, "json: %s", what);
}


static void
test_json(void)
{
    struct log_target *at[] = { target("/x", &file, LEVEL_INFO) };
    struct log_targets targets = { LEVEL_INFO, 1, at };
    struct log         log = { .targets = &targets };
    struct client      client = { { NULL, write_client }, "1.2.3.4" };
    struct client      server = { { NULL, write_server }, "a\"\xE9\xC3\xA9" };

    log_target_set_json(at[0]);
    log_error(&log, "plain %d", 7);
    is_json("error", "\"message\":\"plain 7\"}\n", "a line");
    log_error(&log, "%s", "BEGIN PRIVATE KEY-----\nMIGH\n");
    is_json("error", "\"message\":\"BEGIN PRIVATE KEY-----\"}\n",
            "nor is a private key");
    log_error(&log, "open() \"%s\" failed", "/PRIVATE KEY-----MIGH");
    is_json("error",
            "\"message\":\"open() \\\"/PRIVATE KEY-----\\\" failed\"}\n",
            "but what is said of it");
    log.serial = 3;
    log.action = "connecting to upstream";
    log_push(&log, &client.frame);
    log_push(&log, &server.frame);
    log_errno(&log, ECONNREFUSED, "connect()\n%s", "\"x\"");
    is_json("error",
            "\"connection\":3,\"message\":\"connect()\\n\\\"x\\\"\","
            "\"errno\":111,\"error\":\"Connection refused\","
            "\"action\":\"connecting to upstream\",\"client\":\"1.2.3.4\","
            "\"server\":\"a\\\"\\u00E9\xC3\xA9\"}\n",
            "with all");
    log_at(&log, LEVEL_DEBUG, 0, "no");
    is_text(contents(file.path.p), "", "json: not at this level");
    log.debug = true;
    log_at(&log, LEVEL_DEBUG, 0, "yes");
    is_json("debug", "\"connection\":3,\"message\":\"yes\"}\n",
            "debug_connection, bare");
}


/* Ends as an object that was cut; balanced quotes are left to t/error_log.t */
static void
is_cut(size_t most, const char *what)
{
    const char *line = contents(file.path.p), *end = ",\"truncated\":true}\n";
    size_t      n = strlen(line), n_end = strlen(end);

    ok(n <= most && n > n_end && strcmp(line + n - n_end, end) == 0, "%s",
       what);
    is(line[n - n_end - 1], '"', "... behind a whole value");
}


static void
test_long_json(void)
{
    struct log_target *at[] = { target("/x", &file, LEVEL_INFO) };
    struct log_targets targets = { LEVEL_INFO, 1, at };
    struct log         log = { .targets = &targets };
    struct client      huge = { { NULL, write_client }, NULL };
    struct client      more = { { NULL, write_server }, "y" };
    char               text[4001];

    log_target_set_json(at[0]);
    for (size_t i = 0; i + 1 < sizeof(text); i += 4)
        memcpy(text + i, "\xF0\x9F\x98\x80", 4);
    text[sizeof(text) - 1] = '\0';
    for (unsigned shift = 0; shift < 5; shift++) {
        log_error(&log, "%.*s%s", (int) shift, "xxxx", text);
        is(strstr(contents(file.path.p), "\\u00") == NULL, 1,
           "no character is cut in two, %u", shift);
        log_error(&log, "%.*s%s", (int) shift, "xxxx", text);
        is_cut(3 * LOG_LINE_MAX, "a long message");
    }
    memset(text, 1, sizeof(text) - 1);
    huge.name = text;
    log_push(&log, &more.frame);
    log_push(&log, &huge.frame);
    for (unsigned shift = 0; shift < 8; shift++) {
        log_error(&log, "%.*s%s", (int) shift, "xxxxxxxx", text + 3000);
        is_cut(4 * LOG_LINE_MAX, "escapes that do not fit");
    }
}


/* Descriptor 2 goes to a file while the test looks at it. */
static void
catch_stderr(void)
{
    fflush(stderr);
    stderr_kept = dup(2);
    dup2(stderr_file.fd, 2);
}


static const char *
caught(void)
{
    dup2(stderr_kept, 2);
    close(stderr_kept);
    return contents(stderr_file.path.p);
}


static void
test_targets(void)
{
    struct log_file    other = { 0 };
    struct log_target *at[] = { target("/x", &file, LEVEL_ERROR),
                                target("/y", &other, LEVEL_INFO),
                                target("memory:32k", NULL, LEVEL_DEBUG),
                                target("stderr", NULL, LEVEL_CRIT) };
    struct log_targets targets = { LEVEL_DEBUG, 4, at };
    struct log         log = { .targets = &targets };

    path_in(&other, "other.log");
    log_file_open(&other, &log_start);
    catch_stderr();
    log_info(&log, "i");
    log_error(&log, "e");
    is_text(caught(), "", "nothing for stderr");
    is_line(file.path.p, "error", "e\n", "one line here");
    ok(strstr(contents(other.path.p), ": i\n20"), "both there");
    catch_stderr();
    log_at(&log, LEVEL_CRIT, 0, "c");
    is_line(stderr_file.path.p, "crit", "c\n", "stderr as a target");
    caught();
    contents(file.path.p);
    for (int i = 0; i < 3000; i++)
        log_at(&log, LEVEL_DEBUG, 0, "into the ring %d", i);
    pass("a ring that goes round");
    is(log_target_level(at[1]), LEVEL_INFO, "level of a target");

    log_file_close(&other);
    other.fd = -1;
    log_info(&log, "nowhere");
    pass("a target that is closed");
    targets.n = 0;
    log_info(&log, "nowhere");
    pass("no target at all");
}


static void
test_start(void)
{
    log_program = "nginx";
    log_to_stderr = true;
    catch_stderr();
    log_at(&log_start, LEVEL_EMERG, ENOENT, "open() \"%s\" failed", "/n");
    log_at(&log_start, LEVEL_NOTICE, 0, "not for the terminal");
    log_at(&log_start, LEVEL_STDERR, 0, "not for tools");
    log_explains = true;
    log_at(&log_start, LEVEL_STDERR, 0, "invalid option: \"z\"");
    is_text(caught(),
            "nginx: [emerg] open() \"/n\" failed (2: No such file or "
            "directory)\ninvalid option: \"z\"\n",
            "at the start");

    log_start_file(&file);
    catch_stderr();
    log_at(&log_start, LEVEL_EMERG, 0, "both");
    is_text(caught(), "nginx: [emerg] both\n", "to the terminal");
    is_line(file.path.p, "emerg", "both\n", "and the file");
    catch_stderr();
    log_write(&log_aside, LEVEL_EMERG, 0, "aside");
    is_text(caught(), "nginx: [emerg] aside\n", "the terminal alone");
    is_text(contents(file.path.p), "", "not the file");
    log_to_stderr = false;
    catch_stderr();
    log_at(&log_start, LEVEL_EMERG, 0, "later");
    is_text(caught(), "", "once it runs");
    is_line(file.path.p, "emerg", "later\n", "the file alone");
    log_start_file(NULL);
}


static int flushed;


static void
flush(struct log_file *f)
{
    (void) f;
    flushed++;
}


static void
test_files(void)
{
    struct log_file    f = { .flush = flush }, same = { .fd = -1 };
    struct log_target *at[] = { target("/x", &f, LEVEL_INFO) };
    struct log_targets targets = { LEVEL_INFO, 1, at };
    struct log         log = { .targets = &targets };
    str_t              moved = arena_printf(arena, "%s/moved.log", folder);
    struct stat        st;
    int                fd;

    path_in(&f, "f.log");
    path_in(&same, "f.log");
    ok(log_file_open(&f, &log_start), "opened");
    log_info(&log, "one");
    rename(f.path.p, moved.p);
    log_info(&log, "two");
    log_files_reopen(geteuid(), &log);
    ok(strstr(contents(moved.p), "two\n"), "the moved file had both");
    log_info(&log, "three");
    ok(strstr(contents(f.path.p), "three\n"), "then the new one");
    ok(stat(f.path.p, &st) == 0 && (st.st_mode & 0777) == 0644, "mode");

    rename(f.path.p, moved.p);
    ok(log_file_open(&same, &log_start) && same.fd == f.fd, "open already");
    log_info(&log, "four");
    ok(strstr(contents(f.path.p), "four\n"), "all write to the new file");
    unlink(f.path.p);
    mkdir(f.path.p, 0700);
    ok(!log_file_open(&(struct log_file){ .path = f.path }, &log), "refused");
    log_files_reopen(geteuid(), &log);
    rmdir(f.path.p);
    log_file_close(&same);
    is(flushed, 0, "not flushed");
    ok(fcntl(f.fd, F_GETFD) != -1, "still open for the first");
    log_files_flush(&f);
    is(flushed, 1, "flushed");
    fd = f.fd;
    log_file_close(&f);
    is(flushed, 2, "flushed again");
    ok(fcntl(fd, F_GETFD) == -1, "closed");
}


/* -- syslog ------------------------------------------------------------ */


static int
listen_unix(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    unlink(path);
    if (bind(fd, (struct sockaddr *) &un, sizeof(un)) == -1)
        exit(1);
    return fd;
}


static const char *
datagram(int fd)
{
    static char out[4096];
    ssize_t     n = recv(fd, out, sizeof(out) - 1, 0);

    out[n > 0 ? n : 0] = '\0';
    return out;
}


static void
test_syslog(void)
{
    str_t                 path = arena_printf(arena, "%s/sock", folder);
    str_t                 spec = arena_printf(arena,
                                              "server=unix:%s,nohostname,"
                                                              "facility=daemon,tag=t_1,severity=warn",
                                              path.p);
    int                   fd = listen_unix(path.p);
    const char           *error;
    struct syslog_target *s = syslog_open(arena, spec, &error);
    str_t self = arena_printf(arena, "syslog:server=unix:%s", path.p);
    struct log_target *both[] = { target(self.p, NULL, LEVEL_ERROR),
                                  target("/x", &file, LEVEL_ERROR) };
    struct log_targets to_both = { LEVEL_ERROR, 2, both };
    struct log         own = { .targets = &to_both, .serial = 7 };
    str_t              want;
    char               host[256] = "";

    ok(s != NULL && error == NULL, "opened");
    ok(syslog_send(s, -1, STR("hello"), &log_start), "sent");
    want = arena_printf(arena, "<28>" STR_F " t_1: hello",
                        STR_A(clock_syslog()));
    is_text(datagram(fd), want.p, "a datagram");
    close(fd);
    contents(file.path.p);
    ok(!syslog_send(s, 3, STR("lost"), &own), "lost");
    want = arena_printf(arena,
                        "connect() failed (111: Connection refused) while "
                        "logging to syslog, server: unix:%s\n",
                        path.p);
    ok(strstr(contents(file.path.p), want.p), "which is told");
    log_error(&own, "x");
    ok(strstr(contents(file.path.p), "connect()") != NULL,
       "a target of the error log is lost: others are told");
    fd = listen_unix(path.p);
    ok(syslog_send(s, 3, STR("again"), &own), "sent again");
    ok(strstr(datagram(fd), "<27>"), "connected again");

    gethostname(host, sizeof(host) - 1);
    spec = arena_printf(arena, "syslog:server=unix:%s", path.p);
    {
        struct log_target *at[] = { target(spec.p, NULL, LEVEL_ERROR) };
        struct log_targets targets = { LEVEL_ERROR, 1, at };
        struct log         log = { .targets = &targets };

        log_error(&log, "an error");
        want = arena_printf(
            arena, "<187>" STR_F " %s nginx: " STR_F " [error] %d#%d: an error",
            STR_A(clock_syslog()), host, STR_A(clock_error_log()),
            (int) getpid(), (int) gettid());
        is_text(datagram(fd), want.p, "an error_log line");
        for (int i = 0; i < 5000; i++)
            log_error(&log, "flood");
        pass("never blocks");
    }
    close(fd);
}


static void
test_syslog_errors(void)
{
    static const char *const cases[][2] = {
        { "", "unknown syslog parameter \"\"" },
        { "tag=x", "no syslog server specified" },
        { "server=unix:", "no path in the unix domain socket in syslog server "
                          "\"unix:\"" },
        { "server=127.0.0.1:0", "invalid port in syslog server "
                                "\"127.0.0.1:0\"" },
        { "server=127.0.0.1:x", "invalid port in syslog server "
                                "\"127.0.0.1:x\"" },
        { "server=[::1]:514", NULL },
        { "server=[::1]", NULL },
        { "server=127.0.0.1", NULL },
        { "server=127.0.0.1,server=127.0.0.1", "duplicate syslog \"server\"" },
        { "server=127.0.0.1,facility=x", "unknown syslog facility \"x\"" },
        { "server=127.0.0.1,severity=x", "unknown syslog severity \"x\"" },
        { "server=127.0.0.1,tag=a-b",
          "syslog \"tag\" only allows alphanumeric characters and underscore" },
        { "server=127.0.0.1,x", "unknown syslog parameter \"x\"" },
    };

    for (size_t i = 0; i < countof(cases); i++) {
        const char *error;
        bool        made = syslog_open(arena, str_of(cases[i][0]), &error);

        is_text(error, cases[i][1], "syslog \"%s\"", cases[i][0]);
        is(made, (cases[i][1] == NULL), "verdict");
    }
}


int
main(void)
{
    static const char *const left[] = { "error.log", "stderr.log", "other.log",
                                        "f.log",     "moved.log",  "sock" };
    const char              *error;

    log_to_stderr = false;
    arena = arena_new(0);
    if (mkdtemp(folder) == NULL)
        return 1;
    path_in(&file, "error.log");
    path_in(&stderr_file, "stderr.log");
    ok(log_file_open(&file, &log_start), "opened");
    ok(log_file_open(&stderr_file, &log_start), "opened");

    is_text(log_level_name(LEVEL_CRIT), "crit", "a level's name");
    is(log_level_parse(STR("warn")), LEVEL_WARN, "and back");
    is(log_level_parse(STR("")), -1, "unknown");
    is_same(log_target_new(arena, STR("memory:x"), NULL, LEVEL_INFO, &error),
            NULL, "a ring of no size");
    is_text(error, "invalid buffer size \"x\"", "says why");
    test_lines();
    test_long();
    test_json();
    test_long_json();
    test_targets();
    test_start();
    test_files();
    test_syslog();
    test_syslog_errors();

    for (size_t i = 0; i < countof(left); i++)
        unlink(arena_printf(arena, "%s/%s", folder, left[i]).p);
    rmdir(folder);
    arena_free(arena);
    close(file.fd);
    close(stderr_file.fd);
    return done();
}
