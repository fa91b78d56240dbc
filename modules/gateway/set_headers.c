/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PREFIX_set_header, and what else of a client's head goes to the upstream.
 * Headers about the client's connection (Connection, Keep-Alive, TE, Upgrade,
 * Proxy-Connection, Expect) are not passed on; headers that PREFIX_set_header
 * names are replaced.
 */
#include "modules/gateway/set_headers.h"

/* The client's headers that are never passed on. */
static const enum field_id kept_back[] = {
    FIELD_HOST,           FIELD_CONNECTION, FIELD_KEEP_ALIVE,
    FIELD_CONTENT_LENGTH, FIELD_TE,         FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,        FIELD_EXPECT,     FIELD_PROXY_CONNECTION,
};


/* --- directives ----------------------------------------------------------- */

/* Host may be set only once, so the last one replaces the ones before; other
 * headers may be repeated. */
static struct set_field *
place_for(struct conf *cf, struct set_fields *set, enum field_id id)
{
    if (id == FIELD_HOST)
        VEC_EACH(&set->list, f)
            if (f->id == id)
                return f;
    return vec_push(cf->arena, &set->list);
}


const char *
set_headers_parse(struct conf *cf, void *field)
{
    struct set_field *f = place_for(cf, field, field_id(cf->args[1]));
    const char       *error = NULL;

    f->name = cf->args[1];
    f->id = field_id(f->name);
    f->value = expr_compile(cf, cf->args[2], 0, &error);
    return f->value ? NULL : error;
}


const char *
set_headers_ready(struct conf *cf, void *at)
{
    struct set_headers *c = at;

    c->sets = c->replaces = 0;
    c->replaced = NULL;
    for (size_t i = 0; i < countof(kept_back); i++)
        c->replaces |= set_field_bit(kept_back[i]);
    VEC_EACH(&c->set.list, f) {
        if (f->id != FIELD_UNKNOWN) {
            c->sets |= set_field_bit(f->id);
            continue;
        }
        if (!c->replaced)
            c->replaced = hash_new(cf->arena, c->set.list.n, HASH_NOCASE);
        hash_set(c->replaced, f->name, f);
    }
    c->replaces |= c->sets;
    return NULL;
}


/* --- the head ------------------------------------------------------------- */

const str_t *
set_headers_values(struct gateway *g, const struct set_headers *h)
{
    struct task *task = &g->r->task;
    str_t       *values = arena_array(task->arena, str_t, h->set.list.n + 1);

    VEC_EACH(&h->set.list, f)
        values[f - h->set.list.at] = expr_eval(f->value, task);
    return task->has_bad_value ? NULL : values;
}


static __attribute__((noinline)) void
grow(struct head_text *t, size_t n)
{
    const char *from = t->p;

    while (t->room - t->n < n)
        t->room *= 2;
    t->p = arena_bytes(t->arena, t->room);
    memcpy(t->p, from, t->n);
}


char *
head_more(struct head_text *t, size_t n)
{
    char *p;

    if (t->room - t->n < n)
        grow(t, n);
    p = t->p + t->n;
    t->n += n;
    return p;
}


void
head_put_field(struct head_text *t, str_t name, str_t value)
{
    if (t->list != NULL) {
        h2peer_fields_add(t->list, name, value);
        return;
    }
    field_put(head_more(t, name.n + value.n + FIELD_FRAME), name, value);
}


void
head_put_set(struct head_text *t, const struct set_headers *h, str_t host,
             const str_t *values, bool upgrades)
{
    VEC_EACH(&h->set.list, f) {
        str_t value = values[f - h->set.list.at];

        if (upgrades && (set_field_bit(f->id) & set_of_upgrades))
            continue;
        if (value.n == 0 && f->id == FIELD_HOST)
            value = host;
        if (value.n)
            head_put_field(t, f->name, value);
    }
}


/* What is stored is the whole response, whatever the client asks for. */
static uint64_t
kept_for_cache(const struct gateway *g)
{
    if (!gateway_cache_asks_whole(g))
        return 0;
    return set_field_bit(FIELD_IF_MODIFIED_SINCE)
           | set_field_bit(FIELD_IF_UNMODIFIED_SINCE)
           | set_field_bit(FIELD_IF_NONE_MATCH) | set_field_bit(FIELD_IF_MATCH)
           | set_field_bit(FIELD_RANGE) | set_field_bit(FIELD_IF_RANGE);
}


/* Of a stored response that is revalidated. */
static void
put_conditions(struct head_text *t, const struct set_headers *h,
               const struct gateway *g)
{
    str_t value = gateway_cache_modified(g);

    if (!gateway_cache_asks_whole(g))
        return;
    if (value.n != 0 && !(h->sets & set_field_bit(FIELD_IF_MODIFIED_SINCE)))
        head_put_field(t, STR("If-Modified-Since"), value);
    value = gateway_cache_etag(g);
    if (value.n != 0 && !(h->sets & set_field_bit(FIELD_IF_NONE_MATCH)))
        head_put_field(t, STR("If-None-Match"), value);
}


static bool
is_replaced(const struct set_headers *h, uint64_t replaces,
            const struct field *f)
{
    return (replaces & set_field_bit(f->id))
           || (h->replaced && f->id == FIELD_UNKNOWN
               && hash_get(h->replaced, f->name));
}


void
head_put_passed(struct head_text *t, const struct set_headers *h,
                const struct gateway *g)
{
    uint64_t replaces = h->replaces | kept_for_cache(g);

    put_conditions(t, h, g);
    if (!g->conf->pass_request_headers)
        return;
    VEC_EACH(&g->r->in.list, f)
        if (!f->is_hidden && !is_replaced(h, replaces, f))
            head_put_field(t, f->name, f->value);
}


void
set_headers_trailers(struct h2peer_fields *list, const struct set_headers *h,
                     const struct http_request *r)
{
    VEC_EACH(&r->in_trailers->list, f)
        if (!is_replaced(h, h->replaces, f))
            h2peer_fields_add_trailer(list, f->name, f->value);
}
