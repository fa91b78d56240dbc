/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth_request: asks another URI whether the request is allowed.
 *
 *     auth_request     /auth;
 *     auth_request_set $user $upstream_http_x_user;
 *
 * 2xx allows it, 401 and 403 are returned to the client, anything else is an
 * error.
 */
#include "http/gateway/gateway.h"
#include "http/subrequest.h"
#include "modules/module.h"

struct assignment {
    struct var  *var;
    struct expr *value;
};

struct assignments {
    VEC(struct assignment) list;
};

struct auth_request_conf {
    str_t              uri; /* empty: off                                    */
    struct assignments sets;
};

struct auth_request_state {
    bool                   has_started;
    struct http_subrequest sub;
};

extern struct module auth_request_module;


/* The values are evaluated in the subrequest, and set whatever its status
 * is. */
static void
set_variables(struct task *t, const struct assignments *sets,
              struct http_subrequest *s)
{
    VEC_EACH(&sets->list, it)
        var_put(t, it->var, expr_eval(it->value, &s->made->task));
}


/* Copies WWW-Authenticate to the response; that of an upstream counts even
 * where it is hidden. */
static void
ask_for_identity(struct http_request *r, const struct http_subrequest *s)
{
    const struct fields *from = &s->kept.fields;
    const struct field  *f = fields_get(from, FIELD_WWW_AUTHENTICATE);

    if (f == NULL && (from = gateway_fields(s->made)) != NULL)
        f = fields_get(from, FIELD_WWW_AUTHENTICATE);
    for (; f != NULL; f = fields_next(from, f))
        fields_add_id(r->task.arena, &r->out.fields, FIELD_WWW_AUTHENTICATE,
                      f->value);
}


static enum step
judge(struct http_request *r, const struct http_subrequest *s)
{
    if (s->status >= 200 && s->status < 300)
        return STEP_ACCEPT;
    if (s->status == 401)
        ask_for_identity(r, s);
    if (s->status == 401 || s->status == 403)
        return http_fail(r, s->status);
    log_error(r->task.log, "auth request unexpected status: %u", s->status);
    return http_fail(r, 500);
}


static enum step
check(struct task *t)
{
    const struct auth_request_conf *c = conf_of(t, &auth_request_module);
    struct http_request            *r = http_of(t);
    struct auth_request_state      *a;

    if (c->uri.n == 0)
        return STEP_NEXT;
    a = http_state_of(r, &auth_request_module);
    if (!a->has_started) {
        a->has_started = true;
        a->sub.drops_body = a->sub.has_no_body = true;
        return http_subrequest(r, &a->sub, c->uri, STR("")) == STEP_FAIL
                   ? STEP_FAIL
                   : STEP_WAIT;
    }
    if (!a->sub.is_complete)
        return STEP_WAIT;
    set_variables(t, &c->sets, &a->sub);
    return judge(r, &a->sub);
}


/* --- directives --------------------------------------------------------------- */

static const char *
parse_uri(struct conf *cf, void *field)
{
    str_t *uri = field;

    *uri = str_is(cf->args[1], "off") ? STR("")
                                      : str_copy(cf->arena, cf->args[1]);
    return NULL;
}


static const char *
parse_set(struct conf *cf, void *field)
{
    struct assignments *sets = field;
    struct assignment  *a;
    const char         *error = NULL;
    struct var         *v;

    v = var_define_word(cf, cf->args[1], VAR_CHANGEABLE, &error);
    if (v == NULL)
        return error;
    if (v->get == NULL)
        v->get = var_none; /* until it is set */
    a = vec_push(cf->arena, &sets->list);
    a->var = v;
    a->value = expr_compile(cf, cf->args[2], 0, &error);
    return a->value ? NULL : conf_error(cf, "%s", error);
}


static const struct conf_type uri_type
    = { .name = "URI", .size = sizeof(str_t), .parse = parse_uri };
static const struct conf_type set_type = { .name = "assignments",
                                           .size = sizeof(struct assignments),
                                           .parse = parse_set };

static const struct directive rows[] = {
    { "auth_request", IN_WEB, ARGS_1, &uri_type,
      FIELD(struct auth_request_conf, uri, str_t), "off", NULL, "uri | off",
      "Asks another URI, by a subrequest, whether the request is allowed: 2xx "
      "allows it, 401 and 403 are returned to the client, others are errors." },
    CUSTOM("auth_request_set", IN_WEB | ROW_MANY, ARGS_2, set_type,
           struct auth_request_conf, sets, struct assignments,
           "$variable value",
           "Sets a variable after auth_request, for instance to a header of "
           "its response."),
    { .name = NULL },
};

struct module auth_request_module = {
    .name = "auth_request",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct auth_request_conf),
    .state_size = sizeof(struct auth_request_state),
    .phase = { [PHASE_ACCESS] = check },
};
