/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libxml2 asks one function of the process for every other file that a document
 * wants; the documents of clients are known there by the private pointer of
 * their parsers, which those of their entities inherit.
 */
#include "modules/filter/xslt_work.h"

#include <libexslt/exslt.h>
#include <libxslt/imports.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltutils.h>
#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_MAX = 256 };


/* --- what the libraries say ----------------------------------------------- */

static void
ignore(void *arg, const char *format, ...)
{
    (void) arg;
    (void) format;
}


__attribute__((format(printf, 2, 0))) static str_t
text_of(char *buffer, const char *format, va_list args)
{
    int n = vsnprintf(buffer, MESSAGE_MAX, format, args);

    if (n < 0)
        n = 0;
    if (n >= MESSAGE_MAX)
        n = MESSAGE_MAX - 1;
    while (n > 0 && (uint8_t) buffer[n - 1] <= ' ')
        n--;
    return (str_t){ buffer, (size_t) n };
}


static void __attribute__((format(printf, 2, 3)))
tell_parser_error(void *arg, const char *format, ...)
{
    const xmlParserCtxt *parser = arg;
    struct xml_input    *in = parser->_private;
    char                 buffer[MESSAGE_MAX];
    va_list              args;
    str_t                text;

    if (in->has_failed)
        return;
    in->has_failed = true;
    va_start(args, format);
    text = text_of(buffer, format, args);
    va_end(args);
    log_error(in->log, "libxml2 error: \"" STR_F "\"", STR_A(text));
}


static void __attribute__((format(printf, 2, 3)))
tell_sheet_error(void *arg, const char *format, ...)
{
    const struct log *log = arg;
    char              buffer[MESSAGE_MAX];
    va_list           args;
    str_t             text;

    va_start(args, format);
    text = text_of(buffer, format, args);
    va_end(args);
    if (str_starts(text, STR("runtime error")))
        text = str_from(text, sizeof("runtime error") - 1);
    while (text.n != 0 && (text.p[0] == ':' || text.p[0] == ' '))
        text = str_from(text, 1);
    if (text.n != 0)
        log_info(log, "libxslt: " STR_F, STR_A(text));
}


/* --- other files ---------------------------------------------------------- */

static xmlParserInput *
load(const char *url, const char *id, xmlParserCtxt *parser)
{
    struct xml_input *in = parser != NULL ? parser->_private : NULL;

    if (in == NULL || in->rules->loads_external)
        return xmlNoNetExternalEntityLoader(url, id, parser);
    if (!in->has_warned)
        log_warn(in->log, "xslt filter external entity ignored: \"%s\"",
                 url != NULL  ? url
                 : id != NULL ? id
                              : "");
    in->has_warned = true;
    return xmlNewStringInputStream(parser, BAD_CAST "");
}


/* The external DTD. */
static xmlParserInput *
load_dtd(void *arg, const xmlChar *id, const xmlChar *url)
{
    xmlParserCtxt          *parser = arg;
    const struct xml_input *in = parser->_private;

    (void) id;
    (void) url;
    return xmlNewStringInputStream(
        parser, BAD_CAST(in->rules->dtd.n != 0 ? in->rules->dtd.p : ""));
}


void
xslt_start(void)
{
    static bool        is_done;
    xsltSecurityPrefs *prefs;

    if (is_done)
        return;
    is_done = true;
    xmlInitParser();
    exsltRegisterAll();
    xmlSetGenericErrorFunc(NULL, ignore);
    xsltSetGenericErrorFunc(NULL, ignore);
    xmlSetExternalEntityLoader(load);
    prefs = xsltNewSecurityPrefs();
    if (prefs == NULL)
        return;
    (void) xsltSetSecurityPrefs(prefs, XSLT_SECPREF_WRITE_FILE,
                                xsltSecurityForbid);
    (void) xsltSetSecurityPrefs(prefs, XSLT_SECPREF_CREATE_DIRECTORY,
                                xsltSecurityForbid);
    (void) xsltSetSecurityPrefs(prefs, XSLT_SECPREF_READ_NETWORK,
                                xsltSecurityForbid);
    (void) xsltSetSecurityPrefs(prefs, XSLT_SECPREF_WRITE_NETWORK,
                                xsltSecurityForbid);
    xsltSetDefaultSecurityPrefs(prefs);
}


/* --- documents ------------------------------------------------------------ */

bool
xml_input_begin(struct xml_input *in, const struct xml_rules *rules,
                const struct log *log)
{
    int options = XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOWARNING;

    *in = (struct xml_input){ .rules = rules, .log = log };
    in->parser = xmlCreatePushParserCtxt(NULL, NULL, NULL, 0, NULL);
    if (in->parser == NULL) {
        log_error(log, "xmlCreatePushParserCtxt() failed");
        return false;
    }
    if (rules->dtd.n != 0)
        options |= XML_PARSE_DTDLOAD;
    (void) xmlCtxtUseOptions(in->parser, options);
    in->parser->_private = in;
    in->parser->sax->error = tell_parser_error;
    in->parser->sax->resolveEntity = load_dtd;
    return true;
}


bool
xml_input_add(struct xml_input *in, const char *p, size_t n)
{
    int error;

    if (n > XML_DOCUMENT_MAX - in->n) {
        log_error(in->log, "xslt filter: too big document");
        return false;
    }
    in->n += n;
    error = xmlParseChunk(in->parser, p, (int) n, 0);
    if (error == 0 || in->parser->wellFormed)
        return true;
    log_error(in->log, "xmlParseChunk() failed, error:%d", error);
    return false;
}


xmlDoc *
xml_input_end(struct xml_input *in)
{
    int     error = xmlParseChunk(in->parser, NULL, 0, 1);
    xmlDoc *doc = NULL;

    if (in->parser->wellFormed) {
        doc = in->parser->myDoc;
        in->parser->myDoc = NULL;
    }
    if (doc == NULL)
        log_error(in->log, "xmlParseChunk() failed, error:%d", error);
    xml_input_abandon(in);
    return doc;
}


void
xml_input_abandon(struct xml_input *in)
{
    if (in->parser == NULL)
        return;
    if (in->parser->myDoc != NULL)
        xmlFreeDoc(in->parser->myDoc);
    in->parser->myDoc = NULL;
    xmlFreeParserCtxt(in->parser);
    in->parser = NULL;
}


/* --- stylesheets ---------------------------------------------------------- */

/* Gives texts to the context; the expressions become a list for libxslt. */
static const char **
give_params(xsltTransformContext *context, const struct xslt_param *params,
            size_t n, struct arena *a)
{
    const char **list = arena_array(a, const char *, 2 * n + 1), **end = list;
    size_t       i;

    for (i = 0; i < n; i++) {
        const char *name = str_z(a, params[i].name);
        const char *value = str_z(a, params[i].value);

        if (!params[i].is_text) {
            *end++ = name;
            *end++ = value;
        } else if (xsltQuoteOneUserParam(context, BAD_CAST name, BAD_CAST value)
                   != 0) {
            return NULL;
        }
    }
    return list;
}


xmlDoc *
xslt_apply(xsltStylesheet *sheet, xmlDoc *doc, const struct xslt_param *params,
           size_t n, struct arena *a, const struct log *log)
{
    xsltTransformContext *context = xsltNewTransformContext(sheet, doc);
    const char          **list;
    xmlDoc               *result = NULL;

    if (context != NULL) {
        xsltSetTransformErrorFunc(context, (void *) (uintptr_t) log,
                                  tell_sheet_error);
        list = give_params(context, params, n, a);
        if (list != NULL)
            result = xsltApplyStylesheetUser(sheet, doc, list, NULL, NULL,
                                             context);
        if (result != NULL && context->state != XSLT_STATE_OK) {
            xmlFreeDoc(result);
            result = NULL;
        }
        xsltFreeTransformContext(context);
    }
    if (result == NULL)
        log_error(log, "xsltApplyStylesheet() failed");
    return result;
}


static str_t
copy(struct arena *a, const xmlChar *s)
{
    return str_join(a, str_of((const char *) s), STR_NONE);
}


bool
xslt_print(xsltStylesheet *sheet, xmlDoc *doc, struct arena *a,
           const struct log *log, struct xslt_output *out)
{
    const xmlChar *type, *method, *encoding;

    *out = (struct xslt_output){ .type = STR_NONE, .charset = STR_NONE };
    if (xsltSaveResultToString(&out->bytes, &out->n, doc, sheet) != 0) {
        log_error(log, "xsltSaveResultToString() failed");
        return false;
    }
    if (out->n <= 0) {
        log_error(log, "xsltSaveResultToString() returned zero-length result");
        xmlFree(out->bytes);
        return false;
    }
    XSLT_GET_IMPORT_PTR(type, sheet, mediaType)
    XSLT_GET_IMPORT_PTR(method, sheet, method)
    XSLT_GET_IMPORT_PTR(encoding, sheet, encoding)
    if (type != NULL)
        out->type = copy(a, type);
    else if (method != NULL ? xmlStrEqual(method, BAD_CAST "html")
                            : doc->type == XML_HTML_DOCUMENT_NODE)
        out->type = STR("text/html");
    if (encoding != NULL)
        out->charset = copy(a, encoding);
    return true;
}
