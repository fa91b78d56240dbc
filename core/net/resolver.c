/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address families of a name are its halves: each is queried separately,
 * at the same name server, and follows its own aliases.  A service has one half
 * only.  Name servers take turns.  If one does not answer within a second, or
 * has an error, the next one is asked as well, and the first answer counts.
 */
#include "core/net/resolver_inside.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "core/net/tally.h"
#include "core/net/worker.h"
#include "core/os/clock.h"

enum { ALIASES_MAX = 10 };

enum {
    PATIENCE_MS = 1000, /* then the next server is asked as well             */
    SILENCE_MS = 10000, /* after a silence, it is not asked first for so
                           long                                              */
    IDLE_MS = 60000,    /* what is known is kept for so long, for the next
                           generation                                        */
    RENEW_MS = 5000,    /* a lookup of a name whose query is older than this
                           starts a new one                                  */
};

struct question {
    struct entry       *entry;
    struct name_server *server;
    unsigned            half, round, aliases;
};

struct resolver {
    struct resolver_options options;
    struct service         *service; /* NULL: no lookup so far               */
};

static struct list services = { &services, &services };


static enum dns_type
type_of(const struct entry *e, size_t half)
{
    return e->is_service ? DNS_SRV : half == 0 ? DNS_A : DNS_AAAA;
}


static bool
is_asked_for(const struct entry *e, size_t half)
{
    const struct resolver_options *o = &e->owner->options;

    if (e->is_service)
        return half == 0;
    return half == 0 ? !o->no_ipv4 : !o->no_ipv6;
}


static bool
has_result(const struct entry *e)
{
    return e->n != 0 || e->n_services != 0;
}


/* --- answers -------------------------------------------------------------- */

static void
set_error(struct lookup *l, int status)
{
    static const struct {
        int         status, code;
        const char *text;
    } errors[] = {
        { ARES_EFORMERR, 1, "Format error" },
        { ARES_ESERVFAIL, 2, "Server failure" },
        { ARES_ENOTFOUND, 3, "Host not found" },
        { ARES_ENODATA, 3, "Host not found" },
        { ARES_ENOTIMP, 4, "Unimplemented" },
        { ARES_EREFUSED, 5, "Operation refused" },
        { ARES_ETIMEOUT, ETIMEDOUT, "Operation timed out" },
    };

    l->code = 2;
    l->error = "Server failure";
    for (size_t i = 0; i < countof(errors); i++) {
        if (errors[i].status == status) {
            l->code = errors[i].code;
            l->error = errors[i].text;
        }
    }
}


/* Each answer starts with another address, to balance the load. */
static void
give(struct lookup *l, struct entry *e)
{
    struct arena *a = l->task->arena;
    unsigned      turn = e->owner->turn++;
    msec_t until = entry_end(e, l->ttl_min, l->ttl_max), now = clock_ms();

    l->is_done = true;
    l->valid_ms = until > now ? until - now : 0;
    l->n = e->n;
    l->at = arena_array(a, struct addr_any, e->n);
    for (size_t i = 0; i < e->n; i++)
        l->at[i] = e->at[(i + turn) % e->n];
    l->n_services = e->n_services;
    l->services = arena_array(a, struct dns_service, e->n_services);
    if (e->n_services != 0)
        memcpy(l->services, e->services, e->n_services * sizeof(*e->services));
}


/* Joins the addresses of both halves into one list. */
static void
collect(struct entry *e)
{
    free(e->at);
    e->n = 0;
    e->at = calloc(e->half[0].n + e->half[1].n + 1, sizeof(*e->at));
    if (!e->at)
        check_memory((e->half[0].n + e->half[1].n) * sizeof(*e->at));
    for (size_t i = 0; i < e->half[0].n; i++) {
        struct addr_any *a = &e->at[e->n++];

        a->in4.sin_family = AF_INET;
        memcpy(&a->in4.sin_addr, e->half[0].at[i], sizeof(a->in4.sin_addr));
        a->len = sizeof(a->in4);
    }
    for (size_t i = 0; i < e->half[1].n; i++) {
        struct addr_any *a = &e->at[e->n++];

        a->in6.sin6_family = AF_INET6;
        memcpy(&a->in6.sin6_addr, e->half[1].at[i], sizeof(a->in6.sin6_addr));
        a->len = sizeof(a->in6);
    }
}


/* The status of an entry without addresses.  If one family has none and the
 * other one failed, it is the failure. */
static int
status_of(const struct entry *e)
{
    int status = ARES_ENOTFOUND;

    if (has_result(e))
        return ARES_SUCCESS;
    for (size_t i = 0; i < HALVES; i++) {
        const struct half *h = &e->half[i];

        if (is_asked_for(e, i) && h->status != ARES_SUCCESS
            && h->status != ARES_ENODATA && h->status != ARES_ENOTFOUND)
            status = h->status;
    }
    return status;
}


static void
end_lookup(struct lookup *l, struct entry *e, int status)
{
    timer_stop(&l->timer);
    wait_end(&l->wait);
    if (status == ARES_SUCCESS)
        give(l, e);
    else
        set_error(l, status);
    l->is_done = true;
    tally_add(l->tally, tally_resolver_result(l->code), 1);
    task_wake(l->task);
}


/* Both halves are done. */
static void
finish(struct entry *e)
{
    uint64_t     ttl = UINT32_MAX;
    struct list *link;
    int          status;

    e->is_asking = false;
    timer_stop(&e->patience);
    collect(e);
    status = status_of(e);
    for (size_t i = 0; i < HALVES; i++) {
        if ((e->half[i].n || e->is_service) && is_asked_for(e, i)
            && e->half[i].ttl < ttl)
            ttl = e->half[i].ttl;
    }
    e->ttl = ttl;
    e->answered_at = clock_ms();
    while ((link = list_pop(&e->waiting)) != NULL)
        end_lookup(list_entry(link, struct lookup, link), e, status);
}


/* --- queries ------------------------------------------------------------- */

static void on_answer(void *arg, int status, str_t packet);

struct server_frame {
    struct log_frame          frame;
    const struct name_server *server;
};


static void
write_server(const struct log_frame *frame, struct log_record *l)
{
    const struct name_server *server
        = container_of(frame, struct server_frame, frame)->server;
    char text[ADDR_TEXT];

    log_part(l, "resolver", "%.*s",
             (int) addr_text(text, &server->addr->sa, server->addr->len, true),
             text);
}


/* Once, until it answers again. */
static void
log_refused(struct name_server *server)
{
    struct server_frame f = { .frame.write = write_server, .server = server };
    struct log          log = worker->log;

    if (server->is_refusing)
        return;
    server->is_refusing = true;
    log.action = "resolving";
    log_push(&log, &f.frame);
    log_errno(&log, ECONNREFUSED, "recv() failed");
}


static void
put_question(struct entry *e, unsigned half, struct name_server *server)
{
    struct half     *h = &e->half[half];
    struct question *q = malloc(sizeof(*q));

    if (!q)
        check_memory(sizeof(*q));
    *q = (struct question){ e, server, half, e->round, h->aliases };
    h->running++;
    e->running++;
    name_server_ask(server, e->owner->loop, h->alias ? h->alias : e->name.p,
                    type_of(e, half), on_answer, q);
}


static struct name_server *
server_at(const struct entry *e, size_t n)
{
    return &e->owner->servers[(e->first + n) % e->owner->options.n];
}


/* Asks one more server for the halves that are not done. */
static void
ask_next(struct entry *e)
{
    struct name_server *server = server_at(e, e->asked++);

    for (unsigned i = 0; i < HALVES && e->is_asking; i++) {
        if (!e->half[i].is_done)
            put_question(e, i, server);
    }
    if (e->is_asking && e->asked < e->owner->options.n
        && !timer_is_set(&e->patience))
        timer_set(e->owner->loop, &e->patience, PATIENCE_MS);
}


static void
on_patience(struct timer *t)
{
    struct entry *e = container_of(t, struct entry, patience);

    if (e->half[0].running != 0 || e->half[1].running != 0)
        server_at(e, e->asked - 1)->silent_until = clock_ms() + SILENCE_MS;
    ask_next(e);
}


/* The server whose turn it is, skipping those that are silent. */
static size_t
choose_server(struct service *rs)
{
    size_t n = rs->options.n, at = 0;
    size_t first = rs->options.is_ordered ? 0 : rs->next;

    for (size_t i = 0; i < n; i++) {
        at = (first + i) % n;
        if (rs->servers[at].silent_until <= clock_ms())
            break;
        at = first; /* if all are silent */
    }
    rs->next = (at + 1) % n;
    return at;
}


static void
ask(struct entry *e)
{
    e->is_asking = true;
    e->asked_at = clock_ms();
    e->round++;
    e->first = choose_server(e->owner);
    e->asked = 0;
    timer_stop(&e->patience);
    e->patience.on_timeout = on_patience;
    free(e->services);
    e->services = NULL;
    e->n_services = 0;
    for (size_t i = 0; i < HALVES; i++) {
        half_clear(&e->half[i]);
        e->half[i].is_done = !is_asked_for(e, i);
    }
    ask_next(e);
}


/* The name is an alias, and the server did not give the addresses of the
 * target. */
static void
follow(struct entry *e, unsigned half, const struct dns_answer *found,
       struct name_server *server)
{
    struct half *h = &e->half[half];

    if (h->aliases == ALIASES_MAX) {
        log_error(&worker->log, "too many aliases of \"" STR_F "\"",
                  STR_A(e->name));
        h->status = ARES_ESERVFAIL;
        h->is_done = true;
        return;
    }
    h->aliases++;
    h->running = 0; /* do not wait for other answers about the alias  */
    free(h->alias);
    h->alias = strdup(found->alias);
    if (!h->alias)
        check_memory(sizeof(found->alias));
    put_question(e, half, server);
}


static void *
must_copy(const void *from, size_t size)
{
    void *copy = malloc(size + 1);

    if (!copy)
        check_memory(size);
    memcpy(copy, from, size);
    return copy;
}


static void
take(struct entry *e, unsigned half, str_t packet, struct name_server *server)
{
    struct half      *h = &e->half[half];
    struct dns_answer found;

    h->status = ARES_SUCCESS;
    if (!dns_answer_read(&found, packet, type_of(e, half)))
        h->status = ARES_EBADRESP;
    if (h->aliases == 0 || found.ttl < h->ttl)
        h->ttl = found.ttl;
    if (h->status == ARES_SUCCESS && found.n == 0 && found.n_services == 0
        && found.alias[0])
    {
        follow(e, half, &found, server);
        return;
    }
    h->is_done = true;
    if (h->status != ARES_SUCCESS)
        return;
    h->at = must_copy(found.at, found.n * sizeof(*h->at));
    h->n = found.n;
    if (e->is_service) {
        e->services
            = must_copy(found.service, found.n_services * sizeof(*e->services));
        e->n_services = found.n_services;
    }
}


/* Whether the server responded, even with an error. */
static bool
is_answer(int status)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_EFORMERR:
    case ARES_ESERVFAIL:
    case ARES_ENOTFOUND:
    case ARES_ENOTIMP:
    case ARES_EREFUSED:
    case ARES_EBADNAME:
        return true;
    default:
        return false;
    }
}


/* Whether no other server would know more. */
static bool
is_final(int status)
{
    return status == ARES_ENODATA || status == ARES_ENOTFOUND
           || status == ARES_EBADNAME;
}


/* A server did not answer, or not the question.  Another one may still do so,
 * or is asked in the next turn. */
static void
miss(struct entry *e, unsigned half, int status, struct name_server *server)
{
    struct half *h = &e->half[half];

    if (status == ARES_ECONNREFUSED)
        log_refused(server);
    if (!is_answer(status)) /* an error is not silence */
        server->silent_until = clock_ms() + SILENCE_MS;
    if (!is_answer(h->status) || h->status == ARES_SUCCESS)
        h->status = status; /* what one has said counts more than silence */
    if (h->running != 0)
        return;
    if (e->asked < e->owner->options.n) {
        timer_set(e->owner->loop, &e->patience, 0);
        return;
    }
    h->is_done = true;
}


static void
on_answer(void *arg, int status, str_t packet)
{
    struct question q = *(struct question *) arg;
    struct entry   *e = q.entry;
    struct half    *h = &e->half[q.half];

    free(arg);
    e->running--;
    if (status == ARES_EDESTRUCTION)
        return;
    if (is_answer(status)) {
        q.server->silent_until = 0;
        q.server->is_refusing = false;
    }
    if (!e->is_asking || q.round != e->round || h->is_done
        || q.aliases != h->aliases)
        return;
    h->running--;
    if (status == ARES_SUCCESS) {
        take(e, q.half, packet, q.server);
    } else if (is_final(status)) {
        h->status = status;
        h->is_done = true;
    } else {
        miss(e, q.half, status, q.server);
    }
    if (e->is_asking && e->half[0].is_done && e->half[1].is_done)
        finish(e);
}


/* --- lookups -------------------------------------------------------------- */

static void
leave(struct lookup *l)
{
    timer_stop(&l->timer);
    list_remove(&l->link);
}


static void
cancel(struct wait *w)
{
    leave(container_of(w, struct lookup, wait));
}


/* If one family has been answered, its addresses are the result. */
static void
on_timeout(struct timer *t)
{
    struct lookup *l = container_of(t, struct lookup, timer);
    struct entry  *e = l->entry;

    leave(l);
    collect(e);
    end_lookup(l, e, has_result(e) ? ARES_SUCCESS : ARES_ETIMEOUT);
}


/* --- services ------------------------------------------------------------- */

static void
end_service(struct service *rs)
{
    list_remove(&rs->link);
    timer_stop(&rs->idle);
    for (size_t i = 0; i < rs->options.n; i++)
        name_server_close(&rs->servers[i], rs->loop);
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry *e = rs->buckets[i], *next;

        for (; e; e = next) {
            next = e->next;
            if (rs->loop)
                timer_stop(&e->patience);
            entry_free(e);
        }
    }
    free(rs->servers);
    free((void *) (uintptr_t) rs->options.servers);
    free(rs);
}


static void
on_idle(struct timer *t)
{
    end_service(container_of(t, struct service, idle));
}


static void *
must_have(void *p, size_t n)
{
    if (!p)
        check_memory(n);
    return p;
}


static struct service *
new_service(const struct resolver_options *o, struct loop *loop)
{
    size_t           size = o->n * sizeof(o->servers[0]);
    struct service  *rs = must_have(calloc(1, sizeof(*rs)), sizeof(*rs));
    struct addr_any *own = must_have(malloc(size), size);

    memcpy(own, o->servers, size);
    rs->options = *o;
    rs->options.servers = own;
    rs->servers = must_have(calloc(o->n, sizeof(rs->servers[0])), o->n);
    for (size_t i = 0; i < o->n; i++)
        name_server_init(&rs->servers[i], &own[i]);
    rs->loop = loop;
    rs->idle.on_timeout = on_idle;
    rs->idle.is_idle = true;
    list_append(&services, &rs->link);
    return rs;
}


static bool
is_for(const struct service *rs, const struct resolver_options *o)
{
    const struct resolver_options *own = &rs->options;

    if (own->n != o->n || own->valid_sec != o->valid_sec
        || own->no_ipv4 != o->no_ipv4 || own->no_ipv6 != o->no_ipv6
        || own->is_ordered != o->is_ordered)
        return false;
    for (size_t i = 0; i < o->n; i++)
        if (!addr_same(&own->servers[i].sa, &o->servers[i].sa, true))
            return false;
    return true;
}


static struct service *
get_service(const struct resolver_options *o, struct loop *loop)
{
    struct service *rs = NULL;

    LIST_EACH(&services, l) {
        rs = list_entry(l, struct service, link);
        if (rs->loop == loop && is_for(rs, o))
            break;
        rs = NULL;
    }
    if (rs == NULL)
        rs = new_service(o, loop);
    timer_stop(&rs->idle);
    rs->refs++;
    return rs;
}


bool
resolver_ask(struct resolver *of, struct lookup *l, struct task *t, str_t name,
             msec_t timeout_ms)
{
    char           *lower = arena_bytes(t->arena, name.n + 1);
    struct service *rs;
    struct entry   *e;

    if (!of->service)
        of->service = get_service(&of->options, t->loop);
    rs = of->service;
    str_lower_to(lower, name);
    e = entry_get(rs, (str_t){ lower, name.n }, l->is_service);
    l->task = t;
    l->entry = e;
    l->tally = of->options.zone.n != 0
                   ? tally_of(TALLY_RESOLVER, 0, of->options.zone)
                   : NULL;
    tally_add(l->tally, l->is_service ? RESOLVER_SERVICES : RESOLVER_NAMES, 1);
    if (!e->is_asking && !l->is_new && has_result(e)
        && entry_end(e, l->ttl_min, l->ttl_max) > clock_ms())
    {
        give(l, e);
        tally_add(l->tally, RESOLVER_NOERROR, 1);
        return true;
    }
    wait_start(t, &l->wait, cancel);
    list_append(&e->waiting, &l->link);
    l->timer.on_timeout = on_timeout;
    timer_set(rs->loop, &l->timer, timeout_ms);
    if (!e->is_asking || clock_ms() - e->asked_at >= RENEW_MS)
        ask(e);
    return l->is_done;
}


/* At the end of the process the loop is no more, nor anybody who would ask. */
static void
close_resolver(void *arg)
{
    struct resolver *of = arg;
    struct service  *rs = of->service;

    if (!rs || --rs->refs != 0)
        return;
    if (worker->loop) {
        timer_set(rs->loop, &rs->idle, IDLE_MS);
        return;
    }
    rs->loop = NULL;
    end_service(rs);
}


struct resolver *
resolver_new(struct arena *a, const struct resolver_options *o)
{
    struct resolver *of = arena_make(a, struct resolver);

    of->options = *o;
    arena_defer(a, close_resolver, of);
    return of;
}


const struct resolver_options *
resolver_options(const struct resolver *of)
{
    return &of->options;
}
