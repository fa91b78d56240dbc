/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which cache a request is about, and under which key.
 */
#include <openssl/evp.h>

#include "core/base/check.h"
#include "http/gateway/cache_inside.h"


bool
cache_find(struct gateway *g, const struct disk_cache **out)
{
    const struct cache_zone *z = &g->conf->cache.zone;
    str_t                    name;

    *out = z->cache;
    if (z->expr == NULL)
        return true;
    name = expr_eval(z->expr, &g->r->task);
    if (name.n == 0 || str_is(name, "off"))
        return true;
    *out = disk_cache_named(g->r->task.gen, name, g->conf->cache.use);
    if (*out == NULL)
        log_error(g->r->task.log, "cache \"" STR_F "\" not found", STR_A(name));
    return *out != NULL;
}


void
cache_make_key(struct gateway *g, struct cached *c)
{
    struct expr *key = g->conf->cache.key;

    if (key != NULL)
        c->text = expr_eval(key, &g->r->task);
    else if (g->protocol->key != NULL)
        c->text = g->protocol->key(g);
}


void
cache_digest(str_t text, struct disk_key *out)
{
    CHECK(EVP_Digest(text.n != 0 ? text.p : "", text.n, out->b, NULL, EVP_md5(),
                     NULL)
          == 1);
}


void
cache_digest_key(struct cached *c)
{
    if (!c->has_digest)
        cache_digest(c->text, &c->main);
    c->has_digest = true;
    c->key = c->main;
}


bool
cache_key_of_get(struct gateway *g, const struct disk_cache **in, str_t *key)
{
    struct http_request *r = g->r;
    const unsigned       method = r->method;
    const str_t          name = r->method_name;
    struct cached        c = { .in = NULL };

    if (!cache_find(g, in))
        return false;
    r->method = HTTP_GET;
    r->method_name = STR("GET");
    cache_make_key(g, &c);
    r->method = method;
    r->method_name = name;
    *key = c.text;
    return true;
}
