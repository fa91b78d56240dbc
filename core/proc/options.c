/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options are letters that can be combined; an option's value follows its
 * letter directly or is the next argument.
 */
#include "core/proc/options.h"

#include <config.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/version.h"

static const char *const signals[] = { "stop", "quit", "reopen", "reload" };


const char *
options_identity(void)
{
    return strcmp(log_program, WEIR_NAME) == 0 ? WEIR_NAME "/" WEIR_VERSION
                                               : NGINX_NAME "/" NGINX_VERSION;
}


static bool
take_signal(struct options *o)
{
    for (size_t i = 0; i < countof(signals); i++)
        if (strcmp(o->signal, signals[i]) == 0)
            return true;
    fprintf(stderr, "%s: invalid option: \"-s %s\"\n", log_program, o->signal);
    return false;
}


static bool
take_flag(struct options *o, char c)
{
    switch (c) {
    case '?':
    case 'h':
        o->help = o->version = true;
        return true;
    case 'v':
        o->version = true;
        return true;
    case 'V':
        o->version = o->configure = true;
        return true;
    case 't':
        o->test = true;
        return true;
    case 'T':
        o->test = o->dump = true;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    default:
        return false;
    }
}


/* The variable for the value of an option, and its name in messages. */
static const char **
value_of(struct options *o, char c, const char **what)
{
    *what = "file name";
    switch (c) {
    case 'p':
        *what = "directory name";
        return &o->prefix;
    case 'c':
        return &o->conf_file;
    case 'e':
        return &o->error_log;
    case 'g':
        *what = "parameter";
        return &o->globals;
    case 's':
        *what = "parameter";
        return &o->signal;
    default:
        return NULL;
    }
}


/* One argument of letters; *next is the argument after it. */
static bool
take_letters(struct options *o, const char *p, char ***next)
{
    const char **value, *what;

    for (; *p != '\0'; p++) {
        if (take_flag(o, *p))
            continue;
        value = value_of(o, *p, &what);
        if (value == NULL) {
            fprintf(stderr, "%s: invalid option: \"%c\"\n", log_program, *p);
            return false;
        }
        *value = p[1] != '\0' ? p + 1 : **next;
        if (*value == NULL) {
            fprintf(stderr, "%s: option \"-%c\" requires %s\n", log_program, *p,
                    what);
            return false;
        }
        if (p[1] == '\0')
            (*next)++;
        return value != &o->signal || take_signal(o);
    }
    return true;
}


static bool
take_word(struct options *o, const char *p)
{
    if (strcmp(p, "--directives") == 0)
        o->directives = true;
    else if (strcmp(p, "--help") == 0)
        o->help = o->version = true;
    else if (strcmp(p, "--version") == 0)
        o->version = true;
    else if (strcmp(p, "--lint") == 0)
        o->lint = true;
    else if (strcmp(p, "--no-lint") == 0)
        o->no_lint = true;
    else if (strcmp(p, "--json") == 0)
        o->json = true;
    else
        return false;
    return true;
}


/* Some options only have a meaning with -t. */
static bool
fits_together(const struct options *o)
{
    const char *word = o->json ? "--json" : o->lint ? "--lint" : "--no-lint";

    if (o->test || !(o->json || o->lint || o->no_lint))
        return true;
    fprintf(stderr, "%s: option \"%s\" needs \"-t\"\n", log_program, word);
    return false;
}


bool
options_want_hints(const struct options *o)
{
    return o->lint || o->json || isatty(STDERR_FILENO);
}


bool
options_parse(struct options *o, char **argv)
{
    char **next = argv[0] != NULL ? argv + 1 : argv;

    while (*next != NULL) {
        const char *p = *next++;

        if (take_word(o, p))
            continue;
        if (*p != '-') {
            fprintf(stderr, "%s: invalid option: \"%s\"\n", log_program, p);
            return false;
        }
        if (!take_letters(o, p + 1, &next))
            return false;
    }
    return fits_together(o);
}


/* -cFILE or -c FILE, and similar options; NULL: *p is none of them.  *n: the
 * number of arguments that it takes. */
static const char **
conf_option(struct options *o, char **p, unsigned *n)
{
    const char **value, *what;

    if ((*p)[0] != '-' || (*p)[1] == '\0' || (*p)[1] == 's')
        return NULL;
    value = value_of(o, (*p)[1], &what);
    if (value == NULL)
        return NULL;
    *n = (*p)[2] != '\0' ? 1 : 2;
    *value = *n == 1 ? *p + 2 : p[1];
    if (*value == NULL)
        fprintf(stderr, "%s: option \"-%c\" requires %s\n", log_program,
                (*p)[1], what);
    return value;
}


bool
options_extract(struct options *o, char **argv)
{
    char       **to = argv;
    const char **value;
    unsigned     n;

    while (*argv != NULL) {
        value = conf_option(o, argv, &n);
        if (value == NULL) {
            *to++ = *argv++;
            continue;
        }
        if (*value == NULL)
            return false;
        argv += n;
    }
    *to = NULL;
    return true;
}


static void
print_help(void)
{
    fprintf(stderr,
            "Usage: %s [-?hvVtTq] [-s signal] [-p prefix]\n"
            "             [-e filename] [-c filename] [-g directives]\n"
            "\n"
            "Options:\n"
            "  -?,-h         : this help\n"
            "  -v            : show version and exit\n"
            "  -V            : show version and configure options then exit\n"
            "  -t            : test configuration and exit\n"
            "  -T            : test configuration, dump it and exit\n"
            "  -q            : suppress non-error messages during "
            "configuration testing\n"
            "  -s signal     : send signal to a master process: stop, quit, "
            "reopen, reload\n"
            "  -p prefix     : set prefix path (default: %s)\n"
            "  -e filename   : set error log file (default: %s)\n"
            "  -c filename   : set configuration file (default: %s)\n"
            "  -g directives : set global directives out of configuration "
            "file\n\n"
            "With -t:\n"
            "  --lint        : hints and warnings of what is hardly meant, as "
            "on a terminal\n"
            "  --no-lint     : no such warnings\n"
            "  --json        : all that was found on standard output\n\n",
            log_program, WEIR_PREFIX, WEIR_ERROR_LOG_PATH, WEIR_CONF_PATH);
    commands_print();
}


static void
print_configure(void)
{
    const char *built = OPENSSL_VERSION_TEXT;
    const char *running = OpenSSL_version(OPENSSL_VERSION);

    if (WEIR_COMPILER[0] != '\0')
        fprintf(stderr, "built by %s\n", WEIR_COMPILER);
    if (strcmp(built, running) == 0)
        fprintf(stderr, "built with %s\n", built);
    else
        fprintf(stderr, "built with %s (running with %s)\n", built, running);
    fprintf(stderr, "TLS SNI support enabled\nconfigure arguments: %s\n",
            WEIR_CONFIGURE_ARGS);
}


void
options_print(const struct options *o)
{
    fprintf(stderr,
            "nginx version: " NGINX_NAME "/" NGINX_VERSION " (" WEIR_NAME
            " " WEIR_VERSION "%s%s)\n",
            WEIR_BUILD[0] != '\0' ? ", " : "", WEIR_BUILD);
    if (o->help)
        print_help();
    if (o->configure)
        print_configure();
}


static str_t
absolute(struct arena *a, str_t folder, str_t path)
{
    return path.n != 0 && path.p[0] == '/' ? path : str_join(a, folder, path);
}


static str_t
or_built_in(const char *given, const char *built_in)
{
    return str_of(given != NULL ? given : built_in);
}


void
options_paths(const struct options *o, struct arena *a, struct conf_paths *out)
{
    str_t       prefix = or_built_in(o->prefix, WEIR_PREFIX);
    const char *slash;

    if (!str_ends(prefix, STR("/")))
        prefix = str_join(a, prefix, STR("/"));
    out->prefix = prefix;
    out->conf_file
        = absolute(a, prefix, or_built_in(o->conf_file, WEIR_CONF_PATH));
    slash = str_rchr(out->conf_file, '/');
    out->conf_prefix = str_span(out->conf_file.p, slash + 1);
    out->error_log = or_built_in(o->error_log, WEIR_ERROR_LOG_PATH);
    if (!str_is(out->error_log, "stderr"))
        out->error_log = absolute(a, prefix, out->error_log);
    out->globals = or_built_in(o->globals, "");
    out->keeps_text = o->dump;
    out->lints = o->test && !o->no_lint && log_explains
                 && (o->json || !o->quiet);
    out->has_conf_file = o->conf_file != NULL;
}
