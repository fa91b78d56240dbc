/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The XML bodies of WebDAV requests (RFC 4918 section 14), read by libxml2:
 * pure functions.  Documents with a DTD are refused, so that there are no
 * entities but those of XML itself, and nothing is fetched.
 */
#pragma once

#include "core/base/vec.h"

/* How long such a body may be, and how much it may name.  libxml2 compares each
 * attribute of an element with those before it. */
enum { DAV_XML_MAX = 16 * 1024, DAV_NAMES_MAX = 256 };

struct dav_name {
    str_t space, name;
};

enum dav_wish { DAV_ALL, DAV_NAMES, DAV_SOME };

struct dav_propfind {
    enum dav_wish wish;
    VEC(struct dav_name) names; /* DAV_SOME, or what DAV_ALL includes, too   */
};

/* PROPPATCH: one property that is set, or removed. */
struct dav_change {
    struct dav_name name;
    str_t           xml; /* the whole element; empty: removed                */
};
struct dav_update {
    VEC(struct dav_change) changes;
};

struct dav_lockinfo {
    bool  is_shared;
    str_t owner; /* the element, as XML; or empty                            */
};

/* False: the body is no well-formed document of that kind.  Strings are copied
 * to a. */
bool dav_xml_propfind(struct arena *a, str_t body, struct dav_propfind *out);
bool dav_xml_update(struct arena *a, str_t body, struct dav_update *out);
bool dav_xml_lockinfo(struct arena *a, str_t body, struct dav_lockinfo *out);
