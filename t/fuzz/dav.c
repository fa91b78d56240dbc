/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WebDAV: the first byte says whether the rest is the field If, or a body of
 * PROPFIND, PROPPATCH or LOCK.
 */
#include "core/base/check.h"
#include "modules/content/dav_if.h"
#include "modules/content/dav_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef WEIR_HAVE_XML

static void
check_if(struct arena *a, str_t value)
{
    struct dav_if out;
    unsigned      list = 0;

    if (!dav_if_parse(a, value, &out))
        return;
    CHECK(out.conditions.n != 0 && out.conditions.n <= DAV_CONDITIONS_MAX);
    VEC_EACH(&out.conditions, it) {
        CHECK(it->list == list || it->list == list + 1);
        CHECK(it->value.p >= value.p
              && it->value.p + it->value.n <= value.p + value.n);
        list = it->list;
    }
}


static void
check_update(struct arena *a, str_t body)
{
    struct dav_update out;

    if (!dav_xml_update(a, body, &out))
        return;
    CHECK(out.changes.n != 0 && out.changes.n <= DAV_NAMES_MAX);
    VEC_EACH(&out.changes, it)
        CHECK(it->name.name.n != 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dav_propfind find;
    struct dav_lockinfo lock;
    struct arena       *a;
    str_t               rest;

    if (size < 1)
        return 0;
    rest = (str_t){ (const char *) data + 1, size - 1 };
    a = arena_new(0);
    switch (data[0]) {
    case 'i':
        check_if(a, rest);
        break;
    case 'f':
        if (dav_xml_propfind(a, rest, &find))
            CHECK(find.names.n <= DAV_NAMES_MAX);
        break;
    case 'u':
        check_update(a, rest);
        break;
    default:
        (void) dav_xml_lockinfo(a, rest, &lock);
    }
    arena_free(a);
    return 0;
}

#else


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void) data;
    (void) size;
    return 0;
}

#endif
