/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads servers as JSON, with jansson.  What is read becomes part of a line of
 * text, so a string has none of the characters that mean something there.
 */
#include "modules/content/api_body.h"

#include <jansson.h>

#include "core/upstream/build.h"
#include "core/upstream/live.h"
#include "http/body.h"
#include "modules/module.h"

enum { BODY_MAX = 65536, TEXT_MAX = 512 };

static const struct api_fault wrong_json = { 415, "JSON error", "JsonError" };
static const struct api_fault wrong_address
    = { 400, "invalid \"server\" parameter", "UpstreamBadAddress" };
static const struct api_fault no_resolver
    = { 400, "no resolver defined to resolve names at run time",
        "UpstreamConfNoResolver" };
static const struct api_fault wrong_parameter
    = { 400, "invalid parameter", "UpstreamConfFormatError" };

/* Members that are parameters of a server line, by kind. */
enum kind { NUMBER, TIME, TEXT, FLAG };
static const struct {
    const char *name;
    enum kind   kind;
} members[] = {
    { "weight", NUMBER },     { "max_conns", NUMBER }, { "max_fails", NUMBER },
    { "fail_timeout", TIME }, { "slow_start", TIME },  { "route", TEXT },
    { "backup", FLAG },       { "down", FLAG },        { "drain", FLAG },
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


static bool
set_flag(struct upstream_server *s, const char *name, bool value)
{
    if (strcmp(name, "backup") == 0)
        s->is_backup = value;
    else if (strcmp(name, "down") == 0)
        s->is_down = value;
    else
        s->is_drain = value;
    return true;
}


/* A route can be taken away. */
static bool
set_text(struct arena *a, const struct upstream_group *g, const char *name,
         str_t value, struct upstream_server *s)
{
    if (strcmp(name, "route") == 0 && value.n == 0) {
        s->route = STR("");
        return true;
    }
    return is_plain(value)
           && upstream_server_take(
                  g, s, arena_printf(a, "%s=" STR_F, name, STR_A(value)))
                  == NULL;
}


static bool
set_number(struct arena *a, const struct upstream_group *g, const char *name,
           const json_t *v, struct upstream_server *s)
{
    return json_is_integer(v) && json_integer_value(v) >= 0
           && upstream_server_take(
                  g, s,
                  arena_printf(a, "%s=%lld", name,
                               (long long) json_integer_value(v)))
                  == NULL;
}


/* The default may be said where the balancer takes no other value. */
static bool
is_no_slow_start(const struct upstream_group *g, size_t i, const json_t *v)
{
    if (g->balancer->takes_slow_start
        || strcmp(members[i].name, "slow_start") != 0)
        return false;
    return json_is_string(v) ? json_string_value(v)[0] == '0'
                             : json_is_integer(v) && json_integer_value(v) == 0;
}


static bool
set(struct arena *a, const struct upstream_group *g, size_t i, const json_t *v,
    struct upstream_server *s)
{
    const char *name = members[i].name;

    switch (members[i].kind) {
    case FLAG:
        if (!json_is_boolean(v)
            || (json_is_true(v) && strcmp(name, "backup") == 0
                && g->balancer->refuses_backup))
            return false;
        return set_flag(s, name, json_is_true(v));
    case NUMBER:
        return set_number(a, g, name, v, s);
    case TIME:
        if (is_no_slow_start(g, i, v))
            return true;
        return json_is_string(v) ? set_text(a, g, name, text_of(a, v), s)
                                 : set_number(a, g, name, v, s);
    case TEXT:
        return json_is_string(v) && set_text(a, g, name, text_of(a, v), s);
    }
    return false;
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
    if (text.n == 0 || !is_plain(text) || text.p[0] == '@'
        || live_parse(a, g, text, ' ', &parsed) != NULL)
        return &wrong_address;
    if (parsed.at.n == 0 && !str_eq(text, s->text))
        return &no_resolver;
    if (parsed.at.n != 0)
        s->at = parsed.at;
    s->text = text;
    return NULL;
}


static const struct api_fault *
set_all(struct arena *a, const struct upstream_group *g, json_t *object,
        struct upstream_server *s)
{
    const char             *name;
    json_t                 *v;
    const struct api_fault *wrong;

    json_object_foreach(object, name, v)
    {
        size_t i = 0;

        if (strcmp(name, "server") == 0) {
            wrong = set_address(a, g, v, s);
            if (wrong != NULL)
                return wrong;
            continue;
        }
        if (strcmp(name, "id") == 0
            || (strcmp(name, "service") == 0 && json_is_string(v)
                && json_string_length(v) == 0))
            continue;
        while (i < countof(members) && strcmp(name, members[i].name) != 0)
            i++;
        if (i == countof(members) || !set(a, g, i, v, s))
            return &wrong_parameter;
    }
    return NULL;
}


bool
api_server_read(struct arena *a, const struct upstream_group *g, bool is_new,
                str_t json, struct upstream_server *s, struct api_fault *fault)
{
    json_t                 *object = json_loadb(json.p, json.n,
                                                JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const struct api_fault *wrong = &wrong_json;

    if (json_is_object(object))
        wrong = set_all(a, g, object, s);
    json_decref(object);
    if (wrong == NULL && is_new && s->text.n == 0)
        wrong = &wrong_address;
    if (wrong != NULL)
        *fault = *wrong;
    return wrong == NULL;
}


bool
api_body_apply(struct http_request *r, const struct upstream_group *g,
               bool is_new, struct upstream_server *s, struct api_fault *fault)
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
    return api_server_read(r->task.arena, g, is_new, (str_t){ bytes, n }, s,
                           fault);
}
