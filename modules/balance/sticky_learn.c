/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sticky learn: sessions that servers make, in a zone: the number of a session
 * is the key of an entry, whose count is the key of the peer that has made it
 * (binding_key), and whose moment is its last use.  Sessions live over reloads
 * and upgrades while the zone keeps its size.
 */
#include "modules/balance/sticky.h"
#include "modules/gate/limit_table.h"
#include "modules/gate/limit_zone.h"

enum { TIMEOUT_MS = 600 * 1000 };

struct learn {
    struct zone_conf *in;
    struct expr_list  create, lookup;
    msec_t            timeout;
    bool              by_header; /* is learned when a response begins        */
};


static bool
is_old(const struct learn *l, const struct limit_entry *e)
{
    msec_t now = clock_ms();

    return now > e->at && now - e->at > l->timeout;
}


/* In a dry run there is no zone. */
static void
start(struct pick *p)
{
    const struct learn *l = p->group->binding_conf;
    str_t               session = sticky_first(&l->lookup, p->task);
    struct zone        *z = l->in->zone;
    struct limit_entry *e;
    struct limit_key    key;

    if (session.n == 0 || z == NULL)
        return;
    key = limit_key_of(session, 0);
    limit_lock(z);
    e = limit_find(z, &key);
    if (e != NULL && is_old(l, e)) {
        limit_remove(z, e);
    } else if (e != NULL) {
        e->at = clock_ms();
        p->is_bound = true;
        p->wanted = e->count;
    }
    limit_unlock(z);
}


/* A session that is known already stays where it is, unless its peer has not
 * answered it. */
static void
learn(struct pick *p, const struct learn *l, str_t session)
{
    struct zone        *z = l->in->zone;
    struct limit_key    key = limit_key_of(session, 0);
    struct limit_entry *e, lost = { .n = 0 };
    uint64_t            where = binding_key(p->own->id);
    bool                is_lost;

    limit_lock(z);
    e = limit_find(z, &key);
    if (e == NULL)
        e = limit_add(z, &key, &lost);
    e->count = where;
    e->at = clock_ms();
    is_lost = lost.n != 0 && !is_old(l, &lost);
    limit_unlock(z);
    if (is_lost)
        log_warn(p->task->log,
                 "could not allocate node in sticky session zone \"" STR_F
                 "\", expiring least recently used session",
                 STR_A(l->in->name));
}


static void
answered(struct pick *p, bool is_complete)
{
    const struct learn *l = p->group->binding_conf;
    str_t               session;

    if (l->in->zone == NULL || is_complete == l->by_header)
        return;
    session = sticky_first(&l->create, p->task);
    if (session.n != 0)
        learn(p, l, session);
}


const struct binding sticky_learn = { .start = start, .answered = answered };


/* --- the directive ---------------------------------------------------------- */

static const char *
take_variable(struct conf *cf, str_t arg, str_t value, struct expr_list *out)
{
    const char  *error = NULL;
    struct expr *e = expr_compile(cf, value, 0, &error);

    if (error != NULL)
        return error;
    if (expr_is_constant(e))
        return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(arg));
    *vec_push(cf->arena, &out->list) = e;
    return NULL;
}


static const char *
take_zone(struct conf *cf, str_t arg, struct learn *l)
{
    const char          *error;
    uint64_t             size = 0;
    str_t                name = STR_NONE;
    struct sticky_zones *zones = conf_main(cf, &sticky_module);

    error = limit_zone_parse(cf, arg, &name, &size);
    if (error != NULL)
        return error;
    l->in = zone_add(cf, name, size, &limit_sticky_use, &error);
    if (l->in == NULL)
        return error;
    VEC_EACH(&zones->all, it)
        if (it->in == l->in)
            return conf_error(cf,
                              "sticky zone \"" STR_F
                              "\" is already used in upstream \"" STR_F "\"",
                              STR_A(name), STR_A(it->user));
    *vec_push(cf->arena, &zones->all)
        = (struct sticky_zone){ l->in, upstream_at_hand(cf)->name };
    return NULL;
}


static const char *
take(struct conf *cf, str_t arg, struct learn *l)
{
    str_t value;

    if (conf_param(arg, "create", &value))
        return take_variable(cf, arg, value, &l->create);
    if (conf_param(arg, "lookup", &value))
        return take_variable(cf, arg, value, &l->lookup);
    if (conf_param(arg, "zone", &value))
        return take_zone(cf, arg, l);
    if (conf_param(arg, "timeout", &value)
        && number_time(value, false, &l->timeout))
        return NULL;
    if (str_is(arg, "header")) {
        l->by_header = true;
        return NULL;
    }
    if (str_is(arg, "sync"))
        return conf_error(cf,
                          "parameter \"sync\" of the \"sticky\" directive is "
                          "not supported: there is no \"zone_sync\"");
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(arg));
}


const char *
sticky_learn_parse(struct conf *cf, struct upstream_group *g)
{
    struct learn *l = arena_make(cf->arena, struct learn);
    const char   *wrong = NULL, *lacks;

    l->timeout = TIMEOUT_MS;
    g->binding = &sticky_learn;
    g->binding_conf = l;
    for (unsigned i = 2; wrong == NULL && i < cf->n_args; i++)
        wrong = take(cf, cf->args[i], l);
    if (wrong != NULL)
        return wrong;
    lacks = l->create.list.n == 0   ? "create"
            : l->lookup.list.n == 0 ? "lookup"
            : l->in == NULL         ? "zone"
                                    : NULL;
    if (lacks != NULL)
        return conf_error(
            cf, "\"sticky\" directive \"%s\" parameter is not specified",
            lacks);
    return NULL;
}
