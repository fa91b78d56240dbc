/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables that the pipeline walks: the handlers of each phase, and the
 * filters, in the orders of phase_order.h and filter_order.h.  Those of modules
 * that the configuration does not use are left out.
 */
#include "http/filter.h"
#include "http/filter_order.h"
#include "http/main.h"
#include "http/phase_order.h"

static const struct {
    enum phase  phase;
    const char *module;
} phase_order[] = {
#define X(phase, module) { phase, #module },
    PHASE_ORDER(X)
#undef X
};

static const char *const head_order[] = {
#define X(name) #name,
    HEAD_ORDER(X)
#undef X
};

static const char *const body_order[] = {
#define X(name) #name,
    BODY_ORDER(X)
#undef X
};


static unsigned
place_in_phase(enum phase phase, const char *module)
{
    unsigned i;

    for (i = 0; i < countof(phase_order); i++)
        if (phase_order[i].phase == phase
            && strcmp(phase_order[i].module, module) == 0)
            return i;
    return countof(phase_order);
}


/* Inserts in the order of the list; modules with the same rank keep their
 * order. */
static void
fill_phase(struct conf *cf, struct phase_list *list, enum phase phase)
{
    unsigned i, k, at, *places;

    list->at = arena_array(cf->arena, phase_fn, modules_count());
    list->modules
        = arena_array(cf->arena, const struct module *, modules_count());
    places = arena_array(cf->arena, unsigned, modules_count());
    for (i = 0; i < modules_count(); i++) {
        if (!(weir_modules[i]->serves & FOR_HTTP)
            || weir_modules[i]->phase[phase] == NULL
            || !module_is_called(cf->gen, weir_modules[i]))
            continue;
        at = place_in_phase(phase, weir_modules[i]->name);
        for (k = list->n++; k > 0 && places[k - 1] > at; k--) {
            places[k] = places[k - 1];
            list->at[k] = list->at[k - 1];
            list->modules[k] = list->modules[k - 1];
        }
        places[k] = at;
        list->at[k] = weir_modules[i]->phase[phase];
        list->modules[k] = weir_modules[i];
    }
}


/* Whether anything is done in a phase.  Of the engine's own, those that follow
 * handlers up have nothing to do where there are none. */
static bool
is_phase_used(const struct phase_list *lists, unsigned phase)
{
    switch ((enum phase) phase) {
    case PHASE_FIND_LOCATION:
    case PHASE_CONTENT:
        return true;
    case PHASE_POST_REWRITE:
        return lists[PHASE_SERVER_REWRITE].n + lists[PHASE_REWRITE].n != 0;
    case PHASE_POST_ACCESS:
        return lists[PHASE_ACCESS].n != 0;
    case PHASE_POST_READ:
    case PHASE_SERVER_REWRITE:
    case PHASE_REWRITE:
    case PHASE_PREACCESS:
    case PHASE_ACCESS:
    case PHASE_PRECONTENT:
    case PHASE_LOG:
    case PHASE_COUNT:
        break;
    }
    return lists[phase].n != 0;
}


static void
find_due(struct http_main *m)
{
    unsigned due = PHASE_LOG, phase;

    for (phase = PHASE_COUNT; phase-- > 0; m->due[phase] = (uint8_t) due)
        if (is_phase_used(m->phases, phase))
            due = phase;
}


static const struct module *
filters_module(const char *name)
{
    unsigned i;

    for (i = 0; i < modules_count(); i++)
        if (weir_modules[i]->filter != NULL
            && strcmp(weir_modules[i]->filter->name, name) == 0)
            return weir_modules[i];
    return NULL;
}


static const struct http_filter **
filters_in(struct conf *cf, const char *const *order, size_t n)
{
    const struct http_filter **list;
    const struct module       *m;
    size_t                     i, k = 0;

    list = arena_array(cf->arena, const struct http_filter *, n + 1);
    for (i = 0; i < n; i++)
        if ((m = filters_module(order[i])) != NULL
            && module_is_called(cf->gen, m))
            list[k++] = m->filter;
    return list;
}


static bool
is_in(const char *name, const char *const *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, order[i]) == 0)
            return true;
    return false;
}


static bool
has_place(const struct http_filter *f)
{
    return is_in(f->name, head_order, countof(head_order))
           && (f->body == NULL
               || is_in(f->name, body_order, countof(body_order)));
}


const char *
http_phases_ready(struct conf *cf, struct http_main *m)
{
    unsigned phase, i;

    for (phase = 0; phase < PHASE_COUNT; phase++)
        fill_phase(cf, &m->phases[phase], phase);
    find_due(m);
    m->heads = filters_in(cf, head_order, countof(head_order));
    m->bodies = filters_in(cf, body_order, countof(body_order));
    for (i = 0; m->heads[i] != NULL; i++)
        ;
    m->n_filters = i;
    for (i = 0; i < modules_count(); i++)
        if (weir_modules[i]->filter != NULL
            && !has_place(weir_modules[i]->filter))
            return conf_error(cf, "filter \"%s\" has no place",
                              weir_modules[i]->filter->name);
    return NULL;
}
