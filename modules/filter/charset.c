/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * charset: adds the character set of text to Content-Type, and converts the
 * text to it.
 *
 *     charset_map koi8-r utf-8 { C1 D0B0; ... }
 *     charset utf-8;
 *     source_charset koi8-r;
 *     charset_types text/css application/json;
 *
 * Included responses become what the main response is.  Memory: a block for
 * what is converted, and a part of a character.
 */
#include "http/types.h"
#include "modules/filter/charset_table.h"
#include "modules/filter/gather.h"
#include "modules/module.h"

extern struct module charset_module;

struct charset_conf {
    struct expr     *charset; /* NULL: off                                   */
    struct expr     *source;  /* NULL: not known                             */
    struct mime_set *types;
    bool             overrides;
};

struct charset_map {
    str_t                first, second;
    struct charset_table table;
};

/* What the configuration says of character sets. */
struct charsets {
    VEC(str_t)                known;
    VEC(struct charset_map *) maps;
};

struct charset_state {
    struct charset_recoder recoder;
    struct gather          out;
};

/* The character sets of a response; p NULL: unknown, or not to be told. */
struct choice {
    str_t from, to;
};


/* --- configuration ------------------------------------------------------- */

static const struct charset_map *
find_map(const struct charsets *all, str_t from, str_t to, bool *is_back)
{
    VEC_EACH(&all->maps, it) {
        *is_back = str_ieq((*it)->first, to);
        if (str_ieq((*it)->first, from) && str_ieq((*it)->second, to))
            return *it;
        if (*is_back && str_ieq((*it)->second, from))
            return *it;
    }
    return NULL;
}


static const char *
parse_charset(struct conf *cf, void *field)
{
    struct charsets *all = conf_main(cf, &charset_module);
    struct expr    **e = field;

    if (str_is(cf->args[0], "charset") && str_is(cf->args[1], "off")) {
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

static const struct conf_type source_type = {
    .name = "charset",
    .size = sizeof(struct expr *),
    .parse = parse_charset,
    .unset = "unknown",
};


static const char *
open_map(struct conf *cf, void *field, void **state)
{
    struct charsets    *all = conf_main(cf, &charset_module);
    struct charset_map *m;
    str_t               first = cf->args[1], second = cf->args[2];
    bool                is_back;

    (void) field;
    if (str_ieq(first, second))
        return conf_error(cf,
                          "\"charset_map\" between the same charsets \"" STR_F
                          "\" and \"" STR_F "\"",
                          STR_A(first), STR_A(second));
    if (str_ieq(first, STR("utf-8")))
        return conf_error(cf, "\"charset_map\" with \"utf-8\" charset should "
                              "be given in the second column");
    if (find_map(all, first, second, &is_back) != NULL)
        return conf_error(cf,
                          "duplicate \"charset_map\" between \"" STR_F
                          "\" and \"" STR_F "\"",
                          STR_A(first), STR_A(second));
    m = arena_make(cf->arena, struct charset_map);
    m->first = first;
    m->second = second;
    charset_table_init(&m->table, str_ieq(second, STR("utf-8")));
    *vec_push(cf->arena, &all->known) = first;
    *vec_push(cf->arena, &all->known) = second;
    *vec_push(cf->arena, &all->maps) = m;
    *state = m;
    return NULL;
}


/* Bytes as pairs of hexadecimal digits, or one as a single digit; 0: they are
 * none, or too many. */
static size_t
read_bytes(str_t word, char *out, size_t max)
{
    size_t n = 0;
    int    digit, value = 0;

    if (word.n == 0 || (word.n > 2 && word.n % 2 != 0) || word.n > 2 * max)
        return 0;
    for (; word.n != 0; word = str_from(word, 1)) {
        digit = number_hex_digit(word.p[0]);
        if (digit < 0)
            return 0;
        value = value << 4 | digit;
        if (word.n % 2 != 0) {
            out[n++] = (char) value;
            value = 0;
        }
    }
    return n;
}


static const char *
read_line(struct conf *cf, void *state)
{
    struct charset_map *m = state;
    char                byte, text[CHARSET_UTF8_MAX];
    size_t              n;

    if (cf->n_args != 2)
        return conf_error(cf, "invalid parameters number");
    if (read_bytes(cf->args[0], &byte, 1) == 0)
        return conf_error(cf, "invalid value \"" STR_F "\"",
                          STR_A(cf->args[0]));
    n = read_bytes(cf->args[1], text, sizeof(text));
    if (n == 0
        || !charset_table_add(&m->table, (uint8_t) byte, (str_t){ text, n }))
        return conf_error(cf, "invalid value \"" STR_F "\"",
                          STR_A(cf->args[1]));
    return NULL;
}


static const struct conf_lines map_lines = {
    .open = open_map,
    .line = read_line,
};

static const struct directive rows[] = {
    { "charset", IN_WEB | IN_IF, ARGS_1, &charset_type,
      FIELD(struct charset_conf, charset, struct expr *), NULL, NULL,
      "charset | off",
      "Adds this character set to the Content-Type of text. Where "
      "source_charset is another one, the text is converted. off, the default, "
      "does neither." },
    { "source_charset", IN_WEB | IN_IF, ARGS_1, &source_type,
      FIELD(struct charset_conf, source, struct expr *), NULL, NULL, "charset",
      "The character set of text as it is stored, or comes from an upstream." },
    { "charset_map", IN_HTTP | ROW_MANY, ARGS_2 | ARGS_BLOCK | ARGS_DATA,
      &conf_data, 0, NULL, &map_lines, "charset1 charset2",
      "How characters of one character set are written in another one. Lines "
      "have the bytes of both in hexadecimal. UTF-8 can only be the second "
      "one; conversion works both ways." },
    MIME_SET("charset_types", IN_WEB, struct charset_conf, types,
             "text/xml text/plain text/vnd.wap.wml application/javascript "
             "application/rss+xml",
             "The media types to which charset applies, besides text/html; * "
             "is any."),
    FLAG("override_charset", IN_WEB | IN_IF, struct charset_conf, overrides,
         "off",
         "Converts responses whose Content-Type names a character set, too; "
         "otherwise they stay as they are."),
    { .name = NULL },
};


/* Constant character sets need a map. */
static const char *
ready(struct conf *cf, void *conf)
{
    const struct charset_conf *c = conf;
    str_t                      from, to;
    bool                       is_back;

    if (c->charset == NULL || c->source == NULL || !expr_is_constant(c->charset)
        || !expr_is_constant(c->source))
        return NULL;
    from = expr_text(c->source);
    to = expr_text(c->charset);
    if (!str_ieq(from, to)
        && find_map(conf_main(cf, &charset_module), from, to, &is_back) == NULL)
        conf_error_bare(cf, NULL, 0,
                        "no \"charset_map\" between the charsets \"" STR_F
                        "\" and \"" STR_F "\"",
                        STR_A(from), STR_A(to));
    return NULL;
}


/* --- which character sets ------------------------------------------------ */

static const struct charset_conf *conf_at(const struct http_request *r);


/* The one that a Content-Type names; *before is what precedes it. */
static str_t
named(const struct http_response *o, str_t *before)
{
    str_t       rest = o->type_tail, value;
    const char *p = str_ifind(rest, STR("charset="));

    *before = rest;
    if (p == NULL)
        return STR_NONE;
    rest = str_from(rest, (size_t) (p - rest.p) + 8);
    value = str_trim(str_cut(&rest, ';'));
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = (str_t){ value.p + 1, value.n - 2 };
    before->n = (size_t) (p - before->p);
    while (before->n != 0 && strchr("; ", before->p[before->n - 1]) != NULL)
        before->n--;
    return value;
}


/* The one that an upstream asks for (X-Accel-Charset), if it is known. */
static str_t
choose_other(const struct http_request *r, const struct charsets *all)
{
    VEC_EACH(&all->known, it)
        if (str_ieq(*it, r->out.other_charset))
            return r->out.other_charset;
    log_error(r->task.log, "unknown charset \"" STR_F "\" to override",
              STR_A(r->out.other_charset));
    return STR_NONE;
}


static str_t
choose_to(struct http_request *r, const struct charsets *all, str_t name)
{
    const struct charset_conf *c = conf_at(r);
    str_t                      before;

    if (r != r->main)
        return named(&r->main->out, &before);
    if (r->out.content_type.n == 0)
        return STR_NONE;
    if (r->out.other_charset.n != 0)
        return choose_other(r, all);
    if (c->charset == NULL || (name.p != NULL && !c->overrides)
        || (name.p == NULL && r->out.type_tail.n != 0)
        || (name.p == NULL && !mime_set_has(c->types, r->out.content_type)))
        return STR_NONE;
    return expr_eval(c->charset, &r->task);
}


static void
set_name(struct http_request *r, str_t before, str_t name)
{
    r->out.type_tail = before;
    /* Some old clients applied the charset of a redirect to the next page. */
    if (name.n != 0 && r->out.status != 301 && r->out.status != 302)
        r->out.type_tail
            = str_join3(r->task.arena, before, STR("; charset="), name);
}


static void
abandon(void *arg)
{
    struct charset_state *s = arg;

    gather_end(&s->out);
}


static enum step
begin(struct http_request *r, struct charset_state *s,
      const struct charset_map *map, bool is_back)
{
    s->recoder.table = &map->table;
    s->recoder.is_back = is_back;
    if (map->table.is_wide)
        r->out.length = -1;
    arena_defer(r->task.arena, abandon, s);
    return STEP_ACCEPT;
}


static enum step
decide(struct http_request *r, void *state)
{
    const struct charset_conf *c = conf_at(r);
    const struct charsets     *all = r->task.gen->main[charset_module.slot];
    const struct charset_map  *map;
    struct choice              choice;
    str_t                      before;
    bool                       is_back;

    if (c->charset == NULL && r == r->main && r->out.other_charset.n == 0)
        return STEP_NEXT;
    choice.from = named(&r->out, &before);
    choice.to = choose_to(r, all, choice.from);
    if (choice.to.p == NULL)
        return STEP_NEXT;
    if (choice.from.p == NULL && c->source != NULL)
        choice.from = expr_eval(c->source, &r->task);
    else if (choice.from.p == NULL)
        choice.from = choice.to;
    if (!str_ieq(choice.from, choice.to)
        && fields_get(&r->out.fields, FIELD_CONTENT_ENCODING) != NULL)
        return STEP_NEXT;
    map = find_map(all, choice.from, choice.to, &is_back);
    if (map == NULL && !str_ieq(choice.from, choice.to)) {
        log_error(r->task.log,
                  "no \"charset_map\" between the charsets \"" STR_F
                  "\" and \"" STR_F "\"",
                  STR_A(choice.from), STR_A(choice.to));
        return STEP_NEXT;
    }
    if (r == r->main)
        set_name(r, before, choice.to);
    return map != NULL ? begin(r, state, map, is_back) : STEP_NEXT;
}


/* --- the body ------------------------------------------------------------ */

static void
convert(struct charset_state *s, str_t in, struct chain *out)
{
    size_t room;
    char  *to;

    while (in.n != 0) {
        to = gather_room(&s->out, CHARSET_STEP, &room);
        gather_took(&s->out, out, charset_recode(&s->recoder, &in, to, room));
    }
}


static enum step
convert_body(struct http_request *r, void *state, struct chain *in,
             struct chain *out, bool last)
{
    struct charset_state *s = state;
    struct piece         *p;
    str_t                 text;

    (void) r;
    while ((p = in->head) != NULL) {
        text = (str_t){ p->p, p->n };
        if (p->n == 0 || charset_keeps(&s->recoder, text)) {
            chain_move_first(out, in);
            continue;
        }
        convert(s, text, out);
        if (p->flags & PIECE_FLUSH)
            chain_flush(out);
        chain_drop_first(in);
    }
    if (last)
        gather_end(&s->out);
    return STEP_NEXT;
}


static const struct http_filter filter
    = { .name = "charset",
        .state_size = sizeof(struct charset_state),
        .needs_memory = true,
        .head = decide,
        .body = convert_body };

struct module charset_module = {
    .name = "http_charset",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct charset_conf),
    .main_size = sizeof(struct charsets),
    .ready = ready,
    .filter = &filter,
    .acts_unset = true, /* X-Accel-Charset                                   */
};


static const struct charset_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &charset_module);
}
