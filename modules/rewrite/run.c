/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a list of rules on a request.  After each rule, either the next rule
 * follows, or the list ends with a step for the engine.
 */
#include "modules/rewrite/rewrite.h"

/* The longest text that rules may make: rules that double a text in a loop
 * would exhaust the memory. */
enum { TEXT_MAX = 2 * 1024 * 1024 };

struct run {
    struct http_request *r;
    bool                 is_logged; /* rewrite_log */
    bool                 is_raw;    /* captures are not escaped: after the
                                     * first rewrite that applied */
    bool                 is_over;   /* the list has ended                    */
    enum step            step;      /* the result then                       */
};


static void
tell(const struct run *run, const struct rule *rule, const char *verdict,
     const char *why)
{
    if (task_is_dry(&run->r->task))
        trace_setting(&run->r->task, TRACE_REWRITE, verdict, rule->setting,
                      why);
}


/* Reports to the trace what a rule did. */
static void
tell_outcome(const struct run *run, const struct rule *rule, const char *what,
             str_t value)
{
    if (task_is_dry(&run->r->task))
        tell(run, rule, "ran",
             arena_printf(run->r->task.arena, "%s \"" STR_F "\"", what,
                          STR_A(value))
                 .p);
}


static void
end_with(struct run *run, enum step step)
{
    run->is_over = true;
    run->step = step;
}


/* Whether the path came with escapes.  Then captures must be escaped again in
 * arguments, in redirects and, before the first rewrite, in variables. */
static bool
came_escaped(const struct http_request *r)
{
    str_t rest = r->target, path = str_cut(&rest, '?');

    return str_chr(path, '%') != NULL || str_chr(path, '+') != NULL;
}


static str_t
evaluate(const struct run *run, const struct expr *e)
{
    struct task *t = &run->r->task;

    if (expr_has_captures(e) && came_escaped(run->r))
        return expr_eval_escaped(e, t);
    return expr_eval(e, t);
}


/* Evaluates the text of set and if. */
static str_t
evaluate_text(const struct run *run, const struct expr *e)
{
    return run->is_raw ? expr_eval(e, &run->r->task) : evaluate(run, e);
}


/* Ends with 500 if a variable's value could not be determined. */
static bool
is_misled(struct run *run)
{
    if (run->r->task.has_bad_value)
        end_with(run, http_fail(run->r, 500));
    return run->is_over;
}


/* Ends with 500 if a text of n bytes is longer than rules may make. */
static bool
is_too_long(struct run *run, size_t n)
{
    if (n <= TEXT_MAX)
        return false;
    log_error(run->r->task.log, "rewrite rules made a text of %zu bytes", n);
    end_with(run, http_fail(run->r, 500));
    return true;
}


static void
redirect(struct run *run, const struct rule *rule)
{
    struct http_request *r = run->r;
    struct arena        *a = r->task.arena;
    str_t                to = unescape_redirect(a, evaluate(run, rule->to));

    if (rule->keeps_args && r->args.n != 0)
        to = str_join3(a, to, rule->has_mark ? STR("&") : STR("?"), r->args);
    if (is_misled(run))
        return;
    tell_outcome(run, rule, "redirects to", to);
    if (run->is_logged)
        log_at(r->task.log, LEVEL_NOTICE, 0,
               "rewritten redirect: \"" STR_F "\"", STR_A(to));
    end_with(run, http_redirect(r, rule->status, to));
}


/* The new arguments: those of the rule, followed by the request's own. */
static str_t
new_args(const struct run *run, const struct rule *rule)
{
    const struct http_request *r = run->r;
    str_t                      args;

    if (rule->args == NULL)
        return rule->keeps_args ? r->args : (str_t){ r->args.p, 0 };
    args = evaluate(run, rule->args);
    if (rule->keeps_args && r->args.n != 0)
        args = str_join3(r->task.arena, args, STR("&"), r->args);
    return args;
}


static void
rewrite(struct run *run, const struct rule *rule)
{
    struct http_request *r = run->r;
    enum regex_verdict   match;
    str_t                uri;

    log_debug(r->task.log, "http script regex: \"" STR_F "\"",
              STR_A(regex_pattern(rule->regex)));
    match = rewrite_match(rule->regex, &r->task, r->uri, run->is_logged);
    if (match == REGEX_ERROR)
        end_with(run, http_fail(r, 500));
    if (match != REGEX_YES) {
        tell(run, rule, "passed", "it does not match");
        return;
    }

    run->is_raw = true;
    r->is_internal = true;
    r->is_uri_as_sent = false;
    r->uri_changed = !rule->is_break;
    if (rule->is_break)
        r->is_uri_of_break = true;
    if (rule->status != 0) {
        redirect(run, rule);
        return;
    }

    uri = expr_eval(rule->to, &r->task);
    r->args = new_args(run, rule);
    r->uri = uri;
    if (is_misled(run))
        return;
    tell_outcome(run, rule, "the URI is",
                 str_join3(r->task.arena, r->uri,
                           r->args.n ? STR("?") : STR(""), r->args));
    if (run->is_logged)
        log_at(r->task.log, LEVEL_NOTICE, 0,
               "rewritten data: \"" STR_F "\", args: \"" STR_F "\"",
               STR_A(r->uri), STR_A(r->args));
    if (uri.n == 0) {
        log_error(r->task.log, "the rewritten URI has a zero length");
        end_with(run, http_fail(r, 500));
    } else if (!is_too_long(run, uri.n + r->args.n) && rule->is_last) {
        end_with(run, STEP_NEXT);
    }
}


static bool
is_redirect(unsigned status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}


static enum step
answer(struct run *run, const struct rule *rule)
{
    struct http_request *r = run->r;
    bool                 has_text
        = rule->to != NULL
          && !(expr_is_constant(rule->to) && expr_text(rule->to).n == 0);
    str_t text;

    if (!has_text || expr_is_constant(rule->to))
        tell(run, rule, "ran", NULL);
    if (rule->status >= 400 && !has_text)
        return http_fail(r, rule->status);

    r->out.status = rule->status; /* for $status in the text */
    text = rule->to ? expr_eval(rule->to, &r->task) : STR("");
    if (r->task.has_bad_value)
        return http_fail(r, 500);
    if (has_text && !expr_is_constant(rule->to))
        tell_outcome(run, rule,
                     is_redirect(rule->status) ? "redirects to" : "the text is",
                     text);
    if (is_redirect(rule->status))
        return r->body == NULL && http_body_discard(r) == STEP_FAIL
                   ? STEP_FAIL
                   : http_redirect(r, rule->status, text);
    http_set_content_type(r);
    return http_reply(r, rule->status, r->out.content_type, text);
}


static void
set(struct run *run, const struct rule *rule)
{
    str_t value = evaluate_text(run, rule->to);

    if (is_misled(run) || is_too_long(run, value.n))
        return;
    log_debug(run->r->task.log, "http script set $" STR_F ": \"" STR_F "\"",
              STR_A(rule->var->name), STR_A(value));
    tell_outcome(run, rule, "the value is", value);
    var_put(&run->r->task, rule->var, value);
}


/* Reports the condition to the trace, with what was tested: the variable and
 * its value, or the path. */
static void
tell_condition(const struct run *run, const struct rule *rule,
               const char *verdict, const char *why, str_t value)
{
    struct task      *t = &run->r->task;
    const struct var *v = rule->condition.var;

    if (!task_is_dry(t))
        return;
    if (v != NULL)
        value = var_get(t, v);
    tell(run, rule, verdict,
         arena_printf(t->arena, "%s: %s" STR_F "%s\"" STR_F "\"", why,
                      v ? "$" : "", STR_A(v ? v->name : STR("")),
                      v ? " is " : "", STR_A(value))
             .p);
}


static void run_list(struct run *run, const struct rules *rules);


static void
branch(struct run *run, const struct rule *rule)
{
    const struct condition *c = &rule->condition;
    str_t value = c->value ? evaluate_text(run, c->value) : STR_NONE;
    enum condition_verdict verdict
        = condition_holds(c, &run->r->task, value, run->is_logged);

    if (is_misled(run))
        return;
    switch (verdict) {
    case CONDITION_FALSE:
        log_debug(run->r->task.log, "http script if: false");
        tell_condition(run, rule, "passed", "it is not so", value);
        return;
    case CONDITION_ERROR:
        end_with(run, http_fail(run->r, 500));
        return;
    case CONDITION_TRUE:
        log_debug(run->r->task.log, "http script if");
        tell_condition(run, rule, "entered", "it is so", value);
        break;
    }
    if (rule->location != NULL)
        http_enter(run->r, rule->location);
    if (rule->inner != NULL)
        run_list(run, rule->inner);
}


static void
run_list(struct run *run, const struct rules *rules)
{
    struct http_request *r = run->r;

    for (size_t i = 0; i < rules->list.n && !run->is_over; i++) {
        const struct rule *rule = &rules->list.at[i];

        switch (rule->kind) {
        case RULE_REWRITE:
            rewrite(run, rule);
            break;
        case RULE_SET:
            set(run, rule);
            break;
        case RULE_IF:
            branch(run, rule);
            break;
        case RULE_RETURN:
            end_with(run, answer(run, rule));
            break;
        case RULE_BREAK:
            log_debug(r->task.log, "http script break");
            tell(run, rule, "ran", "no rule follows");
            if (r->uri_changed)
                r->is_uri_of_break = true;
            r->uri_changed = false;
            end_with(run, STEP_NEXT);
            break;
        }
    }
}


enum step
rules_run(struct http_request *r, const struct rules *rules)
{
    const struct rewrite_conf *conf = conf_of(&r->task, &rewrite_module);
    struct run                 run = { .r = r, .step = STEP_NEXT };

    run.is_logged = conf->log || log_enabled(r->task.log, LEVEL_DEBUG);
    run_list(&run, rules);
    return run.step;
}
