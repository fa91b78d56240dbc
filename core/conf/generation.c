/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generations: reading one whole configuration into an arena, and freeing it
 * with its last holder.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/conf/image.h"
#include "core/conf/reader.h"

struct conf_dump {
    struct conf_dump *next;
    str_t             name, text;
};


struct generation *
generation_get(struct generation *g)
{
    g->refs++;
    return g;
}


void
generation_put(struct generation *g)
{
    struct image *image;

    if (g == NULL || --g->refs != 0)
        return;
    image = g->image;
    arena_free(g->arena);
    if (image != NULL)
        image_put(image);
}


/* image may be NULL. */
static struct generation *
new_generation(const struct conf_paths *paths, struct image *image)
{
    struct arena *a
        = arena_new_in(image != NULL ? image_room(image) : NULL, 65536);
    struct generation *g = arena_make(a, struct generation);
    unsigned           i;

    g->arena = a;
    g->image = image;
    g->refs = 1;
    list_init(&g->alive);
    g->paths.prefix = str_copy(a, paths->prefix);
    g->paths.conf_file = str_copy(a, paths->conf_file);
    g->paths.conf_prefix = str_copy(a, paths->conf_prefix);
    g->paths.error_log = str_copy(a, paths->error_log);
    g->paths.globals = str_copy(a, paths->globals);
    g->paths.keeps_text = paths->keeps_text;
    g->paths.lints = paths->lints;
    g->paths.keeps_broken = paths->keeps_broken;
    g->main = arena_array(a, void *, modules_count() + 1);
    g->is_set = arena_array(a, bool, modules_count() + 1);
    for (i = 0; i < modules_count(); i++)
        if (weir_modules[i]->main_size != 0)
            g->main[i] = arena_zalloc(a, weir_modules[i]->main_size);
    return g;
}


/* The steps after everything was read without an error. */
static void
complete(struct conf *cf)
{
    const char *error;
    unsigned    i;

    conf_resolve(cf, cf->gen->root, NULL);
    cf->block = cf->gen->root;
    for (i = 0; i < modules_count() && !cf->errors; i++) {
        if (weir_modules[i]->main_ready == NULL)
            continue;
        error = weir_modules[i]->main_ready(cf, cf->gen->main[i]);
        if (error != NULL)
            conf_report(cf, error);
    }
}


/* The final checks; after errors they find more of them. */
static void
settle(struct conf *cf)
{
    unsigned i;

    for (i = 0; i < modules_count(); i++)
        if (weir_modules[i]->settle != NULL)
            weir_modules[i]->settle(cf);
}


/* Reads -g, then the text or the configuration file. */
static void
read_all(struct conf *cf, const char *name, str_t text)
{
    const char *error;

    conf_read_presets(cf);
    cf->gen->root = conf_block_new(cf, IN_MAIN);
    cf->block = cf->gen->root;
    if (cf->gen->paths.globals.n != 0)
        conf_read_text(cf, NULL, cf->gen->paths.globals);
    if (name != NULL)
        conf_read_text(cf, str_z(cf->arena, str_of(name)), text);
    else if (!conf_read_file(cf, cf->gen->paths.conf_file, &error))
        conf_error_bare(cf, NULL, 0, "%s", error);
    cf->gen->root->end_line = cf->line;
    if (!cf->errors)
        complete(cf);
    settle(cf);
}


static struct generation *
build(struct generation *g, const char *name, str_t text, const struct log *log)
{
    struct conf_reader rd = { .arena = arena_new(65536), .log = log };
    struct conf        cf = { .gen = g, .arena = g->arena, .reader = &rd };
    bool               is_good;

    rows_init(&cf);
    read_all(&cf, name, text);
    conf_report_unsupported(&cf);
    is_good = cf.errors == 0 || g->paths.keeps_broken;
    arena_free(rd.arena);
    if (!is_good) {
        generation_put(g);
        return NULL;
    }
    return g;
}


struct generation *
generation_read(const struct conf_paths *paths, const struct log *log)
{
    return build(new_generation(paths, NULL), NULL, STR_NONE, log);
}


struct generation *
generation_read_image(const struct conf_paths *paths, const struct log *log)
{
    return build(new_generation(paths, image_new()), NULL, STR_NONE, log);
}


struct generation *
generation_read_text(const struct conf_paths *paths, str_t name, str_t text,
                     const struct log *log)
{
    struct arena      *a = arena_new(0);
    struct generation *g
        = build(new_generation(paths, NULL), str_z(a, name), text, log);

    arena_free(a);
    return g;
}


bool
module_is_called(const struct generation *g, const struct module *m)
{
    return m->acts_unset || m->rows[0].name == NULL || g->is_set[m->slot];
}


void *
conf_main(struct conf *cf, const struct module *m)
{
    return cf->gen->main[m->slot];
}


/* --- paths ------------------------------------------------------------------ */

static str_t
absolute(struct conf *cf, str_t folder, str_t path)
{
    if (path.n != 0 && path.p[0] == '/')
        return str_copy(cf->arena, path);
    return str_join(cf->arena, folder, path);
}


str_t
conf_path_conf(struct conf *cf, str_t path)
{
    return absolute(cf, cf->gen->paths.conf_prefix, path);
}


str_t
conf_path_prefix(struct conf *cf, str_t path)
{
    return absolute(cf, cf->gen->paths.prefix, path);
}


/* --- what was read ----------------------------------------------------------- */

void
generation_note_file(struct generation *g, str_t name, str_t text)
{
    struct conf_dump **d;

    if (!g->paths.keeps_text)
        return;
    for (d = &g->dump; *d != NULL; d = &(*d)->next)
        if (str_eq((*d)->name, name))
            return;
    *d = arena_make(g->arena, struct conf_dump);
    (*d)->name = name;
    (*d)->text = str_copy(g->arena, text);
}


static void
print(int fd, str_t s)
{
    ssize_t n;

    while (s.n != 0) {
        n = write(fd, s.p, s.n);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        s = str_from(s, (size_t) n);
    }
}


void
generation_print(const struct generation *g, int fd)
{
    const struct conf_dump *d;

    for (d = g->dump; d != NULL; d = d->next) {
        print(fd, STR("# configuration file "));
        print(fd, d->name);
        print(fd, STR(":\n"));
        print(fd, d->text);
        print(fd, STR("\n"));
    }
}


/* --- log files --------------------------------------------------------------- */

static void
close_file(void *arg)
{
    log_file_close(arg);
}


struct log_file *
generation_log_file(struct generation *g, str_t path)
{
    struct log_file **f;

    for (f = &g->files; *f != NULL; f = &(*f)->next)
        if (str_eq((*f)->path, path))
            return *f;
    *f = arena_make(g->arena, struct log_file);
    (*f)->path = str_copy(g->arena, path);
    (*f)->fd = -1;
    arena_defer(g->arena, close_file, *f);
    return *f;
}


bool
generation_open_files(struct generation *g, const struct log *log)
{
    for (struct log_file *f = g->files; f != NULL; f = f->next)
        if (f->fd == -1 && !log_file_open(f, log))
            return false;
    return true;
}


/* --- other descriptors ----------------------------------------------------- */

static void
close_fd(void *arg)
{
    struct generation_fd *f = arg;

    if (f->fd != -1)
        close(f->fd);
}


struct generation_fd *
generation_keep_fd(struct generation *g, int fd)
{
    struct generation_fd *f = arena_make(g->arena, struct generation_fd);

    f->fd = fd;
    f->next = g->fds;
    g->fds = f;
    arena_defer(g->arena, close_fd, f);
    return f;
}
