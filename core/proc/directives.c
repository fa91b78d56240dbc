/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hidden option --directives: prints a line for each row and each part of
 * nginx that it belongs to, NAME MODULE CONTEXTS ARGUMENTS separated by tabs,
 * in the notation of auto/check/directives.tsv.  A fifth column shows
 * problems: "duplicate" if another module has a directive of that name for the
 * same block, "undocumented" if the row lacks what "weir doc" prints.
 */
#include <stdio.h>

#include "core/conf/types.h"
#include "core/event/task.h"
#include "core/proc/options.h"

struct context {
    unsigned    bit;
    const char *name;
};

static const struct context contexts[] = {
    { IN_MAIN, "main" },
    { IN_EVENTS, "events" },
    { IN_HTTP, "http" },
    { IN_SERVER, "server" },
    { IN_LOCATION, "location" },
    { IN_SERVER_IF, "if_in_server" },
    { IN_IF, "if_in_location" },
    { IN_LIMIT_EXCEPT, "limit_except" },
    { IN_UPSTREAM, "upstream" },
    { IN_STREAM, "stream" },
    { IN_STREAM_SERVER, "stream_server" },
    { IN_STREAM_UPSTREAM, "stream_upstream" },
    { IN_MAIL, "mail" },
    { IN_MAIL_SERVER, "mail_server" },
};

/* The parts that nginx documents separately. */
struct part {
    const char *name;
    unsigned    serves, where;
};

static const struct part parts[] = {
    { "http", FOR_HTTP,
      IN_HTTP | IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_IF
          | IN_LIMIT_EXCEPT },
    { "http", FOR_HTTP, IN_UPSTREAM },
    { "stream", FOR_STREAM, IN_STREAM | IN_STREAM_SERVER | IN_STREAM_UPSTREAM },
    { "mail", FOR_MAIL, IN_MAIL | IN_MAIL_SERVER },
};


static void
print_contexts(unsigned where)
{
    const char *comma = "";

    if ((where & IN_ANY) == IN_ANY) {
        printf("any");
        return;
    }
    for (size_t i = 0; i < countof(contexts); i++) {
        if (!(where & contexts[i].bit))
            continue;
        printf("%s%s", comma, contexts[i].name);
        comma = ",";
    }
}


/* "1", "0-2", "1,3": the allowed counts from 0 to 7. */
static void
print_counts(unsigned args)
{
    const char *comma = "";

    for (unsigned i = 0; i < 8; i++) {
        unsigned last = i;

        if (!(args & 1u << i))
            continue;
        while (last < 7 && (args & 1u << (last + 1)))
            last++;
        if (last == i)
            printf("%s%u", comma, i);
        else
            printf("%s%u-%u", comma, i, last);
        comma = ",";
        i = last;
    }
}


static void
print_args(unsigned args)
{
    if (args & ARGS_FLAG)
        printf("flag");
    else if (args & ARGS_ANY)
        printf("0+");
    else if (args & ARGS_1_OR_MORE)
        printf("%s1+", args & ARGS_0 ? "0," : "");
    else if (args & ARGS_2_OR_MORE)
        printf("2+");
    else
        print_counts(args);
    if (args & ARGS_BLOCK)
        printf(args & ARGS_DATA ? " block(params)" : " block");
}


/* Directives that nginx documents with another module than the one that has
 * them here. */
struct home {
    const char *directive, *module;
};

static const struct home homes[] = {
    { "early_hints", "core" },    { "epoll_events", "event_epoll" },
    { "log_subrequest", "core" }, { "proxy_pass", "proxy" },
    { "resolver", "core" },       { "resolver_timeout", "core" },
    { "try_files", "core" },
};


static str_t
home_of(const struct module *m, const char *directive, unsigned where)
{
    if ((where & ~(unsigned) (IN_UPSTREAM | IN_STREAM_UPSTREAM)) == 0)
        return STR("upstream");
    for (size_t i = 0; i < countof(homes); i++)
        if (strcmp(homes[i].directive, directive) == 0)
            return str_of(homes[i].module);
    if (m->serves == 0)
        return STR("core");
    if (str_starts(str_of(m->name), STR("upstream")))
        return STR("upstream");
    return str_of(m->name);
}


/* "http_" and the module's name, unless the name begins with it already. */
static void
print_module(str_t name, const char *part)
{
    if (str_starts(name, str_of(part)))
        printf(STR_F, STR_A(name));
    else
        printf("%s_" STR_F, part, STR_A(name));
}


/* Whether it has a sentence, and the row or the type describes its
 * arguments. */
static bool
is_documented(const struct directive *d)
{
    unsigned args = d->args & ~(unsigned) (ARGS_BLOCK | ARGS_DATA);

    if (d->says == NULL || d->says[0] == '\0')
        return false;
    return args == ARGS_0 || (d->syntax != NULL && d->syntax[0] != '\0')
           || d->type->syntax != NULL || d->type == &conf_enum
           || d->type == &conf_bits;
}


/* Whether another module has a directive of that name for one of these
 * blocks. */
static bool
is_duplicate(const struct module *m, const struct directive *d, unsigned where)
{
    for (struct module *const *n = weir_modules; *n != NULL; n++) {
        if (*n == m)
            continue;
        for (const struct directive *e = (*n)->rows; e->name != NULL; e++)
            if (e->where & where && strcmp(e->name, d->name) == 0)
                return true;
    }
    return false;
}


static void
print_line(const struct module *m, const struct directive *d, const char *part,
           unsigned where)
{
    printf("%s\t", d->name);
    if (part == NULL)
        printf(STR_F, STR_A(home_of(m, d->name, where)));
    else
        print_module(home_of(m, d->name, where), part);
    printf("\t");
    print_contexts(where);
    printf("\t");
    print_args(d->args);
    if (is_duplicate(m, d, where))
        printf("\tduplicate");
    else if (!is_documented(d))
        printf("\tundocumented");
    printf("\n");
}


static void
print_row(const struct module *m, const struct directive *d, unsigned rest)
{
    if (rest == IN_ANY) {
        print_line(m, d, NULL, rest);
        return;
    }
    for (size_t i = 0; i < countof(parts); i++) {
        unsigned where = rest & parts[i].where;

        if (m->serves & parts[i].serves)
            where |= rest & (IN_MAIN | IN_EVENTS);
        if (where != 0)
            print_line(m, d, parts[i].name, where);
        rest &= ~where;
    }
    if (rest != 0)
        print_line(m, d, NULL, rest);
}


/* Several rows of one name are one directive with all of their contexts; it is
 * printed with the first row. */
static void
print_rows(const struct module *m)
{
    for (const struct directive *d = m->rows; d->name != NULL; d++) {
        const struct directive *it;
        unsigned                where = 0;

        for (it = m->rows; it != d && strcmp(it->name, d->name) != 0; it++)
            continue;
        if (it != d || d->where & ROW_LISTED)
            continue;
        for (; it->name != NULL; it++)
            if (strcmp(it->name, d->name) == 0)
                where |= it->where & IN_ANY;
        print_row(m, d, where);
    }
}


void
directives_print(void)
{
    static const struct module engine = { .name = "core" };

    print_row(&engine, &conf_include_row, IN_ANY);
    for (struct module *const *m = weir_modules; *m != NULL; m++)
        print_rows(*m);
}
