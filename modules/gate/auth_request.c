/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth_request: a subrequest decides.  2xx lets pass, 401 and 403 refuse,
 * all else is an error.
 *
 *     location /inside { auth_request /check; auth_request_set $who $upstream_http_x_user; }
 */
#include "http/subrequest.h"
#include "modules/module.h"

struct setting_rule {
    struct var        *var;
    const struct expr *value;
};

struct auth_request_conf {
    str_t                    uri; /* p NULL: off                          */
    VEC(struct setting_rule) rules;
};

struct auth_request_state {
    struct http_subrequest sub;
    struct http_request   *r; /* of it; lives as long as its parent          */
};

extern struct module auth_request_module;


/* The values are those that the subrequest sees. */
static void
set_variables(struct task *t, const struct auth_request_conf *c,
              struct http_request *sub)
{
    VEC_EACH(&c->rules, it)
        var_put(t, it->var, expr_eval(it->value, &sub->task));
}


/* The subrequest's challenges become those of the response. */
static void
copy_challenges(struct http_request *r, const struct http_response *from)
{
    struct field *f = fields_get(&from->fields, FIELD_WWW_AUTHENTICATE);

    for (; f != NULL; f = fields_next(&from->fields, f))
        fields_add_id(r->task.arena, &r->out.fields, FIELD_WWW_AUTHENTICATE,
                      f->value);
}


static enum step
judge(struct http_request *r, const struct http_subrequest *s)
{
    const struct http_response *response = http_subrequest_response(s);

    if (s->status == 403)
        return http_fail(r, 403);
    if (s->status == 401) {
        if (response != NULL)
            copy_challenges(r, response);
        return http_fail(r, 401);
    }
    if (s->status >= 200 && s->status < 300)
        return STEP_ACCEPT;
    log_error(r->task.log, "auth request unexpected status: %u", s->status);
    return http_fail(r, 500);
}


/* It neither reads the body nor is its own wanted. */
static enum step
ask(struct http_request *r, const struct auth_request_conf *c,
    struct auth_request_state *state)
{
    enum step step;

    state->sub.drops_body = true;
    step = http_subrequest(r, &state->sub, c->uri, STR(""));
    if (step != STEP_NEXT)
        return step;
    state->r = state->sub.r;
    state->r->body = NULL;
    return STEP_WAIT;
}


static enum step
check_access(struct task *t)
{
    const struct auth_request_conf *c = conf_of(t, &auth_request_module);
    struct http_request            *r = http_of(t);
    struct auth_request_state      *state;

    if (c->uri.p == NULL)
        return STEP_NEXT;
    state = http_state_of(r, &auth_request_module);
    if (state->r == NULL)
        return ask(r, c, state);
    if (!state->sub.is_complete)
        return STEP_WAIT;
    set_variables(t, c, state->r);
    return judge(r, &state->sub);
}


static const char *
parse_uri(struct conf *cf, void *field)
{
    str_t *uri = field;

    *uri = str_is(cf->args[1], "off") ? STR_NONE : cf->args[1];
    return NULL;
}


static const char *
parse_set(struct conf *cf, void *field)
{
    struct auth_request_conf *c
        = container_of(field, struct auth_request_conf, rules);
    struct setting_rule *rule;
    const char          *error = NULL;
    struct var          *var;
    str_t                name = cf->args[1];

    if (name.n == 0 || name.p[0] != '$')
        return conf_error(cf, "invalid variable name \"" STR_F "\"",
                          STR_A(name));
    var = var_define(cf, str_from(name, 1), VAR_CHANGEABLE, &error);
    if (var == NULL)
        return conf_error(cf, "%s", error);
    if (var->get == NULL)
        var->get = var_none;
    rule = vec_push(cf->arena, &c->rules);
    rule->var = var;
    rule->value = expr_compile(cf, cf->args[2], 0, &error);
    return rule->value ? NULL : conf_error(cf, "%s", error);
}


static const struct conf_type uri_type = {
    .name = "URI",
    .size = sizeof(str_t),
    .parse = parse_uri,
};

static const struct conf_type set_type = {
    .name = "variable and value",
    .size = sizeof(((struct auth_request_conf *) NULL)->rules),
    .parse = parse_set,
};

static const struct directive directives[]
    = { { "auth_request", IN_WEB, ARGS_1, &uri_type,
          FIELD(struct auth_request_conf, uri, str_t), "off", NULL },
        { "auth_request_set", IN_WEB | ROW_MANY, ARGS_2, &set_type,
          offsetof(struct auth_request_conf, rules), NULL, NULL },
        { .name = NULL } };

struct module auth_request_module = {
    .name = "auth_request",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct auth_request_conf),
    .state_size = sizeof(struct auth_request_state),
    .phase = { [PHASE_ACCESS] = check_access },
};
