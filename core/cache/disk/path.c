/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PREFIX_cache_path, and what goes with the caches of a generation.
 */
#include <unistd.h>

#include "core/cache/disk/answer.h"
#include "core/cache/disk/hot.h"
#include "core/cache/disk/purge.h"
#include "core/conf/types.h"
#include "core/net/worker.h"

enum { MEMORY = 32 * 1024 * 1024 };


/* --- parameters -------------------------------------------------------------- */

static const char *
take_levels(struct conf *cf, struct disk_cache *c, str_t word, str_t value)
{
    for (size_t i = 0; i < DISK_LEVELS; i++) {
        if (value.n == 0 || (value.p[0] != '1' && value.p[0] != '2'))
            break;
        c->levels[i] = (uint8_t) (value.p[0] - '0');
        value = str_from(value, 1);
        if (value.n == 0)
            return NULL;
        if (value.p[0] != ':')
            break;
        value = str_from(value, 1);
    }
    return conf_error(cf, "invalid \"levels\" \"" STR_F "\"", STR_A(word));
}


static const char *
take_zone(struct conf *cf, struct disk_cache *c, str_t word, str_t value)
{
    uint64_t    page = (uint64_t) sysconf(_SC_PAGESIZE), size = 0;
    const char *colon = str_chr(value, ':'), *error = NULL;
    str_t       name = value;

    if (colon != NULL)
        name = str_cut(&value, ':');
    if (colon == NULL || !number_size(value, false, &size))
        return conf_error(cf, "invalid keys zone size \"" STR_F "\"",
                          STR_A(word));
    if (size < 2 * page)
        return conf_error(cf, "keys zone \"" STR_F "\" is too small",
                          STR_A(word));
    if (size < ZONE_PAGES_LEAST * page)
        size = ZONE_PAGES_LEAST * page;
    if (name.n == 0)
        return NULL; /* as if it were missing */
    if (disk_cache_named(cf->gen, name, cf->row->detail) != NULL)
        return conf_error(cf, "duplicate zone \"" STR_F "\"", STR_A(name));
    c->in = zone_add(cf, name, size, cf->row->detail, &error);
    return error;
}


static const char *
take_flag(struct conf *cf, const char *name, str_t word, str_t value, bool *out)
{
    if (!str_is(value, "on") && !str_is(value, "off"))
        return conf_error(
            cf, "invalid %s value \"" STR_F "\", it must be \"on\" or \"off\"",
            name, STR_A(word));
    *out = str_is(value, "on");
    return NULL;
}


static bool
read_count(str_t s, uint64_t *out)
{
    return number_parse(s, INT32_MAX, out);
}


static bool
read_size(str_t s, uint64_t *out)
{
    return number_size(s, true, out);
}


static bool
read_seconds(str_t s, uint64_t *out)
{
    return number_time(s, true, out);
}


static bool
read_ms(str_t s, uint64_t *out)
{
    return number_time(s, false, out);
}


static const struct {
    const char *name;
    bool (*read)(str_t s, uint64_t *out);
    size_t offset;
} numbers[] = {
#define N(name, member, read) \
    { \
        name, read, FIELD(struct disk_cache, member, uint64_t) \
    }
    N("inactive", inactive, read_seconds),
    N("max_size", max_size, read_size),
    N("min_free", min_free, read_size),
    N("memory", memory, read_size),
    N("manager_files", manager.files, read_count),
    N("manager_sleep", manager.sleep, read_ms),
    N("manager_threshold", manager.threshold, read_ms),
    N("loader_files", loader.files, read_count),
    N("loader_sleep", loader.sleep, read_ms),
    N("loader_threshold", loader.threshold, read_ms),
    N("purger_files", purger.files, read_count),
    N("purger_sleep", purger.sleep, read_ms),
    N("purger_threshold", purger.threshold, read_ms),
#undef N
};


static const char *
take_word(struct conf *cf, struct disk_cache *c, str_t word)
{
    str_t value;

    if (conf_param(word, "levels", &value))
        return take_levels(cf, c, word, value);
    if (conf_param(word, "keys_zone", &value))
        return take_zone(cf, c, word, value);
    if (conf_param(word, "use_temp_path", &value))
        return take_flag(cf, "use_temp_path", word, value, &c->uses_temp_path);
    if (conf_param(word, "purger", &value))
        return take_flag(cf, "purger", word, value, &c->has_purger);
    for (size_t i = 0; i < countof(numbers); i++) {
        if (!conf_param(word, numbers[i].name, &value))
            continue;
        if (numbers[i].read(
                value, (uint64_t *) (void *) ((char *) c + numbers[i].offset)))
            return NULL;
        return conf_error(cf, "invalid %s value \"" STR_F "\"", numbers[i].name,
                          STR_A(word));
    }
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
}


/* --- the directive ----------------------------------------------------------- */

struct disk_cache *
disk_cache_named(const struct generation *g, str_t name,
                 const struct zone_use *use)
{
    struct disk_caches *all = generation_main(g, disk_cache_module.slot);

    for (struct disk_cache *c = all->first; c != NULL; c = c->next)
        if (str_eq(c->in->name, name) && c->in->use == use)
            return c;
    return NULL;
}


static const char *
take_path(struct conf *cf, struct disk_cache *c)
{
    str_t path = conf_path_prefix(cf, cf->args[1]);

    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    if (path.n > DISK_PATH_MAX)
        return conf_error(cf, "too long path in \"%s\"", cf->row->name);
    path = (str_t){ str_z(cf->arena, path), path.n };
    c->path = path;
    return NULL;
}


/* Adds it to the others, unless one of them has its folder. */
static const char *
add(struct conf *cf, struct disk_cache *c)
{
    struct disk_caches *all = conf_main(cf, &disk_cache_module);
    struct disk_cache **last = &all->first;

    c->folder = str_mix(0, c->path);
    c->folder = str_mix(c->folder,
                        (str_t){ (const char *) c->levels, sizeof(c->levels) });
    c->folder += c->folder == 0;
    for (; *last != NULL; last = &(*last)->next)
        if (str_eq((*last)->path, c->path))
            return conf_error(
                cf, "the same path name \"" STR_F "\" used in %s:%u and",
                STR_A(c->path), (*last)->file, (*last)->line);
    *last = c;
    return NULL;
}


static const char *
parse(struct conf *cf, void *field)
{
    static const struct disk_pace pace
        = { .files = 100, .sleep = 50, .threshold = 200 };
    struct disk_cache *c = arena_make(cf->arena, struct disk_cache);
    const char        *error;

    (void) field;
    c->uses_temp_path = true;
    c->inactive = 600;
    c->memory = MEMORY;
    c->manager = c->loader = pace;
    c->purger = (struct disk_pace){ .files = 10, .sleep = 50, .threshold = 50 };
    c->file = cf->file;
    c->line = cf->line;
    error = take_path(cf, c);
    for (unsigned i = 2; error == NULL && i < cf->n_args; i++)
        error = take_word(cf, c, cf->args[i]);
    if (error != NULL)
        return error;
    if (c->in == NULL)
        return conf_error(cf, "\"%s\" must have \"keys_zone\" parameter",
                          cf->row->name);
    return add(cf, c);
}


const struct conf_type disk_cache_path_type = {
    .name = "cache path",
    .parse = parse,
    .syntax = DISK_CACHE_SYNTAX,
    .unset = "none",
};


/* --- the module --------------------------------------------------------------- */

static const char *
ready(struct conf *cf, void *main)
{
    return disk_folder_check(cf, main);
}


static void
close_tier(void *arg)
{
    disk_hot_close(arg);
}


static bool
adopt(struct worker *w, struct generation *g)
{
    const struct disk_caches *all = generation_main(g, disk_cache_module.slot);

    for (struct disk_cache *c = all->first; c != NULL; c = c->next) {
        if (c->in->zone == NULL) /* of a dry run */
            continue;
        disk_index_lock(c->in->zone);
        if (disk_index_begin(c->in->zone, c->folder))
            disk_purges_load(c);
        disk_index_unlock(c->in->zone);
        c->hot = disk_hot_open(c, w->loop);
        if (c->hot != NULL)
            arena_defer(g->arena, close_tier, c->hot);
    }
    return true;
}


static void
stop(struct worker *w)
{
    (void) w;
    disk_hot_stop();
}


static bool
is_wanted(const struct generation *g)
{
    const struct disk_caches *all = generation_main(g, disk_cache_module.slot);

    return all->first != NULL;
}


static bool
is_purger_wanted(const struct generation *g)
{
    const struct disk_caches *all = generation_main(g, disk_cache_module.slot);

    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        if (c->has_purger)
            return true;
    return false;
}


static const struct helper helpers[] = {
    { "cache manager process", is_wanted, disk_manager_run },
    { "cache loader process", is_wanted, disk_loader_run },
    { "cache purger process", is_purger_wanted, disk_purger_run },
    { .title = NULL },
};

struct module disk_cache_module = {
    .name = "disk_cache",
    .serves = FOR_HTTP,
    .main_size = sizeof(struct disk_caches),
    .main_ready = ready,
    .process_stop = stop,
    .adopt = adopt,
    .helpers = helpers,
    .answer = disk_answer,
};
