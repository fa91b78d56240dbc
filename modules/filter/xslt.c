/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xslt: stylesheets make something else of XML.
 *
 *     location / {
 *         xslt_stylesheet  /etc/site.xsl  page='$arg_page':size=10;
 *     }
 *
 * The document is parsed while it comes; the head waits for what becomes of
 * it.  Memory: the document as a tree, of at most XML_DOCUMENT_MAX bytes, what
 * the stylesheets make of it, and that as text.
 */
#include <fcntl.h>
#include <unistd.h>

#include "core/base/escape.h"
#include "http/types.h"
#include "modules/filter/xslt_work.h"
#include "modules/module.h"

enum {
    DTD_MAX = 1024 * 1024, /* bytes                                          */
    PARAMS_MAX = 256,      /* of a response                                  */
};

struct sheet {
    xsltStylesheet    *style;
    VEC(struct expr *) params; /* "name=value", several with ":" in between  */
};

struct sheets {
    VEC(struct sheet) list;
};

struct named {
    str_t        name;
    struct expr *value;
};

struct named_list {
    VEC(struct named) list;
    bool is_own; /* of this block                                            */
};

struct xslt_conf {
    struct sheets     sheets;
    struct named_list params, texts;
    struct xml_rules  rules;
    struct mime_set  *types;
    bool              keeps_last_modified;
};

struct xslt_state {
    struct xml_input input;
    xmlDoc          *doc;
};

extern struct module xslt_module;


/* --- configuration ------------------------------------------------------- */

static void
free_style(void *style)
{
    xsltFreeStylesheet(style);
}


static const char *
parse_sheet(struct conf *cf, void *field)
{
    struct sheets *sheets = field;
    struct sheet   s = { .style = NULL };
    str_t          path = conf_path_conf(cf, cf->args[1]);
    const char    *name = str_z(cf->arena, path), *error = NULL;
    unsigned       i;

    xslt_start();
    s.style = xsltParseStylesheetFile(BAD_CAST name);
    if (s.style == NULL)
        return conf_error(cf, "xsltParseStylesheetFile(\"%s\") failed", name);
    arena_defer(cf->arena, free_style, s.style);
    for (i = 2; i < cf->n_args; i++) {
        *vec_push(cf->arena, &s.params)
            = expr_compile(cf, cf->args[i], 0, &error);
        if (error != NULL)
            return error;
    }
    *vec_push(cf->arena, &sheets->list) = s;
    return NULL;
}


static const char *
parse_named(struct conf *cf, void *field)
{
    struct named_list *l = field;
    const char        *error = NULL;
    struct named      *it = vec_push(cf->arena, &l->list);

    l->is_own = true;
    it->name = cf->args[1];
    it->value = expr_compile(cf, cf->args[2], 0, &error);
    return error;
}


/* A block that has some of one kind inherits none of the other one. */
static void
inherit_named(struct named_list *l, const struct named_list *other,
              const struct named_list *outer)
{
    if (other->is_own)
        return;
    *l = *outer;
    l->is_own = false;
}


static void
inherit_params(struct conf *cf, void *field, const void *outer)
{
    (void) cf;
    inherit_named(field, &container_of(field, struct xslt_conf, params)->texts,
                  outer);
}


static void
inherit_texts(struct conf *cf, void *field, const void *outer)
{
    (void) cf;
    inherit_named(field, &container_of(field, struct xslt_conf, texts)->params,
                  outer);
}


/* Reads the file; false: errno. */
static bool
read_dtd(struct arena *a, const char *path, str_t *out)
{
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    char   *p = arena_bytes(a, DTD_MAX + 1);
    size_t  n = 0;
    ssize_t got = 1;

    if (fd == -1)
        return false;
    while (got > 0 && n < DTD_MAX) {
        got = read(fd, p + n, DTD_MAX - n);
        if (got > 0)
            n += (size_t) got;
    }
    (void) close(fd);
    p[n] = '\0';
    *out = (str_t){ p, n };
    return got == 0;
}


static const char *
parse_entities(struct conf *cf, void *field)
{
    str_t      *text = field;
    const char *path = str_z(cf->arena, conf_path_conf(cf, cf->args[1]));
    xmlDtd     *dtd;

    xslt_start();
    dtd = xmlParseDTD(NULL, BAD_CAST path);
    if (dtd == NULL || !read_dtd(cf->arena, path, text)) {
        if (dtd != NULL)
            xmlFreeDtd(dtd);
        return conf_error(cf, "xmlParseDTD(\"%s\") failed", path);
    }
    xmlFreeDtd(dtd);
    return NULL;
}


static const struct conf_type sheet_type = {
    .name = "stylesheets",
    .size = sizeof(struct sheets),
    .parse = parse_sheet,
};

static const struct conf_type params_type = {
    .name = "parameters",
    .size = sizeof(struct named_list),
    .parse = parse_named,
    .inherit = inherit_params,
};

static const struct conf_type texts_type = {
    .name = "parameters",
    .size = sizeof(struct named_list),
    .parse = parse_named,
    .inherit = inherit_texts,
};

static const struct conf_type entities_type = {
    .name = "entities",
    .size = sizeof(str_t),
    .parse = parse_entities,
};

static const struct directive rows[] = {
    CUSTOM("xslt_stylesheet", IN_LOCATION | ROW_MANY, ARGS_1_OR_MORE,
           sheet_type, struct xslt_conf, sheets, struct sheets,
           "stylesheet [parameter=value ...]",
           "Makes something else of XML; several work on each other's results. "
           "Values are expressions of XPath, may have variables and %XX, and "
           "several may stand in one argument with \":\" in between."),
    CUSTOM("xslt_param", IN_WEB | ROW_MANY, ARGS_2, params_type,
           struct xslt_conf, params, struct named_list, "parameter value",
           "A parameter of all stylesheets: an expression of XPath."),
    CUSTOM("xslt_string_param", IN_WEB | ROW_MANY, ARGS_2, texts_type,
           struct xslt_conf, texts, struct named_list, "parameter value",
           "A parameter of all stylesheets: a text."),
    { "xslt_types", IN_WEB | ROW_MANY, ARGS_1_OR_MORE, &conf_xml_set,
      FIELD(struct xslt_conf, types, struct mime_set *), NULL, NULL,
      "mime-type ...",
      "The media types to which xslt_stylesheet applies, besides text/xml; * is "
      "any." },
    FLAG("xslt_last_modified", IN_WEB, struct xslt_conf, keeps_last_modified,
         "off",
         "Keeps Last-Modified, and a weak ETag, of what is made something "
         "else."),
    CUSTOM("xml_entities", IN_WEB, ARGS_1, entities_type, struct xslt_conf,
           rules.dtd, str_t, "path",
           "A DTD with entities, which stands for the external one of each "
           "document."),
    FLAG("xml_external_entities", IN_WEB, struct xslt_conf,
         rules.loads_external, "off",
         "Loads the files that entities of documents name; never over the "
         "network."),
    { .name = NULL },
};


/* --- parameters ---------------------------------------------------------- */

struct given {
    struct xslt_param list[PARAMS_MAX];
    size_t            n;
};


static bool
give(struct http_request *r, struct given *g, struct xslt_param p)
{
    if (g->n == PARAMS_MAX) {
        log_error(r->task.log, "too many libxslt parameters");
        return false;
    }
    g->list[g->n++] = p;
    return true;
}


static bool
give_named(struct http_request *r, struct given *g, const struct named_list *l,
           bool is_text)
{
    VEC_EACH(&l->list, it)
        if (!give(r, g,
                  (struct xslt_param){
                      .name = it->name,
                      .value = expr_eval(it->value, &r->task),
                      .is_text = is_text,
                  }))
            return false;
    return true;
}


/* "name=value:name=value" */
static bool
give_some(struct http_request *r, struct given *g, str_t text)
{
    struct xslt_param p = { .is_text = false };
    str_t             word;

    while (text.n != 0) {
        word = str_cut(&text, ':');
        p.name = str_cut(&word, '=');
        if (word.p == NULL) {
            log_error(r->task.log, "invalid libxslt parameter \"" STR_F "\"",
                      STR_A(p.name));
            return false;
        }
        p.value = unescape_uri(r->task.arena, word);
        if (!give(r, g, p))
            return false;
    }
    return true;
}


static bool
give_all(struct http_request *r, const struct xslt_conf *c,
         const struct sheet *s, struct given *g)
{
    g->n = 0;
    if (!give_named(r, g, &c->params, false)
        || !give_named(r, g, &c->texts, true))
        return false;
    VEC_EACH(&s->params, e)
        if (!give_some(r, g, expr_eval(*e, &r->task)))
            return false;
    return true;
}


/* --- the filter ---------------------------------------------------------- */

static void
abandon(void *arg)
{
    struct xslt_state *s = arg;

    xml_input_abandon(&s->input);
    if (s->doc != NULL)
        xmlFreeDoc(s->doc);
    s->doc = NULL;
}


/* The page about it is not looked at. */
static enum step
give_up(struct http_request *r, struct xslt_state *s)
{
    bool *is_over = http_state_of(r, &xslt_module);

    abandon(s);
    *is_over = true;
    return http_refuse_body(r, 500);
}


static enum step
decide(struct http_request *r, void *state)
{
    const struct xslt_conf *c = conf_of(&r->task, &xslt_module);
    struct xslt_state      *s = state;
    bool                    is_xml = c->types != NULL
                                         ? mime_set_has(c->types, r->out.content_type)
                                         : str_ieq(r->out.content_type, STR("text/xml"));

    if (c->sheets.list.n == 0 || r->out.status == 304 || !is_xml
        || http_state_if(r, &xslt_module) != NULL)
        return STEP_NEXT;
    arena_defer(r->task.arena, abandon, s);
    if (!xml_input_begin(&s->input, &c->rules, r->task.log))
        return give_up(r, s);
    r->out.allows_ranges = false;
    fields_hide(&r->out.fields, FIELD_ACCEPT_RANGES);
    return STEP_WAIT;
}


static bool
apply_all(struct http_request *r, struct xslt_state *s)
{
    const struct xslt_conf *c = conf_of(&r->task, &xslt_module);
    struct given            g;
    xmlDoc                 *result;

    VEC_EACH(&c->sheets.list, sheet) {
        if (!give_all(r, c, sheet, &g))
            return false;
        result = xslt_apply(sheet->style, s->doc, g.list, g.n, r->task.arena,
                            r->task.log);
        xmlFreeDoc(s->doc);
        s->doc = result;
        if (result == NULL)
            return false;
    }
    return true;
}


static void
free_output(struct block *b)
{
    xmlFree(b->data);
    free(b);
}


/* A block that frees the bytes; NULL: they are freed. */
static struct block *
block_of(const struct xslt_output *o)
{
    struct block *b = malloc(sizeof(*b));

    if (b == NULL) {
        xmlFree(o->bytes);
        return NULL;
    }
    *b = (struct block){ .refs = 1,
                         .size = (unsigned) o->n,
                         .free = free_output,
                         .data = (char *) o->bytes };
    return b;
}


static enum step
send_result(struct http_request *r, struct xslt_state *s, struct chain *out)
{
    const struct xslt_conf *c = conf_of(&r->task, &xslt_module);
    xsltStylesheet    *last = c->sheets.list.at[c->sheets.list.n - 1].style;
    struct xslt_output o;
    struct block      *b;
    enum step          step;

    if (!xslt_print(last, s->doc, r->task.arena, r->task.log, &o))
        return give_up(r, s);
    abandon(s);
    b = block_of(&o);
    if (b == NULL)
        return give_up(r, s);
    http_renew_body(r, c->keeps_last_modified);
    if (o.type.n != 0) {
        r->out.content_type = o.type;
        r->out.type_tail = STR_NONE;
    }
    if (o.charset.n != 0)
        r->out.type_tail
            = str_join(r->task.arena, STR("; charset="), o.charset);
    r->out.length = o.n;
    step = http_release_head(r);
    if (step != STEP_FAIL) {
        chain_add_block(out, b, (str_t){ b->data, b->size });
        step = STEP_NEXT;
    }
    block_put(b);
    return step;
}


static bool
parse(struct xslt_state *s, struct chain *in)
{
    char   buffer[4096];
    size_t n;

    while (in->n != 0) {
        n = chain_peek(in, buffer, sizeof(buffer));
        if (!xml_input_add(&s->input, buffer, n))
            return false;
        chain_skip(in, n);
    }
    return true;
}


static enum step
take(struct http_request *r, void *state, struct chain *in, struct chain *out,
     bool last)
{
    struct xslt_state *s = state;

    if (!parse(s, in))
        return give_up(r, s);
    if (!last)
        return STEP_NEXT;
    s->doc = xml_input_end(&s->input);
    if (s->doc == NULL || !apply_all(r, s))
        return give_up(r, s);
    return send_result(r, s, out);
}


static const struct http_filter filter
    = { .name = "xslt",
        .state_size = sizeof(struct xslt_state),
        .needs_memory = true,
        .head = decide,
        .body = take };

struct module xslt_module = {
    .name = "http_xslt",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct xslt_conf),
    .state_size = sizeof(bool),
    .filter = &filter,
};
