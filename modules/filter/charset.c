/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * charset: names the character set of text in Content-Type.
 *
 *     charset utf-8;
 *     charset_types text/css application/json;
 */
#include "http/types.h"
#include "modules/module.h"

struct charset_conf {
    struct expr     *charset; /* NULL: off                                   */
    struct mime_set *types;
    bool             override;
};


static const char *
parse_charset(struct conf *cf, void *field)
{
    struct expr **e = field;

    if (str_is(cf->args[1], "off")) {
        *e = NULL;
        return NULL;
    }
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
      "Names that character set in the Content-Type of text. It is "
      "not converted. off, the default, adds none." },
    MIME_SET("charset_types", IN_WEB, struct charset_conf, types,
             "text/xml text/plain text/vnd.wap.wml application/javascript "
             "application/rss+xml",
             "The media types that charset holds for, besides text/html; * "
             "is any."),
    FLAG("override_charset", IN_WEB | IN_IF, struct charset_conf, override,
         "off",
         "Accepted without effect: weir does not convert what has "
         "another character set."),
    { .name = NULL },
};


static const struct charset_conf *conf_at(const struct http_request *r);


static enum step
name_charset(struct http_request *r, void *state)
{
    const struct charset_conf *c = conf_at(r);

    (void) state;
    if (c->charset == NULL || r != r->main || r->out.content_type.n == 0
        || r->out.charset.n != 0 || r->out.keeps_charset)
        return STEP_NEXT;
    /* Some old client took it for the charset of the next page. */
    if (r->out.status == 301 || r->out.status == 302)
        return STEP_NEXT;
    if (mime_set_has(c->types, r->out.content_type))
        r->out.charset = expr_eval(c->charset, &r->task);
    return STEP_NEXT;
}


static const struct http_filter filter
    = { .name = "charset", .head = name_charset };

struct module charset_module = {
    .name = "http_charset",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct charset_conf),
    .filter = &filter,
};


static const struct charset_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &charset_module);
}
