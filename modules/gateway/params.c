/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directive whose text is empty and whose name begins with HTTP_ keeps a
 * header of the client back.  Repeated directives are all sent, in their order;
 * repeated headers are sent as one, at the place of the first.
 */
#include "modules/gateway/params.h"

#include "core/base/check.h"
#include "http/server.h"

enum { NAME_FEW = 64 };


static const char *
parse_param(struct conf *cf, void *field)
{
    struct params_conf *c = field;
    struct param_row   *row;
    const char         *error = NULL;

    if (cf->n_args == 4 && !str_is(cf->args[3], "if_not_empty"))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[3]));
    row = vec_push(cf->arena, &c->rows);
    row->name = cf->args[1];
    row->if_not_empty = cf->n_args == 4;
    row->value = expr_compile(cf, cf->args[2], 0, &error);
    return row->value ? NULL : error;
}


const struct conf_type params_type = {
    .name = "parameters",
    .size = sizeof(struct params_conf),
    .parse = parse_param,
    .unset = "HTTP_HOST $host$is_request_port$request_port",
};


/* What follows HTTP_; empty: it is another name. */
static str_t
header_part(str_t name)
{
    return str_starts(name, STR("HTTP_")) ? str_from(name, 5) : STR("");
}


/* The header that has this parameter: "ACCEPT_CHARSET" is Accept-Charset. */
static enum field_id
header_of(str_t part)
{
    char name[NAME_FEW] UNSET;

    if (part.n > sizeof(name))
        return FIELD_UNKNOWN;
    for (size_t i = 0; i < part.n; i++)
        name[i] = part.p[i] == '_' ? '-' : part.p[i];
    return field_id((str_t){ name, part.n });
}


static void
replace(struct conf *cf, struct params_conf *c, struct param_row *row,
        str_t part)
{
    enum field_id id = header_of(part);

    if (!c->replaced)
        c->replaced = hash_new(cf->arena, c->rows.n, HASH_NOCASE);
    hash_set(c->replaced, part, row);
    if (id != FIELD_UNKNOWN)
        c->replaces[id] = true;
}


const char *
app_ready(struct conf *cf, void *conf)
{
    struct params_conf *c = &((struct app *) conf)->params;

    c->replaced = NULL;
    memset(c->replaces, 0, sizeof(c->replaces));
    VEC_EACH(&c->rows, row) {
        str_t part = header_part(row->name);

        if (part.n != 0)
            replace(cf, c, row, part);
        row->has_to_say = row->if_not_empty
                          || (part.n != 0 && expr_is_constant(row->value));
    }
    return NULL;
}


/* --- what is sent --------------------------------------------------------- */

static void
add(struct params *out, const struct http_request *r, str_t name, str_t value)
{
    log_debug(r->task.log, "%s param: \"" STR_F ": " STR_F "\"",
              r->exchanges->running->protocol->prefix, STR_A(name),
              STR_A(value));
    params_add(out, name, value);
}


static bool
add_rows(struct params *out, struct http_request *r,
         const struct params_conf *c)
{
    VEC_EACH(&c->rows, row) {
        str_t value = expr_eval(row->value, &r->task);

        if (r->task.has_bad_value)
            return false;
        if (value.n == 0 && row->has_to_say)
            continue;
        add(out, r, row->name, value);
    }
    return true;
}


static void
add_host(struct params *out, struct http_request *r)
{
    str_t host = r->host.n ? r->host : r->server->name;

    if (r->port)
        host = str_join3(r->task.arena, host, STR(":"),
                         arena_number(r->task.arena, r->port));
    add(out, r, STR("HTTP_HOST"), host);
}


/* Those with a name that has no id are compared with each other. */
static bool
is_same(const struct field *f, const struct field *g)
{
    return g->id == FIELD_UNKNOWN && str_ieq(f->name, g->name);
}


static bool
came_before(const struct fields *in, const struct field *f)
{
    if (f->id != FIELD_UNKNOWN)
        return fields_get(in, f->id) != f;
    for (const struct field *g = in->list.at; g != f; g++)
        if (!g->is_hidden && is_same(f, g))
            return true;
    return false;
}


/* The next one of that name. */
static const struct field *
next_same(const struct fields *in, const struct field *f)
{
    const struct field *end = in->list.at + in->list.n, *g;

    if (f->id != FIELD_UNKNOWN)
        return fields_next(in, f);
    for (g = f + 1; g != end; g++)
        if (!g->is_hidden && is_same(f, g))
            return g;
    return NULL;
}


/* Its value and those of the same name that follow. */
static str_t
joined(struct arena *a, const struct fields *in, const struct field *f)
{
    const struct field *next = next_same(in, f);
    str_t  separator = f->id == FIELD_COOKIE ? STR("; ") : STR(", ");
    size_t n = f->value.n;
    char  *p;
    str_t  all;

    if (next == NULL)
        return f->value;
    for (const struct field *g = next; g != NULL; g = next_same(in, g))
        n += separator.n + g->value.n;
    all = (str_t){ p = arena_bytes(a, n), n };
    p = str_put(p, f->value);
    for (const struct field *g = next; g != NULL; g = next_same(in, g)) {
        p = str_put(p, separator);
        p = str_put(p, g->value);
    }
    return all;
}


/* The names of parameters for the headers that have an id. */
static const str_t known_names[FIELD_COUNT] = {
#define X(id, name) [FIELD_##id] = STR_INIT("HTTP_" #id),
    FIELD_LIST(X)
#undef X
};


/* "HTTP_ACCEPT_LANGUAGE" for "Accept-Language", in room or in a. */
static str_t
header_name(struct arena *a, char room[NAME_FEW], str_t name)
{
    static const char prefix[] = "HTTP_";
    size_t            n = sizeof(prefix) - 1;
    char *p = n + name.n <= NAME_FEW ? room : arena_bytes(a, n + name.n);

    memcpy(p, prefix, n);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (c >= 'a' && c <= 'z')
            c = (char) (c & ~0x20);
        p[n + i] = c == '-' ? '_' : c;
    }
    return (str_t){ p, n + name.n };
}


/* What a cache stores is the whole response, whatever the client asks for. */
static bool
is_condition(const struct field *f)
{
    switch ((int) f->id) {
    case FIELD_IF_MODIFIED_SINCE:
    case FIELD_IF_UNMODIFIED_SINCE:
    case FIELD_IF_NONE_MATCH:
    case FIELD_IF_MATCH:
    case FIELD_RANGE:
    case FIELD_IF_RANGE:
        return true;
    default:
        return false;
    }
}


/* Whether a parameter of the configuration stands in its place. */
static bool
is_replaced(const struct params_conf *c, enum field_id id, str_t name)
{
    if (c->replaced == NULL)
        return false;
    return id != FIELD_UNKNOWN
               ? c->replaces[id]
               : hash_get(c->replaced, header_part(name)) != NULL;
}


/* Of a stored response that is revalidated. */
static void
add_condition(struct params *out, const struct http_request *r,
              const struct params_conf *c, enum field_id id, str_t name,
              str_t value)
{
    if (value.n != 0 && !is_replaced(c, id, name))
        add(out, r, name, value);
}


static void
add_conditions(struct params *out, const struct gateway *g,
               const struct params_conf *c)
{
    add_condition(out, g->r, c, FIELD_IF_MODIFIED_SINCE,
                  STR("HTTP_IF_MODIFIED_SINCE"), gateway_cache_modified(g));
    add_condition(out, g->r, c, FIELD_IF_NONE_MATCH, STR("HTTP_IF_NONE_MATCH"),
                  gateway_cache_etag(g));
}


static void
add_headers(struct params *out, struct http_request *r,
            const struct params_conf *c, bool asks_whole)
{
    struct arena *a = r->task.arena;
    char          room[NAME_FEW] UNSET;

    VEC_EACH(&r->in.list, f) {
        str_t name;

        if (f->is_hidden || f->id == FIELD_HOST
            || (asks_whole && is_condition(f)) || came_before(&r->in, f))
            continue;
        name = f->id != FIELD_UNKNOWN ? known_names[f->id]
                                      : header_name(a, room, f->name);
        if (!is_replaced(c, f->id, name))
            add(out, r, name, joined(a, &r->in, f));
    }
}


bool
app_collect(struct exchange *x, struct params *out)
{
    const struct gateway     *g = exchange_gateway(x);
    const struct params_conf *c = &((const struct app *) g->data)->params;
    struct http_request      *r = g->r;
    bool                      asks_whole = gateway_cache_asks_whole(g);

    if (!add_rows(out, r, c))
        return false;
    if (!c->replaces[FIELD_HOST])
        add_host(out, r);
    if (asks_whole)
        add_conditions(out, g, c);
    if (g->conf->pass_request_headers)
        add_headers(out, r, c, asks_whole);
    return true;
}


/* --- for protocols -------------------------------------------------------- */

enum step
app_prepare(struct gateway *g)
{
    const struct app *c = g->data;

    g->uri = STR("");
    return pass_find(g, &c->to) ? STEP_NEXT : STEP_FAIL;
}


static char *
put_line(char *p, str_t name, str_t value)
{
    p = str_put(p, name);
    p = str_put(p, STR(": "));
    p = str_put(p, value);
    return str_put(p, STR("\n"));
}


enum step
app_describe(struct exchange *x, struct chain *out)
{
    struct params params UNSET;

    params_init(&params, exchange_request(x)->task.arena, put_line);
    if (!app_collect(x, &params))
        return STEP_FAIL;
    chain_add_copy(out, params_pairs(&params));
    return STEP_NEXT;
}
