/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the dav_ext module share: dav_ext.c has the directives,
 * OPTIONS, and what locks forbid; dav_props.c PROPFIND and PROPPATCH;
 * dav_locking.c LOCK and UNLOCK.
 */
#pragma once

#include <sys/stat.h>

#include "http/request.h"
#include "modules/content/dav.h"
#include "modules/content/dav_lock.h"
#include "modules/content/dav_xml.h"

struct dav_lock_conf; /* a zone, and how long locks last                     */

struct dav_ext_conf {
    unsigned              methods; /* enum http_method; DAV_OFF: none        */
    struct dav_lock_conf *lock;    /* NULL: without locks                    */
};

struct dav_listing;
struct dav_ext_state {
    struct dav_listing *listing; /* PROPFIND, while it is being sent         */
};

extern struct module dav_ext_module;

static inline const struct dav_ext_conf *
dav_ext_conf_of(const struct http_request *r)
{
    return conf_of(&r->task, &dav_ext_module);
}

/* The zone of the location; NULL: it has no locks. */
struct zone *dav_ext_zone(const struct http_request *r);
uint64_t dav_ext_seconds(const struct http_request *r);

/* The whole body in a; STEP_NEXT, STEP_WAIT, STEP_FAIL (413: longer than
 * DAV_XML_MAX). */
enum step dav_ext_body(struct http_request *r, str_t *out);
/* Answers with XML. */
enum step dav_ext_reply(struct http_request *r, unsigned status, str_t xml);

/* Without slashes at the end, but for "/". */
str_t dav_without_slash(str_t uri);
/* A URI as XML text: escaped for both. */
str_t dav_href(struct arena *a, str_t uri);
/* <D:lockdiscovery> of a path. */
str_t dav_lock_discovery(struct arena *a, struct zone *z, str_t path);
/* <D:activelock>. */
str_t dav_lock_active(struct arena *a, const struct dav_lock *l);
/* The entity tag that a file is served with. */
str_t dav_tag(struct arena *a, const struct stat *st);

enum step dav_propfind(struct http_request *r);
enum step dav_proppatch(struct http_request *r);
enum step dav_do_lock(struct http_request *r);
enum step dav_do_unlock(struct http_request *r);
