/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The include command of SSI.  Included responses run at the same time, up to
 * SSI_AT_ONCE for a main request and all pages in it; a page that none of its
 * own is running for may always start one, so that nested pages go on.
 */
#include "http/settings.h"
#include "http/uri.h"
#include "modules/filter/ssi.h"

struct include {
    struct http_subrequest  s;
    struct ssi_page        *page;
    const struct ssi_block *stub;
    str_t                   set; /* p NULL: it is not set                    */
};

/* The parameters. */
struct wanted {
    str_t virtual, file, wait, set, stub; /* p NULL: absent                  */
};


static bool
is_wrong(const struct ssi_page *p, const struct wanted *w, bool *waits)
{
    struct log *log = p->r->task.log;

    *waits = str_ieq(w->wait, STR("yes"));
    if (w->virtual.p != NULL && w->file.p != NULL)
        log_error(log,
                  "inclusion may be either virtual=\"" STR_F
                  "\" or file=\"" STR_F "\"",
                  STR_A(w->virtual), STR_A(w->file));
    else if (w->virtual.p == NULL && w->file.p == NULL)
        log_error(log, "no parameter in \"include\" SSI command");
    else if (w->set.p != NULL && w->stub.p != NULL)
        log_error(log, "\"set\" and \"stub\" cannot be used together in "
                       "\"include\" SSI command");
    else if (w->wait.p != NULL && !*waits && !str_ieq(w->wait, STR("no")))
        log_error(log, "invalid value \"" STR_F "\" in the \"wait\" parameter",
                  STR_A(w->wait));
    else
        return false;
    return true;
}


static void
read_params(const struct ssi_command *c, struct wanted *w)
{
    unsigned i;

    *w = (struct wanted){ 0 };
    for (i = 0; i < c->n; i++) {
        const struct ssi_param *param = &c->params[i];

        if (str_is(param->name, "virtual"))
            w->virtual = param->value;
        else if (str_is(param->name, "file"))
            w->file = param->value;
        else if (str_is(param->name, "wait"))
            w->wait = param->value;
        else if (str_is(param->name, "set"))
            w->set = param->value;
        else
            w->stub = param->value;
    }
}


/* A path without a slash in front is relative to that of the page. */
static bool
find_uri(struct ssi_page *p, str_t text, str_t *path, str_t *args)
{
    struct arena *a = p->r->task.arena;
    str_t         folder = STR(""), uri;
    const char   *slash;

    if (text.n == 0 || (text.p[0] != '/' && text.p[0] != '$')) {
        slash = str_rchr(p->subject->uri, '/');
        if (slash != NULL)
            folder = str_span(p->subject->uri.p, slash + 1);
    }
    if (!ssi_evaluate(p, a, folder, text, &uri))
        return false;
    if (uri_split_unsafe(uri, path, args)) {
        *path = unescape_uri(a, *path);
        return true;
    }
    log_error(p->r->task.log, "unsafe URI \"" STR_F "\" was detected",
              STR_A(unescape_uri(a, uri)));
    return false;
}


static const struct ssi_block *
find_block(const struct ssi_page *p, str_t name)
{
    VEC_EACH(&p->shared->blocks, it)
        if (str_eq((*it)->name, name))
            return *it;
    log_error(p->r->task.log,
              "\"stub\"=\"" STR_F "\" for \"include\" not found", STR_A(name));
    return NULL;
}


/* --- at its end ---------------------------------------------------------- */

static void
keep_body(struct include *i)
{
    struct http_request *r = i->page->r;
    str_t                text = STR("");
    char                *p = arena_try(r->task.arena, i->s.body.n + 1);

    if (i->s.is_too_long)
        log_error(r->task.log, "too big subrequest response");
    else if (p != NULL && i->s.status >= 200 && i->s.status < 300)
        text = (str_t){ p, chain_peek(&i->s.body, p, i->s.body.n) };
    chain_clear(&i->s.body);
    if (!ssi_set(i->page->shared, i->set, text))
        log_error(r->task.log, "no memory for the variable \"" STR_F "\"",
                  STR_A(i->set));
}


static void
on_end(struct http_subrequest *s)
{
    struct include *i = container_of(s, struct include, s);

    i->page->shared->running--;
    if (s->is_complete && i->set.p != NULL)
        keep_body(i);
}


/* Runs the commands of a block for the response that it replaces; it waits for
 * nothing. */
static void
put_stub(struct http_subrequest *s, struct chain *out)
{
    struct include *i = container_of(s, struct include, s);
    struct ssi_page p = *i->page;

    p.subject = s->made;
    p.branch = SSI_NO_IF;
    p.is_hidden = p.has_chosen = p.is_due = false;
    p.block = NULL;
    p.out = (struct gather){ 0 };
    VEC_EACH(&i->stub->items, it) {
        if (it->command.name.p == NULL)
            ssi_put(&p, out, NULL, it->text);
        else
            (void) ssi_run(&p, &it->command, out);
    }
    gather_end(&p.out);
}


/* --- starting it --------------------------------------------------------- */

/* Of what the main request's page has included directly, the state of that
 * which this is a part of; NULL: it is that page itself. */
static struct ssi_state *
branch_of(struct http_request *r)
{
    if (r == r->main)
        return NULL;
    while (r->parent != r->main)
        r = r->parent;
    return http_state_of(r, &ssi_module);
}


/* A page that includes itself twice would go on for ever, so what ends in a
 * cycle includes nothing more.  It is told once. */
static bool
is_cycle(struct ssi_page *p)
{
    struct ssi_state *branch = branch_of(p->r);

    if (p->r->subrequests != 0 && p->shared->started < SSI_IN_ALL
        && (branch == NULL || !branch->has_cycle))
        return false;
    if (!p->shared->has_cycle)
        log_error(p->r->task.log, "subrequests cycle");
    p->shared->has_cycle = true;
    if (branch != NULL)
        branch->has_cycle = true;
    return true;
}


/* STEP_WAIT: not now.  False: never, logged. */
static bool
may_start(struct ssi_page *p, enum step *step)
{
    struct http_request *r = p->r;

    *step = STEP_NEXT;
    if (is_cycle(p))
        return false;
    if (p->shared->running >= SSI_AT_ONCE && !list_empty(&r->children)
        && p->subject == r)
    {
        p->is_due = true;
        *step = STEP_WAIT;
    }
    return true;
}


static enum step
start(struct ssi_page *p, struct include *i, str_t path, str_t args,
      struct chain *out)
{
    struct http_request *r = p->r;

    i->s.ended = on_end;
    p->shared->running++;
    p->shared->started++;
    if (i->set.p == NULL)
        return http_include_as(r, out, &i->s, path, args);
    i->s.whole_max = send_conf(&r->task)->subrequest_output;
    return http_subrequest(r, &i->s, path, args);
}


bool
ssi_include(struct ssi_page *p, const struct ssi_command *c, struct chain *out,
            enum step *step)
{
    struct arena           *a = p->r->task.arena;
    const struct ssi_state *state = http_state_of(p->r, &ssi_module);
    struct wanted           w;
    struct include         *i;
    str_t                   path, args;
    bool                    waits;

    read_params(c, &w);
    if (is_wrong(p, &w, &waits) || !may_start(p, step))
        return false;
    if (*step == STEP_WAIT)
        return true;
    i = arena_try(a, sizeof(*i));
    if (i == NULL)
        return false;
    *i = (struct include){ .page = state->page };
    if (!find_uri(p, w.virtual.p ? w.virtual : w.file, &path, &args)
        || (w.set.p != NULL && !ssi_copy(a, w.set, &i->set)))
        return false;
    if (w.stub.p != NULL) {
        i->stub = find_block(p, w.stub);
        if (i->stub == NULL)
            return false;
        i->s.instead = put_stub;
    }
    *step = start(p, i, path, args, out);
    if (*step == STEP_NEXT && (waits || w.set.p != NULL) && p->subject == p->r)
    {
        p->waited = &i->s;
        *step = STEP_WAIT;
    }
    return true;
}
