/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * more_headers: sets and clears headers of all responses, whatever their
 * status and origin.
 *
 *     more_set_headers 'Server: me' -s '404 410' 'X-Gone: $uri';
 *     more_clear_headers X-Powered-By 'X-Debug-*';
 *
 * It runs before the headers filter, so it does not touch what add_header
 * adds.  When it sets a Content-Length that differs from the body's, a longer
 * body is cut there, and a shorter one ends the connection: no response may
 * run into the next one.
 */
#include "modules/filter/more_rules.h"

/* For the body filter, which only runs where a Content-Length is set. */
struct more_state {
    bool     is_cut;
    uint64_t left;
};

extern struct module more_headers_module;


/* --- fields that are more than fields ------------------------------------------ */

/* Splits at the first semicolon: lists of types compare the part before it. */
static void
set_type(struct http_response *o, str_t value)
{
    const char *semicolon = str_chr(value, ';');

    o->content_type = value.n != 0 ? value : STR_NONE;
    o->type_tail = STR_NONE;
    if (semicolon == NULL)
        return;
    o->content_type = str_span(value.p, semicolon);
    o->type_tail = str_span(semicolon, value.p + value.n);
}


static void
set_length(struct http_request *r, struct more_state *s, str_t value)
{
    uint64_t n;

    s->is_cut = false;
    if (value.n == 0) {
        r->out.length = -1;
        return;
    }
    if (!number_parse(value, INT64_MAX, &n)) {
        log_error(r->task.log,
                  "more_set_headers: invalid \"Content-Length\" \"" STR_F "\"",
                  STR_A(value));
        return;
    }
    s->is_cut = true;
    s->left = n;
    r->out.length = (int64_t) n;
}


static void
set_ranges(struct http_response *o, str_t value)
{
    if (value.n == 0 || str_ieq(value, STR("none")))
        o->allows_ranges = false;
}


/* False: no header is to be added.  "close" and "keep-alive" are left to the
 * codec, which sends the Connection that fits; here it can only be told to
 * close. */
static bool
set_connection(struct http_request *r, str_t value)
{
    if (field_has_word(value, STR("close")))
        r->keeps_alive = false;
    return !field_has_word(value, STR("close"))
           && !field_has_word(value, STR("keep-alive"));
}


/* What setting the header changes elsewhere; false: it is not to be added to
 * the list of headers. */
static bool
set_known(struct http_request *r, struct more_state *s, enum field_id id,
          str_t value)
{
    struct http_response *o = &r->out;

    switch ((int) id) {
    case FIELD_CONTENT_TYPE:
        set_type(o, value);
        return false;
    case FIELD_CONTENT_LENGTH:
        set_length(r, s, value);
        return false;
    case FIELD_TRANSFER_ENCODING:
        return false;
    case FIELD_CONNECTION:
        return set_connection(r, value);
    case FIELD_SERVER:
        o->hides_server = value.n == 0;
        break;
    case FIELD_DATE:
        o->hides_date = value.n == 0;
        break;
    case FIELD_LAST_MODIFIED:
        o->last_modified = -1;
        break;
    case FIELD_LOCATION:
        o->is_own_location = str_starts(value, STR("/"));
        break;
    case FIELD_ACCEPT_RANGES:
        set_ranges(o, value);
        break;
    }
    return true;
}


/* A response has only one of these, even with -a. */
static bool
is_single(enum field_id id)
{
    switch ((int) id) {
    case FIELD_SERVER:
    case FIELD_DATE:
    case FIELD_LAST_MODIFIED:
    case FIELD_LOCATION:
    case FIELD_REFRESH:
    case FIELD_ETAG:
    case FIELD_EXPIRES:
    case FIELD_AGE:
    case FIELD_ACCEPT_RANGES:
    case FIELD_CONTENT_RANGE:
    case FIELD_CONTENT_ENCODING:
        return true;
    }
    return false;
}


/* --- the filter ------------------------------------------------------------------ */

static void
trace_rule(struct http_request *r, const struct setting *at,
           const struct header_rule *rule, str_t value)
{
    if (value.n != 0)
        trace_tell(&r->task, TRACE_HEADER, "added", at->file, at->line, NULL,
                   STR_F ": " STR_F, STR_A(rule->name), STR_A(value));
    else
        trace_tell(&r->task, TRACE_HEADER, "cleared", at->file, at->line, NULL,
                   STR_F "%s", STR_A(rule->name), rule->is_wild ? "*" : "");
}


static void
apply(struct http_request *r, struct more_state *s,
      const struct more_rules *one)
{
    static const struct header_rules plain;
    const struct header_rules       *rules = &one->rules;

    VEC_EACH(&rules->list, rule) {
        str_t value = rule->value ? expr_eval(rule->value, &r->task) : STR_NONE;

        value = field_clean(r->task.arena, value);
        if (task_is_dry(&r->task))
            trace_rule(r, one->setting, rule, value);
        if (set_known(r, s, rule->id, value))
            header_rule_apply(r->task.arena, &r->out.fields,
                              is_single(rule->id) ? &plain : rules, rule,
                              value);
    }
}


static bool
is_meant(const struct http_request *r, const struct header_rules *rules)
{
    return header_rules_have_status(rules, r->out.status)
           && header_rules_have_type(rules, r->out.content_type);
}


static enum step
change_fields(struct http_request *r, void *state)
{
    const struct more_conf *c = conf_of(&r->task, &more_headers_module);
    struct more_state      *s = state;

    if (r != r->main)
        return STEP_NEXT;
    VEC_EACH(&c->all.list, one) {
        if (is_meant(r, &one->rules))
            apply(r, s, one);
        else if (task_is_dry(&r->task))
            trace_setting(&r->task, TRACE_HEADER, "left out", one->setting,
                          "it is for other statuses or types");
    }
    return s->is_cut ? STEP_ACCEPT : STEP_NEXT;
}


static enum step
cut_body(struct http_request *r, void *state, struct chain *in,
         struct chain *out, bool last)
{
    struct more_state *s = state;
    uint64_t           n = in->n < s->left ? in->n : s->left;

    if (n == in->n)
        chain_move(out, in);
    else
        chain_move_n(out, in, n);
    chain_clear(in);
    s->left -= n;
    if (last && s->left != 0 && !r->out.is_head_only)
        r->keeps_alive = false;
    return STEP_NEXT;
}


/* --- the module ------------------------------------------------------------------ */

static const struct directive rows[] = {
    MORE_ROW(
        "more_set_headers", 0,
        "[-t types] [-s statuses] [-a] 'name: value' ...",
        "Sets headers of responses of any status and origin. They replace "
        "those of the same name, or are added to them with -a; an empty value "
        "clears. -s and -t list the statuses and types to which it applies. "
        "Those of outer blocks are applied first."),
    MORE_ROW("more_clear_headers", HEADER_RULES_CLEAR,
             "[-t types] [-s statuses] name ...",
             "Removes headers from responses; a name may end with *."),
    MORE_OUTER,
    { .name = NULL }
};

static const struct http_filter filter = {
    .name = "more_headers",
    .state_size = sizeof(struct more_state),
    .head = change_fields,
    .body = cut_body,
};

/* The name by which nginx's configurations load it. */
struct module more_headers_module = {
    .name = "headers_more",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct more_conf),
    .ready = more_ready,
    .filter = &filter,
};
