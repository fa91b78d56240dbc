/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_set_header: sets headers of requests to an upstream.  It has a small
 * conf of its own, because most locations with proxy_pass have their own list.
 */
#include "modules/gateway/proxy.h"

_Static_assert(FIELD_COUNT <= 64, "known fields are bits of a word");

/* The client's headers that are never passed on. */
static const enum field_id kept_back[] = {
    FIELD_HOST,           FIELD_CONNECTION, FIELD_KEEP_ALIVE,
    FIELD_CONTENT_LENGTH, FIELD_TE,         FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,        FIELD_EXPECT,     FIELD_PROXY_CONNECTION,
};


/* Host may be set only once, so the last one replaces the ones before; other
 * headers may be repeated. */
static struct proxy_field *
place_for(struct conf *cf, struct proxy_fields *set, enum field_id id)
{
    if (id == FIELD_HOST)
        VEC_EACH(&set->list, f)
            if (f->id == id)
                return f;
    return vec_push(cf->arena, &set->list);
}


static const char *
parse_set_header(struct conf *cf, void *field)
{
    struct proxy_field *f = place_for(cf, field, field_id(cf->args[1]));
    const char         *error = NULL;

    f->name = cf->args[1];
    f->id = field_id(f->name);
    f->value = expr_compile(cf, cf->args[2], 0, &error);
    return f->value ? NULL : error;
}


static const struct conf_type set_header_type = {
    .name = "fields",
    .size = sizeof(struct proxy_fields),
    .parse = parse_set_header,
    .unset = "Host $proxy_host",
};


static const char *
ready(struct conf *cf, void *at)
{
    struct proxy_headers *c = at;

    c->sets = c->replaces = 0;
    c->replaced = NULL;
    for (size_t i = 0; i < countof(kept_back); i++)
        c->replaces |= proxy_field_bit(kept_back[i]);
    VEC_EACH(&c->set.list, f) {
        if (f->id != FIELD_UNKNOWN) {
            c->sets |= proxy_field_bit(f->id);
            continue;
        }
        if (!c->replaced)
            c->replaced = hash_new(cf->arena, c->set.list.n, HASH_NOCASE);
        hash_set(c->replaced, f->name, f);
    }
    c->replaces |= c->sets;
    return NULL;
}


static const struct directive directives[] = {
    { "proxy_set_header", IN_WEB | ROW_MANY, ARGS_2, &set_header_type,
      FIELD(struct proxy_headers, set, struct proxy_fields), NULL, NULL,
      "field value",
      "Sets a header of requests to the upstream; an empty value leaves it "
      "out. A block that sets one inherits none from outer blocks. Host is "
      "$proxy_host unless set." },
    ACCEPTED("proxy_headers_hash_max_size", IN_WEB, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("proxy_headers_hash_bucket_size", IN_WEB, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    { .name = NULL },
};


struct module proxy_headers_module = {
    .name = "proxy",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct proxy_headers),
    .ready = ready,
};
