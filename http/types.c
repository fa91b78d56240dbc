/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media types.
 */
#include "http/types.h"

#include "core/base/hash.h"
#include "http/response.h"
#include "http/uri.h"

struct types_conf {
    struct hash *types; /* by extension: str_t; NULL: the built-in ones      */
    str_t        default_type;
    uint64_t     hash_max_size, hash_bucket_size; /* no effect               */
};


/* --- types { } -------------------------------------------------------------- */

static const char *
open_types(struct conf *cf, void *field, void **state)
{
    struct hash **types = field;

    if (*types == NULL)
        *types = hash_new(cf->arena, 16, HASH_EXACT);
    *state = *types;
    return NULL;
}


static const char *
add_extension(struct conf *cf, struct hash *types, str_t *type, str_t word)
{
    str_t  name = str_copy(cf->arena, word);
    str_t *before;

    str_lower_to((char *) (uintptr_t) name.p, name);
    before = hash_set(types, name, type);
    if (before != NULL)
        conf_warn(cf,
                  "duplicate extension \"" STR_F "\", content type: \"" STR_F
                  "\", previous content type: \"" STR_F "\"",
                  STR_A(name), STR_A(*type), STR_A(*before));
    return NULL;
}


static const char *add_type(struct conf *cf, void *state);

static const struct conf_lines lines = { open_types, add_type, NULL };


static const char *
add_type(struct conf *cf, void *state)
{
    str_t   *type;
    unsigned i;

    if (str_is(cf->args[0], "include")) {
        if (cf->n_args != 2)
            return conf_error(cf, "invalid number of arguments in \"include\" "
                                  "directive");
        return conf_include_lines(cf, &lines, state);
    }
    type = arena_make(cf->arena, str_t);
    *type = cf->args[0];
    for (i = 1; i < cf->n_args; i++)
        add_extension(cf, state, type, cf->args[i]);
    return NULL;
}


/* As conf_data: the engine recognises the block by detail. */
static const struct conf_type table_type
    = { .name = "types", .size = sizeof(struct hash *) };

static const struct directive rows[] = {
    { "types", IN_WEB | ROW_MANY, ARGS_0 | ARGS_BLOCK | ARGS_DATA, &table_type,
      FIELD(struct types_conf, types, struct hash *), NULL, &lines, "",
      "Which extensions of files have which media type; a block that "
      "has one drops the table around it." },
    TEXT("default_type", IN_WEB, struct types_conf, default_type, "text/plain",
         "mime-type", "The media type where no extension tells it."),
    NUMBER("types_hash_max_size", IN_WEB, struct types_conf, hash_max_size,
           "1024", NULL,
           "Accepted without effect: weir's tables grow by themselves."),
    NUMBER("types_hash_bucket_size", IN_WEB, struct types_conf,
           hash_bucket_size, "64", NULL,
           "Accepted without effect: weir's tables grow by themselves."),
    { .name = NULL },
};

struct module http_types_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct types_conf),
};


/* --- types of files ------------------------------------------------------ */

static str_t
built_in(str_t extension)
{
    if (str_is(extension, "html"))
        return STR("text/html");
    if (str_is(extension, "gif"))
        return STR("image/gif");
    if (str_is(extension, "jpg"))
        return STR("image/jpeg");
    return STR_NONE;
}


void
http_set_content_type(struct http_request *r)
{
    const struct types_conf *c = conf_of(&r->task, &http_types_module);
    const str_t             *type;
    str_t                    extension;

    if (r->out.content_type.n != 0)
        return;
    extension = uri_extension(r->task.arena, r->uri);
    if (extension.n != 0) {
        type = c->types ? hash_get(c->types, extension) : NULL;
        r->out.content_type = type               ? *type
                              : c->types == NULL ? built_in(extension)
                                                 : STR_NONE;
    }
    if (r->out.content_type.n == 0)
        r->out.content_type = c->default_type;
}


/* --- sets ------------------------------------------------------------------ */

struct mime_set {
    str_t        always;  /* is in it                                        */
    bool         has_all; /* "*"                                             */
    struct hash *types;
};


bool
mime_set_has(const struct mime_set *s, str_t type)
{
    if (str_ieq(type, s != NULL ? s->always : STR("text/html"))
        || (s != NULL && s->has_all))
        return true;
    return s != NULL && type.n != 0 && hash_get(s->types, type) != NULL;
}


static const char *
add_types(struct conf *cf, struct mime_set **slot, str_t always)
{
    struct mime_set *s = *slot;
    unsigned         i;
    str_t            type;

    if (s == NULL) {
        s = *slot = arena_make(cf->arena, struct mime_set);
        s->types = hash_new(cf->arena, 8, HASH_NOCASE);
        s->always = always;
    }
    for (i = 1; i < cf->n_args; i++) {
        type = cf->args[i];
        if (str_is(type, "*"))
            s->has_all = true;
        else if (s->has_all)
            continue;
        else if (str_ieq(type, always) || hash_set(s->types, type, s) != NULL)
            conf_warn(cf, "duplicate MIME type \"" STR_F "\"", STR_A(type));
    }
    return NULL;
}


static const char *
parse_set(struct conf *cf, void *field)
{
    return add_types(cf, field, STR("text/html"));
}


static const char *
parse_xml_set(struct conf *cf, void *field)
{
    return add_types(cf, field, STR("text/xml"));
}


const struct conf_type conf_mime_set = {
    .name = "media types",
    .size = sizeof(struct mime_set *),
    .parse = parse_set,
    .unset = "text/html",
};

const struct conf_type conf_xml_set = {
    .name = "media types",
    .size = sizeof(struct mime_set *),
    .parse = parse_xml_set,
    .unset = "text/xml",
};
