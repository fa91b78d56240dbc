/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is stored is written anew when a 304 has other fields (RFC 9111, 3.2): the
 * new head, and a copy of the body, unless that is large.  Only where the head of
 * the protocol is text.
 */
#include <unistd.h>

#include "core/os/clock.h"
#include "http/gateway/cache_rfc.h"
#include "http/temp_file.h"

enum { BODY_MOST = 16 << 20, COPY = 65536 };


/* Those that are about the message, or the bytes that are stored. */
static bool
is_kept(enum field_id id)
{
    switch ((int) id) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_TE:
    case FIELD_TRAILER:
    case FIELD_UPGRADE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_CONTENT_LENGTH:
    case FIELD_CONTENT_ENCODING:
    case FIELD_CONTENT_RANGE:
    case FIELD_STATUS:
        return true;
    default:
        return false;
    }
}


/* Whether a line of the stored head gives way. */
static bool
is_replaced(const struct exchange *x, str_t line)
{
    str_t         name = str_trim(str_cut(&line, ':'));
    enum field_id id = field_id(name);

    if (line.p == NULL || is_kept(id))
        return false;
    return id == FIELD_AGE || id == FIELD_DATE
           || fields_find(&x->fields, name) != NULL;
}


/* The stored head with the fields of the 304; STR_NONE: it is no text. */
static str_t
merge(struct arena *a, str_t head, const struct exchange *x)
{
    size_t room = head.n + sizeof("Date: ") + 64;
    char  *out, *p;
    str_t  line;

    if (!str_ends(head, STR("\n\r\n")) && !str_ends(head, STR("\n\n")))
        return STR_NONE;
    VEC_EACH(&x->fields.list, f)
        room += f->name.n + f->value.n + FIELD_FRAME;
    p = out = arena_bytes(a, room);
    while (head.n != 0) {
        line = str_cut(&head, '\n');
        if (line.n == 0 || (line.n == 1 && line.p[0] == '\r'))
            break;
        if (is_replaced(x, line))
            continue;
        memcpy(p, line.p, line.n);
        p += line.n;
        *p++ = '\n';
    }
    VEC_EACH(&x->fields.list, f)
        if (!f->is_hidden && !is_kept(f->id))
            p = field_put(p, f->name, f->value);
    if (fields_get(&x->fields, FIELD_DATE) == NULL)
        p = field_put(p, STR("Date"), clock_http());
    *p++ = '\r';
    *p++ = '\n';
    return str_span(out, p);
}


/* A file as it would be, but for its body, which is that of f. */
static bool
make_head(struct gateway *g, const struct cached_file *f, str_t head,
          struct cached_file *out)
{
    struct cached *c = g->cache;
    size_t         at = disk_head_size(c->text.n);

    if (at + head.n > DISK_HEAD_MAX)
        return false;
    *out = *f;
    out->hot = NULL;
    out->head.head_at = at;
    out->head.body_at = at + head.n;
    out->size = out->head.body_at + (f->size - f->head.body_at);
    out->block = block_new(out->head.body_at);
    out->start = (str_t){ out->block->data, out->head.body_at };
    memcpy(out->block->data + at, head.p, head.n);
    return true;
}


/* How long it is fresh now, in its head.  False: it is not to be stored. */
static bool
set_times(struct gateway *g, struct cached_file *f)
{
    struct exchange *before = g->x;
    struct cache_age a = { 0 };

    if (!cache_report_head(g, f))
        return false;
    cache_rfc_judge(&a, g, g->x);
    cache_set_validators(&f->head, g->x);
    cache_forget_report(g, before);
    f->head.valid_at = a.valid_at;
    f->head.updating = a.updating;
    f->head.error = a.error;
    f->head.date = clock_seconds();
    disk_head_put(f->block->data, &f->head, g->cache->text);
    return cache_age_allows(&a)
           && disk_head_get(&f->head, f->start, g->cache->text) == DISK_GOOD;
}


static bool
copy_body(int to, const struct cached_file *f, off_t at)
{
    char    bytes[COPY];
    off_t   from = (off_t) f->head.body_at;
    ssize_t n;

    while (from < (off_t) f->size) {
        n = pread(f->file->fd, bytes, sizeof(bytes), from);
        if (n <= 0 || pwrite(to, bytes, (size_t) n, at) != n)
            return false;
        from += n;
        at += n;
    }
    return from == (off_t) f->size;
}


/* Puts it in place of the old one. */
static bool
replace(struct gateway *g, struct cached_file *f)
{
    struct cached    *c = g->cache;
    struct cache_fill fill = { .x = NULL };
    bool              ok;

    if (!cache_open_temp(g, &fill))
        return false;
    ok = pwrite(fill.file->fd, f->start.p, f->start.n, 0)
             == (ssize_t) f->start.n
         && copy_body(fill.file->fd, &c->old, (off_t) f->head.body_at);
    if (!ok)
        (void) unlink(fill.name.p);
    ok = ok && cache_put(g, &fill, f->size);
    if (ok)
        f->file = fill.file;
    else
        chain_file_put(fill.file);
    return ok;
}


bool
cache_rfc_update(struct gateway *g)
{
    struct cached     *c = g->cache;
    struct cached_file f;
    str_t              head;

    if (!cache_rfc_is_on(g) || !g->protocol->has_text_head
        || c->old.file == NULL || c->old.size - c->old.head.body_at > BODY_MOST)
        return false;
    head = merge(g->r->task.arena,
                 str_span(c->old.start.p + c->old.head.head_at,
                          c->old.start.p + c->old.head.body_at),
                 g->x);
    if (head.n == 0 || !make_head(g, &c->old, head, &f))
        return false;
    if (!set_times(g, &f) || !replace(g, &f)) {
        block_put(f.block);
        return false;
    }
    cache_close(&c->old);
    c->old = f;
    return true;
}
