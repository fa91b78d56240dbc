/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userid: identifies visitors by a cookie of 16 bytes: the server, the time,
 * the process, and a number.
 *
 *     userid on; userid_name uid; userid_expires 365d; userid_mark a;
 *
 * The four words of an identifier are in network byte order (with "v1" in host
 * order); variables and logs print them as the host reads them.  The last word
 * of a valid identifier is never 0.
 */
#include <arpa/inet.h>
#include <sys/time.h>

#include "core/net/worker.h"
#include "http/variables.h"
#include "modules/module.h"

enum { ENABLE_OFF, ENABLE_LOG, ENABLE_V1, ENABLE_ON };
enum { EXPIRES_MAX = 0x7fffffff }; /* "userid_expires max"                  */
enum {
    FLAG_OFF = 1,
    FLAG_SECURE = 2,
    FLAG_HTTPONLY = 4,
    FLAG_SAMESITE = 8,
    FLAG_STRICT = 16,
    FLAG_LAX = 32,
    FLAG_NONE = 64,
};
enum { ID_DIGITS = 22, ID_SIZE = 16 }; /* in base64 without padding, bytes  */

struct userid_conf {
    unsigned enable;
    unsigned flags;
    str_t    name, path;
    str_t    domain, p3p; /* empty: none                                    */
    uint64_t expires;     /* in seconds; 0: with the session                */
    struct userid_service {
        bool     is_set;
        uint32_t number;
    } service;
    char         mark;  /* NUL: none                                   */
    struct expr *reset; /* $uid_reset                                       */
};

/* Of a request; subrequests share that of the main request. */
struct userid_state {
    bool     is_read;
    bool     is_reset;
    str_t    cookie; /* as received                                         */
    uint32_t got[4], set[4]; /* none while the last word is 0               */
};

extern struct module userid_module;

/* What makes the identifiers of this worker unique. */
static struct {
    uint32_t start, v1, v2;
} sequence;

enum { STRIDE = 0x100, V2_START = 0x03030302 };


static const struct userid_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->main->task, &userid_module);
}


static void
read_cookie(struct http_request *r, const struct userid_conf *c,
            struct userid_state *s)
{
    str_t field, value = http_cookie(r, c->name, &field), id;
    bool  ok;

    s->is_read = true;
    if (value.p == NULL)
        return;
    if (value.n < ID_DIGITS) {
        log_error(r->task.log,
                  "client sent too short userid cookie \"" STR_F "\"",
                  STR_A(field));
        return;
    }
    s->cookie = value;
    id.p = value.p;
    id.n = ID_DIGITS;
    id = base64_decode(r->task.arena, id, false, &ok);
    if (!ok) {
        log_error(r->task.log,
                  "client sent invalid userid cookie \"" STR_F "\"",
                  STR_A(field));
        return;
    }
    memcpy(s->got, id.p, id.n < ID_SIZE ? id.n : ID_SIZE);
}


static struct userid_state *
state_of(struct http_request *r)
{
    struct userid_state *s = http_state_of(r->main, &userid_module);

    if (!s->is_read)
        read_cookie(r->main, conf_at(r), s);
    return s;
}


static str_t
id_text(struct arena *a, str_t name, const uint32_t id[4])
{
    return arena_printf(a, STR_F "=%08X%08X%08X%08X", STR_A(name), id[0], id[1],
                        id[2], id[3]);
}


/* --- a new identifier ----------------------------------------------------------- */

/* Identifies the server: the last four bytes of its address, in the order of
 * memory. */
static uint32_t
server_address(const struct conn *c)
{
    struct addr_any at;
    uint32_t        end = 0;
    str_t           bytes;

    if (!conn_local(c, &at) || at.sa.sa_family == AF_UNIX)
        return 0;
    bytes = addr_bytes(&at.sa);
    memcpy(&end, bytes.p + bytes.n - sizeof(end), sizeof(end));
    return end;
}


static void
make_id(const struct http_request *r, const struct userid_conf *c,
        uint32_t id[4])
{
    uint32_t now = (uint32_t) clock_seconds();

    if (c->enable == ENABLE_V1) {
        id[0] = c->service.number;
        id[1] = now;
        id[2] = sequence.start;
        id[3] = sequence.v1;
        sequence.v1 += STRIDE;
        return;
    }
    id[0] = c->service.is_set ? htonl(c->service.number)
                              : server_address(r->task.conn);
    id[1] = htonl(now);
    id[2] = htonl(sequence.start);
    id[3] = htonl(sequence.v2);
    sequence.v2 += STRIDE;
    if (sequence.v2 < V2_START)
        sequence.v2 = V2_START;
}


static bool
has_mark(str_t cookie, char mark)
{
    return cookie.n > ID_DIGITS + 1 && cookie.p[ID_DIGITS] == mark
           && cookie.p[ID_DIGITS + 1] == '=';
}


/* Decides, once for each request, what to send: a new identifier if none came
 * or $uid_reset asks for one, and the same again if it lacks the mark. */
static void
choose_id(struct http_request *r, const struct userid_conf *c,
          struct userid_state *s)
{
    str_t reset;

    if (s->set[3] != 0)
        return;
    if (s->got[3] != 0) {
        reset = expr_eval(c->reset, &r->task);
        if (!expr_is_true(reset)) {
            if (c->mark != '\0' && !has_mark(s->cookie, c->mark))
                memcpy(s->set, s->got, ID_SIZE);
            return;
        }
        s->is_reset = true;
        if (str_is(reset, "log"))
            log_at(r->task.log, LEVEL_NOTICE, 0,
                   "userid cookie \"" STR_F "\" was reset",
                   STR_A(id_text(r->task.arena, c->name, s->got)));
    }
    make_id(r, c, s->set);
}


/* --- the fields ------------------------------------------------------------------ */

/* An identifier that came is sent back in the same text, including the unused
 * bits of its last digit. */
static str_t
id_value(struct arena *a, const struct userid_conf *c,
         const struct userid_state *s)
{
    str_t bytes = { (const char *) s->set, ID_SIZE }, text = s->cookie;

    if (s->got[3] == 0 || s->is_reset)
        text = base64_encode(a, bytes, false);
    return arena_printf(a, "%.*s%c=", ID_DIGITS, text.p,
                        c->mark ? c->mark : '=');
}


static str_t
expires_text(struct arena *a, uint64_t expires)
{
    char   date[DATE_LEN];
    size_t n;

    if (expires == 0)
        return STR("");
    if (expires == EXPIRES_MAX)
        return STR("; expires=Thu, 31-Dec-37 23:55:55 GMT");
    n = date_cookie(date, clock_seconds() + (time_t) expires);
    return arena_printf(a, "; expires=%.*s", (int) n, date);
}


static const char *
same_site_text(unsigned flags)
{
    if (flags & FLAG_STRICT)
        return "; samesite=strict";
    if (flags & FLAG_LAX)
        return "; samesite=lax";
    return flags & FLAG_NONE ? "; samesite=none" : "";
}


static str_t
cookie_text(struct arena *a, const struct userid_conf *c,
            const struct userid_state *s)
{
    return arena_printf(
        a, STR_F "=" STR_F STR_F "%s" STR_F "; path=" STR_F "%s%s%s",
        STR_A(c->name), STR_A(id_value(a, c, s)),
        STR_A(expires_text(a, c->expires)), c->domain.n ? "; domain=" : "",
        STR_A(c->domain), STR_A(c->path),
        c->flags & FLAG_SECURE ? "; secure" : "",
        c->flags & FLAG_HTTPONLY ? "; httponly" : "", same_site_text(c->flags));
}


static void
trace_cookie(struct http_request *r, str_t cookie)
{
    const struct setting *s
        = setting_in_force(r->location->block, "userid", NULL);

    trace_tell(&r->task, TRACE_HEADER, "added", s ? s->file : NULL,
               s ? s->line : 0, "userid", "Set-Cookie: " STR_F, STR_A(cookie));
}


static enum step
set_cookie(struct http_request *r, void *state)
{
    const struct userid_conf *c = conf_at(r);
    struct arena             *a = r->task.arena;
    struct userid_state      *s;
    str_t                     cookie;

    (void) state;
    if (r != r->main || c->enable < ENABLE_V1)
        return STEP_NEXT;
    s = state_of(r);
    choose_id(r, c, s);
    if (s->set[3] == 0)
        return STEP_NEXT;
    cookie = cookie_text(a, c, s);
    if (task_is_dry(&r->task))
        trace_cookie(r, cookie);
    fields_add_id(a, &r->out.fields, FIELD_SET_COOKIE, cookie);
    if (c->p3p.n != 0)
        fields_add(a, &r->out.fields, STR("P3P"), c->p3p);
    return STEP_NEXT;
}


/* --- variables --------------------------------------------------------------------- */

static str_t
id_got(struct task *t, uintptr_t arg)
{
    struct http_request       *r = http_of(t)->main;
    const struct userid_conf  *c = conf_at(r);
    const struct userid_state *s;

    (void) arg;
    if (c->enable == ENABLE_OFF)
        return STR_NONE;
    s = state_of(r);
    return s->got[3] ? id_text(t->arena, c->name, s->got) : STR_NONE;
}


static str_t
id_set(struct task *t, uintptr_t arg)
{
    struct http_request      *r = http_of(t)->main;
    const struct userid_conf *c = conf_at(r);
    struct userid_state      *s;

    (void) arg;
    if (c->enable < ENABLE_V1)
        return STR_NONE;
    s = state_of(r);
    choose_id(r, c, s);
    return s->set[3] ? id_text(t->arena, c->name, s->set) : STR_NONE;
}


static str_t
no_reset(struct task *t, uintptr_t arg)
{
    (void) t;
    (void) arg;
    return STR("");
}


/* --- reading ----------------------------------------------------------------------- */

static const char *
parse_expires(struct conf *cf, void *field)
{
    uint64_t *n = field;
    str_t     v = cf->args[1];

    if (str_is(v, "max"))
        *n = EXPIRES_MAX;
    else if (str_is(v, "off"))
        *n = 0;
    else if (!number_time(v, true, n) || *n > INT64_MAX / 2)
        return conf_error(cf, "\"userid_expires\" directive invalid value");
    return NULL;
}


static const char *
parse_mark(struct conf *cf, void *field)
{
    str_t v = cf->args[1];
    char  c = v.n == 1 ? v.p[0] : '\0';
    bool  is_letter = ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';

    if (str_is(v, "off"))
        return NULL;
    if (!is_letter && (c < '0' || c > '9') && c != '=')
        return conf_error(cf, "\"userid_mark\" directive value must be \"off\" "
                              "or a single letter, digit or \"=\"");
    *(char *) field = c;
    return NULL;
}


static const char *
parse_service(struct conf *cf, void *field)
{
    struct userid_service *service = field;
    uint64_t               n;

    if (!number_parse(cf->args[1], INT64_MAX, &n))
        return conf_error(cf, "\"userid_service\" directive invalid number");
    service->is_set = true;
    service->number = (uint32_t) n;
    return NULL;
}


static const char *
parse_unless_none(struct conf *cf, void *field)
{
    *(str_t *) field = str_is(cf->args[1], "none") ? STR("") : cf->args[1];
    return NULL;
}


static bool
start(struct worker *w)
{
    struct timeval now;

    gettimeofday(&now, NULL);
    sequence.start = (uint32_t) (now.tv_usec / 20) << 16 | (uint32_t) w->pid;
    sequence.v1 = 1;
    sequence.v2 = V2_START;
    return true;
}


/* --- the module --------------------------------------------------------------------- */

static const struct conf_type expires_type = {
    .name = "expires",
    .size = sizeof(uint64_t),
    .parse = parse_expires,
    .unset = "off",
};
static const struct conf_type mark_type = {
    .name = "mark",
    .size = sizeof(char),
    .parse = parse_mark,
    .unset = "off",
};
static const struct conf_type service_type
    = { .name = "service",
        .size = sizeof(struct userid_service),
        .parse = parse_service };
static const struct conf_type unless_none_type = {
    .name = "text or none",
    .size = sizeof(str_t),
    .parse = parse_unless_none,
    .unset = "none",
};

static const struct conf_word enable_words[] = {
    { "off", ENABLE_OFF }, { "log", ENABLE_LOG }, { "v1", ENABLE_V1 },
    { "on", ENABLE_ON },   { NULL, 0 },
};

static const struct conf_word flag_words[] = {
    { "off", FLAG_OFF },
    { "secure", FLAG_SECURE },
    { "httponly", FLAG_HTTPONLY },
    { "samesite=strict", FLAG_SAMESITE | FLAG_STRICT },
    { "samesite=lax", FLAG_SAMESITE | FLAG_LAX },
    { "samesite=none", FLAG_SAMESITE | FLAG_NONE },
    { NULL, 0 },
};

#define C struct userid_conf
static const struct directive directives[] = {
    ENUM("userid", IN_WEB, C, enable, "off", enable_words,
         "Sends a cookie with an identifier to visitors without one; v1 uses "
         "an older format. log sends none, and only reads identifiers for "
         "variables."),
    CUSTOM("userid_domain", IN_WEB, ARGS_1, unless_none_type, C, domain, str_t,
           "name | none", "The domain that the cookie is for."),
    CUSTOM("userid_expires", IN_WEB, ARGS_1, expires_type, C, expires, uint64_t,
           "time | max | off",
           "How long the browser keeps the cookie; off: until it is closed."),
    BITS("userid_flags", IN_WEB, ARGS_1 | ARGS_2 | ARGS_3, C, flags, "off",
         flag_words,
         "Attributes that limit where the browser sends the cookie."),
    CUSTOM("userid_mark", IN_WEB, ARGS_1, mark_type, C, mark, char,
           "letter | digit | = | off",
           "A character at the end of the cookie. A cookie that lacks it is "
           "sent again with it, to update its attributes."),
    TEXT("userid_name", IN_WEB, C, name, "uid", "name",
         "The name of the cookie."),
    CUSTOM("userid_p3p", IN_WEB, ARGS_1, unless_none_type, C, p3p, str_t,
           "string | none", "A P3P field that goes with the cookie."),
    TEXT("userid_path", IN_WEB, C, path, "/", "path",
         "The path that the cookie is for."),
    CUSTOM("userid_service", IN_WEB, ARGS_1, service_type, C, service,
           struct userid_service, "number",
           "The number of this server in identifiers, instead of its address."),
    /* no directive sets it: its default is read once */
    { "(uid_reset)", ROW_LISTED, ARGS_1, &conf_expr,
      FIELD(C, reset, struct expr *), "$uid_reset", NULL, NULL, "" },
    { .name = NULL }
};
#undef C

static const struct variable variables[]
    = { { "uid_got", id_got, 0, 0, NULL,
          "NAME=IDENTIFIER of the cookie that came" },
        { "uid_set", id_set, 0, 0, NULL,
          "NAME=IDENTIFIER of the cookie that is sent" },
        { "uid_reset", no_reset, 0, VAR_CHANGEABLE, NULL,
          "neither empty nor 0: a new identifier replaces the one received; "
          "\"log\" also logs this in the error log" },
        { .name = NULL } };

static const struct http_filter filter
    = { .name = "userid", .head = set_cookie };

struct module userid_module = {
    .name = "http_userid",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct userid_conf),
    .state_size = sizeof(struct userid_state),
    .filter = &filter,
    .process_start = start,
};
