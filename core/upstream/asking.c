/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question about a name: the names that it may stand for in turn, and for a
 * service, the addresses of its hosts, one after the other.
 */
#include <stdlib.h>

#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/names_inside.h"

struct asking {
    struct task         task;
    struct log          log;
    struct name        *name;
    struct lookup       lookup;
    bool                has_begun;
    str_t              *questions; /* to be tried in turn                    */
    size_t              n, at;
    struct dns_service *services; /* whose addresses are looked up, or NULL */
    size_t              n_services, at_service;
    struct answer       answer;
    msec_t              valid_ms;
    struct post         reap;
};


static void
free_asking(struct post *p)
{
    struct asking *a = container_of(p, struct asking, reap);

    arena_free(a->task.arena);
}


static void
end(struct asking *a)
{
    a->name->asking = NULL;
    task_end(&a->task);
    a->reap.run = free_asking;
    if (worker->loop != NULL)
        loop_reap(a->task.loop, &a->reap);
    else
        free_asking(&a->reap);
}


void
asking_cancel(struct asking *a)
{
    answers_fail(a->name->key);
    end(a);
}


static void
fail(struct asking *a)
{
    struct name *n = a->name;
    int          code = a->lookup.code != 0 ? a->lookup.code : 3;
    const char  *error = a->lookup.code != 0 ? a->lookup.error
                                             : "Host not found";

    answers_fail(n->key);
    end(a);
    name_fail(n, code, error);
}


static void
finish(struct asking *a)
{
    struct name *n = a->name;

    a->answer.until = clock_ms() + (a->valid_ms != 0 ? a->valid_ms : 1000);
    answers_put(n->key, &a->answer);
    end(a);
    name_take(n, &a->answer);
}


static bool
has_more(const struct asking *a)
{
    return a->services != NULL ? a->at_service < a->n_services : a->at < a->n;
}


static void
begin(struct asking *a)
{
    const struct resolver_conf *c = a->name->of->conf;
    bool                        is_system = a->name->is_system;
    str_t                       name;

    if (a->services != NULL)
        name = str_of(a->services[a->at_service].host);
    else
        name = a->questions[a->at];
    memset(&a->lookup, 0, sizeof(a->lookup));
    a->lookup.is_new = true;
    a->lookup.is_service = a->name->is_service && a->services == NULL;
    a->lookup.ttl_min = c->ttl_min;
    a->lookup.ttl_max = c->ttl_max;
    (void) resolver_ask(is_system ? system_names_resolver() : c->resolver,
                        &a->lookup, &a->task, name,
                        is_system ? system_names_timeout() : c->timeout);
}


static void
note_valid(struct asking *a)
{
    if (a->valid_ms == 0 || a->lookup.valid_ms < a->valid_ms)
        a->valid_ms = a->lookup.valid_ms;
}


static void
add_addresses(struct asking *a)
{
    const struct dns_service *s
        = a->services != NULL ? &a->services[a->at_service] : NULL;

    for (size_t i = 0; i < a->lookup.n && a->answer.n < ANSWER_MAX; i++) {
        const struct sockaddr *sa = &a->lookup.at[i].sa;
        struct found          *f = &a->answer.found[a->answer.n++];
        str_t                  bytes = addr_bytes(sa);

        memset(f, 0, sizeof(*f));
        memcpy(f->at, bytes.p, bytes.n);
        f->family = sa->sa_family;
        if (s == NULL)
            continue;
        f->port = (uint16_t) s->port;
        f->weight = (uint16_t) s->weight;
        f->priority = (uint16_t) s->priority;
    }
}


/* What is found of a host of a service that has no address is nothing; of a name
 * that does not exist, the next one that it may stand for is asked for. */
static void
take(struct asking *a)
{
    if (a->services != NULL) {
        if (a->lookup.code == 0)
            add_addresses(a);
        note_valid(a);
        a->at_service++;
    } else if (a->lookup.code != 0) {
        a->at = a->lookup.code == 3 ? a->at + 1 : a->n;
    } else if (a->name->is_service) {
        note_valid(a);
        a->services = a->lookup.services;
        a->n_services = a->lookup.n_services;
    } else {
        note_valid(a);
        add_addresses(a);
        a->at = a->n;
    }
}


static void
run(struct task *t)
{
    struct asking *a = container_of(t, struct asking, task);

    for (;;) {
        if (a->has_begun && !a->lookup.is_done)
            return;
        if (a->has_begun)
            take(a);
        a->has_begun = true;
        if (!has_more(a))
            break;
        begin(a);
    }
    if (a->answer.n != 0)
        finish(a);
    else
        fail(a);
}


struct asking *
asking_start(struct name *n)
{
    struct arena  *arena = arena_new(0);
    struct asking *a = arena_make(arena, struct asking);

    a->name = n;
    a->log = n->of->log;
    a->log.action = "resolving";
    a->task.arena = arena;
    a->task.loop = n->of->loop;
    a->task.log = &a->log;
    a->task.run = run;
    task_init(&a->task);
    if (n->is_system) {
        a->n = system_names_search(arena, n->question, &a->questions);
    } else {
        a->questions = &n->question;
        a->n = 1;
    }
    n->asking = a;
    task_wake(&a->task);
    return a;
}
