/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone NAME [SIZE]: all workers count failures and connections of the group's
 * servers together, also over reloads.  What is in the zone is the business of
 * shared.c.
 */
#include <unistd.h>

#include "core/conf/types.h"
#include "core/upstream/build.h"
#include "core/upstream/shared.h"


static bool
parse_size(struct conf *cf, uint64_t *size, const char **error)
{
    str_t name = cf->args[1];

    if (!number_size(cf->args[2], false, size)) {
        *error = conf_error(cf, "invalid zone size \"" STR_F "\"",
                            STR_A(cf->args[2]));
        return false;
    }
    if (*size < ZONE_PAGES_LEAST * (uint64_t) sysconf(_SC_PAGESIZE)) {
        *error = conf_error(cf, "zone \"" STR_F "\" is too small", STR_A(name));
        return false;
    }
    return true;
}


static const char *
parse(struct conf *cf, void *field)
{
    const struct zone_use *use = cf->block->kind == IN_UPSTREAM
                                     ? &upstream_zone
                                     : &upstream_stream_zone;
    const char            *error = NULL;
    uint64_t               size = 0;
    struct zone_conf      *z;

    (void) field;
    if (cf->args[1].n == 0)
        return conf_error(cf, "invalid zone name \"\"");
    if (cf->n_args > 2 && !parse_size(cf, &size, &error))
        return error;
    z = zone_add(cf, cf->args[1], size, use, &error);
    if (z == NULL)
        return error;
    upstream_at_hand(cf)->zone = z;
    return NULL;
}


const struct conf_type upstream_zone_type = { .name = "zone", .parse = parse };
