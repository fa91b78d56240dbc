/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * more_input_headers: sets and clears headers of requests.  It runs after the
 * rewrite rules of the location, so that everything later sees the new
 * headers: access rules, upstreams, variables that have not been read yet,
 * logs.
 *
 *     more_set_input_headers 'Host: $http_x_forwarded_host' -r 'Cookie: a=b';
 *     more_clear_input_headers X-Secret 'X-Debug-*';
 *
 * The framing of the body (Content-Length, Transfer-Encoding) is never
 * changed.  A subrequest changes its own copy of the headers.
 */
#include "http/uri.h"
#include "modules/filter/more_rules.h"

extern struct module more_input_headers_module;


/* Changes the host that $host and redirects use; the request stays in its
 * server.  False: the value is no valid Host. */
static bool
set_host(struct http_request *r, str_t value)
{
    str_t    host;
    uint16_t port;

    if (value.n == 0) {
        r->has_host = false;
        r->host = r->server->name;
        r->port = 0;
        return true;
    }
    if (!uri_host(r->task.arena, value, &host, &port)) {
        log_info(r->task.log,
                 "more_set_input_headers: invalid host \"" STR_F "\"",
                 STR_A(value));
        return false;
    }
    r->has_host = true;
    r->host = host;
    r->port = port;
    return true;
}


static bool
apply(struct http_request *r, const struct header_rules *rules,
      const struct header_rule *rule)
{
    str_t value = rule->value ? expr_eval(rule->value, &r->task) : STR_NONE;

    if (rule->id == FIELD_CONTENT_LENGTH || rule->id == FIELD_TRANSFER_ENCODING)
        return true;
    value = field_clean(r->task.arena, value);
    if (rule->id == FIELD_HOST
        && (!rules->only_replaces || fields_get(&r->in, FIELD_HOST) != NULL)
        && !set_host(r, value))
        return false;
    header_rule_apply(r->task.arena, &r->in, rules, rule, value);
    return true;
}


static enum step
change_fields(struct task *t)
{
    const struct more_conf *c = conf_of(t, &more_input_headers_module);
    struct http_request    *r = http_of(t);

    if (c->all.list.n == 0)
        return STEP_NEXT;
    header_rules_detach(t->arena, &r->in);
    VEC_EACH(&c->all.list, one) {
        str_t type = fields_value(&r->in, FIELD_CONTENT_TYPE);

        if (!header_rules_have_type(&one->rules, type))
            continue;
        if (task_is_dry(t))
            trace_setting(t, TRACE_REWRITE, "applied", one->setting, NULL);
        VEC_EACH(&one->rules.list, rule)
            if (!apply(r, &one->rules, rule))
                return http_fail(r, 400);
    }
    return STEP_NEXT;
}


static const struct directive rows[]
    = { MORE_ROW(
            "more_set_input_headers", HEADER_RULES_INPUT,
            "[-r] [-t types] 'name: value' ...",
            "Sets headers of the request after the rewrite rules, with -r only "
            "those that it has; an empty value clears. -t lists the types of "
            "requests to which it applies. Those of outer blocks are applied "
            "first."),
        MORE_ROW("more_clear_input_headers",
                 HEADER_RULES_INPUT | HEADER_RULES_CLEAR, "[-t types] name ...",
                 "Removes headers from the request after the rewrite rules; a "
                 "name may end with *."),
        MORE_OUTER,
        { .name = NULL } };

struct module more_input_headers_module = {
    .name = "more_input_headers",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct more_conf),
    .ready = more_ready,
    .phase = { [PHASE_REWRITE] = change_fields },
};
