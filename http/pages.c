/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The built-in pages: short HTML for statuses, and the refresh that replaces a
 * redirect for old browsers (msie_refresh).
 */
#include "core/base/escape.h"
#include "core/base/version.h"
#include "http/error_page.h"
#include "http/settings.h"

#include <config.h>

static const struct {
    unsigned status, shown;
    str_t    title;
} titles[] = {
#define TITLE(status, shown, text) \
    { \
        status, shown, STR_INIT(text) \
    }
    TITLE(301, 301, "301 Moved Permanently"),
    TITLE(302, 302, "302 Found"),
    TITLE(303, 303, "303 See Other"),
    TITLE(307, 307, "307 Temporary Redirect"),
    TITLE(308, 308, "308 Permanent Redirect"),
    TITLE(400, 400, "400 Bad Request"),
    TITLE(401, 401, "401 Authorization Required"),
    TITLE(402, 402, "402 Payment Required"),
    TITLE(403, 403, "403 Forbidden"),
    TITLE(404, 404, "404 Not Found"),
    TITLE(405, 405, "405 Not Allowed"),
    TITLE(406, 406, "406 Not Acceptable"),
    TITLE(407, 407, "407 Proxy Authentication Required"),
    TITLE(408, 408, "408 Request Time-out"),
    TITLE(409, 409, "409 Conflict"),
    TITLE(410, 410, "410 Gone"),
    TITLE(411, 411, "411 Length Required"),
    TITLE(412, 412, "412 Precondition Failed"),
    TITLE(413, 413, "413 Request Entity Too Large"),
    TITLE(414, 414, "414 Request-URI Too Large"),
    TITLE(415, 415, "415 Unsupported Media Type"),
    TITLE(416, 416, "416 Requested Range Not Satisfiable"),
    TITLE(421, 421, "421 Misdirected Request"),
    TITLE(429, 429, "429 Too Many Requests"),
    TITLE(494, 400, "400 Request Header Or Cookie Too Large"),
    TITLE(495, 400, "400 The SSL certificate error"),
    TITLE(496, 400, "400 No required SSL certificate was sent"),
    TITLE(497, 400, "400 The plain HTTP request was sent to HTTPS port"),
    TITLE(498, 404, "404 Not Found"),
    TITLE(500, 500, "500 Internal Server Error"),
    TITLE(501, 501, "501 Not Implemented"),
    TITLE(502, 502, "502 Bad Gateway"),
    TITLE(503, 503, "503 Service Temporarily Unavailable"),
    TITLE(504, 504, "504 Gateway Time-out"),
    TITLE(505, 505, "505 HTTP Version Not Supported"),
    TITLE(507, 507, "507 Insufficient Storage"),
#undef TITLE
};


/* The second line of a page, if it has one. */
static const char *
explanation(unsigned status)
{
    switch (status) {
    case 494:
        return "<center>Request Header Or Cookie Too Large</center>\r\n";
    case 495:
        return "<center>The SSL certificate error</center>\r\n";
    case 496:
        return "<center>No required SSL certificate was sent</center>\r\n";
    case 497:
        return "<center>The plain HTTP request was sent to HTTPS port"
               "</center>\r\n";
    }
    return "";
}


#define PADDING \
    "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n"


bool
http_is_msie(const struct http_request *r)
{
    str_t       agent = fields_value(&r->in, FIELD_USER_AGENT);
    const char *at = str_find(agent, STR("MSIE "));

    return at != NULL && agent.p + agent.n - at >= (ptrdiff_t) sizeof("MSIE 5.")
           && str_find(agent, STR("Opera")) == NULL;
}


static bool
wants_padding(const struct http_request *r, unsigned status)
{
    str_t agent = fields_value(&r->in, FIELD_USER_AGENT);

    return status >= 400 && reply_conf(&r->task)->msie_padding
           && r->version >= HTTP_10
           && (http_is_msie(r) || str_find(agent, STR("Chrome/")) != NULL);
}


const char *
http_server_token(const struct http_request *r)
{
    bool is_nginx = strcmp(log_program, "weir") != 0;

    switch (reply_conf(&r->task)->server_tokens) {
    case TOKENS_OFF:
        return is_nginx ? "nginx" : "weir";
    case TOKENS_BUILD:
        if (WEIR_BUILD[0] != '\0')
            return is_nginx ? "nginx/" NGINX_VERSION " (" WEIR_BUILD ")"
                            : "weir/" WEIR_VERSION " (" WEIR_BUILD ")";
        break;
    }
    return is_nginx ? "nginx/" NGINX_VERSION : "weir/" WEIR_VERSION;
}


str_t
http_builtin_page(const struct http_request *r, unsigned status,
                  unsigned *shown)
{
    str_t  title, page;
    size_t i;
    bool   is_odd = status >= 494 && status <= 497;

    *shown = status;
    for (i = 0; i < countof(titles) && titles[i].status != status; i++)
        ;
    if (i == countof(titles))
        return STR_NONE;
    *shown = titles[i].shown;
    title = titles[i].title;
    page = arena_printf(r->task.arena,
                        "<html>\r\n<head><title>" STR_F "</title></head>\r\n"
                        "<body>\r\n<center><h1>%s</h1></center>\r\n"
                        "%s<hr><center>%s</center>\r\n</body>\r\n</html>\r\n",
                        STR_A(title), is_odd ? "400 Bad Request" : title.p,
                        explanation(status), http_server_token(r));
    if (!wants_padding(r, status))
        return page;
    return str_join(r->task.arena, page,
                    STR(PADDING PADDING PADDING PADDING PADDING PADDING));
}


/* --- msie_refresh ------------------------------------------------------------ */

str_t
http_refresh_page(const struct http_request *r, unsigned status)
{
    str_t url = fields_value(&r->out.fields, FIELD_LOCATION);

    if ((status != 301 && status != 302) || url.p == NULL
        || !reply_conf(&r->task)->msie_refresh || !http_is_msie(r))
        return STR_NONE;
    return arena_printf(r->task.arena,
                        "<html><head><meta http-equiv=\"Refresh\" content=\""
                        "0; URL=" STR_F "\"></head><body></body></html>\r\n",
                        STR_A(escape_uri(r->task.arena, url, ESCAPE_QUOTED)));
}
