/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When names are asked for, and what becomes of the answers.
 */
#include "core/upstream/names.h"

#include <stdlib.h>

#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/os/random.h"
#include "core/upstream/build.h"
#include "core/upstream/live.h"
#include "core/upstream/names_inside.h"
#include "core/upstream/queue.h"

enum {
    POLL_MS = 50,          /* while another process asks                     */
    FAILED_MS = 1000,      /* after a failure; twice that after the next one */
    FAILED_MAX_MS = 10000, /* and no more                                    */
    SPREAD_MS = 10,        /* at a start, for each name of a group           */
    FIRST_MS = 1000,       /* a task waits for a first answer                */
};

struct names_wait {
    struct wait  wait;
    struct list  link;
    struct task *task;
    struct timer timer;
    bool         is_over;
};


/* --- who waits ---------------------------------------------------------------- */

static void
leave(struct names_wait *w)
{
    timer_stop(&w->timer);
    list_remove(&w->link);
    w->is_over = true;
}


static void
cancel_wait(struct wait *wait)
{
    leave(container_of(wait, struct names_wait, wait));
}


static void
let_go(struct names_wait *w)
{
    leave(w);
    wait_end(&w->wait);
    task_wake(w->task);
}


static void
on_first_timeout(struct timer *t)
{
    let_go(container_of(t, struct names_wait, timer));
}


static bool
is_pending(const struct names *n)
{
    for (const struct name *it = n->first; it != NULL; it = it->next)
        if (!it->has_outcome && !it->is_idle)
            return true;
    return false;
}


static void
let_all_go(struct names *n)
{
    LIST_EACH(&n->waiting, l)
        let_go(list_entry(l, struct names_wait, link));
}


bool
upstream_awaits_names(struct upstream_group *g, struct task *t,
                      struct names_wait **wait)
{
    struct names      *n = g->names;
    struct names_wait *w = *wait;

    if (n == NULL || n->loop == NULL || g->set->n_peers != 0)
        return false;
    if (w != NULL)
        return !w->is_over;
    if (!is_pending(n))
        return false;
    w = *wait = arena_make(t->arena, struct names_wait);
    w->task = t;
    w->timer.on_timeout = on_first_timeout;
    timer_set(n->loop, &w->timer, FIRST_MS);
    list_append(&n->waiting, &w->link);
    wait_start(t, &w->wait, cancel_wait);
    return true;
}


/* --- sets of peers ------------------------------------------------------------ */

static void
to_address(const struct found *f, struct addr_any *out)
{
    memset(out, 0, sizeof(*out));
    out->sa.sa_family = f->family;
    if (f->family == AF_INET)
        memcpy(&out->in4.sin_addr, f->at, sizeof(out->in4.sin_addr));
    else
        memcpy(&out->in6.sin6_addr, f->at, sizeof(out->in6.sin6_addr));
    out->len = f->family == AF_INET ? sizeof(out->in4) : sizeof(out->in6);
    addr_set_port(&out->sa, f->port);
}


/* Each address of a service is a server of its own, with the weight of its
 * record; those of higher numbers are backups. */
static void
add_services(struct arena *a, const struct name *n,
             const struct upstream_server *line, struct upstream_server *out)
{
    unsigned least = UINT16_MAX;

    for (unsigned i = 0; i < n->n; i++)
        if (n->found[i].priority < least)
            least = n->found[i].priority;
    for (unsigned i = 0; i < n->n; i++) {
        struct addr_any at;

        to_address(&n->found[i], &at);
        out[i] = *line;
        endpoint_set(a, &out[i].at, &at, 1);
        out[i].text = out[i].at.names[0];
        out[i].weight = n->found[i].weight != 0 ? n->found[i].weight : 1;
        out[i].is_backup = line->is_backup || n->found[i].priority > least;
    }
}


static size_t
add_line(struct arena *a, const struct upstream_server *line,
         struct upstream_server *out)
{
    const struct name *n = line->name;
    struct addr_any   *at;

    if (n != NULL && n->is_service) {
        add_services(a, n, line, out);
        return n->n;
    }
    *out = *line;
    if (n == NULL)
        return 1;
    at = arena_array(a, struct addr_any, n->n);
    for (unsigned i = 0; i < n->n; i++)
        to_address(&n->found[i], &at[i]);
    endpoint_set(a, &out->at, at, n->n);
    return 1;
}


/* In a, whatever becomes of the line. */
static void
copy_strings(struct arena *a, struct upstream_server *s)
{
    struct endpoint *e = &s->at;
    struct addr_any *at = arena_array(a, struct addr_any, e->n);

    s->text = str_copy(a, s->text);
    s->route = str_copy(a, s->route);
    s->service = str_copy(a, s->service);
    if (s->group != NULL) {
        upstream_stand_for_group(a, s);
        return;
    }
    e->host = str_copy(a, e->host);
    if (s->name != NULL)
        return;
    for (size_t i = 0; i < e->n; i++)
        at[i] = e->at[i];
    endpoint_set(a, e, at, e->n);
}


void
upstream_rebuild(struct upstream_group *g)
{
    struct arena           *a = arena_new(0);
    struct upstream_server *servers;
    size_t                  room = 0, n = 0;

    for (size_t i = 0; i < g->n_lines; i++) {
        const struct name *name = g->lines[i].name;

        room += name != NULL && name->is_service ? name->n : 1;
    }
    servers = arena_array(a, struct upstream_server, room);
    for (size_t i = 0; i < g->n_lines; i++) {
        struct upstream_server line = g->lines[i];

        if (g->lines_arena != NULL)
            copy_strings(a, &line);
        n += add_line(a, &line, &servers[n]);
    }
    if (!upstream_replace(g, a, servers, n))
        arena_free(a);
}


/* --- answers ------------------------------------------------------------------ */

static void
set_due(struct name *n, msec_t ms)
{
    timer_set(n->of->loop, &n->timer, ms);
}


static bool
has(const struct found *all, unsigned n, const struct found *it)
{
    for (unsigned i = 0; i < n; i++)
        if (memcmp(&all[i], it, sizeof(*it)) == 0)
            return true;
    return false;
}


static bool
is_same(const struct name *n, const struct found *found, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!has(n->found, n->n, &found[i]))
            return false;
    for (unsigned i = 0; i < n->n; i++)
        if (!has(found, count, &n->found[i]))
            return false;
    return true;
}


/* Those that stay keep their order, new ones come behind them. */
static void
merge(struct name *n, const struct found *found, unsigned count)
{
    struct found *all = calloc(count + 1, sizeof(*all));
    unsigned      kept = 0;

    if (all == NULL)
        check_memory(count * sizeof(*all));
    for (unsigned i = 0; i < n->n; i++)
        if (has(found, count, &n->found[i]) && !has(all, kept, &n->found[i]))
            all[kept++] = n->found[i];
    for (unsigned i = 0; i < count; i++)
        if (!has(all, kept, &found[i]))
            all[kept++] = found[i];
    free(n->found);
    n->found = all;
    n->n = kept;
}


static str_t
addresses_of(const struct name *n, struct arena *a)
{
    str_t list = STR("");

    for (unsigned i = 0; i < n->n && i < 8; i++) {
        struct addr_any at;
        char            text[ADDR_TEXT];

        to_address(&n->found[i], &at);
        list = str_join3(
            a, list, i != 0 ? STR(", ") : STR(""),
            (str_t){ text, addr_text(text, &at.sa, at.len, n->is_service) });
    }
    return n->n > 8 ? str_join(a, list, STR(" ...")) : list;
}


static void
tell_change(const struct name *n)
{
    struct arena *a = arena_new(0);

    log_at(&n->of->log, LEVEL_NOTICE, 0,
           "upstream \"" STR_F "\": " STR_F " is " STR_F,
           STR_A(n->of->group->name), STR_A(n->question),
           STR_A(addresses_of(n, a)));
    arena_free(a);
}


/* The group has a set of these from now on. */
static void
use(struct name *n, const struct found *found, unsigned count)
{
    if (!is_same(n, found, count)) {
        merge(n, found, count);
        upstream_rebuild(n->of->group);
        tell_change(n);
        queue_wake(n->of->group);
    }
    n->has_outcome = true;
    n->fails = 0;
    n->error = NULL;
    names_settle(n->of);
}


void
names_settle(struct names *n)
{
    if (n->group->set->n_peers != 0 || !is_pending(n))
        let_all_go(n);
}


void
name_take(struct name *n, const struct answer *a)
{
    msec_t now = clock_ms();

    n->at = a->at;
    use(n, a->found, a->n);
    set_due(n, a->until > now ? a->until - now : 1);
}


void
name_fail(struct name *n, int code, const char *error)
{
    msec_t   ms = FAILED_MS;
    unsigned i;

    if (n->error != error)
        log_error(&n->of->log, STR_F " could not be resolved (%d: %s)",
                  STR_A(n->question), code, error);
    n->error = error;
    n->has_outcome = true;
    for (i = 0; i < n->fails && ms < FAILED_MAX_MS; i++)
        ms *= 2;
    n->fails++;
    set_due(n, ms < FAILED_MAX_MS ? ms : FAILED_MAX_MS);
    names_settle(n->of);
}


/* What stands in the hosts file is valid until that changes. */
static bool
use_hosts(struct name *n)
{
    struct addr_any at[HOSTS_ADDRESSES_MAX];
    struct found    found[HOSTS_ADDRESSES_MAX];
    size_t          count;

    if (!n->is_system || n->is_service)
        return false;
    count = system_names_hosts(n->question, at);
    memset(found, 0, sizeof(found));
    for (size_t i = 0; i < count; i++) {
        str_t bytes = addr_bytes(&at[i].sa);

        memcpy(found[i].at, bytes.p, bytes.n);
        found[i].family = at[i].sa.sa_family;
    }
    n->is_hosts = count != 0;
    if (count != 0)
        use(n, found, (unsigned) count);
    return count != 0;
}


void
name_look(struct name *n)
{
    struct answer a;
    enum turn     turn;
    msec_t        now = clock_ms();

    n->is_idle = false;
    if (n->asking != NULL || use_hosts(n))
        return;
    timer_stop(&n->timer);
    turn = answers_turn(n->key, n->at, &a);
    if (turn != TURN_TAKE && n->n == 0 && a.n != 0)
        use(n, a.found, a.n); /* an old one is better than none */
    switch (turn) {
    case TURN_TAKE:
        name_take(n, &a);
        break;
    case TURN_WAIT:
        set_due(n, POLL_MS);
        break;
    case TURN_LATER:
        set_due(n, a.until > now ? a.until - now : 1);
        break;
    case TURN_ASK:
        (void) asking_start(n);
        break;
    }
}


void
upstream_ask_again(struct upstream_group *g, struct name *name)
{
    struct names *n = g->names;

    if (n == NULL || n->loop == NULL)
        return;
    for (struct name *it = n->first; it != NULL; it = it->next)
        if (!it->is_idle && (name == NULL || it == name))
            name_look(it);
}


/* A process that nobody asks for the group learns here that the name is gone. */
static void
on_due(struct timer *t)
{
    struct name           *n = container_of(t, struct name, timer);
    struct upstream_group *g = n->of->group;

    if (live_is_behind(g))
        live_follow(g);
    upstream_ask_again(g, n);
}


/* --- begin and end ------------------------------------------------------------- */

static void
on_system_change(struct system_watch *w)
{
    struct names *n = container_of(w, struct names, watch);

    for (struct name *it = n->first; it != NULL; it = it->next)
        if (it->is_system && !it->is_idle)
            name_look(it);
}


/* What was found when the configuration was read. */
static void
begin_with(struct name *n, const struct endpoint *e)
{
    n->found = calloc(e->n + 1, sizeof(*n->found));
    if (n->found == NULL)
        check_memory(e->n * sizeof(*n->found));
    for (size_t i = 0; i < e->n; i++) {
        str_t bytes = addr_bytes(&e->at[i].sa);

        memcpy(n->found[i].at, bytes.p, bytes.n);
        n->found[i].family = e->at[i].sa.sa_family;
    }
    n->n = (unsigned) e->n;
}


void
name_start(struct name *n, const struct endpoint *e)
{
    n->timer.on_timeout = on_due;
    n->timer.is_idle = true;
    n->is_idle = false;
    n->has_outcome = e->n != 0;
    begin_with(n, e);
}


/* Names that have addresses can wait a little, so that not all are asked for at
 * once. */
static void
look_first(struct name *n)
{
    uint32_t random;

    if (n->n == 0) {
        name_look(n);
        return;
    }
    random_fill(&random, sizeof(random));
    set_due(n, 1 + random % (100 + SPREAD_MS * n->of->n));
}


void
name_idle(struct name *n)
{
    n->is_idle = true;
    if (n->asking != NULL)
        asking_cancel(n->asking);
    if (worker->loop != NULL)
        timer_stop(&n->timer);
}


void
name_stop(struct name *n)
{
    name_idle(n);
    free(n->found);
    n->found = NULL;
    n->n = 0;
}


void
names_start(struct names *n, struct loop *loop, const struct log *log)
{
    n->loop = loop;
    n->log = *log;
    n->watch.on_change = on_system_change;
    system_names_watch(&n->watch);
    for (struct name *it = n->first; it != NULL; it = it->next) {
        it->is_wanted = true;
        name_start(it, &n->group->servers.at[it->index].at);
        look_first(it);
    }
}


void
names_stop(struct names *n)
{
    if (n->loop == NULL)
        return;
    names_drop(n);
    for (struct name *it = n->first; it != NULL; it = it->next)
        name_stop(it);
    let_all_go(n);
    system_names_leave(&n->watch);
    n->loop = NULL;
}


/* --- for tools ------------------------------------------------------------------ */

bool
upstream_asks_names(const struct upstream_group *g)
{
    if (g->names == NULL)
        return false;
    for (const struct name *it = g->names->first; it != NULL; it = it->next)
        if (it->asking != NULL
            || (it->at == 0 && !it->is_hosts && it->error == NULL))
            return true;
    return false;
}


bool
upstream_name(const struct upstream_group *g, struct arena *a, unsigned i,
              struct names_fact *out)
{
    const struct name *n = g->names != NULL ? g->names->first : NULL;

    for (; n != NULL && i != 0; i--)
        n = n->next;
    if (n == NULL)
        return false;
    *out = (struct names_fact){ .question = n->question,
                                .addresses = addresses_of(n, a),
                                .n = n->n,
                                .error = n->error,
                                .is_hosts = n->is_hosts,
                                .valid_ms = timer_left(&n->timer) };
    return true;
}
