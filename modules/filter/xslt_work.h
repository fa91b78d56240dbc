/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XML that comes in pieces, and stylesheets that make something else of it.  By
 * libxml2 and libxslt, without the network: neither documents nor stylesheets
 * can make weir connect anywhere or write files.
 */
#pragma once

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxslt/xsltInternals.h>

#include "core/base/arena.h"
#include "core/log/log.h"

enum { XML_DOCUMENT_MAX = 32 * 1024 * 1024 }; /* bytes                       */

/* What documents may refer to. */
struct xml_rules {
    str_t dtd;            /* stands for the external DTD; or empty           */
    bool  loads_external; /* entities may be files                           */
};

/* A document that is coming. */
struct xml_input {
    xmlParserCtxt          *parser;
    const struct xml_rules *rules;
    const struct log       *log;
    size_t                  n;   /* bytes so far                     */
    bool has_warned, has_failed; /* one line of each in the log      */
};

struct xslt_param {
    str_t name, value;
    bool  is_text; /* else an expression of XPath                            */
};

/* What comes out; to be freed with xmlFree. */
struct xslt_output {
    xmlChar *bytes;
    int      n;
    str_t    type;    /* or empty: as it was                                 */
    str_t    charset; /* or empty                                            */
};

/* Before all others; may be called again. */
void xslt_start(void);

bool xml_input_begin(struct xml_input *in, const struct xml_rules *rules,
                     const struct log *log);
/* False, logged: this is no XML, or too much of it. */
bool xml_input_add(struct xml_input *in, const char *p, size_t n);
/* The document, or NULL, logged.  In any case the input has ended. */
xmlDoc *xml_input_end(struct xml_input *in);
/* Ends it without that; may be called again. */
void xml_input_abandon(struct xml_input *in);

/* What becomes of a document, or NULL, logged. */
xmlDoc *xslt_apply(xsltStylesheet *sheet, xmlDoc *doc,
                   const struct xslt_param *params, size_t n, struct arena *a,
                   const struct log *log);
/* The text of what became of it.  False: logged. */
bool xslt_print(xsltStylesheet *sheet, xmlDoc *doc, struct arena *a,
                const struct log *log, struct xslt_output *out);
