/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents that come in two pieces, with a DTD and without, and what a
 * stylesheet makes of them: the first byte says which.
 */
#include "core/base/check.h"
#include "modules/filter/xslt_work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sheet_text[]
    = "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/"
      "Transform\"><xsl:output method=\"html\" encoding=\"utf-8\"/><xsl:param "
      "name=\"p\"/><xsl:template match=\"@*|node()\"><xsl:copy><xsl:apply-"
      "templates select=\"@*|node()\"/></xsl:copy></xsl:template></"
      "xsl:stylesheet>";


static xsltStylesheet *
the_sheet(void)
{
    static xsltStylesheet *sheet;

    if (sheet != NULL)
        return sheet;
    xslt_start();
    sheet = xsltParseStylesheetDoc(
        xmlReadMemory(sheet_text, (int) sizeof(sheet_text) - 1, NULL, NULL, 0));
    CHECK(sheet != NULL);
    return sheet;
}


static void
transform(xmlDoc *doc, str_t param, const struct log *log)
{
    struct arena      *a = arena_new(0);
    struct xslt_param  p = { STR("p"), param, true };
    struct xslt_output out;
    xmlDoc            *result = xslt_apply(the_sheet(), doc, &p, 1, a, log);

    if (result != NULL && xslt_print(the_sheet(), result, a, log, &out)) {
        CHECK(out.n > 0 && str_is(out.type, "text/html"));
        CHECK(str_is(out.charset, "utf-8"));
        xmlFree(out.bytes);
    }
    if (result != NULL)
        xmlFreeDoc(result);
    xmlFreeDoc(doc);
    arena_free(a);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct xml_rules plain,
        with_dtd
        = { .dtd = STR_INIT("<!ENTITY hello \"<b>from the DTD</b>\">") };
    struct xml_input in;
    const char      *text = (const char *) data + 1;
    size_t           cut;
    xmlDoc          *doc;

    if (size < 2)
        return 0;
    (void) the_sheet();
    size--;
    cut = (data[0] >> 1) % size;
    CHECK(xml_input_begin(&in, data[0] & 1 ? &with_dtd : &plain, &log_aside));
    if (!xml_input_add(&in, text, cut)
        || !xml_input_add(&in, text + cut, size - cut))
    {
        xml_input_abandon(&in);
        return 0;
    }
    doc = xml_input_end(&in);
    if (doc != NULL)
        transform(doc, (str_t){ text, cut }, &log_aside);
    return 0;
}
