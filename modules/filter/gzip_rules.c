/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decides who gets gzip.
 *
 *     gzip_proxied no-cache no-store private expired auth;
 *     gzip_disable "msie6";
 *     gzip_vary on;
 */
#include "modules/filter/gzip_rules.h"
#include "modules/module.h"

/* gzip_proxied: which responses to proxied requests are compressed. */
enum proxied {
    PROXIED_OFF = 1,
    PROXIED_EXPIRED = 2,
    PROXIED_NO_CACHE = 4,
    PROXIED_NO_STORE = 8,
    PROXIED_PRIVATE = 16,
    PROXIED_NO_LAST_MODIFIED = 32,
    PROXIED_NO_ETAG = 64,
    PROXIED_AUTH = 128,
    PROXIED_ANY = 256,
};

/* gzip_disable */
struct refused {
    VEC(struct regex *) list; /* match User-Agent                            */
    bool                has_msie6;
};

struct gzip_rules {
    struct refused refused;
    unsigned       version;
    unsigned       proxied;
    bool           vary;
};

extern struct module gzip_rules_module;


static const struct gzip_rules *
rules_of(const struct http_request *r)
{
    return conf_of(&r->task, &gzip_rules_module);
}


/* --- rows ---------------------------------------------------------------- */

static const char *
parse_disable(struct conf *cf, void *field)
{
    struct refused *d = field;
    struct regex   *re;
    const char     *error = NULL;
    unsigned        i;

    for (i = 1; i < cf->n_args; i++) {
        if (str_is(cf->args[i], "msie6")) {
            d->has_msie6 = true;
            continue;
        }
        re = regex_compile(cf, cf->args[i], REGEX_NOCASE, &error);
        if (re == NULL)
            return conf_error(cf, "%s", error);
        *vec_push(cf->arena, &d->list) = re;
    }
    return NULL;
}


static const struct conf_type disable_type = { .name = "user agents",
                                               .size = sizeof(struct refused),
                                               .parse = parse_disable };

static const struct conf_word versions[]
    = { { "1.0", HTTP_10 }, { "1.1", HTTP_11 }, { NULL, 0 } };

static const struct conf_word proxied_words[]
    = { { "off", PROXIED_OFF },
        { "expired", PROXIED_EXPIRED },
        { "no-cache", PROXIED_NO_CACHE },
        { "no-store", PROXIED_NO_STORE },
        { "private", PROXIED_PRIVATE },
        { "no_last_modified", PROXIED_NO_LAST_MODIFIED },
        { "no_etag", PROXIED_NO_ETAG },
        { "auth", PROXIED_AUTH },
        { "any", PROXIED_ANY },
        { NULL, 0 } };

static const struct directive rows[] = {
    FLAG("gzip_vary", IN_WEB, struct gzip_rules, vary, "off",
         "Sends Vary: Accept-Encoding with responses that gzip applies to."),
    ENUM("gzip_http_version", IN_WEB, struct gzip_rules, version, "1.1",
         versions,
         "The lowest HTTP version of requests that get compressed responses."),
    BITS("gzip_proxied", IN_WEB, ARGS_1_OR_MORE, struct gzip_rules, proxied,
         "off", proxied_words,
         "Which responses are compressed when the request came through a "
         "proxy (it has Via)."),
    CUSTOM("gzip_disable", IN_WEB | ROW_MANY, ARGS_1_OR_MORE, disable_type,
           struct gzip_rules, refused, struct refused, "regex ... | msie6",
           "Regular expressions for User-Agent: matching clients get no "
           "compressed responses; msie6 stands for Internet Explorer before "
           "6.0 SV1."),
    { .name = NULL },
};


/* --- proxies ------------------------------------------------------------- */

static bool
has_expired(const struct http_request *r, str_t expires)
{
    const struct field *date = fields_get(&r->out.fields, FIELD_DATE);
    time_t              end = date_parse(expires);
    time_t              now = date ? date_parse(date->value) : clock_seconds();

    return end != -1 && now != -1 && end < now;
}


/* Whether a Cache-Control of the response has the word. */
static bool
is_controlled(const struct http_request *r, str_t word)
{
    const struct field *f = fields_get(&r->out.fields, FIELD_CACHE_CONTROL);

    for (; f != NULL; f = fields_next(&r->out.fields, f))
        if (field_has_word(f->value, word))
            return true;
    return false;
}


static bool
has_field(const struct http_request *r, enum field_id id)
{
    return fields_get(&r->out.fields, id) != NULL;
}


/* Whether an upstream or the configuration set a date; that of a file, which
 * the server itself adds, does not count. */
static bool
has_last_modified(const struct http_request *r)
{
    return has_field(r, FIELD_LAST_MODIFIED)
           || (r->out.last_modified != -1 && r->exchanges != NULL);
}


/* Whether the response may go to a proxy compressed.  Expires takes precedence
 * over Cache-Control, and that over the validators. */
static bool
suits_proxies(const struct http_request *r, unsigned p)
{
    const struct field *expires;

    if (p & PROXIED_OFF)
        return false;
    if ((p & PROXIED_ANY)
        || ((p & PROXIED_AUTH)
            && fields_get(&r->in, FIELD_AUTHORIZATION) != NULL))
        return true;
    expires = fields_get(&r->out.fields, FIELD_EXPIRES);
    if (expires != NULL)
        return (p & PROXIED_EXPIRED) && has_expired(r, expires->value);
    if (has_field(r, FIELD_CACHE_CONTROL))
        return ((p & PROXIED_NO_CACHE) && is_controlled(r, STR("no-cache")))
               || ((p & PROXIED_NO_STORE) && is_controlled(r, STR("no-store")))
               || ((p & PROXIED_PRIVATE) && is_controlled(r, STR("private")));
    return !((p & PROXIED_NO_LAST_MODIFIED) && has_last_modified(r))
           && !((p & PROXIED_NO_ETAG) && has_field(r, FIELD_ETAG));
}


/* --- clients ------------------------------------------------------------- */

/* Internet Explorer 4 to 6, except the version 6 of Windows XP SP2 (SV1), and
 * not Opera, which claims to be one. */
static bool
is_msie6(str_t agent)
{
    const char *at = str_find(agent, STR("MSIE "));
    str_t       rest;

    if (at == NULL || str_find(agent, STR("Opera")) != NULL)
        return false;
    rest = str_from(str_span(at, agent.p + agent.n), sizeof("MSIE ") - 1);
    if (rest.n < 3)
        return false;
    return rest.p[0] == '4' || rest.p[0] == '5'
           || (rest.p[0] == '6' && str_find(rest, STR("SV1")) == NULL);
}


static bool
is_refused(const struct http_request *r, const struct refused *d)
{
    const struct field *agent = fields_get(&r->in, FIELD_USER_AGENT);

    if (agent == NULL)
        return false;
    if (d->has_msie6 && is_msie6(agent->value))
        return true;
    VEC_EACH(&d->list, re)
        if (regex_try(*re, r->task.log, agent->value) != REGEX_NO)
            return true;
    return false;
}


bool
gzip_is_allowed(const struct http_request *r)
{
    const struct gzip_rules *c = rules_of(r);

    return r->version >= c->version
           && (fields_get(&r->in, FIELD_VIA) == NULL
               || suits_proxies(r, c->proxied))
           && !is_refused(r, &c->refused);
}


bool
gzip_varies(const struct http_request *r)
{
    return rules_of(r)->vary;
}


void
gzip_set_vary(struct http_request *r)
{
    if (gzip_varies(r))
        r->out.varies = true;
}


struct module gzip_rules_module = {
    .name = "http_gzip",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct gzip_rules),
};
