/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API: collections of things that have names: "caches", "caches/NAME".  All
 * of them, the names alone (?fields=), one, or with DELETE, what was counted of
 * one is forgotten.
 */
#include "modules/content/api_named.h"


static enum step
reply_all(struct api *a, const struct api_kind *k)
{
    bool  is_names = a->has_fields && a->fields.n == 0;
    str_t name;

    json_open(&a->out, NULL, is_names ? '[' : '{');
    for (unsigned i = 0; k->nth(a, i, &name); i++) {
        if (is_names) {
            json_put(&a->out, NULL, name);
            continue;
        }
        json_open(&a->out, str_z(a->r->task.arena, name), '{');
        k->put(a, name);
        json_close(&a->out, '}');
    }
    json_close(&a->out, is_names ? ']' : '}');
    return api_reply(a, 200);
}


static bool
has(struct api *a, const struct api_kind *k, str_t name)
{
    str_t it;

    for (unsigned i = 0; k->nth(a, i, &it); i++)
        if (str_eq(it, name))
            return true;
    return false;
}


static enum step
reset(struct api *a, const struct api_kind *k, str_t name)
{
    if (!a->may_write)
        return api_read_only(a);
    for (unsigned i = 0; i < k->n_tables; i++)
        tally_forget(tally_find(k->kind, i, name));
    if (k->forget != NULL)
        k->forget(a, name);
    return http_reply(a->r, 204, STR(""), STR(""));
}


enum step
api_named(struct api *a, const struct api_kind *k)
{
    bool  is_read = a->r->method & (HTTP_GET | HTTP_HEAD);
    str_t name = api_part(a);

    if (a->path.n != 0)
        return api_not_found(a);
    if (name.n == 0)
        return is_read ? reply_all(a, k) : api_read_only(a);
    if (!has(a, k, name))
        return api_error(a, 404, k->text, k->code);
    if (a->r->method == HTTP_DELETE)
        return reset(a, k, name);
    if (!is_read)
        return api_read_only(a);
    json_open(&a->out, NULL, '{');
    k->put(a, name);
    json_close(&a->out, '}');
    return api_reply(a, 200);
}


void
api_put_counts(struct api *a, const char *object, const struct tally *t,
               unsigned first, const char *const *names)
{
    if (!api_wants(a, object))
        return;
    json_open(&a->out, object, '{');
    for (; *names != NULL; names++)
        json_put_number(&a->out, *names, tally_get(t, first++));
    json_close(&a->out, '}');
}


void
api_put_if_wanted(struct api *a, const char *name, uint64_t n)
{
    if (api_wants(a, name))
        json_put_number(&a->out, name, n);
}
