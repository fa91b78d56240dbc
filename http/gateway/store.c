/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_store: saves a complete 200 response as a file.  It is written under a
 * temporary name, and renamed when it is complete.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/date.h"
#include "http/gateway/exchange.h"
#include "http/response.h"
#include "http/temp_file.h"


struct store {
    struct chain_file *file;
    str_t              name; /* of the temporary file                        */
    off_t              end;
    bool               is_broken;
};


void
gateway_store_open(struct gateway *g)
{
    const struct gateway_store *conf = &g->conf->store;
    struct task                *t = &g->r->task;
    struct store               *s;

    if ((!conf->path && !conf->is_mapped) || g->x->code != 200
        || g->x->is_upgrade || g->r->method != HTTP_GET)
        return;
    s = arena_make(t->arena, struct store);
    s->file = temp_file_new(t, &g->conf->temp_path, TEMP_KEEP, &s->name);
    if (s->file)
        g->store = s;
}


void
gateway_store_add(struct gateway *g, const struct chain *data)
{
    struct store *s = g->store;
    struct chain  copy;

    if (!s)
        return;
    chain_init(&copy, g->r->task.arena);
    chain_share(&copy, data);
    if (!temp_file_append(&g->r->task, s->file, &s->end, &copy, 0)) {
        chain_clear(&copy);
        s->is_broken = true;
    }
}


static void
move_in_place(struct gateway *g, str_t to)
{
    struct task *t = &g->r->task;
    char        *path = str_z(t->arena, to);
    time_t at = date_parse(fields_value(&g->x->fields, FIELD_LAST_MODIFIED));

    (void) fchmod(g->store->file->fd, g->conf->store_access);
    if (at != -1) {
        struct timespec times[2] = { { at, 0 }, { at, 0 } };

        (void) futimens(g->store->file->fd, times);
    }
    (void) temp_file_move(t, g->store->name.p, path);
}


static bool
is_whole(const struct gateway *g)
{
    const struct exchange *x = g->x;
    const struct store    *s = g->store;

    return x->is_complete && !s->is_broken
           && (x->length < 0 || x->length == s->end);
}


void
gateway_store_end(struct gateway *g)
{
    const struct gateway_store *conf = &g->conf->store;
    struct store               *s = g->store;
    str_t                       to = STR_NONE;
    size_t                      root;

    if (!s)
        return;
    if (is_whole(g))
        to = conf->path ? expr_eval(conf->path, &g->r->task)
                        : http_map_path(g->r, &root);
    if (to.n)
        move_in_place(g, to);
    else
        (void) unlink(s->name.p);
    chain_file_put(s->file);
    g->store = NULL;
}
