/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives of the main level.
 */
#include "core/proc/settings.h"

#include <config.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/conf/types.h"
#include "core/os/cpu.h"
#include "core/proc/load_module.h"


/* errno is 0 if the name simply does not exist. */
static const char *
unknown_name(struct conf *cf, const char *call, const char *name)
{
    if (errno != 0 && errno != ENOENT)
        return conf_errno(cf, errno, "%s(\"%s\") failed", call, name);
    return conf_error(cf, "%s(\"%s\") failed", call, name);
}


static const char *
find_user(struct conf *cf, struct user *u, const char *name, const char *group)
{
    const struct passwd *pw;
    const struct group  *gr;

    errno = 0;
    pw = getpwnam(name);
    if (pw == NULL)
        return unknown_name(cf, "getpwnam", name);
    u->name = name;
    u->uid = pw->pw_uid;
    errno = 0;
    gr = getgrnam(group);
    if (gr == NULL)
        return unknown_name(cf, "getgrnam", group);
    u->gid = gr->gr_gid;
    return NULL;
}


static const char *
parse_user(struct conf *cf, void *field)
{
    const char *name = str_z(cf->arena, cf->args[1]);

    if (geteuid() != 0) {
        conf_warn(cf, "the \"user\" directive makes sense only if the master "
                      "process runs with super-user privileges, ignored");
        return NULL;
    }
    return find_user(cf, field, name,
                     cf->n_args > 2 ? str_z(cf->arena, cf->args[2]) : name);
}


static const char *
parse_workers(struct conf *cf, void *field)
{
    unsigned *workers = field;
    uint64_t  n;

    if (str_is(cf->args[1], "auto")) {
        *workers = cpu_count();
        return NULL;
    }
    if (!number_parse(cf->args[1], 1024, &n))
        return conf_error(cf, "\"worker_processes\" directive invalid value");
    *workers = (unsigned) n;
    return NULL;
}


static const char *
parse_priority(struct conf *cf, void *field)
{
    str_t    text = cf->args[1];
    bool     is_minus = text.n != 0 && text.p[0] == '-';
    bool     is_signed = is_minus || (text.n != 0 && text.p[0] == '+');
    uint64_t n;

    if (!number_parse(str_from(text, is_signed), INT_MAX, &n))
        return conf_error(cf, "\"worker_priority\" directive invalid number");
    *(int *) field = is_minus ? -(int) n : (int) n;
    return NULL;
}


static const char *
parse_nofile(struct conf *cf, void *field)
{
    struct limit *l = field;

    l->is_set = true;
    if (!number_parse(cf->args[1], INT64_MAX, &l->value))
        return conf_error(cf, "\"" STR_F "\" directive invalid number",
                          STR_A(cf->args[0]));
    return NULL;
}


static const char *
parse_core(struct conf *cf, void *field)
{
    struct limit *l = field;

    l->is_set = true;
    if (!number_size(cf->args[1], true, &l->value))
        return conf_error(cf, "\"" STR_F "\" directive invalid value",
                          STR_A(cf->args[0]));
    return NULL;
}


/* The last digit is the bit of processor 0. */
static const char *
parse_mask(struct conf *cf, str_t text, cpu_set_t *set)
{
    if (text.n > CPU_SETSIZE)
        return conf_error(cf,
                          "\"worker_cpu_affinity\" supports up to %d CPUs "
                          "only",
                          CPU_SETSIZE);
    CPU_ZERO(set);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[text.n - 1 - i];

        if (c != '0' && c != '1')
            return conf_error(cf,
                              "invalid character \"%c\" in "
                              "\"worker_cpu_affinity\"",
                              c);
        if (c == '1')
            CPU_SET(i, set);
    }
    return NULL;
}


static const char *
parse_affinity(struct conf *cf, void *field)
{
    struct affinity *a = field;
    const char      *error = NULL;
    unsigned         i = 1;

    if (str_is(cf->args[1], "auto")) {
        if (cf->n_args > 3)
            return conf_error(cf, "invalid number of arguments in "
                                  "\"worker_cpu_affinity\" directive");
        a->is_auto = true;
        i = 2;
    }
    for (; i < cf->n_args && error == NULL; i++)
        error = parse_mask(cf, cf->args[i], vec_push(cf->arena, &a->masks));
    return error;
}


static const char *
parse_env(struct conf *cf, void *field)
{
    struct texts **env = field;

    if (*env == NULL)
        *env = arena_make(cf->arena, struct texts);
    *vec_push(cf->arena, &(*env)->list) = str_copy(cf->arena, cf->args[1]);
    return NULL;
}


static const char *
parse_jit(struct conf *cf, void *field)
{
    bool       *no_jit = field, is_on;
    const char *error = conf_flag.parse(cf, &is_on);

    if (error == NULL)
        *no_jit = !is_on;
    return error;
}


static const struct conf_type user_type
    = { .name = "user", .size = sizeof(struct user), .parse = parse_user };
static const struct conf_type workers_type
    = { .name = "workers", .size = sizeof(unsigned), .parse = parse_workers };
static const struct conf_type priority_type = {
    .name = "priority",
    .size = sizeof(int),
    .parse = parse_priority,
    .unset = "0",
};
static const struct conf_type nofile_type
    = { .name = "limit", .size = sizeof(struct limit), .parse = parse_nofile };
static const struct conf_type core_type
    = { .name = "limit", .size = sizeof(struct limit), .parse = parse_core };
static const struct conf_type affinity_type = { .name = "affinity",
                                                .size = sizeof(struct affinity),
                                                .parse = parse_affinity };
static const struct conf_type env_type = {
    .name = "env",
    .size = sizeof(struct texts *),
    .parse = parse_env,
    .unset = "TZ",
};

static const struct conf_type jit_type = {
    .name = "flag",
    .size = sizeof(bool),
    .parse = parse_jit,
    .syntax = "on | off",
    .unset = "on",
};

static const struct conf_word debug_points[]
    = { { "stop", DEBUG_STOP }, { "abort", DEBUG_ABORT }, { .name = NULL } };

static const struct directive directives[] = {
    CUSTOM("user", IN_MAIN, ARGS_1 | ARGS_2, user_type, struct process_conf,
           user, struct user, "user [group]",
           "Whom the workers run as when the master runs as root; the "
           "group is that of the user's name unless given. Without it, it "
           "is the one of the build."),
    PATH("pid", IN_MAIN, struct process_conf, pid, WEIR_PID_PATH,
         "The file that holds the process number of the master."),
    FLAG("daemon", IN_MAIN, struct process_conf, daemon, "on",
         "Whether the master goes into the background."),
    FLAG("master_process", IN_MAIN, struct process_conf, master_process, "on",
         "Whether workers serve; off: a single process does all, for "
         "debugging."),
    { "worker_processes", IN_MAIN, ARGS_1, &workers_type,
      FIELD(struct process_conf, workers, unsigned), "1", NULL, "number | auto",
      "How many workers serve; auto: as many as the processors that "
      "weir may use." },
    CUSTOM("worker_priority", IN_MAIN, ARGS_1, priority_type,
           struct process_conf, priority, int, "number",
           "The scheduling priority of workers, as nice takes it: "
           "negative is more urgent."),
    CUSTOM("worker_rlimit_nofile", IN_MAIN, ARGS_1, nofile_type,
           struct process_conf, nofile, struct limit, "number",
           "How many descriptors a worker may have open (RLIMIT_NOFILE)."),
    CUSTOM("worker_rlimit_core", IN_MAIN, ARGS_1, core_type,
           struct process_conf, core, struct limit, "size",
           "How large the core file of a worker may become (RLIMIT_CORE). "
           "With 0, as it usually is otherwise, other processes of the "
           "user of the workers cannot read the memory of these."),
    CUSTOM("worker_cpu_affinity", IN_MAIN, ARGS_1_OR_MORE, affinity_type,
           struct process_conf, affinity, struct affinity,
           "cpumask ...\n"
           "auto [cpumask]",
           "Binds workers to processors: a mask for each worker, its last "
           "digit being processor 0. auto gives each worker one of its "
           "own, out of the mask where there is one."),
    TEXT("working_directory", IN_MAIN, struct process_conf, working_directory,
         NULL, "directory",
         "The folder that workers change to; core files are written "
         "there."),
    CUSTOM("env", IN_MAIN | ROW_MANY, ARGS_1, env_type, struct process_conf,
           env, struct texts *, "variable[=value]",
           "Keeps a variable of the environment for the workers, or sets "
           "it. All but TZ are dropped otherwise."),
    MSEC("worker_shutdown_timeout", IN_MAIN, struct process_conf,
         shutdown_timeout, NULL,
         "How long workers that were asked to end gracefully wait for "
         "their connections before they close them. Without it they "
         "wait as long as it takes."),
    PATH("lock_file", IN_MAIN, struct process_conf, lock_file, WEIR_LOCK_PATH,
         "Accepted without effect: no lock is needed."),
    MSEC("timer_resolution", IN_MAIN, struct process_conf, timer_resolution,
         NULL,
         "Accepted without effect: the time is looked up once in each "
         "turn of the loop."),
    ENUM("debug_points", IN_MAIN, struct process_conf, debug_points, NULL,
         debug_points,
         "What happens when an internal check fails: stop waits for a "
         "debugger, abort ends the process with a core file."),
    { "pcre_jit", IN_MAIN, ARGS_FLAG, &jit_type,
      FIELD(struct process_conf, no_jit, bool), NULL, NULL, NULL,
      "Whether regular expressions are compiled to machine code, where "
      "PCRE2 can do so; off: no page is both written to and executed." },
    { "load_module", IN_MAIN | ROW_MANY, ARGS_1, &load_module_type, 0, NULL,
      NULL, "file",
      "Accepted for modules that are built in, and an error for "
      "others: weir loads no modules." },
    { .name = NULL },
};


static const char *
make_ready(struct conf *cf, void *conf)
{
    struct process_conf *c = conf;

    if (c->affinity.masks.n > 1 && c->affinity.masks.n != c->workers)
        conf_warn_bare(cf, "the number of \"worker_processes\" is not equal "
                           "to the number of \"worker_cpu_affinity\" masks, "
                           "using last mask for remaining worker processes");
    if (c->user.name == NULL && geteuid() == 0)
        return find_user(cf, &c->user, WEIR_USER, WEIR_GROUP);
    return NULL;
}


static const char *
settle_regexes(struct conf *cf, void *main)
{
    (void) main;
    cf->gen->no_jit = process_conf_of(cf->gen)->no_jit;
    return NULL;
}


struct module core_module = {
    .name = "core",
    .directives = directives,
    .conf_size = sizeof(struct process_conf),
    .ready = make_ready,
    .main_ready = settle_regexes,
};
