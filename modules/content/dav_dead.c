/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attribute has for each property three strings, each behind its length in
 * two bytes: namespace, name, XML.
 */
#include "modules/content/dav_dead.h"

#include <errno.h>
#include <sys/xattr.h>

#include "modules/content/dav_tree.h"


static bool
take(str_t *s, str_t *out)
{
    size_t n;

    if (s->n < 2)
        return false;
    n = (size_t) (unsigned char) s->p[0] << 8 | (unsigned char) s->p[1];
    if (s->n - 2 < n)
        return false;
    *out = (str_t){ s->p + 2, n };
    *s = str_from(*s, n + 2);
    return true;
}


static char *
put(char *p, str_t s)
{
    *p++ = (char) (s.n >> 8);
    *p++ = (char) s.n;
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}


void
dav_dead_read(struct arena *a, const char *path, struct dav_properties *out)
{
    char   *bytes = arena_bytes(a, DAV_ATTRIBUTE_MAX);
    ssize_t n = getxattr(path, DAV_ATTRIBUTE, bytes, DAV_ATTRIBUTE_MAX);
    struct dav_property p;
    str_t               left = { bytes, n > 0 ? (size_t) n : 0 };

    *out = (struct dav_properties){ .list = { .n = 0 } };
    while (out->list.n < DAV_NAMES_MAX && take(&left, &p.name.space)
           && take(&left, &p.name.name) && take(&left, &p.xml))
        *vec_push(a, &out->list) = p;
}


bool
dav_dead_write(struct arena *a, const char *path,
               const struct dav_properties *p)
{
    char  *bytes = arena_bytes(a, DAV_ATTRIBUTE_MAX), *at = bytes;
    size_t n = 0;

    VEC_EACH(&p->list, it)
        n += it->name.space.n + it->name.name.n + it->xml.n + 6;
    if (n > DAV_ATTRIBUTE_MAX) {
        errno = ENOSPC;
        return false;
    }
    if (n == 0)
        return removexattr(path, DAV_ATTRIBUTE) == 0 || errno == ENODATA
               || errno == ENOTSUP;
    VEC_EACH(&p->list, it) {
        at = put(at, it->name.space);
        at = put(at, it->name.name);
        at = put(at, it->xml);
    }
    return setxattr(path, DAV_ATTRIBUTE, bytes, n, 0) == 0;
}
