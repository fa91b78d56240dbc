/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment of workers and new binaries: only TZ, and the variables of
 * env directives.
 */
#include <stdlib.h>
#include <unistd.h>

#include "core/conf/types.h"
#include "core/proc/setup.h"

/* Room for the title of the new program, which overwrites its environment. */
#define SPARE_64 \
    "................................................................"
#define SPARE "SPARE=" SPARE_64 SPARE_64 SPARE_64 SPARE_64

struct variables {
    struct arena *arena;
    VEC(char *)   at;
};


/* "NAME=value" is added as it is, "NAME" with its present value, if any. */
static void
add(struct variables *l, str_t text)
{
    const char *name, *value;

    if (str_chr(text, '=') != NULL) {
        *vec_push(l->arena, &l->at) = str_z(l->arena, text);
        return;
    }
    name = str_z(l->arena, text);
    value = getenv(name);
    if (value != NULL)
        *vec_push(l->arena, &l->at) = str_z(
            l->arena, str_join3(l->arena, text, STR("="), str_of(value)));
}


static bool
names_zone(str_t text)
{
    return str_is(text, "TZ") || str_starts(text, STR("TZ="));
}


char **
environment_make(const struct generation *g, struct arena *a,
                 const char *const *own)
{
    const struct texts *env = process_conf_of(g)->env;
    struct variables    l = { .arena = a };
    bool                has_zone = false;

    for (size_t i = 0; env != NULL && i < env->list.n; i++) {
        has_zone |= names_zone(env->list.at[i]);
        add(&l, env->list.at[i]);
    }
    if (!has_zone)
        add(&l, STR("TZ"));
    if (own != NULL) {
        for (; *own != NULL; own++)
            add(&l, str_of(*own));
        add(&l, STR("NOTIFY_SOCKET"));
        add(&l, STR(SPARE));
    }
    *vec_push(a, &l.at) = NULL;
    return l.at.at;
}
