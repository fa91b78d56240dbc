/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sticky: a client stays with the server that it had first.  It says which one
 * by a cookie that is set with each response, by a variable (route), or by the
 * number of a session that the server has made (learn, sticky_learn.c).
 *
 *     upstream app {
 *         sticky cookie srv expires=1h path=/;
 *         server 10.0.0.1 route=a; server 10.0.0.2 route=b;
 *     }
 */
#include "modules/balance/sticky.h"

#include "http/variables.h"

/* Of a request: where its cookies are among the fields of the response.  A
 * request whose group has groups can have two. */
enum { COOKIES = 4 };
struct sticky_state {
    struct {
        const struct sticky_cookie *of;
        const char                 *text; /* to know it by                   */
        size_t                      at;
    } set[COOKIES];
};


str_t
sticky_first(const struct expr_list *list, struct task *t)
{
    VEC_EACH(&list->list, e) {
        str_t value = expr_eval(*e, t);

        if (value.n != 0)
            return value;
    }
    return STR_NONE;
}


static void
want(struct pick *p, str_t id)
{
    p->is_bound = id.n != 0;
    if (p->is_bound)
        p->wanted = binding_key(id);
}


/* --- cookie ----------------------------------------------------------------- */

static void
start_cookie(struct pick *p)
{
    const struct sticky_cookie *c = p->group->binding_conf;
    str_t                       field;

    want(p, http_cookie(http_of(p->task), c->name, &field));
}


/* The field of an earlier choice; NULL: there is none. */
static struct field *
field_before(struct http_request *r, const struct sticky_state *s, unsigned i)
{
    struct field *f;

    if (s->set[i].text == NULL || s->set[i].at >= r->out.fields.list.n)
        return NULL;
    f = &r->out.fields.list.at[s->set[i].at];
    return f->value.p == s->set[i].text ? f : NULL;
}


/* Now, so that it comes before the cookies of the server, and goes with a
 * response that takes the place of the server's. */
static void
set_cookie(struct pick *p)
{
    struct http_request        *r = http_of(p->task);
    const struct sticky_cookie *c = p->group->binding_conf;
    struct sticky_state        *s = http_state_of(r, &sticky_module);
    str_t         text = sticky_cookie_text(p->task, c, p->own->id);
    unsigned      i = 0;
    struct field *f;

    while (i < COOKIES - 1 && s->set[i].of != NULL && s->set[i].of != c)
        i++;
    f = field_before(r, s, i);
    if (f != NULL && s->set[i].of == c) {
        f->value = text;
    } else {
        s->set[i].of = c;
        s->set[i].at = r->out.fields.list.n;
        fields_add_id(p->task->arena, &r->out.fields, FIELD_SET_COOKIE, text);
    }
    s->set[i].text = text.p;
}


static const struct binding by_cookie
    = { .start = start_cookie, .chosen = set_cookie };


static bool
is_same_site(str_t v)
{
    return v.n != 0
           && (v.p[0] == '$' || str_is(v, "strict") || str_is(v, "lax")
               || str_is(v, "none"));
}


static const char *
take_expires(struct conf *cf, str_t arg, str_t value, struct sticky_cookie *c)
{
    if (str_is(value, "max"))
        c->is_for_long = true;
    else if (!number_time(value, true, &c->expires) || c->expires > INT32_MAX)
        return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(arg));
    return NULL;
}


static const char *
take_attribute(struct conf *cf, str_t arg, struct sticky_cookie *c)
{
    const char *error = NULL;
    str_t       value;

    if (conf_param(arg, "expires", &value))
        return take_expires(cf, arg, value, c);
    if (conf_param(arg, "domain", &value))
        c->domain = expr_compile(cf, value, 0, &error);
    else if (conf_param(arg, "path", &value))
        c->path = expr_compile(cf, value, 0, &error);
    else if (conf_param(arg, "samesite", &value) && is_same_site(value))
        c->samesite = expr_compile(cf, value, 0, &error);
    else if (str_is(arg, "httponly"))
        c->is_httponly = true;
    else if (str_is(arg, "secure"))
        c->is_secure = true;
    else
        return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(arg));
    return error;
}


static const char *
parse_cookie(struct conf *cf, struct upstream_group *g)
{
    struct sticky_cookie *c = arena_make(cf->arena, struct sticky_cookie);
    const char           *wrong = NULL;

    c->name = str_copy(cf->arena, cf->args[2]);
    if (c->name.n == 0)
        return conf_error(cf, "cookie name is empty");
    for (unsigned i = 3; wrong == NULL && i < cf->n_args; i++)
        wrong = take_attribute(cf, cf->args[i], c);
    g->binding = &by_cookie;
    g->binding_conf = c;
    return wrong;
}


/* --- route ------------------------------------------------------------------ */

static void
start_route(struct pick *p)
{
    want(p, sticky_first(p->group->binding_conf, p->task));
}


static const struct binding by_route = { .start = start_route };


static const char *
parse_route(struct conf *cf, struct upstream_group *g)
{
    struct expr_list *list = arena_make(cf->arena, struct expr_list);

    for (unsigned i = 2; i < cf->n_args; i++) {
        const char  *error = NULL;
        struct expr *e = expr_compile(cf, cf->args[i], 0, &error);

        if (error != NULL)
            return error;
        if (expr_is_constant(e))
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
        *vec_push(cf->arena, &list->list) = e;
    }
    g->binding = &by_route;
    g->binding_conf = list;
    return NULL;
}


/* --- the directive ---------------------------------------------------------- */

static const char *
parse(struct conf *cf, void *field)
{
    struct upstream_group *g = upstream_at_hand(cf);

    (void) field;
    if (g->binding != NULL && !g->is_owned)
        return conf_error(cf, "\"sticky\" directive is duplicate");
    if (str_is(cf->args[1], "cookie"))
        return parse_cookie(cf, g);
    if (str_is(cf->args[1], "route"))
        return parse_route(cf, g);
    if (str_is(cf->args[1], "learn"))
        return sticky_learn_parse(cf, g);
    return conf_error(cf, "invalid parameter \"" STR_F "\"",
                      STR_A(cf->args[1]));
}


static const struct conf_type type = { .name = "sticky", .parse = parse };

static const struct directive directives[] = {
    { "sticky", IN_UPSTREAM | ROW_MANY, ARGS_2_OR_MORE, &type, 0, NULL, NULL,
      "cookie name [expires=time|max] [domain=domain] [httponly] [secure]\n"
      " [samesite=strict|lax|none|$variable] [path=path]\n"
      "| route $variable ...\n"
      "| learn create=$variable lookup=$variable zone=name:size\n"
      " [timeout=time] [header]",
      "A client stays with the server that it had first, while that is live. "
      "The server is known by its route=, or by a digest of its address. It is "
      "found in a cookie that responses set, in the first variable that is not "
      "empty, or (learn) by the number of a session that the server has made: "
      "create= is where a response has it, lookup= where requests do; a "
      "session is forgotten when it is not used for timeout (10m), and "
      "learned when the response is complete, or, with header, begins. sync "
      "is not supported: machines share no sessions." },
    { .name = NULL },
};

struct module sticky_module = {
    .name = "upstream_sticky",
    .serves = FOR_HTTP,
    .directives = directives,
    .main_size = sizeof(struct sticky_zones),
    .state_size = sizeof(struct sticky_state),
    .keeps_state = true,
};
