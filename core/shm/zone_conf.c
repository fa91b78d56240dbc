/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * While a configuration is read: the zones that it names, some of them before
 * it says their size.
 */
#include <inttypes.h>

#include "core/shm/registry.h"


static struct zone_conf *
add(struct conf *cf, str_t name, const struct zone_use *use)
{
    struct zone_conf *z = arena_make(cf->arena, struct zone_conf), **last;

    z->name = str_copy(cf->arena, name);
    z->use = use;
    z->fd = -1;
    z->file = cf->file;
    z->line = cf->line;
    for (last = &cf->gen->zones; *last != NULL; last = &(*last)->next)
        continue;
    *last = z;
    return z;
}


struct zone_conf *
zone_add(struct conf *cf, str_t name, uint64_t size, const struct zone_use *use,
         const char **error)
{
    struct zone_conf *z = zone_find(cf->gen, name);

    if (z == NULL)
        z = add(cf, name, use);
    if (z->use != use) {
        *error = conf_error(cf,
                            "the shared memory zone \"" STR_F
                            "\" is already declared for a different use",
                            STR_A(name));
        return NULL;
    }
    if (size != 0 && z->size != 0 && z->size != size) {
        *error = conf_error(cf,
                            "the size %" PRIu64
                            " of shared memory zone \"" STR_F
                            "\" conflicts with already declared size %" PRIu64,
                            size, STR_A(name), z->size);
        return NULL;
    }
    if (size != 0)
        z->size = size;
    return z;
}
