/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores reports as a list of steps; and the limits and access rules in effect
 * where the request was handled, of all modules that may refuse one.
 */
#include "http/explain/explain.h"


enum { SECRET_MIN = 4 };


static unsigned
depth_of(const struct http_request *r)
{
    unsigned n = 0;

    for (; r->parent != NULL; r = r->parent)
        n++;
    return n;
}


/* Volatile variables are evaluated again and again. */
static bool
is_known(const struct explain *e, const struct trace_event *event)
{
    VEC_EACH(&e->steps, s)
        if (s->kind == event->kind && str_eq(s->what, event->what))
            return true;
    return false;
}


/* A copy in which keys and values of ${env:NAME} are not to be seen.  Short ones are no
 * secrets, and stand anywhere. */
static str_t
masked(const struct explain *e, str_t text)
{
    const struct env_value *v = e->worker->gen->env;
    const char             *at;
    str_t                   done, rest = setting_without_keys(e->arena, text);

    for (; v != NULL; v = v->next) {
        if (v->value.n < SECRET_MIN)
            continue;
        done = STR("");
        while ((at = str_find(rest, v->value)) != NULL) {
            done = str_join(e->arena, done, str_span(rest.p, at));
            done = arena_printf(e->arena, STR_F "${env:" STR_F "}", STR_A(done),
                                STR_A(v->name));
            rest = str_from(rest, (size_t) (at - rest.p) + v->value.n);
        }
        rest = str_join(e->arena, done, rest);
    }
    return rest;
}


static void
tell(struct trace *trace, struct task *t, const struct trace_event *event)
{
    struct explain *e = container_of(trace, struct explain, trace.trace);
    const struct http_request *r = http_of(t);
    struct explain_step       *s;

    if (event->kind == TRACE_END) {
        e->server = r->server;
        e->location = r->location;
        e->is_over = true;
        return;
    }
    if (event->kind == TRACE_VALUE && is_known(e, event))
        return;
    s = vec_push(e->arena, &e->steps);
    s->kind = event->kind;
    s->depth = depth_of(r);
    s->verdict = event->verdict;
    s->what = masked(e, event->what);
    s->why = masked(e, str_of(event->why ? event->why : ""));
    s->file = event->file;
    s->line = event->line;
}


/* Lines of the error log, which belong to no task. */
static struct explain *listening;


static void
note_error(enum log_level level, str_t text, bool is_wanted)
{
    struct explain_step *s;

    if (!is_wanted && (level > LEVEL_INFO || listening->is_over))
        return;
    s = vec_push(listening->arena, &listening->steps);
    s->kind = TRACE_ERROR;
    s->verdict = log_level_name(level);
    s->what = masked(listening, text);
    s->why = is_wanted ? STR("") : STR("not written: below its level");
}


void
record_end(struct explain *e)
{
    if (listening == e)
        log_tap = NULL;
    e->head = masked(e, e->head);
    listening = NULL;
}


void
record_init(struct explain *e)
{
    listening = e;
    log_tap = note_error;
    e->trace.trace.tell = tell;
    e->trace.status = e->ask.status;
    e->trace.answer = e->ask.answer.list.at;
    e->trace.n_answer = e->ask.answer.list.n;
}


const struct explain_step *
record_last(const struct explain *e, unsigned kind, const char *verdict)
{
    const struct explain_step *found = NULL;

    VEC_EACH(&e->steps, s)
        if (s->kind == kind && s->depth == 0
            && strcmp(s->verdict, verdict) == 0)
            found = s;
    return found;
}


static void
add_settings(struct explain *e, const struct setting *s)
{
    struct explain_limit *l;
    size_t                first = e->limits.n, i, k;

    for (; s != NULL; s = setting_before(s)) {
        l = vec_push(e->arena, &e->limits);
        l->text = setting_text(e->arena, s);
        l->file = s->file;
        l->line = s->line;
    }
    /* in the order of the file */
    for (i = first, k = e->limits.n; i + 1 < k; i++) {
        struct explain_limit t = e->limits.at[i];

        e->limits.at[i] = e->limits.at[--k];
        e->limits.at[k] = t;
    }
}


/* A default that limits nothing is not shown. */
static bool
is_limit(const char *preset)
{
    return strcmp(preset, "0") != 0 && strcmp(preset, "off") != 0
           && strcmp(preset, "all") != 0;
}


static void
add_row(struct explain *e, const struct directive *d, bool is_rule)
{
    const struct setting *s
        = setting_in_force(e->location->block, d->name, NULL);
    struct explain_limit *l;

    if (s != NULL) {
        add_settings(e, s);
    } else if (!is_rule && d->preset != NULL && is_limit(d->preset)) {
        l = vec_push(e->arena, &e->limits);
        l->text = arena_printf(e->arena, "%s %s;", d->name, d->preset);
    }
}


/* The line by which the server listens on the address, or NULL. */
static const struct setting *
listen_line(const struct explain *e)
{
    const struct setting *s = setting_named(e->server->block, "listen");
    struct endpoint       at;
    size_t                i;

    for (; s != NULL; s = setting_before(s)) {
        if (endpoint_parse(e->arena, s->args[1], 80, ENDPOINT_LISTEN, &at)
            != NULL)
            continue;
        for (i = 0; i < at.n; i++)
            if (addr_same(&at.at[i].sa, &e->address->listener.addr.sa, true))
                return s;
    }
    return NULL;
}


void
record_limits(struct explain *e)
{
    const struct directive *d;
    const struct module    *m;
    unsigned                i;
    bool                    may_refuse;

    e->listen = listen_line(e);
    if (e->location == NULL)
        return;
    for (i = 0; weir_modules[i] != NULL; i++) {
        m = weir_modules[i];
        may_refuse = (m->serves & FOR_HTTP)
                     && (m->phase[PHASE_PREACCESS] != NULL
                         || m->phase[PHASE_ACCESS] != NULL);
        for (d = m->rows; d->name != NULL; d++)
            if (may_refuse || (d->where & ROW_LIMIT))
                add_row(e, d, !(d->where & ROW_LIMIT));
    }
}
