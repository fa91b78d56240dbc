/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads servers as JSON, with jansson.  What is read becomes part of a line of
 * text, so a string has none of the characters that mean something there.
 */
#include "modules/content/api_body.h"

#include <jansson.h>

#include "core/upstream/build.h"
#include "core/upstream/live.h"
#include "core/upstream/names.h"
#include "http/body.h"
#include "modules/module.h"

enum { BODY_MAX = 65536, TEXT_MAX = 512 };

static const struct api_fault wrong_json = { 415, "JSON error", "JsonError" };
static const struct api_fault no_address
    = { 400, "missing \"server\" argument", "UpstreamConfFormatError" };
static const struct api_fault wrong_address
    = { 400, "invalid \"server\" argument", "UpstreamBadAddress" };
static const struct api_fault no_resolver
    = { 400, "no resolver defined to resolve names at run time",
        "UpstreamConfNoResolver" };
static const struct api_fault no_backup
    = { 400, "upstream has no backup", "UpstreamNoBackup" };
static const struct api_fault fixed_service
    = { 400, "service cannot be changed", "UpstreamServerImmutable" };
static const struct api_fault service_port
    = { 400, "service upstream may not have port", "UpstreamBadAddress" };
static const struct api_fault service_address
    = { 400, "service upstream requires domain name", "UpstreamBadAddress" };

/* Members that are parameters of a server line, by kind. */
enum kind { NUMBER, TIME, TEXT, FLAG };
struct member {
    const char *name;
    enum kind   kind;
    const char *code; /* of a value that is not taken                        */
};
static const struct member members[] = {
    { "weight", NUMBER, "UpstreamBadWeight" },
    { "max_conns", NUMBER, "UpstreamBadMaxConns" },
    { "max_fails", NUMBER, "UpstreamBadMaxFails" },
    { "fail_timeout", TIME, "UpstreamBadFailTimeout" },
    { "slow_start", TIME, "UpstreamBadSlowStart" },
    { "route", TEXT, "UpstreamBadRoute" },
    { "service", TEXT, "UpstreamBadService" },
    { "backup", FLAG, "UpstreamConfFormatError" },
    { "down", FLAG, "UpstreamConfFormatError" },
    { "drain", FLAG, "UpstreamConfFormatError" },
};


/* Without white space, and what ends or begins something in a configuration. */
static bool
is_plain(str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char) s.p[i] <= ' ' || s.p[i] == 0x7f
            || strchr(";{}\"'\\#$", s.p[i]) != NULL)
            return false;
    return s.n <= TEXT_MAX;
}


static str_t
text_of(struct arena *a, const json_t *v)
{
    return str_copy(a, (str_t){ json_string_value(v), json_string_length(v) });
}


static void
set_flag(struct upstream_server *s, const char *name, bool value)
{
    if (strcmp(name, "backup") == 0)
        s->is_backup = value;
    else if (strcmp(name, "down") == 0)
        s->is_down = value;
    else
        s->is_drain = value;
}


/* A route can be taken away; no service is like none at all. */
static bool
set_text(struct arena *a, const struct upstream_group *g, const char *name,
         str_t value, struct upstream_server *s)
{
    if (strcmp(name, "route") == 0 && value.n == 0) {
        s->route = STR("");
        return true;
    }
    if (strcmp(name, "service") == 0 && value.n == 0)
        return true;
    return is_plain(value)
           && upstream_server_take(
                  g, s, arena_printf(a, "%s=" STR_F, name, STR_A(value)))
                  == NULL;
}


static bool
set_number(struct arena *a, const struct upstream_group *g, const char *name,
           const json_t *v, struct upstream_server *s)
{
    return json_integer_value(v) >= 0
           && upstream_server_take(
                  g, s,
                  arena_printf(a, "%s=%lld", name,
                               (long long) json_integer_value(v)))
                  == NULL;
}


/* The default may be said where the balancer takes no other value. */
static bool
is_no_slow_start(const struct upstream_group *g, const struct member *m,
                 const json_t *v)
{
    if (g->balancer->takes_slow_start || strcmp(m->name, "slow_start") != 0)
        return false;
    return json_is_string(v) ? json_string_value(v)[0] == '0'
                             : json_is_integer(v) && json_integer_value(v) == 0;
}


static bool
has_type(const struct member *m, const json_t *v)
{
    switch (m->kind) {
    case FLAG:
        return json_is_boolean(v);
    case NUMBER:
        return json_is_integer(v);
    case TIME:
        return json_is_string(v) || json_is_integer(v);
    case TEXT:
        return json_is_string(v);
    }
    return false;
}


static bool
set(struct arena *a, const struct upstream_group *g, const struct member *m,
    const json_t *v, struct upstream_server *s)
{
    if (m->kind == FLAG)
        set_flag(s, m->name, json_is_true(v));
    else if (is_no_slow_start(g, m, v))
        return true;
    else if (json_is_string(v))
        return set_text(a, g, m->name, text_of(a, v), s);
    else
        return set_number(a, g, m->name, v, s);
    return true;
}


static const struct api_fault *
refuse(struct arena *a, const char *what, const char *name, const char *code)
{
    struct api_fault *f = arena_make(a, struct api_fault);

    *f = (struct api_fault){ 400, arena_printf(a, "%s \"%.64s\"", what, name).p,
                             code };
    return f;
}


static const struct api_fault *
set_member(struct arena *a, const struct upstream_group *g, const char *name,
           const json_t *v, struct upstream_server *s)
{
    static const char format[] = "UpstreamConfFormatError";

    for (size_t i = 0; i < countof(members); i++) {
        const struct member *m = &members[i];

        if (strcmp(name, m->name) != 0)
            continue;
        if (!has_type(m, v))
            return refuse(a, "invalid value of parameter", name, format);
        return set(a, g, m, v, s) ? NULL : refuse(a, "invalid", name, m->code);
    }
    return refuse(a, "unknown parameter", name, format);
}


static bool
is_name(const struct upstream_server *s)
{
    return s->at.n == 0 && !s->at.is_unix;
}


static const struct api_fault *
set_address(struct arena *a, const struct upstream_group *g, const json_t *v,
            struct upstream_server *s)
{
    struct upstream_server parsed;
    str_t                  text;

    if (!json_is_string(v))
        return &wrong_address;
    text = text_of(a, v);
    if (str_eq(text, s->text))
        return NULL;
    if (text.n == 0 || !is_plain(text) || text.p[0] == '@'
        || live_parse(a, g, text, ' ', &parsed) != NULL)
        return &wrong_address;
    if (is_name(&parsed) && !names_may_come(g))
        return &no_resolver;
    s->text = text;
    s->at = parsed.at;
    s->name = NULL;
    s->group = NULL;
    s->resolves = is_name(&parsed);
    s->is_fixed = false;
    return NULL;
}


/* What the server says of itself has no meaning here. */
static bool
is_told(const char *name)
{
    return strcmp(name, "id") == 0 || strcmp(name, "parent") == 0
           || strcmp(name, "host") == 0;
}


static const struct api_fault *
set_all(struct arena *a, const struct upstream_group *g, json_t *object,
        struct upstream_server *s)
{
    const struct api_fault *wrong = NULL;
    const char             *name;
    json_t                 *v;

    json_object_foreach(object, name, v)
    {
        if (wrong != NULL)
            break;
        if (strcmp(name, "server") == 0)
            wrong = set_address(a, g, v, s);
        else if (!is_told(name) && !json_is_null(v))
            wrong = set_member(a, g, name, v, s);
    }
    return wrong;
}


/* What members say has to agree. */
static const struct api_fault *
check(const struct upstream_group *g, const struct upstream_server *s,
      const struct upstream_server *before)
{
    if (s->text.n == 0)
        return &no_address;
    if (s->is_backup && g->balancer->refuses_backup)
        return &no_backup;
    if (before->text.n != 0 && !str_eq(s->service, before->service))
        return &fixed_service;
    if (s->service.n != 0 && !s->resolves)
        return &service_address;
    if (s->service.n != 0 && !s->at.no_port)
        return &service_port;
    return NULL;
}


bool
api_server_read(struct arena *a, const struct upstream_group *g, str_t json,
                struct upstream_server *s, struct api_fault *fault)
{
    const struct upstream_server before = *s;
    json_t                      *object = json_loadb(json.p, json.n,
                                                     JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const struct api_fault      *wrong = &wrong_json;

    if (json_is_object(object))
        wrong = set_all(a, g, object, s);
    json_decref(object);
    if (wrong == NULL)
        wrong = check(g, s, &before);
    if (wrong != NULL)
        *fault = *wrong;
    return wrong == NULL;
}


bool
api_body_apply(struct http_request *r, const struct upstream_group *g,
               struct upstream_server *s, struct api_fault *fault)
{
    struct http_body *b = r->body;
    size_t n = b != NULL && b->state == HTTP_BODY_WHOLE ? b->data.n : 0;
    char  *bytes;

    if (n > BODY_MAX || (b != NULL && b->file != NULL)) {
        *fault = (struct api_fault){ 413, "request body is too large",
                                     "UpstreamConfFormatError" };
        return false;
    }
    bytes = arena_bytes(r->task.arena, n + 1);
    if (n != 0)
        n = chain_peek(&b->data, bytes, n);
    return api_server_read(r->task.arena, g, (str_t){ bytes, n }, s, fault);
}
