/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process cannot change in itself: rights that it has given up, limits,
 * and what it did at its start.
 */
#include <string.h>

#include "core/conf/types.h"
#include "core/proc/setup.h"


static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}


static bool
same_user(const struct user *a, const struct user *b)
{
    return same_text(a->name, b->name) && a->uid == b->uid && a->gid == b->gid;
}


static bool
same_limit(const struct limit *a, const struct limit *b)
{
    return a->is_set == b->is_set && a->value == b->value;
}


static bool
same_affinity(const struct affinity *a, const struct affinity *b)
{
    return a->is_auto == b->is_auto && a->masks.n == b->masks.n
           && (a->masks.n == 0
               || memcmp(a->masks.at, b->masks.at,
                         a->masks.n * sizeof(a->masks.at[0]))
                      == 0);
}


static bool
same_texts(const struct texts *a, const struct texts *b)
{
    size_t n = a != NULL ? a->list.n : 0;

    if (n != (b != NULL ? b->list.n : 0))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!str_eq(a->list.at[i], b->list.at[i]))
            return false;
    return true;
}


const char *
setup_difference(const struct generation *g, const struct generation *old)
{
    const struct process_conf *a = process_conf_of(g);
    const struct process_conf *b = process_conf_of(old);

    if (!same_user(&a->user, &b->user))
        return "user";
    if (a->priority != b->priority)
        return "worker_priority";
    if (!same_limit(&a->nofile, &b->nofile))
        return "worker_rlimit_nofile";
    if (!same_limit(&a->core, &b->core))
        return "worker_rlimit_core";
    if (!same_affinity(&a->affinity, &b->affinity))
        return "worker_cpu_affinity";
    if (!str_eq(a->working_directory, b->working_directory))
        return "working_directory";
    if (!same_texts(a->env, b->env))
        return "env";
    if (events_conf_of(g)->epoll_events != events_conf_of(old)->epoll_events)
        return "epoll_events";
    return NULL;
}
