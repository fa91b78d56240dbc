/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dead properties: what PROPPATCH stores with a file, for clients alone.  They
 * are in an extended attribute of the file, which goes along when it is moved
 * or copied (dav_tree.c).
 */
#pragma once

#include "modules/content/dav_xml.h"

struct dav_property {
    struct dav_name name;
    str_t           xml; /* the whole element                                */
};
struct dav_properties {
    VEC(struct dav_property) list;
};

/* Those of a file; none, where it has none or the file system keeps none. */
void dav_dead_read(struct arena *a, const char *path,
                   struct dav_properties *out);
/* Stores them in place of what the file had.  False: errno. */
bool dav_dead_write(struct arena *a, const char *path,
                    const struct dav_properties *p);
