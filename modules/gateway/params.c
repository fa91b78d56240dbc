/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directive whose text is empty and whose name begins with HTTP_ keeps a
 * header of the client back.  Repeated directives are all sent, in their order;
 * repeated headers are sent as one, at the place of the first.
 */
#include "modules/gateway/params.h"

#include "http/server.h"


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


const char *
app_ready(struct conf *cf, void *conf)
{
    struct params_conf *c = &((struct app *) conf)->params;

    c->replaced = NULL;
    c->has_host = false;
    VEC_EACH(&c->rows, row) {
        str_t part = header_part(row->name);

        if (part.n == 0)
            continue;
        if (!c->replaced)
            c->replaced = hash_new(cf->arena, c->rows.n, HASH_NOCASE);
        hash_set(c->replaced, part, row);
        if (str_ieq(part, STR("HOST")))
            c->has_host = true;
    }
    return NULL;
}


/* --- what is sent --------------------------------------------------------- */

void
params_init(struct params *out, const struct exchange *x)
{
    const struct gateway *g = exchange_gateway(x);
    const struct app     *c = g->data;

    out->n = 0;
    out->room = c->params.rows.n + g->r->in.list.n + 4;
    out->at = out->room <= PARAMS_FEW
                  ? out->few
                  : arena_array(g->r->task.arena, struct param, out->room);
}


static bool
add_rows(struct params *out, struct http_request *r,
         const struct params_conf *c)
{
    VEC_EACH(&c->rows, row) {
        str_t value = expr_eval(row->value, &r->task);

        if (r->task.has_bad_value)
            return false;
        if (value.n == 0
            && (row->if_not_empty
                || (expr_is_constant(row->value) && header_part(row->name).n)))
            continue;
        params_add(out, row->name, value);
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
    params_add(out, STR("HTTP_HOST"), host);
}


static bool
is_same(const struct field *f, const struct field *g)
{
    return f->id == g->id
           && (f->id != FIELD_UNKNOWN || str_ieq(f->name, g->name));
}


static bool
came_before(const struct fields *in, const struct field *f)
{
    for (const struct field *g = in->list.at; g != f; g++)
        if (!g->is_hidden && is_same(f, g))
            return true;
    return false;
}


/* Its value and those of the same name that follow. */
static str_t
joined(struct arena *a, const struct fields *in, const struct field *f)
{
    const struct field *end = in->list.at + in->list.n;
    str_t  separator = f->id == FIELD_COOKIE ? STR("; ") : STR(", ");
    size_t n = f->value.n;
    char  *p;
    str_t  all;

    for (const struct field *g = f + 1; g != end; g++)
        if (!g->is_hidden && is_same(f, g))
            n += separator.n + g->value.n;
    if (n == f->value.n)
        return f->value;
    all = (str_t){ p = arena_bytes(a, n), n };
    for (const struct field *g = f; g != end; g++) {
        if (g->is_hidden || !is_same(f, g))
            continue;
        if (g != f)
            p = str_put(p, separator);
        p = str_put(p, g->value);
    }
    return all;
}


/* "HTTP_ACCEPT_LANGUAGE" for "Accept-Language". */
static str_t
header_name(struct arena *a, str_t name)
{
    static const char prefix[] = "HTTP_";
    size_t            n = sizeof(prefix) - 1;
    char             *p = arena_bytes(a, n + name.n);

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
is_kept_back(const struct gateway *g, const struct field *f)
{
    switch ((int) f->id) {
    case FIELD_IF_MODIFIED_SINCE:
    case FIELD_IF_UNMODIFIED_SINCE:
    case FIELD_IF_NONE_MATCH:
    case FIELD_IF_MATCH:
    case FIELD_RANGE:
    case FIELD_IF_RANGE:
        return gateway_cache_asks_whole(g);
    default:
        return false;
    }
}


/* Of a stored response that is revalidated. */
static void
add_condition(struct params *out, const struct gateway *g, str_t name,
              str_t value)
{
    const struct params_conf *c = &((const struct app *) g->data)->params;

    if (value.n == 0 || !gateway_cache_asks_whole(g)
        || (c->replaced && hash_get(c->replaced, header_part(name))))
        return;
    params_add(out, name, value);
}


static void
add_headers(struct params *out, const struct gateway *g,
            const struct params_conf *c)
{
    struct http_request *r = g->r;

    VEC_EACH(&r->in.list, f) {
        str_t name;

        if (f->is_hidden || f->id == FIELD_HOST || is_kept_back(g, f)
            || came_before(&r->in, f))
            continue;
        name = header_name(r->task.arena, f->name);
        if (c->replaced && hash_get(c->replaced, header_part(name)))
            continue;
        params_add(out, name, joined(r->task.arena, &r->in, f));
    }
}


bool
app_collect(struct exchange *x, struct params *out)
{
    const struct gateway     *g = exchange_gateway(x);
    const struct params_conf *c = &((const struct app *) g->data)->params;
    struct http_request      *r = g->r;

    if (!add_rows(out, r, c))
        return false;
    if (!c->has_host)
        add_host(out, r);
    add_condition(out, g, STR("HTTP_IF_MODIFIED_SINCE"),
                  gateway_cache_modified(g));
    add_condition(out, g, STR("HTTP_IF_NONE_MATCH"), gateway_cache_etag(g));
    if (g->conf->pass_request_headers)
        add_headers(out, g, c);
    for (size_t i = 0; i < out->n; i++)
        log_debug(r->task.log, "%s param: \"" STR_F ": " STR_F "\"",
                  g->protocol->prefix, STR_A(out->at[i].name),
                  STR_A(out->at[i].value));
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


enum step
app_describe(struct exchange *x, struct chain *out)
{
    struct params params UNSET;

    params_init(&params, x);
    if (!app_collect(x, &params))
        return STEP_FAIL;
    for (size_t i = 0; i < params.n; i++) {
        chain_add_copy(out, params.at[i].name);
        chain_add_copy(out, STR(": "));
        chain_add_copy(out, params.at[i].value);
        chain_add_copy(out, STR("\n"));
    }
    return STEP_NEXT;
}
