/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * charset: adds the character set of text to Content-Type.
 *
 *     charset utf-8;
 *     charset_types text/css application/json;
 */
#include "http/types.h"
#include "modules/module.h"

extern struct module charset_module;

struct charset_conf {
    struct expr     *charset; /* NULL: off                                   */
    struct mime_set *types;
    bool             override;
};


/* The character sets that the configuration names. */
struct charsets {
    VEC(str_t) known;
};


static const char *
parse_charset(struct conf *cf, void *field)
{
    struct charsets *all = conf_main(cf, &charset_module);
    struct expr    **e = field;

    if (str_is(cf->args[1], "off")) {
        *e = NULL;
        return NULL;
    }
    if (str_chr(cf->args[1], '$') == NULL)
        *vec_push(cf->arena, &all->known) = str_copy(cf->arena, cf->args[1]);
    return conf_expr.parse(cf, field);
}


static const struct conf_type charset_type = {
    .name = "charset",
    .size = sizeof(struct expr *),
    .parse = parse_charset,
    .unset = "off",
};

static const struct directive rows[] = {
    { "charset", IN_WEB | IN_IF, ARGS_1, &charset_type,
      FIELD(struct charset_conf, charset, struct expr *), NULL, NULL,
      "charset | off",
      "Adds this character set to the Content-Type of text. The text is not "
      "converted. off, the default, adds none." },
    MIME_SET("charset_types", IN_WEB, struct charset_conf, types,
             "text/xml text/plain text/vnd.wap.wml application/javascript "
             "application/rss+xml",
             "The media types to which charset applies, besides text/html; * "
             "is any."),
    FLAG("override_charset", IN_WEB | IN_IF, struct charset_conf, override,
         "off",
         "Accepted without effect: weir does not convert character sets."),
    { .name = NULL },
};


static const struct charset_conf *conf_at(const struct http_request *r);


/* The character set that an upstream asks for (X-Accel-Charset), if it is a
 * known one. */
static str_t
choose_other(const struct http_request *r)
{
    const struct charsets *all = r->task.gen->main[charset_module.slot];

    VEC_EACH(&all->known, it)
        if (str_ieq(*it, r->out.other_charset))
            return r->out.other_charset;
    log_error(r->task.log, "unknown charset \"" STR_F "\" to override",
              STR_A(r->out.other_charset));
    return STR("");
}


static enum step
name_charset(struct http_request *r, void *state)
{
    const struct charset_conf *c = conf_at(r);
    str_t                      name = STR_NONE;

    (void) state;
    if (r != r->main || r->out.content_type.n == 0 || r->out.type_tail.n != 0)
        return STEP_NEXT;
    /* Some old clients applied the charset of a redirect to the next page. */
    if (r->out.status == 301 || r->out.status == 302)
        return STEP_NEXT;
    if (r->out.other_charset.n != 0)
        name = choose_other(r);
    else if (c->charset != NULL && mime_set_has(c->types, r->out.content_type))
        name = expr_eval(c->charset, &r->task);
    if (name.n != 0)
        r->out.type_tail = str_join(r->task.arena, STR("; charset="), name);
    return STEP_NEXT;
}


static const struct http_filter filter
    = { .name = "charset", .head = name_charset };

struct module charset_module = {
    .name = "http_charset",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct charset_conf),
    .main_size = sizeof(struct charsets),
    .filter = &filter,
};


static const struct charset_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &charset_module);
}
