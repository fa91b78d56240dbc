/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API: what was asked of resolvers with status_zone=.
 */
#include "modules/content/api.h"

#include "core/conf/generation.h"
#include "core/conf/resolver.h"
#include "core/net/resolver_tally.h"


static struct resolver_tally *
find(const struct api *a, str_t name)
{
    const struct resolver_zone *z = a->r->task.gen->resolver_zones;

    while (z != NULL && !str_eq(z->name, name))
        z = z->next;
    return z != NULL ? resolver_tally(name) : NULL;
}


static void
put(struct api *a, const char *name, const struct resolver_tally *t)
{
    static const char *const results[] = { "noerror",  "formerr", "servfail",
                                           "nxdomain", "notimp",  "refused",
                                           "timedout", "unknown" };
    struct json_text        *o = &a->out;

    json_open(o, name, '{');
    if (api_wants(a, "requests")) {
        json_open(o, "requests", '{');
        json_put_number(o, "name", t->names);
        json_put_number(o, "srv", t->services);
        json_put_number(o, "addr", 0); /* nothing looks for names */
        json_close(o, '}');
    }
    if (api_wants(a, "responses")) {
        json_open(o, "responses", '{');
        for (unsigned i = 0; i < RESOLVER_RESULTS; i++)
            json_put_number(o, results[i], t->results[i]);
        json_close(o, '}');
    }
    json_close(o, '}');
}


static enum step
reply_all(struct api *a)
{
    bool is_names = a->has_fields && a->fields.n == 0;

    json_open(&a->out, NULL, is_names ? '[' : '{');
    for (const struct resolver_zone *z = a->r->task.gen->resolver_zones;
         z != NULL; z = z->next)
    {
        const struct resolver_tally *t = resolver_tally(z->name);

        if (t != NULL && is_names)
            json_put(&a->out, NULL, z->name);
        else if (t != NULL)
            put(a, str_z(a->r->task.arena, z->name), t);
    }
    json_close(&a->out, is_names ? ']' : '}');
    return api_reply(a, 200);
}


/* What was counted is forgotten. */
static enum step
reset(struct api *a, struct resolver_tally *t)
{
    if (!a->may_write)
        return api_read_only(a);
    t->names = t->services = 0;
    for (unsigned i = 0; i < RESOLVER_RESULTS; i++)
        t->results[i] = 0;
    return http_reply(a->r, 204, STR(""), STR(""));
}


enum step
api_resolvers(struct api *a)
{
    bool                   is_read = a->r->method & (HTTP_GET | HTTP_HEAD);
    str_t                  name = api_part(a);
    struct resolver_tally *t;

    if (a->path.n != 0)
        return api_not_found(a);
    if (name.n == 0)
        return is_read ? reply_all(a) : api_read_only(a);
    t = find(a, name);
    if (t == NULL)
        return api_error(a, 404, "resolver zone not found",
                         "ResolverZoneNotFound");
    if (a->r->method == HTTP_DELETE)
        return reset(a, t);
    if (!is_read)
        return api_read_only(a);
    put(a, NULL, t);
    return api_reply(a, 200);
}
