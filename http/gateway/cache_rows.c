/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives of the cache that all gateways share, each with the prefix of
 * its protocol.
 */
#include "http/gateway/gateway.h"
#include "http/gateway/cache_inside.h"
#include "http/gateway/cache_purge.h"


/* --- types ---------------------------------------------------------------- */

static struct gateway_conf *
conf_with(struct cache_zone *z)
{
    return container_of(z, struct gateway_conf, cache.zone);
}


const struct zone_use *
cache_use_of(str_t directive, str_t tail)
{
    static const struct zone_use *const uses[]
        = { &disk_index_proxy, &disk_index_fastcgi, &disk_index_uwsgi,
            &disk_index_scgi };

    directive.n -= tail.n;
    for (size_t i = 0; i < countof(uses); i++)
        if (uses[i]->name[directive.n] == '_'
            && str_starts(str_of(uses[i]->name), directive))
            return uses[i];
    return NULL;
}


/* off, the name of a zone, or a text with variables. */
static const char *
parse_zone(struct conf *cf, void *field)
{
    struct cache_zone          *z = field;
    const struct gateway_store *store = &conf_with(z)->store;
    str_t                       directive = cf->args[0], name = cf->args[1];
    const char                 *error = NULL;

    *z = (struct cache_zone){ .expr = NULL };
    if (str_is(name, "off"))
        return NULL;
    if (store->path != NULL || store->is_mapped)
        return conf_error(cf,
                          "\"" STR_F "\" directive is incompatible with "
                          "\"%.*s_store\"",
                          STR_A(directive),
                          (int) (directive.n - strlen("_cache")), directive.p);
    if (name.n == 0)
        return conf_error(cf, "\"" STR_F "\" zone \"\" is unknown",
                          STR_A(directive));
    if (str_chr(name, '$') != NULL) {
        z->expr = expr_compile(cf, name, 0, &error);
        return error;
    }
    z->name = name;
    return zone_add(cf, name, 0, cache_use_of(directive, STR("_cache")), &error)
                   != NULL
               ? NULL
               : error;
}


/* Not where the block has a store instead. */
static void
inherit_zone(struct conf *cf, void *field, const void *outer)
{
    const struct gateway_store *store = &conf_with(field)->store;

    (void) cf;
    if (store->path == NULL && !store->is_mapped)
        *(struct cache_zone *) field = *(const struct cache_zone *) outer;
}


static const struct conf_type zone_type = {
    .name = "cache",
    .size = sizeof(struct cache_zone),
    .parse = parse_zone,
    .inherit = inherit_zone,
    .unset = "off",
};


static const char *
add_valid(struct conf *cf, struct cache_valids *v, unsigned status,
          uint64_t seconds)
{
    *vec_push(cf->arena, &v->list) = (struct cache_valid){ status, seconds };
    return NULL;
}


/* [status ...] time */
static const char *
parse_valid(struct conf *cf, void *field)
{
    static const unsigned usual[] = { 200, 301, 302 };
    struct cache_valids  *v = field;
    str_t                 last = cf->args[cf->n_args - 1];
    uint64_t              seconds, status;

    if (!number_time(last, true, &seconds))
        return conf_error(cf, "invalid time value \"" STR_F "\"", STR_A(last));
    if (cf->n_args == 2)
        for (size_t i = 0; i < countof(usual); i++)
            (void) add_valid(cf, v, usual[i], seconds);
    for (unsigned i = 1; i + 1 < cf->n_args; i++) {
        if (str_is(cf->args[i], "any"))
            status = 0;
        else if (!number_parse(cf->args[i], 599, &status) || status < 100)
            return conf_error(cf, "invalid status \"" STR_F "\"",
                              STR_A(cf->args[i]));
        (void) add_valid(cf, v, (unsigned) status, seconds);
    }
    return NULL;
}


static const struct conf_type valid_type = {
    .name = "times",
    .size = sizeof(struct cache_valids),
    .parse = parse_valid,
    .unset = "none",
};


/* A number; unset: any. */
static const char *
parse_offset(struct conf *cf, void *field)
{
    uint64_t *out = field;

    if (!number_size(cf->args[1], true, out) || *out == UINT64_MAX)
        return conf_error(cf, "\"" STR_F "\" directive invalid value",
                          STR_A(cf->args[0]));
    ++*out;
    return NULL;
}


static const struct conf_type offset_type = {
    .name = "offset",
    .size = sizeof(uint64_t),
    .parse = parse_offset,
    .syntax = "number",
    .unset = "any",
};


static const char *
parse_lock(struct conf *cf, void *field)
{
    unsigned   *out = field;
    bool        is_on = false;
    const char *error;

    if (str_is(cf->args[1], "streaming")) {
        *out = CACHE_LOCK_STREAMING;
        return NULL;
    }
    error = conf_flag.parse(cf, &is_on);
    *out = is_on ? CACHE_LOCK_ON : CACHE_LOCK_OFF;
    return error;
}


static const struct conf_type lock_type = {
    .name = "lock",
    .size = sizeof(unsigned),
    .parse = parse_lock,
    .syntax = "on | off | streaming",
};


/* --- rows ----------------------------------------------------------------- */

static const struct conf_word methods[] = {
    { "GET", HTTP_GET },
    { "HEAD", HTTP_HEAD },
    { "POST", HTTP_POST },
    { NULL, 0 },
};

static const struct conf_range any_number = { 0, UINT64_MAX };

#define C struct gateway_conf

const struct directive gateway_cache_rows[] = {
    CUSTOM("_cache", 0, ARGS_1, zone_type, C, cache.zone, struct cache_zone,
           "zone | off",
           "The cache for responses, by the name of its zone in "
           "PREFIX_cache_path; may have variables. off, the default, has "
           "none."),
    EXPR("_cache_key", 0, C, cache.key, NULL, "string",
         "What tells responses apart; may have variables."),
    CUSTOM("_cache_valid", ROW_MANY, ARGS_1_OR_MORE, valid_type, C, cache.valid,
           struct cache_valids, "[code ...] time",
           "How long responses with these statuses (200, 301 and 302, "
           "unless any are named; any: all of them) are used, where their "
           "own fields do not say."),
    NUMBER("_cache_min_uses", 0, C, cache.min_uses, "1", &any_number,
           "The request for a key from which on its response is stored."),
    BITS("_cache_methods", 0, ARGS_1_OR_MORE, C, cache.methods, "GET HEAD",
         methods,
         "Methods whose responses are stored; GET and HEAD always are "
         "among them."),
    EXPR_LIST("_cache_bypass", 0, C, cache.bypass, "string ...",
              "The response is not taken from the cache where one of these "
              "is neither empty nor 0; it may be stored."),
    EXPR_LIST("_no_cache", 0, C, cache.no_store, "string ...",
              "The response is not stored where one of these is neither "
              "empty nor 0."),
    { "_cache_lock", 0, ARGS_FLAG, &lock_type, FIELD(C, cache.locks, unsigned),
      "off", NULL, NULL,
      "Lets one request of several for a key that is not stored ask the "
      "upstream, and the others wait for it; with streaming, they are sent what "
      "it has got while it gets the rest." },
    MSEC("_cache_lock_age", 0, C, cache.lock_age, "5s",
         "After this time without a byte of the response, another request may "
         "ask the upstream, too."),
    MSEC("_cache_lock_timeout", 0, C, cache.lock_timeout, "5s",
         "How long a request waits for another one; then it asks the "
         "upstream itself, and its response is not stored."),
    FLAG("_cache_background_update", 0, C, cache.updates_behind, "off",
         "Updates a stale response behind one that gets it, where "
         "PREFIX_cache_use_stale updating or the response allow that."),
    FLAG("_cache_revalidate", 0, C, cache.revalidates, "off",
         "Asks for a stale response with If-Modified-Since and "
         "If-None-Match, so that the upstream need not send it again."),
    CUSTOM("_cache_max_range_offset", 0, ARGS_1, offset_type, C,
           cache.max_offset, uint64_t, "number",
           "A range that begins behind it is asked for as it is, and not "
           "stored. Unset, the whole response is always asked for."),
    CUSTOM("_cache_purge", 0, ARGS_1_OR_MORE, cache_purge_type, C, cache.purge,
           struct cache_purge *, CACHE_PURGE_SYNTAX,
           "Which requests purge what they ask for, with its variants: those "
           "for which a string is neither empty nor 0 (204), or those with a "
           "method (a page), from such clients; 404: it was not stored. A key "
           "that ends with * stands for all that begin so; purge_all: "
           "everything is purged. zone and key make a location that purges."),
    EXPR("_cache_purge_tag", 0, C, cache.purge_tag, NULL, "string",
         "Where it is not empty, a request that purges is about the tags in "
         "it, separated by spaces or commas, and not about its key."),
    EXPR_LIST("_cache_purge_soft", 0, C, cache.purge_soft, "string ...",
              "What is purged becomes stale, and is used while it is fetched "
              "anew, where one of these is neither empty nor 0."),
    EXPR_LIST("_cache_tag", 0, C, cache.tags, "string ...",
              "The tags of a response, by which it can be purged, separated "
              "by spaces or commas: $upstream_http_cache_tag. It is "
              "evaluated when a stored response is about to be used."),
    { .name = NULL },
};


/* --- checks --------------------------------------------------------------- */

static const struct gateway_source        cache_source = { gateway_cache_look };
static const struct gateway_source *const cache_sources[]
    = { &cache_source, NULL };


const char *
gateway_ready_cached(struct conf *cf, struct gateway_conf *c,
                     const char *prefix, const struct zone_use *use)
{
    struct cache_zone *z = &c->cache.zone;

    c->cache.use = use;
    if (c->cache.use_stale & NEXT_OFF)
        c->cache.use_stale = 0;
    if (z->name.n != 0)
        z->cache = disk_cache_named(cf->gen, z->name, use);
    if (z->name.n != 0 && z->cache == NULL)
        return conf_error(cf, "\"%s_cache\" zone \"" STR_F "\" is unknown",
                          prefix, STR_A(z->name));
    if (cache_zone_is_on(z) || c->cache.purge != NULL)
        c->sources = cache_sources;
    if (cache_zone_is_on(z) && c->cache.key == NULL && use != &disk_index_proxy)
        conf_warn(cf, "no \"%s_cache_key\" for \"%s_cache\"", prefix, prefix);
    return gateway_ready(cf, c, prefix);
}
