/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start-up: reads the command line and the configuration, then tests it,
 * signals a running master, or starts the server.
 */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/os/clock.h"
#include "core/os/memory.h"
#include "core/os/title.h"
#include "core/conf/module.h"
#include "core/proc/control.h"
#include "core/proc/master.h"
#include "core/proc/signal.h"
#include "core/proc/worker.h"
#include "core/shm/registry.h"
#include "core/tls/replay.h"
#include "core/tls/slot.h"
#include "core/tls/stapling.h"
#include "core/tls/tickets.h"

static struct log_file start_file = { .fd = -1 };


/* --- before the configuration ---------------------------------------------- */

static void
name_program(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    log_program = slash != NULL ? slash + 1 : argv0;
    prctl(PR_SET_NAME, log_program);
}


/* The path of the binary, for executing it again: searched for as the shell
 * does. */
static str_t
find_program(struct arena *a, const char *argv0)
{
    char       *folder = getcwd(NULL, 0);
    const char *list = getenv("PATH");
    str_t       rest, dir, path = str_copy(a, str_of(argv0));

    if (*argv0 != '/' && strchr(argv0, '/') != NULL && folder != NULL)
        path = str_join3(a, str_of(folder), STR("/"), path);
    free(folder);
    if (strchr(argv0, '/') != NULL || list == NULL)
        return path;
    rest = str_of(list);
    while (rest.p != NULL) {
        dir = str_cut(&rest, ':');
        path = str_join3(a, dir.n != 0 ? dir : STR("."), STR("/"),
                         str_of(argv0));
        if (access(path.p, X_OK) == 0)
            return path;
    }
    return str_copy(a, str_of(argv0));
}


static str_t
join_arguments(struct arena *a, char **argv)
{
    str_t all = str_of(argv[0]);

    for (unsigned i = 1; argv[i] != NULL; i++)
        all = str_join3(a, all, STR(" "), str_of(argv[i]));
    return all;
}


/* Logs to standard error with the date if there is no other file. */
static void
open_start_log(const struct setup *s)
{
    start_file.path = s->paths.error_log;
    start_file.fd = STDERR_FILENO;
    if (!str_is(start_file.path, "stderr")) {
        start_file.fd = open(start_file.path.p,
                             O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (start_file.fd == -1) {
            fprintf(stderr,
                    "%s: [alert] could not open error log file: open() "
                    "\"" STR_F "\" failed (%d: %s)\n",
                    log_program, STR_A(start_file.path), errno,
                    strerror(errno));
            start_file.fd = STDERR_FILENO;
        }
    }
    log_start_file(&start_file);
}


static void
close_start_log(void)
{
    log_start_file(NULL);
    if (start_file.fd != STDERR_FILENO)
        close(start_file.fd);
    start_file.fd = -1;
}


/* --- -s ------------------------------------------------------------------- */

static bool
read_pid(const char *path, pid_t *pid)
{
    char     text[32];
    int      fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t  n;
    uint64_t number;
    str_t    s;

    if (fd == -1) {
        log_at(&log_start, LEVEL_ERROR, errno, "open() \"%s\" failed", path);
        return false;
    }
    n = read(fd, text, sizeof(text));
    close(fd);
    s = (str_t){ text, n > 0 ? (size_t) n : 0 };
    while (s.n != 0 && (text[s.n - 1] == '\r' || text[s.n - 1] == '\n'))
        s.n--;
    if (!number_parse(s, INT32_MAX, &number) || number == 0) {
        log_at(&log_start, LEVEL_ERROR, 0,
               "invalid PID number \"" STR_F "\" in \"%s\"", STR_A(s), path);
        return false;
    }
    *pid = (pid_t) number;
    return true;
}


static int
signal_number(const char *name)
{
    if (strcmp(name, "stop") == 0)
        return SIGTERM;
    if (strcmp(name, "quit") == 0)
        return SIGQUIT;
    return strcmp(name, "reopen") == 0 ? SIGUSR1 : SIGHUP;
}


static int
send_signal(const struct setup *s)
{
    struct generation *g = setup_read(s, &log_start);
    int                number = signal_number(s->options.signal), rc = 1;
    pid_t              pid;

    if (g != NULL && read_pid(process_conf_of(g)->pid.p, &pid)) {
        rc = kill(pid, number) == -1;
        if (rc != 0)
            log_at(&log_start, LEVEL_ALERT, errno, "kill(%d, %d) failed",
                   (int) pid, number);
    }
    generation_put(g);
    return rc;
}


/* --- the server -------------------------------------------------------------- */

static void
log_start_notices(const struct log *log)
{
    struct utsname u;
    struct rlimit  r;

    log_at(log, LEVEL_NOTICE, 0, "using the \"epoll\" event method");
    log_at(log, LEVEL_NOTICE, 0, "%s", options_identity());
    if (WEIR_COMPILER[0] != '\0')
        log_at(log, LEVEL_NOTICE, 0, "built by %s", WEIR_COMPILER);
    if (uname(&u) == 0)
        log_at(log, LEVEL_NOTICE, 0, "OS: %s %s", u.sysname, u.release);
    if (getrlimit(RLIMIT_NOFILE, &r) == 0)
        log_at(log, LEVEL_NOTICE, 0, "getrlimit(RLIMIT_NOFILE): %llu:%llu",
               (unsigned long long) r.rlim_cur,
               (unsigned long long) r.rlim_max);
}


/* Tells systemd that the server is up, if systemd asks for that. */
static void
notify(const struct setup *s)
{
    const char        *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    char               text[64];
    size_t             n;
    int                fd;

    (void) s;
    if (path == NULL || (*path != '/' && *path != '@')
        || strlen(path) >= sizeof(to.sun_path))
        return;
    n = strlen(path);
    memcpy(to.sun_path, path, n);
    if (*path == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return;
    snprintf(text, sizeof(text), "READY=1\nMAINPID=%d", (int) getpid());
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *) &to,
               (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n))
        == -1)
        log_at(&log_start, LEVEL_INFO, errno, "sendto() \"%s\" failed", path);
    close(fd);
}


/* The parent waits for a byte that tells it that the child is up. */
static _Noreturn void
await_child(int fd)
{
    char    byte;
    ssize_t n;

    do {
        n = read(fd, &byte, 1);
    } while (n == -1 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}


/* Puts the process into the background.  Returns the descriptor for reporting
 * that it is up; -1: logged. */
static int
detach(const struct log *log)
{
    int   up[2], null;
    pid_t pid;

    if (pipe2(up, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
        log_at(log, LEVEL_EMERG, errno, "fork() failed");
        return -1;
    }
    if (pid != 0) {
        close(up[1]);
        await_child(up[0]);
    }
    close(up[0]);
    if (setsid() == -1) {
        log_at(log, LEVEL_EMERG, errno, "setsid() failed");
        return -1;
    }
    umask(0);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null == -1 || dup2(null, STDIN_FILENO) == -1
        || dup2(null, STDOUT_FILENO) == -1)
    {
        log_at(log, LEVEL_EMERG, errno, "open(\"/dev/null\") failed");
        return -1;
    }
    close(null);
    return up[1];
}


/* From here on, nobody waits at a terminal. */
static bool
settle(struct setup *s, struct generation *g, const struct log *log)
{
    int  up = -1;
    char byte = 0;

    signals_block();
    if (!s->is_inherited && process_conf_of(g)->daemon) {
        up = detach(log);
        if (up == -1)
            return false;
        s->is_daemon = true;
    }
    if (s->is_inherited)
        s->is_daemon = true;
    if (!setup_write_pid(g, log))
        return false;
    control_open(g, log);
    log_to_stderr = false;
    setup_redirect_stderr(g, log);
    close_start_log();
    if (up != -1) {
        if (write(up, &byte, 1) != 1)
            log_at(log, LEVEL_ALERT, errno, "write() to the parent failed");
        close(up);
    }
    return true;
}


static int
serve(struct setup *s)
{
    struct generation *g = setup_read(s, &log_start);
    struct log         log;

    if (g == NULL)
        return 1;
    (void) tls_tickets_init();  /* or each process has keys of its own */
    (void) tls_replay_init();   /* or no early data is accepted        */
    (void) tls_stapling_init(); /* or no responder is asked            */
    if (!setup_open(s, g, NULL, &log_start)) {
        generation_put(g);
        return 1;
    }
    g->number = s->number = 1;
    g->since = time(NULL);
    if (s->is_inherited)
        listeners_close_unused(&s->inherited, &g->listeners, &log_start);
    zones_close_unused();
    log = (struct log){ .targets = g->log };
    log_start_notices(&log);
    if (!settle(s, g, &log)) {
        generation_put(g);
        return 1;
    }
    if (process_conf_of(g)->master_process) {
        master_run(s, g, notify);
    } else {
        struct worker_start start
            = { .setup = s, .gen = g, .ready_fd = -1, .channel = -1 };

        notify(s);
        worker_alone(&start);
    }
    return 0;
}


static int
run(struct setup *s)
{
    const struct options *o = &s->options;
    const char           *inherited = getenv("NGINX");

    if (o->directives) {
        directives_print();
        return 0;
    }
    if (o->version)
        options_print(o);
    if (o->version && !o->test)
        return 0;
    log_explains = options_want_hints(o);
    options_paths(o, s->arena, &s->paths);
    open_start_log(s);
    if (o->test)
        return configuration_test(s);
    if (o->signal != NULL)
        return send_signal(s);
    s->is_inherited = inherited != NULL
                      && listeners_inherit(s->arena, &s->inherited,
                                           str_of(inherited), &log_start);
    if (s->is_inherited)
        zones_inherit(getenv("WEIR_ZONES"), &log_start);
    return serve(s);
}


/* The workers inherit the key, and with it the hash tables that the master has
 * built. */
static void
choose_hash_key(void)
{
    uint64_t key[2];

    if (getrandom(key, sizeof(key), 0) == sizeof(key))
        str_hash_set_key(key);
}


int
main(int argc, char **argv)
{
    struct setup          s = { .arena = arena_new(0), .parent = getppid() };
    const struct command *c;
    int                   rc = 1;

    memory_init();
    slot_init();
    /* Too large a file is an error, like others. */
    signal(SIGXFSZ, SIG_IGN);
    choose_hash_key();
    clock_update();
    s.argv = title_init(argc, argv);
    name_program(argc > 0 ? s.argv[0] : "weir");
    modules_init();
    s.program = find_program(s.arena, argc > 0 ? s.argv[0] : "weir");
    s.command = join_arguments(s.arena, s.argv);
    c = argc > 1 ? command_find(s.argv[1]) : NULL;
    if (c != NULL)
        rc = command_run(&s, c, s.argv + 2);
    else if (options_parse(&s.options, s.argv))
        rc = run(&s);
    arena_free(s.arena);
    title_fini();
    return rc;
}
