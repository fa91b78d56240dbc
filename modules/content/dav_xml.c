/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The document is made as a tree, whose size the body limits, and freed before
 * these functions return.
 */
#include "modules/content/dav_xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

typedef bool (*read_fn)(struct arena *a, const xmlNode *root, void *out);


static bool
is_named(const xmlNode *n, const char *name)
{
    return n->type == XML_ELEMENT_NODE && n->ns != NULL
           && xmlStrEqual(n->ns->href, BAD_CAST "DAV:")
           && xmlStrEqual(n->name, BAD_CAST name);
}


static const xmlNode *
child_named(const xmlNode *n, const char *name)
{
    for (const xmlNode *c = n->children; c != NULL; c = c->next)
        if (is_named(c, name))
            return c;
    return NULL;
}


static struct dav_name
name_of(struct arena *a, const xmlNode *n)
{
    const char *space = n->ns != NULL ? (const char *) n->ns->href : NULL;

    return (struct dav_name){ str_copy(a, str_of(space)),
                              str_copy(a, str_of((const char *) n->name)) };
}


/* The element as text that can stand anywhere: with all namespaces that it
 * uses, which copying adds where they are declared outside of it.
 * (xmlReconciliateNs would take a time that grows with their third power.) */
static str_t
text_of(struct arena *a, const xmlNode *n)
{
    xmlDoc    *doc = xmlNewDoc(BAD_CAST "1.0");
    xmlNode   *copy = doc != NULL
                          ? xmlDocCopyNode((xmlNode *) (uintptr_t) n, doc, 1)
                          : NULL;
    xmlBuffer *buffer = xmlBufferCreate();
    str_t      text = STR_NONE;

    if (copy != NULL && buffer != NULL) {
        (void) xmlDocSetRootElement(doc, copy);
        if (xmlNodeDump(buffer, doc, copy, 0, 0) > 0)
            text = str_copy(a, str_of((const char *) xmlBufferContent(buffer)));
    }
    if (buffer != NULL)
        xmlBufferFree(buffer);
    if (doc != NULL)
        xmlFreeDoc(doc);
    return text;
}


/* Reads the document, and calls fn with its root if that has the name. */
static bool
read_document(struct arena *a, str_t body, const char *root, read_fn fn,
              void *out)
{
    xmlParserCtxt *context;
    const xmlNode *top;
    xmlDoc        *doc;
    bool           is_ok = false;

    if (body.n > DAV_XML_MAX)
        return false;
    context = xmlNewParserCtxt();
    if (context == NULL)
        return false;
    doc = xmlCtxtReadMemory(context, body.p, (int) body.n, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR
                                | XML_PARSE_NOWARNING);
    if (doc != NULL && context->wellFormed && context->nsWellFormed
        && doc->intSubset == NULL)
    {
        top = xmlDocGetRootElement(doc);
        is_ok = top != NULL && is_named(top, root) && fn(a, top, out);
    }
    if (doc != NULL)
        xmlFreeDoc(doc);
    xmlFreeParserCtxt(context);
    return is_ok;
}


/* --- PROPFIND ------------------------------------------------------------------------- */

static bool
has_name(const struct dav_propfind *p, const struct dav_name *n)
{
    VEC_EACH(&p->names, it)
        if (str_eq(it->space, n->space) && str_eq(it->name, n->name))
            return true;
    return false;
}


/* A name that comes again asks for nothing more. */
static bool
add_names(struct arena *a, const xmlNode *list, struct dav_propfind *out)
{
    struct dav_name name;

    for (const xmlNode *n = list->children; n != NULL; n = n->next) {
        if (n->type != XML_ELEMENT_NODE)
            continue;
        name = name_of(a, n);
        if (has_name(out, &name))
            continue;
        if (out->names.n == DAV_NAMES_MAX)
            return false;
        *vec_push(a, &out->names) = name;
    }
    return true;
}


static bool
read_propfind(struct arena *a, const xmlNode *root, void *arg)
{
    struct dav_propfind *out = arg;
    const xmlNode       *some = child_named(root, "prop"), *more;

    if (some != NULL) {
        out->wish = DAV_SOME;
        return add_names(a, some, out);
    }
    out->wish = child_named(root, "propname") != NULL ? DAV_NAMES : DAV_ALL;
    if (out->wish == DAV_ALL && child_named(root, "allprop") == NULL)
        return false;
    more = child_named(root, "include");
    return more == NULL || add_names(a, more, out);
}


bool
dav_xml_propfind(struct arena *a, str_t body, struct dav_propfind *out)
{
    *out = (struct dav_propfind){ .wish = DAV_ALL };
    return read_document(a, body, "propfind", read_propfind, out);
}


/* --- PROPPATCH ------------------------------------------------------------------------ */

static bool
add_changes(struct arena *a, const xmlNode *list, bool is_removal,
            struct dav_update *out)
{
    struct dav_change *c;

    for (const xmlNode *n = list->children; n != NULL; n = n->next) {
        if (n->type != XML_ELEMENT_NODE)
            continue;
        if (out->changes.n == DAV_NAMES_MAX)
            return false;
        c = vec_push(a, &out->changes);
        c->name = name_of(a, n);
        if (!is_removal)
            c->xml = text_of(a, n);
    }
    return true;
}


static bool
read_update(struct arena *a, const xmlNode *root, void *arg)
{
    struct dav_update *out = arg;
    const xmlNode     *list;

    for (const xmlNode *n = root->children; n != NULL; n = n->next) {
        bool is_removal = is_named(n, "remove");

        if (!is_removal && !is_named(n, "set"))
            continue;
        list = child_named(n, "prop");
        if (list != NULL && !add_changes(a, list, is_removal, out))
            return false;
    }
    return out->changes.n != 0;
}


bool
dav_xml_update(struct arena *a, str_t body, struct dav_update *out)
{
    *out = (struct dav_update){ .changes = { .n = 0 } };
    return read_document(a, body, "propertyupdate", read_update, out);
}


/* --- LOCK ----------------------------------------------------------------------------- */

static bool
read_lockinfo(struct arena *a, const xmlNode *root, void *arg)
{
    struct dav_lockinfo *out = arg;
    const xmlNode       *scope = child_named(root, "lockscope");
    const xmlNode       *type = child_named(root, "locktype");
    const xmlNode       *owner = child_named(root, "owner");

    if (scope == NULL || type == NULL || child_named(type, "write") == NULL)
        return false;
    out->is_shared = child_named(scope, "shared") != NULL;
    if (!out->is_shared && child_named(scope, "exclusive") == NULL)
        return false;
    if (owner != NULL)
        out->owner = text_of(a, owner);
    return true;
}


bool
dav_xml_lockinfo(struct arena *a, str_t body, struct dav_lockinfo *out)
{
    *out = (struct dav_lockinfo){ .is_shared = false };
    return read_document(a, body, "lockinfo", read_lockinfo, out);
}
