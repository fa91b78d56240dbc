/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * headers: headers and trailers that the configuration adds.
 *
 *     add_header X-Frame-Options DENY always;
 *     add_trailer Server-Timing $request_time;
 *     expires modified 1h;
 *
 * The lists of a block replace those of the outer blocks, are followed by them
 * (add_header_inherit merge), or stand alone even where they are empty (off).
 */
#include "modules/module.h"

enum inherit { INHERIT_OFF, INHERIT_ON, INHERIT_MERGE };

struct header {
    str_t                 name;
    enum field_id         id;
    struct expr          *value;
    bool                  always;
    const struct setting *setting; /* where it is set                        */
};

struct headers {
    VEC(struct header) list;
};

struct expires {
    enum {
        EXPIRES_OFF,
        EXPIRES_EPOCH,
        EXPIRES_MAX,
        EXPIRES_ACCESS,
        EXPIRES_MODIFIED,
        EXPIRES_DAILY,
        EXPIRES_EXPR,
    } kind;
    int64_t      time;
    struct expr *expr;
    bool         of_modified; /* with expr                                   */
};

struct headers_conf {
    struct headers             headers, trailers; /* this block's own        */
    unsigned                   header_inherit, trailer_inherit;
    struct expires             expires;
    const struct headers_conf *outer;
    /* The lists in force, computed by ready. */
    struct headers all_headers, all_trailers;
};

static const struct headers_conf *conf_at(const struct http_request *r);


/* --- rows ------------------------------------------------------------------ */

static const char *
parse_header(struct conf *cf, void *field)
{
    struct headers *h = field;
    struct header  *one;
    const char     *error = NULL;

    if (cf->n_args == 4 && !str_is(cf->args[3], "always")) {
        static const char *const words[] = { "always", NULL };

        conf_suggest(cf, cf->args[3], words);
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[3]));
    }
    one = vec_push(cf->arena, &h->list);
    one->name = cf->args[1];
    one->id = field_id(one->name);
    if (one->id == FIELD_SERVER || one->id == FIELD_DATE)
        one->id = FIELD_UNKNOWN; /* in addition to weir's own       */
    one->always = cf->n_args == 4;
    one->setting = cf->block->settings;
    one->value = expr_compile(cf, cf->args[2], 0, &error);
    return one->value ? NULL : conf_error(cf, "%s", error);
}


/* ready() does the inheriting: it depends on add_header_inherit. */
static void
leave(struct conf *cf, void *field, const void *outer)
{
    (void) cf;
    (void) field;
    (void) outer;
}


static void
note_outer(struct conf *cf, void *field, const void *outer)
{
    const struct headers_conf **slot = field;

    (void) cf;
    *slot
        = (const struct headers_conf *) (const void *) ((const char *) outer
                                                        - offsetof(
                                                            struct headers_conf,
                                                            outer));
}


static void
gather(struct conf *cf, struct headers *all, const struct headers *own,
       const struct headers *outer, unsigned how)
{
    if (how == INHERIT_OFF || outer == NULL
        || (own->list.n != 0 && how == INHERIT_ON))
    {
        *all = *own;
        return;
    }
    if (own->list.n == 0) {
        *all = *outer;
        return;
    }
    VEC_EACH(&own->list, h)
        *vec_push(cf->arena, &all->list) = *h;
    VEC_EACH(&outer->list, h)
        *vec_push(cf->arena, &all->list) = *h;
}


static const char *
ready(struct conf *cf, void *conf)
{
    struct headers_conf       *c = conf;
    const struct headers_conf *o = c->outer;

    gather(cf, &c->all_headers, &c->headers, o ? &o->all_headers : NULL,
           c->header_inherit);
    gather(cf, &c->all_trailers, &c->trailers, o ? &o->all_trailers : NULL,
           c->trailer_inherit);
    return NULL;
}


/* --- expires: the value ------------------------------------------------------ */

/* NULL, or what is wrong with the value. */
static const char *
read_expires(str_t v, bool of_modified, struct expires *e)
{
    bool     is_minus = false;
    uint64_t n;

    *e = (struct expires){ .kind = EXPIRES_OFF };
    if (!of_modified && str_is(v, "off"))
        return NULL;
    e->kind = !of_modified && str_is(v, "epoch") ? EXPIRES_EPOCH
              : !of_modified && str_is(v, "max") ? EXPIRES_MAX
                                                 : EXPIRES_OFF;
    if (e->kind != EXPIRES_OFF)
        return NULL;
    e->kind = of_modified ? EXPIRES_MODIFIED : EXPIRES_ACCESS;
    if (v.n != 0 && v.p[0] == '@') {
        if (of_modified)
            return "daily time cannot be used with \"modified\" parameter";
        e->kind = EXPIRES_DAILY;
        v = str_from(v, 1);
    } else if (v.n != 0 && (v.p[0] == '+' || v.p[0] == '-')) {
        is_minus = v.p[0] == '-';
        v = str_from(v, 1);
    }
    if (!number_time(v, true, &n) || n > INT64_MAX / 2)
        return "invalid value";
    if (e->kind == EXPIRES_DAILY && n > 24 * 60 * 60)
        return "daily time value must be less than 24 hours";
    e->time = is_minus ? -(int64_t) n : (int64_t) n;
    return NULL;
}


static const char *
parse_expires(struct conf *cf, void *field)
{
    struct expires *e = field;
    str_t           v = cf->args[cf->n_args - 1];
    bool            of_modified = cf->n_args == 3;
    const char     *error = NULL;

    if (of_modified && !str_is(cf->args[1], "modified"))
        return conf_error(cf, "\"expires\" directive invalid value");
    if (str_chr(v, '$') != NULL) {
        *e = (struct expires){ .kind = EXPIRES_EXPR,
                               .of_modified = of_modified };
        e->expr = expr_compile(cf, v, 0, &error);
        return e->expr ? NULL : conf_error(cf, "%s", error);
    }
    error = read_expires(v, of_modified, e);
    return error ? conf_error(cf, "\"expires\" directive %s", error) : NULL;
}


/* --- expires: the fields ----------------------------------------------------- */

/* Sets the value of the first such header and hides the others. */
static void
replace(struct http_request *r, enum field_id id, str_t value)
{
    struct field *f = fields_get(&r->out.fields, id), *next;

    if (f == NULL) {
        fields_add_id(r->task.arena, &r->out.fields, id, value);
        return;
    }
    f->value = value;
    while ((next = fields_next(&r->out.fields, f)) != NULL)
        next->is_hidden = true;
}


/* The next moment when the local time of day is of_day (in seconds). */
static time_t
next_time(int64_t of_day)
{
    time_t    now = clock_seconds(), t;
    struct tm tm = clock_local(now);

    tm.tm_hour = (int) (of_day / 3600);
    tm.tm_min = (int) (of_day / 60 % 60);
    tm.tm_sec = (int) (of_day % 60);
    t = mktime(&tm);
    if (t != -1 && t > now)
        return t;
    tm.tm_mday++;
    t = mktime(&tm);
    return t != -1 ? t : now;
}


static void
trace_expires(struct http_request *r, const char *name, str_t value)
{
    const struct setting *s
        = setting_in_force(r->location->block, "expires", NULL);

    if (s != NULL)
        trace_tell(&r->task, TRACE_HEADER, "added", s->file, s->line, "expires",
                   "%s: " STR_F, name, STR_A(value));
}


static void
set_fields(struct http_request *r, str_t expires, str_t control)
{
    replace(r, FIELD_EXPIRES, expires);
    replace(r, FIELD_CACHE_CONTROL, control);
    if (task_is_dry(&r->task)) {
        trace_expires(r, "Expires", expires);
        trace_expires(r, "Cache-Control", control);
    }
}


static void
set_time(struct http_request *r, const struct expires *e)
{
    time_t  now = clock_seconds(), at = now + e->time;
    char   *date = arena_bytes(r->task.arena, DATE_LEN);
    int64_t age;

    if (e->kind == EXPIRES_DAILY)
        at = next_time(e->time);
    else if (e->kind == EXPIRES_MODIFIED && r->out.last_modified != -1)
        at = date_clamp(r->out.last_modified) + e->time;
    age = at - now;
    date_http(date, at);
    set_fields(
        r, (str_t){ date, DATE_LEN },
        e->time < 0 || age < 0
            ? STR("no-cache")
            : arena_printf(r->task.arena, "max-age=%jd", (intmax_t) age));
}


static void
set_expires(struct http_request *r, const struct expires *e)
{
    struct expires now;

    switch (e->kind) {
    case EXPIRES_OFF:
        break;
    case EXPIRES_EPOCH:
        set_fields(r, STR("Thu, 01 Jan 1970 00:00:01 GMT"), STR("no-cache"));
        break;
    case EXPIRES_MAX:
        set_fields(r, STR("Thu, 31 Dec 2037 23:55:55 GMT"),
                   STR("max-age=315360000"));
        break;
    case EXPIRES_ACCESS:
    case EXPIRES_MODIFIED:
    case EXPIRES_DAILY:
        set_time(r, e);
        break;
    case EXPIRES_EXPR:
        if (read_expires(expr_eval(e->expr, &r->task), e->of_modified, &now)
            == NULL)
            set_expires(r, &now);
        break;
    }
}


/* --- the filter -------------------------------------------------------------- */

/* The statuses that get headers without "always". */
static bool
is_good(unsigned status)
{
    switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308:
        return true;
    }
    return false;
}


static void
set_or_drop(struct http_request *r, enum field_id id, str_t value)
{
    if (value.n == 0)
        fields_hide(&r->out.fields, id);
    else
        replace(r, id, value);
}


static void
add_header(struct http_request *r, const struct header *h)
{
    str_t value = expr_eval(h->value, &r->task);

    if (h->id == FIELD_LAST_MODIFIED) {
        r->out.last_modified = -1;
        set_or_drop(r, h->id, value);
    } else if (h->id == FIELD_ETAG) {
        set_or_drop(r, h->id, value);
    } else if (value.n != 0) {
        fields_add_known(r->task.arena, &r->out.fields, h->id, h->name, value);
    }
}


static bool
has_trailers(const struct headers_conf *c, bool is_ok)
{
    VEC_EACH(&c->all_trailers.list, h)
        if (is_ok || h->always)
            return true;
    return false;
}


/* --- telling ----------------------------------------------------------------- */

static bool
has_setting(const struct headers *all, const struct setting *s)
{
    VEC_EACH(&all->list, h)
        if (h->setting == s)
            return true;
    return false;
}


/* Reports the headers of outer blocks that this block does not inherit. */
static void
trace_dropped(struct http_request *r, const struct headers *all,
              const char *name, const char *why)
{
    const struct conf_block *b = r->location->block;
    const struct setting    *s;

    for (; b != NULL; b = b->up)
        for (s = setting_named(b, name); s != NULL; s = setting_before(s))
            if (!has_setting(all, s))
                trace_setting(&r->task, TRACE_HEADER, "dropped", s, why);
}


/* A response has only one of these: the last one that is set wins. */
static bool
is_single(enum field_id id)
{
    return id == FIELD_LAST_MODIFIED || id == FIELD_ETAG;
}


static bool
is_replaced(const struct headers *all, const struct header *h, bool is_ok)
{
    const struct header *end = all->list.at + all->list.n, *later;

    for (later = h + 1; is_single(h->id) && later < end; later++)
        if (later->id == h->id && (is_ok || later->always))
            return true;
    return false;
}


static void
trace_headers(struct http_request *r, bool is_ok)
{
    static const char why[] = "an inner block has such directives of its own";
    const struct headers_conf *c = conf_at(r);
    str_t                      value;

    VEC_EACH(&c->all_headers.list, h) {
        if (!is_ok && !h->always) {
            trace_setting(&r->task, TRACE_HEADER, "left out", h->setting,
                          "it has no \"always\", which this status asks for");
            continue;
        }
        value = expr_eval(h->value, &r->task);
        if (is_replaced(&c->all_headers, h, is_ok))
            trace_setting(&r->task, TRACE_HEADER, "left out", h->setting,
                          "a later one takes its place");
        else if (value.n == 0 && is_single(h->id))
            trace_setting(&r->task, TRACE_HEADER, "cleared", h->setting,
                          "its value is empty");
        else if (value.n == 0)
            trace_setting(&r->task, TRACE_HEADER, "left out", h->setting,
                          "its value is empty");
        else
            trace_tell(&r->task, TRACE_HEADER, "added", h->setting->file,
                       h->setting->line, NULL, STR_F ": " STR_F, STR_A(h->name),
                       STR_A(value));
    }
    VEC_EACH(&c->all_trailers.list, it)
        if (is_ok || it->always)
            trace_setting(&r->task, TRACE_HEADER, "added behind the body",
                          it->setting, NULL);
    trace_dropped(r, &c->all_headers, "add_header", why);
    trace_dropped(r, &c->all_trailers, "add_trailer", why);
}


static enum step
add_headers(struct http_request *r, void *state)
{
    const struct headers_conf *c = conf_at(r);
    bool                       is_ok;

    (void) state;
    if (r != r->main)
        return STEP_NEXT;
    is_ok = is_good(r->out.status);
    if (task_is_dry(&r->task))
        trace_headers(r, is_ok);
    if (is_ok)
        set_expires(r, &c->expires);
    vec_reserve(r->task.arena, &r->out.fields.list, c->all_headers.list.n);
    VEC_EACH(&c->all_headers.list, h)
        if (is_ok || h->always)
            add_header(r, h);
    if (!has_trailers(c, is_ok))
        return STEP_NEXT;
    r->out.has_trailers = true;
    return STEP_ACCEPT;
}


static enum step
add_trailers(struct http_request *r, void *state, struct chain *in,
             struct chain *out, bool last)
{
    const struct headers_conf *c = conf_at(r);
    bool                       is_ok = is_good(r->out.status);
    str_t                      value;

    (void) state;
    chain_move(out, in);
    if (!last)
        return STEP_NEXT;
    VEC_EACH(&c->all_trailers.list, h) {
        if (!is_ok && !h->always)
            continue;
        value = expr_eval(h->value, &r->task);
        if (value.n != 0)
            fields_add(r->task.arena,
                       fields_want(r->task.arena, &r->out.trailers), h->name,
                       value);
    }
    return STEP_NEXT;
}


/* --- the module --------------------------------------------------------------- */

static const struct conf_type headers_type = { .name = "headers",
                                               .size = sizeof(struct headers),
                                               .parse = parse_header,
                                               .inherit = leave };
static const struct conf_type outer_type
    = { .name = "outer", .inherit = note_outer };
static const struct conf_type expires_type = {
    .name = "expires",
    .size = sizeof(struct expires),
    .parse = parse_expires,
    .unset = "off",
};

static const struct conf_word inherit_words[] = {
    { "off", INHERIT_OFF },
    { "on", INHERIT_ON },
    { "merge", INHERIT_MERGE },
    { NULL, 0 },
};

static const struct directive rows[] = {
    CUSTOM("expires", IN_WEB | IN_IF, ARGS_1 | ARGS_2, expires_type,
           struct headers_conf, expires, struct expires,
           "[modified] time\n"
           "epoch | max | off",
           "Sends Expires and Cache-Control: a time from now, from the file's "
           "modification (modified), or a time of day (@15h30m). A negative "
           "time sends no-cache, epoch is a time long past, max is ten years "
           "ahead. off, the default, changes neither header."),
    CUSTOM("add_header", IN_WEB | IN_IF | ROW_MANY, ARGS_2 | ARGS_3,
           headers_type, struct headers_conf, headers, struct headers,
           "name value [always]",
           "Adds a header to responses with the codes 200, 201, 204, 206, "
           "301, 302, 303, 304, 307 and 308, or to all with always. A block "
           "with an add_header does not inherit those of outer blocks, unless "
           "add_header_inherit says otherwise."),
    ENUM("add_header_inherit", IN_WEB | IN_IF, struct headers_conf,
         header_inherit, "on", inherit_words,
         "How add_header is inherited from outer blocks: on, if the block has "
         "none of its own; merge, in addition to its own; off, never."),
    CUSTOM("add_trailer", IN_WEB | IN_IF | ROW_MANY, ARGS_2 | ARGS_3,
           headers_type, struct headers_conf, trailers, struct headers,
           "name value [always]",
           "Adds a trailer after the body, for the same responses as "
           "add_header. It needs chunked encoding, as in HTTP/1.1."),
    ENUM("add_trailer_inherit", IN_WEB | IN_IF, struct headers_conf,
         trailer_inherit, "on", inherit_words,
         "How add_trailer is inherited, as add_header_inherit for add_header."),
    /* no directive sets it: it only takes part in inheritance */
    { "(outer headers)", ROW_LISTED, ARGS_0, &outer_type,
      FIELD(struct headers_conf, outer, const struct headers_conf *), NULL,
      NULL },
    { .name = NULL },
};

static const struct http_filter filter
    = { .name = "headers", .head = add_headers, .body = add_trailers };

struct module headers_module = {
    .name = "http_headers",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct headers_conf),
    .ready = ready,
    .filter = &filter,
};


static const struct headers_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &headers_module);
}
