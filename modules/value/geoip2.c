/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geoip2: variables from the data that a MaxMind DB file has for an address.
 *
 *     geoip2 country.mmdb { auto_reload 5m; $country default=zz country iso_code; }
 *     geoip2 city.mmdb { $city source=$arg_ip city names en; }
 *
 * The file is opened and checked while the configuration is read, and mapped by
 * each process that serves.  Each of these checks for a newer one by itself: a
 * request starts the check, which runs in a thread.  The new database replaces
 * the old one between two requests, so values are copied.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/geodata.h"
#include "core/event/pool.h"
#include "core/net/worker.h"
#include "core/os/mapped.h"
#include "http/forwarded.h"
#include "modules/module.h"
#include "modules/value/mmdb.h"

/* Belongs to the generation; each process that serves it has its own copy. */
struct database {
    str_t                 path; /* NUL-terminated                           */
    enum serves_kind      kind; /* protocol of the block that names it      */
    struct generation_fd *file; /* as it was when the configuration was read */
    struct mmdb           mmdb; /* mapped where the generation is served     */
    uint64_t              interval; /* in seconds between checks; 0: none   */
    time_t                checked_at, changed_at;
    bool                  is_checking;
    bool                  is_broken; /* the file was truncated               */
};

struct geoip2_main {
    VEC(struct database *) list;
};

/* A variable. */
struct lookup {
    struct database  *database;
    const struct var *source; /* NULL: the address of the client             */
    str_t             preset; /* p NULL: none                                */
    const str_t      *path;
    size_t            n;
};

struct geoip2_conf {
    struct cidrs proxies;
    bool         is_recursive;
};

extern struct module geoip2_module;


/* --- in a process that serves ---------------------------------------------------- */

static void
unmap_database(void *arg)
{
    struct database *d = arg;

    mmdb_unmap(&d->mmdb);
}


/* The process that has read the configuration has opened the files, which this
 * one may not be allowed to. */
static bool
adopt(struct worker *w, struct generation *g)
{
    struct geoip2_main *m = generation_main(g, geoip2_module.slot);

    if (m->list.n != 0)
        mapped_init();
    VEC_EACH(&m->list, it) {
        struct database *d = *it;

        if (!mmdb_map(&d->mmdb, d->file->fd)) {
            log_at(&w->log, LEVEL_ALERT, errno, "mmap() \"%s\" failed",
                   d->path.p);
            return false;
        }
        arena_defer(g->arena, unmap_database, d);
    }
    return true;
}


/* Closes the file. */
static bool
take_over(struct database *d, struct mmdb_opening *o)
{
    bool is_mapped = mmdb_map(&o->found, o->fd);

    close(o->fd);
    if (!is_mapped)
        return false;
    mmdb_unmap(&d->mmdb);
    d->mmdb = o->found;
    d->changed_at = d->mmdb.mark.changed.tv_sec;
    d->is_broken = false;
    return true;
}


/* --- reloading ------------------------------------------------------------------- */

enum { CHECKS_MANY = 1024 };

/* The thread of this process that checks files; NULL until it is needed. */
static struct pool *pool;

struct check {
    struct job          job;
    struct generation  *gen; /* that owns the database; counted              */
    struct database    *database;
    struct mmdb_mark    old;
    struct mmdb_opening opening;
};


static void
check_file(struct job *job)
{
    struct check *c = container_of(job, struct check, job);

    mmdb_open(&c->opening, &c->old);
}


static void
end_check(struct job *job)
{
    struct check        *c = container_of(job, struct check, job);
    struct database     *d = c->database;
    struct mmdb_opening *o = &c->opening;

    d->is_checking = false;
    d->checked_at = clock_seconds();
    if (o->error != 0)
        log_errno(&worker->log, o->error, "stat() \"%s\" failed", o->path);
    else if (o->status != MMDB_SUCCESS)
        log_error(&worker->log, "MMDB_open(\"%s\") failed to reload - %s",
                  o->path, MMDB_strerror(o->status));
    else if (o->fd != -1 && !take_over(d, o))
        log_errno(&worker->log, errno, "mmap() \"%s\" failed", o->path);
    else if (o->fd != -1)
        log_info(&worker->log, "Reload MMDB \"%s\"", o->path);
    generation_put(c->gen);
    free(c);
}


/* Starts a check once per interval; the request does not wait for it. */
static void
check_if_due(struct task *t, struct database *d)
{
    struct check *c;

    if (d->interval == 0 || d->is_checking || t->gen != worker->gen
        || clock_seconds() - d->checked_at < (time_t) d->interval)
        return;
    if (pool == NULL)
        pool = pool_new(worker->loop, "geoip2", 1, CHECKS_MANY, &worker->log);
    c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    c->job = (struct job){ .work = check_file, .done = end_check };
    c->database = d;
    c->old = d->mmdb.mark;
    c->opening.path = d->path.p;
    d->checked_at = clock_seconds();
    d->is_checking = pool_submit(pool, &c->job);
    if (d->is_checking)
        c->gen = generation_get(worker->gen);
    else
        free(c);
}


/* Waits for a running check. */
static void
stop(struct worker *w)
{
    (void) w;
    pool_free(pool);
    pool = NULL;
}


/* --- looking up ------------------------------------------------------------------ */

struct question {
    const struct lookup *lookup;
    struct arena        *arena;
    struct addr_any      at;
    str_t                answer;
};


static void
ask(void *arg)
{
    struct question     *q = arg;
    const struct lookup *l = q->lookup;
    const MMDB_s        *db = &l->database->mmdb.db;
    str_t                section;
    struct geodata       value;
    MMDB_lookup_result_s found;
    int                  error;

    section.p = (const char *) db->data_section;
    section.n = db->data_section_size;
    found = MMDB_lookup_sockaddr(db, &q->at.sa, &error);
    if (error == MMDB_SUCCESS && found.found_entry
        && geodata_find(section, found.entry.offset, l->path, l->n, &value))
        q->answer = geodata_text(q->arena, &value);
}


/* An IPv4-mapped IPv6 address is looked up as the IPv4 address. */
static void
unmap(struct addr_any *at)
{
    struct sockaddr_in in4 = { .sin_family = AF_INET };

    if (at->sa.sa_family != AF_INET6
        || !IN6_IS_ADDR_V4MAPPED(&at->in6.sin6_addr))
        return;
    memcpy(&in4.sin_addr, at->in6.sin6_addr.s6_addr + 12, 4);
    at->in4 = in4;
}


/* Finds the address to look up; false when there is none. */
static bool
find_address(struct task *t, const struct lookup *l, struct addr_any *at)
{
    const struct geoip2_conf *c;

    if (l->source != NULL) {
        if (!addr_parse(var_get(t, l->source), at))
            return false;
    } else {
        c = conf_of(t, &geoip2_module);
        forwarded_client(at, t, &c->proxies, c->is_recursive);
    }
    unmap(at);
    return at->sa.sa_family == AF_INET || at->sa.sa_family == AF_INET6;
}


static str_t
look_up(struct task *t, uintptr_t arg)
{
    const struct lookup *l = (const struct lookup *) arg;
    struct database     *d = l->database;
    struct question      q = { .lookup = l, .arena = t->arena };

    check_if_due(t, d);
    if (!find_address(t, l, &q.at) || d->is_broken)
        return l->preset;
    if (!mapped_try(ask, &q)) {
        d->is_broken = true;
        log_error(t->log, "\"" STR_F "\" was cut off while it is in use",
                  STR_A(d->path));
        return l->preset;
    }
    return q.answer.p != NULL ? q.answer : l->preset;
}


static str_t
build_epoch(struct task *t, uintptr_t arg)
{
    struct database *d = (struct database *) arg;

    check_if_due(t, d);
    return arena_printf(t->arena, "%llu",
                        (unsigned long long) d->mmdb.db.metadata.build_epoch);
}


static str_t
last_check(struct task *t, uintptr_t arg)
{
    struct database *d = (struct database *) arg;

    check_if_due(t, d);
    return arena_printf(t->arena, "%lld", (long long) d->checked_at);
}


static str_t
last_change(struct task *t, uintptr_t arg)
{
    struct database *d = (struct database *) arg;

    check_if_due(t, d);
    return arena_printf(t->arena, "%lld", (long long) d->changed_at);
}


/* --- reading --------------------------------------------------------------------- */

static const char *
open_block(struct conf *cf, void *field, void **state)
{
    struct geoip2_main *m = conf_main(cf, &geoip2_module);
    struct database    *d = arena_make(cf->arena, struct database);
    struct mmdb_opening o = { .fd = -1 };

    (void) field;
    *state = d;
    d->path = conf_path_prefix(cf, cf->args[1]);
    d->kind = cf->kind;
    VEC_EACH(&m->list, it) {
        if ((*it)->kind == d->kind && str_eq((*it)->path, d->path))
            return conf_error(cf, "Duplicate GeoIP2 mmdb - " STR_F,
                              STR_A(d->path));
    }
    mapped_init();
    o.path = d->path.p;
    mmdb_open(&o, NULL);
    if (o.error != 0)
        return conf_errno(cf, o.error, "MMDB_open(\"" STR_F "\") failed - %s",
                          STR_A(d->path), MMDB_strerror(o.status));
    if (o.fd == -1)
        return conf_error(cf, "MMDB_open(\"" STR_F "\") failed - %s",
                          STR_A(d->path), MMDB_strerror(o.status));
    d->file = generation_keep_fd(cf->gen, o.fd);
    d->mmdb = o.found;
    d->checked_at = d->changed_at = clock_seconds();
    *vec_push(cf->arena, &m->list) = d;
    return NULL;
}


static const char *
read_interval(struct conf *cf, struct database *d)
{
    if (cf->n_args != 2)
        return conf_error(cf, "invalid number of arguments for auto_reload");
    if (!number_time(cf->args[1], true, &d->interval)
        || d->interval > INT32_MAX)
        return conf_error(cf, "invalid interval for auto_reload \"" STR_F "\"",
                          STR_A(cf->args[1]));
    return NULL;
}


static const char *
read_metadata(struct conf *cf, struct database *d, struct var *v)
{
    str_t name = cf->n_args > 2 ? cf->args[2] : STR("");

    v->arg = (uintptr_t) d;
    if (str_is(name, "build_epoch")) {
        v->get = build_epoch;
    } else if (str_is(name, "last_check")) {
        v->get = last_check;
    } else if (str_is(name, "last_change")) {
        v->get = last_change;
    } else {
        v->get = var_none;
        conf_warn(cf, "unknown metadata field \"" STR_F "\"", STR_A(name));
    }
    return NULL;
}


static const char *
read_source(struct conf *cf, struct lookup *l, str_t name)
{
    if (name.p[0] != '$')
        return conf_error(cf, "invalid source variable name \"" STR_F "\"",
                          STR_A(name));
    name = str_from(name, 1);
    if (name.n == 0 || var_name_length(name) != name.n)
        return conf_error(cf, "invalid variable name");
    l->source = var_use(cf, name);
    return NULL;
}


/* Reads one of the options before the path; *is_one is false when the word is
 * not an option. */
static const char *
read_option(struct conf *cf, struct lookup *l, str_t word, bool *is_one)
{
    const char *again = NULL;
    str_t       value = STR_NONE;

    *is_one = str_chr(word, '=') != NULL;
    if (!*is_one)
        return NULL;
    if (conf_param(word, "default", &value) && value.n != 0) {
        again = l->preset.p ? "default" : NULL;
        l->preset = value;
    } else if (conf_param(word, "source", &value) && value.n != 0) {
        again = l->source ? "source" : NULL;
        if (again == NULL)
            return read_source(cf, l, value);
    } else {
        return conf_error(cf, "invalid setting \"" STR_F "\" for \"" STR_F "\"",
                          STR_A(word), STR_A(cf->args[0]));
    }
    if (again != NULL)
        return conf_error(cf, "%s has already been declared for  \"" STR_F "\"",
                          again, STR_A(cf->args[0]));
    return NULL;
}


static const char *
read_lookup(struct conf *cf, struct database *d, struct var *v)
{
    struct lookup *l = arena_make(cf->arena, struct lookup);
    const char    *error;
    bool           is_option;
    unsigned       i;

    l->database = d;
    l->preset = STR_NONE;
    for (i = 1; i < cf->n_args; i++) {
        error = read_option(cf, l, cf->args[i], &is_option);
        if (error != NULL)
            return error;
        if (!is_option)
            break;
    }
    l->path = cf->args + i;
    l->n = cf->n_args - i;
    v->get = look_up;
    v->arg = (uintptr_t) l;
    return NULL;
}


static const char *
read_line(struct conf *cf, void *state)
{
    str_t       name = cf->args[0];
    const char *error = NULL;
    struct var *v;

    if (str_is(name, "auto_reload"))
        return read_interval(cf, state);
    if (name.n == 0 || name.p[0] != '$')
        return conf_error(cf, "invalid setting \"" STR_F "\"", STR_A(name));
    v = var_define(cf, str_from(name, 1), VAR_CHANGEABLE, &error);
    if (v == NULL)
        return conf_error(cf, "%s", error);
    if (cf->n_args > 1 && str_is(cf->args[1], "metadata"))
        return read_metadata(cf, state, v);
    return read_lookup(cf, state, v);
}


static const char *
parse_proxy(struct conf *cf, void *field)
{
    struct cidrs *proxies = field;
    struct cidr   net;
    const char   *error = conf_network(cf, cf->args[1], &net);

    if (error == NULL)
        *vec_push(cf->arena, &proxies->list) = net;
    return error;
}


static const struct conf_type proxy_type = {
    .name = "networks",
    .size = sizeof(struct cidrs),
    .parse = parse_proxy,
};

static const struct conf_lines lines = {
    .open = open_block,
    .line = read_line,
};

static const struct directive directives[] = {
    { "geoip2", IN_HTTP | IN_STREAM | ROW_MANY, ARGS_1 | ARGS_BLOCK | ARGS_DATA,
      &conf_data, 0, NULL, &lines, "file { ... }",
      "Defines variables from the data of a MaxMind DB file for the client's "
      "address, or for one in source=$variable. Each line has a variable and "
      "the path to its value in the file; auto_reload checks for a new file." },
    CUSTOM("geoip2_proxy", IN_HTTP | ROW_MANY, ARGS_1, proxy_type,
           struct geoip2_conf, proxies, struct cidrs, "address | CIDR",
           "Proxies whose X-Forwarded-For names the address to look up."),
    FLAG("geoip2_proxy_recursive", IN_HTTP, struct geoip2_conf, is_recursive,
         "off",
         "Skips addresses in X-Forwarded-For that are proxies of geoip2_proxy "
         "themselves."),
    { .name = NULL },
};

struct module geoip2_module = {
    .name = "geoip2",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
    .conf_size = sizeof(struct geoip2_conf),
    .main_size = sizeof(struct geoip2_main),
    .process_stop = stop,
    .adopt = adopt,
};
