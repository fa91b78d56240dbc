/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error_page, and the pages that are built in.
 */
#include "http/error_page.h"

#include "core/conf/types.h"
#include "core/expr/expr.h"
#include "http/body.h"
#include "http/codec.h"
#include "http/response.h"
#include "http/server.h"
#include "http/settings.h"
#include "http/uri.h"


/* --- the directives ------------------------------------------------------------- */

/* The resulting status, as in error_page 404 =200 /x. */
enum { CODE_KEPT = -1, CODE_OF_PAGE = 0 };

struct error_page {
    unsigned     status;
    int          code; /* CODE_KEPT (no "="), CODE_OF_PAGE ("="), or a status */
    struct expr *uri;
    const struct setting *setting; /* the directive                          */
};

struct error_page_conf {
    VEC(struct error_page) pages;
    bool                   recursive_error_pages;
};


static const char *
add_page(struct conf *cf, struct error_page_conf *c, str_t status, int code,
         struct expr *uri)
{
    struct error_page *p;
    uint64_t           n;

    if (!number_parse(status, 999999, &n) || n == 499)
        return conf_error(cf, "invalid value \"" STR_F "\"", STR_A(status));
    if (n < 300 || n > 599)
        return conf_error(cf, "value \"" STR_F "\" must be between 300 and 599",
                          STR_A(status));
    p = vec_push(cf->arena, &c->pages);
    p->status = (unsigned) n;
    p->code = code;
    p->uri = uri;
    p->setting = cf->block->settings;
    /* Errors with client certificates have statuses of their own, which are
     * sent as 400. */
    if (code == CODE_KEPT && n >= 494 && n <= 498)
        p->code = n == 498 ? 404 : 400;
    return NULL;
}


static const char *
parse_error_page(struct conf *cf, void *field)
{
    struct error_page_conf *c = field;
    struct expr            *uri;
    const char             *error = NULL;
    unsigned                last = cf->n_args - 2, i;
    uint64_t                n;
    int                     code = CODE_KEPT;
    str_t                   word = cf->args[last];

    if (word.n != 0 && word.p[0] == '=') {
        code = CODE_OF_PAGE;
        if (word.n > 1) {
            if (!number_parse(str_from(word, 1), 99999, &n))
                return conf_error(cf, "invalid value \"" STR_F "\"",
                                  STR_A(word));
            code = (int) n;
        }
        last--;
    }
    if (last == 0)
        return conf_error(cf, "invalid number of arguments in \"error_page\" "
                              "directive");
    uri = expr_compile(cf, cf->args[cf->n_args - 1], 0, &error);
    for (i = 1; i <= last && error == NULL; i++)
        error = add_page(cf, c, cf->args[i], code, uri);
    return error;
}


static const struct conf_type error_page_type
    = { .name = "error page",
        .size = offsetof(struct error_page_conf, recursive_error_pages),
        .parse = parse_error_page };

static const struct directive rows[] = {
    { "error_page", IN_WEB | IN_IF | ROW_MANY, ARGS_2_OR_MORE, &error_page_type,
      0, NULL, NULL, "code ... [=[response]] uri",
      "For responses of these codes, what is sent in place of the "
      "built-in page: another URI, run inside, a named location, or "
      "a redirect where a whole URL is given. With = the code "
      "becomes another one, or what the page answers." },
    FLAG("recursive_error_pages", IN_WEB, struct error_page_conf,
         recursive_error_pages, "off",
         "Whether the page of error_page may end in an error that has a "
         "page itself."),
    { .name = NULL },
};

struct module http_error_page_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct error_page_conf),
};


/* --- refusing ------------------------------------------------------------------- */

static const struct error_page *
page_of(const struct error_page_conf *c, unsigned status)
{
    VEC_EACH(&c->pages, p)
        if (p->status == status)
            return p;
    return NULL;
}


/* The page to use.  Whether there may be another one after it was decided in
 * the location of the previous page. */
static const struct error_page *
find_page(const struct http_request *r, unsigned status)
{
    if (r->has_error_page || r->uri_changes == 0)
        return NULL;
    return page_of(conf_of(&r->task, &http_error_page_module), status);
}


bool
http_has_error_page(const struct http_request *r, unsigned status)
{
    return page_of(conf_of(&r->task, &http_error_page_module), status) != NULL;
}


/* After these, the rest of the connection cannot be trusted, or is not worth
 * reading. */
static bool
ends_connection(unsigned status)
{
    switch (status) {
    case 400:
    case 413:
    case 414:
    case 494:
    case 495:
    case 496:
    case 497:
    case 500:
    case 501:
        return true;
    }
    return false;
}


/* Removes what a failed handler may have left in the response.  The charset
 * that an upstream gave with X-Accel-Redirect is kept. */
static void
clear_response(struct http_request *r)
{
    struct http_response *o = &r->out;

    o->content_type = o->reason = STR_NONE;
    o->length = -1;
    o->last_modified = -1;
    o->allows_ranges = o->is_single_part = false;
    fields_hide(&o->fields, FIELD_ACCEPT_RANGES);
    fields_hide(&o->fields, FIELD_LAST_MODIFIED);
    fields_hide(&o->fields, FIELD_ETAG);
    fields_hide(&o->fields, FIELD_CONTENT_ENCODING);
}


static enum step
send_bare(struct http_request *r)
{
    enum step    step;
    struct chain none;

    r->out.length = 0;
    step = http_send_head(r);
    if (step != STEP_NEXT)
        return step;
    chain_init(&none, r->task.arena);
    return http_send(r, &none, true);
}


static enum step
send_builtin(struct http_request *r, unsigned status)
{
    const struct content *content = r->location ? r->location->content : NULL;
    struct chain          c;
    unsigned              shown;
    str_t                 page = http_refresh_page(r, status);
    enum step             step;

    if (content != NULL && content->refuse != NULL
        && content->refuse(r, status))
        return send_bare(r);
    if (page.p != NULL) {
        fields_hide(&r->out.fields, FIELD_LOCATION);
        shown = r->error_status = 200;
    } else {
        page = http_builtin_page(r, status, &shown);
    }

    if (r->error_status == 0 || r->error_status == status)
        r->error_status = shown;
    r->out.status = shown;
    if (page.p != NULL)
        r->out.content_type = STR("text/html");
    r->out.length = (int64_t) page.n;
    step = http_send_head(r);
    if (step != STEP_NEXT)
        return step;
    chain_init(&c, r->task.arena);
    chain_add(&c, page);
    return http_send(r, &c, true);
}


static bool
is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307
           || status == 308;
}


static enum step
take_page(struct http_request *r, const struct error_page *p)
{
    str_t    uri, path, args;
    unsigned shown;

    if (task_is_dry(&r->task))
        trace_setting(&r->task, TRACE_REDIRECT, "error page", p->setting, NULL);
    if (p->code > 0)
        r->expect_done = true;
    if (p->code >= 0)
        r->error_status = (unsigned) p->code;
    uri = expr_eval(p->uri, &r->task);
    if (uri.n != 0 && uri.p[0] == '/') {
        if (!uri_split_unsafe(uri, &path, &args))
            return http_fail(r, 500);
        if (r->method != HTTP_HEAD) {
            r->method = HTTP_GET;
            r->method_name = STR("GET");
        }
        return http_internal_redirect(r, path, args);
    }
    if (uri.n != 0 && uri.p[0] == '@')
        return http_named_location(r, uri);

    fields_set(r->task.arena, &r->out.fields, FIELD_LOCATION, uri);
    shown = is_redirect(p->code) ? (unsigned) p->code : 302;
    r->error_status = shown;
    return send_builtin(r, shown);
}


/* For 408, 444 and 499, the connection is closed without a response. */
static bool
is_silent(unsigned status)
{
    return status == 408 || status == 444 || status == 499;
}


void
http_end_unanswered(struct http_request *r, unsigned status)
{
    if (r->out.is_head_sent && r->codec->sent(r) != 0)
        return;
    r->out.status = status;
    if (r->error_status == 0)
        r->error_status = status;
}


/* A request has one, unless recursive_error_pages allows more. */
static void
use_up_page(struct http_request *r)
{
    const struct error_page_conf *c
        = conf_of(&r->task, &http_error_page_module);

    if (!c->recursive_error_pages)
        r->has_error_page = true;
}


enum step
http_refuse(struct http_request *r)
{
    unsigned                 status = r->fail_status;
    const struct error_page *page;

    if (status == 499)
        http_end_unanswered(r, status);
    if (r->out.is_head_sent || status == 0)
        return STEP_FAIL;
    log_debug(r->task.log, "http special response: %u, \"" STR_F "?" STR_F "\"",
              status, STR_A(r->uri), STR_A(r->args));
    if (is_silent(status) || r->is_silent) {
        http_end_unanswered(r, status);
        r->resets = status == 444;
        return STEP_FAIL;
    }
    r->error_status = status;
    if (ends_connection(status))
        r->keeps_alive = false;
    clear_response(r);
    page = r->location ? find_page(r, status) : NULL;
    if (page != NULL) {
        use_up_page(r);
        if (take_page(r, page) != STEP_FAIL || r->out.is_head_sent)
            return r->moved ? STEP_NEXT : STEP_DONE;
        status = r->fail_status;
        if (status == 0)
            return STEP_FAIL;
        r->error_status = status;
    }
    r->expect_done = true;
    r->out.is_refused = false;
    if (send_builtin(r, status) != STEP_FAIL)
        return STEP_DONE;
    if (r->out.is_head_sent || !r->out.is_refused)
        return STEP_FAIL;
    /* A filter that had the head held refuses the page, which it does once; for
     * that there is no page again. */
    if (r->location)
        use_up_page(r);
    return http_refuse(r);
}
