/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api: what the server does, as JSON, and with write=on, changes of the servers
 * of upstreams: the HTTP API of nginx's commercial edition, versions 1 to 9, as
 * far as there is something to tell; and for reading, upstreams as Angie has
 * them.
 *
 *     location /api { api write=on; allow 127.0.0.1; deny all; }
 *
 *     GET /api/9/http/upstreams/app/servers
 *     GET /api/http/upstreams/app                       (Angie's)
 */
#include "modules/content/api_named.h"

#include <unistd.h>

#include "core/base/version.h"
#include "core/conf/generation.h"
#include "core/net/conn.h"
#include "core/net/worker.h"
#include "http/counters.h"
#include "http/guard.h"
#include "http/variables.h"

enum { VERSIONS = 9 };

struct api_conf {
    bool may_write;
};

/* Where changes are allowed. */
struct api_place {
    struct conf_block *block;
    const char        *file;
    unsigned           line;
};
struct api_main {
    VEC(struct api_place) open;
};

extern struct module api_module;

static const char page_url[]
    = "https://nginx.org/en/docs/http/ngx_http_api_module.html";


/* --- answers ---------------------------------------------------------------- */

str_t
api_part(struct api *a)
{
    return str_cut(&a->path, '/');
}


bool
api_wants(const struct api *a, const char *member)
{
    str_t rest = a->fields;

    if (!a->has_fields)
        return true;
    while (rest.n != 0)
        if (str_eq(str_cut(&rest, ','), str_of(member)))
            return true;
    return false;
}


enum step
api_reply(struct api *a, unsigned status)
{
    str_t body = { a->out.out.at, a->out.out.n };

    return http_reply(a->r, status, STR("application/json"), body);
}


enum step
api_error(struct api *a, unsigned status, const char *text, const char *code)
{
    struct json_text *o = &a->out;

    *o = (struct json_text){ .arena = a->r->task.arena };
    json_open(o, NULL, '{');
    json_open(o, "error", '{');
    json_put_number(o, "status", status);
    json_put(o, "text", str_of(text));
    json_put(o, "code", str_of(code));
    json_close(o, '}');
    json_put(o, "request_id", http_request_id(a->r));
    json_put(o, "href", str_of(page_url));
    json_close(o, '}');
    return api_reply(a, status);
}


enum step
api_not_found(struct api *a)
{
    return api_error(a, 404, "path not found", "PathNotFound");
}


enum step
api_read_only(struct api *a)
{
    return api_error(a, 405, "method disabled", "MethodDisabled");
}


void
api_put_time(struct json_text *out, const char *name, uint64_t wall_ms)
{
    struct date d = date_at((time_t) (wall_ms / 1000));

    json_put(out, name,
             arena_printf(out->arena, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                          (unsigned) d.year, (unsigned) d.month,
                          (unsigned) d.day, (unsigned) d.hour,
                          (unsigned) d.minute, (unsigned) d.second,
                          (unsigned) (wall_ms % 1000)));
}


/* --- small objects ------------------------------------------------------------ */

static uint64_t
sum_http(enum http_counter which)
{
    return counters_sum(http_module.first_counter + which);
}


static void
put_nginx(struct api *a)
{
    struct addr_any at;
    char            text[ADDR_TEXT];
    size_t          n = 0;

    if (conn_local(a->r->task.conn, &at))
        n = addr_text(text, &at.sa, at.len, false);
    if (api_wants(a, "version"))
        json_put(&a->out, "version", STR(NGINX_VERSION));
    if (api_wants(a, "build"))
        json_put(&a->out, "build", STR("weir-" WEIR_VERSION));
    if (api_wants(a, "address"))
        json_put(&a->out, "address", (str_t){ text, n });
    api_put_if_wanted(a, "generation", a->r->task.gen->number);
    if (api_wants(a, "load_timestamp"))
        api_put_time(&a->out, "load_timestamp",
                     (uint64_t) a->r->task.gen->since * 1000);
    if (api_wants(a, "timestamp"))
        api_put_time(&a->out, "timestamp",
                     (uint64_t) clock_seconds() * 1000 + clock_millisecond());
    api_put_if_wanted(a, "pid", (uint64_t) getpid());
    api_put_if_wanted(a, "ppid", (uint64_t) getppid());
}


/* Objects of counters that only rise: what they were when they were deleted last
 * is subtracted. */
static uint64_t
since_reset(const char *object, unsigned i, uint64_t now)
{
    uint64_t then
        = tally_get(tally_find(TALLY_FORGOTTEN, 0, str_of(object)), i);

    return now > then ? now - then : 0;
}


static void
put_processes(struct api *a)
{
    api_put_if_wanted(
        a, "respawned",
        since_reset("processes", 0, counters_sum(WORKERS_RESPAWNED)));
}


static void
put_connections(struct api *a)
{
    uint64_t accepted = counters_sum(CONNS_ACCEPTED);
    uint64_t dropped = accepted - counters_sum(CONNS_HANDLED);

    api_put_if_wanted(a, "accepted", since_reset("connections", 0, accepted));
    api_put_if_wanted(a, "dropped", since_reset("connections", 1, dropped));
    api_put_if_wanted(a, "active",
                      counters_sum(CONNS_ACTIVE) - sum_http(HTTP_WAITING));
    api_put_if_wanted(a, "idle", sum_http(HTTP_WAITING));
}


static void
put_requests(struct api *a)
{
    api_put_if_wanted(a, "total",
                      since_reset("requests", 0, sum_http(HTTP_REQUESTS)));
    api_put_if_wanted(a, "current", sum_http(HTTP_WRITING));
}


static void
forget(const char *object, uint64_t first, uint64_t second)
{
    struct tally *t = tally_of(TALLY_FORGOTTEN, 0, str_of(object));

    tally_forget(t);
    tally_add(t, 0, first);
    tally_add(t, 1, second);
}


/* In the order of their counters. */
static const struct {
    const char *name;
    unsigned    counter;
} tls_members[] = {
    { "handshakes", TLS_SHAKEN },
    { "session_reuses", TLS_REUSED },
    { "handshakes_failed", TLS_FAILED },
    { "no_common_protocol", TLS_NO_PROTOCOL },
    { "no_common_cipher", TLS_NO_CIPHER },
    { "handshake_timeout", TLS_TIMED_OUT },
    { "peer_rejected_cert", TLS_REJECTED },
    { "no_cert", TLS_NO_CERT },
    { "expired_cert", TLS_EXPIRED_CERT },
    { "revoked_cert", TLS_REVOKED_CERT },
    { "hostname_mismatch", TLS_WRONG_NAME },
    { "other", TLS_OTHER_CERT },
};

enum { TLS_OF_CERTIFICATES = 7 };


static void
put_tls_member(struct api *a, unsigned i)
{
    json_put_number(
        &a->out, tls_members[i].name,
        since_reset("ssl", i, counters_sum(tls_members[i].counter)));
}


static void
put_tls(struct api *a)
{
    for (unsigned i = 0; i < TLS_OF_CERTIFICATES; i++)
        if (api_wants(a, tls_members[i].name))
            put_tls_member(a, i);
    if (!api_wants(a, "verify_failures"))
        return;
    json_open(&a->out, "verify_failures", '{');
    for (unsigned i = TLS_OF_CERTIFICATES; i < countof(tls_members); i++)
        put_tls_member(a, i);
    json_close(&a->out, '}');
}


static void
forget_tls(void)
{
    struct tally *t = tally_of(TALLY_FORGOTTEN, 0, STR("ssl"));

    tally_forget(t);
    for (unsigned i = 0; i < countof(tls_members); i++)
        tally_add(t, i, counters_sum(tls_members[i].counter));
}


static void
forget_processes(void)
{
    forget("processes", counters_sum(WORKERS_RESPAWNED), 0);
}


static void
forget_connections(void)
{
    uint64_t accepted = counters_sum(CONNS_ACCEPTED);

    forget("connections", accepted, accepted - counters_sum(CONNS_HANDLED));
}


static void
forget_requests(void)
{
    forget("requests", sum_http(HTTP_REQUESTS), 0);
}


static enum step
reply_object(struct api *a, void (*put)(struct api *), void (*reset)(void))
{
    if (a->path.n != 0)
        return api_not_found(a);
    if (a->r->method == HTTP_DELETE && reset != NULL && a->may_write) {
        reset();
        return http_reply(a->r, 204, STR(""), STR(""));
    }
    if (!(a->r->method & (HTTP_GET | HTTP_HEAD)))
        return api_read_only(a);
    json_open(&a->out, NULL, '{');
    put(a);
    json_close(&a->out, '}');
    return api_reply(a, 200);
}


static enum step
reply_list(struct api *a, const char *const *names)
{
    if (!(a->r->method & (HTTP_GET | HTTP_HEAD)))
        return api_read_only(a);
    json_open(&a->out, NULL, '[');
    for (; *names != NULL; names++)
        json_put(&a->out, NULL, str_of(*names));
    json_close(&a->out, ']');
    return api_reply(a, 200);
}


/* --- paths ---------------------------------------------------------------------- */

/* There are no such things: an empty collection. */
static bool
none(struct api *a, unsigned i, str_t *name)
{
    (void) a, (void) i, (void) name;
    return false;
}


static enum step
serve_collection(struct api *a, str_t part)
{
    static const struct api_kind keyvals
        = { .text = "keyval not found", .code = "KeyvalNotFound", .nth = none };
    static const struct {
        str_t                  name;
        const struct api_kind *kind;
    } all[] = {
        { STR_INIT("server_zones"), &api_server_zones },
        { STR_INIT("location_zones"), &api_location_zones },
        { STR_INIT("caches"), &api_caches },
        { STR_INIT("limit_conns"), &api_limit_conns },
        { STR_INIT("limit_reqs"), &api_limit_reqs },
        { STR_INIT("keyvals"), &keyvals },
    };

    for (size_t i = 0; i < countof(all); i++)
        if (str_eq(part, all[i].name))
            return api_named(a, all[i].kind);
    return api_not_found(a);
}


static enum step
serve_http(struct api *a)
{
    static const char *const parts[]
        = { "requests", "server_zones", "location_zones",
            "caches",   "limit_conns",  "limit_reqs",
            "keyvals",  "upstreams",    NULL };
    str_t part = api_part(a);

    if (part.n == 0)
        return reply_list(a, parts);
    if (str_is(part, "requests"))
        return reply_object(a, put_requests, forget_requests);
    if (str_is(part, "upstreams"))
        return api_upstreams(a);
    return serve_collection(a, part);
}


/* Nothing of stream is counted. */
static enum step
serve_stream(struct api *a)
{
    static const char *const parts[]
        = { "server_zones", "limit_conns", "keyvals", "upstreams", NULL };
    static const struct api_kind nothing
        = { .text = "path not found", .code = "PathNotFound", .nth = none };
    str_t part = api_part(a);

    if (part.n == 0)
        return reply_list(a, parts);
    for (const char *const *it = parts; *it != NULL; it++)
        if (str_eq(part, str_of(*it)))
            return api_named(a, &nothing);
    return api_not_found(a);
}


static enum step
serve_version(struct api *a)
{
    static const char *const parts[]
        = { "nginx",  "processes", "connections", "slabs",   "http",
            "stream", "resolvers", "ssl",         "workers", NULL };
    str_t part = api_part(a);

    if (part.n == 0)
        return reply_list(a, parts);
    if (str_is(part, "nginx"))
        return reply_object(a, put_nginx, NULL);
    if (str_is(part, "processes"))
        return reply_object(a, put_processes, forget_processes);
    if (str_is(part, "connections"))
        return reply_object(a, put_connections, forget_connections);
    if (str_is(part, "ssl"))
        return reply_object(a, put_tls, forget_tls);
    if (str_is(part, "slabs"))
        return api_named(a, &api_slabs);
    if (str_is(part, "workers"))
        return api_workers(a);
    if (str_is(part, "resolvers"))
        return api_named(a, &api_resolvers);
    if (str_is(part, "http"))
        return serve_http(a);
    if (str_is(part, "stream"))
        return serve_stream(a);
    return api_not_found(a);
}


static enum step
reply_versions(struct api *a)
{
    json_open(&a->out, NULL, '[');
    for (unsigned i = 1; i <= VERSIONS; i++)
        json_put_number(&a->out, NULL, i);
    json_close(&a->out, ']');
    return api_reply(a, 200);
}


/* Angie has no versions, and names its own root "status". */
static enum step
serve_angie(struct api *a)
{
    str_t part;

    if (str_is(a->path, "status") || str_starts(a->path, STR("status/")))
        api_part(a);
    part = api_part(a);
    if (!(a->r->method & (HTTP_GET | HTTP_HEAD)))
        return api_read_only(a);
    if (!str_is(part, "http") || !str_is(api_part(a), "upstreams"))
        return api_not_found(a);
    return api_upstreams(a);
}


static void
read_fields(struct api *a)
{
    str_t rest = a->r->args;

    while (rest.n != 0) {
        str_t arg = str_cut(&rest, '&'), name = str_cut(&arg, '=');

        if (!str_is(name, "fields"))
            continue;
        a->has_fields = true;
        a->fields = unescape_uri(a->r->task.arena, arg);
    }
}


static str_t
path_of(const struct http_request *r)
{
    str_t path = r->uri, name = r->location->name;

    if (name.n != 0 && name.p[0] == '/' && str_starts(path, name))
        path = str_from(path, name.n);
    while (path.n != 0 && path.p[0] == '/')
        path = str_from(path, 1);
    while (path.n != 0 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}


static enum step
serve(struct task *t)
{
    struct http_request   *r = http_of(t);
    const struct api_conf *c = conf_of(t, &api_module);
    struct api             a = { .r = r,
                                 .path = path_of(r),
                                 .may_write = c->may_write,
                                 .out = { .arena = t->arena } };
    str_t                  part = a.path, version = str_cut(&part, '/');
    uint64_t               n;

    read_fields(&a);
    if (a.path.n == 0)
        return r->method & (HTTP_GET | HTTP_HEAD) ? reply_versions(&a)
                                                  : api_read_only(&a);
    if (!number_parse(version, UINT32_MAX, &n))
        return serve_angie(&a);
    if (n == 0 || n > VERSIONS)
        return api_error(&a, 404, "unknown version", "UnknownVersion");
    a.version = (unsigned) n;
    a.path = part;
    return serve_version(&a);
}


/* --- the directive ---------------------------------------------------------------- */

static const struct content content = { .name = "api", .serve = serve };


static const char *
parse(struct conf *cf, void *field)
{
    struct api_main *m = conf_main(cf, &api_module);

    if (cf->n_args > 1 && !str_is(cf->args[1], "write=on")
        && !str_is(cf->args[1], "write=off"))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[1]));
    *(bool *) field = cf->n_args > 1 && str_is(cf->args[1], "write=on");
    if (*(bool *) field)
        *vec_push(cf->arena, &m->open)
            = (struct api_place){ cf->block, cf->file, cf->line };
    conf_set_content(cf, &content);
    return NULL;
}


/* When all is read. */
static const char *
warn(struct conf *cf, void *main)
{
    const struct api_main *m = main;

    VEC_EACH(&m->open, it)
        if (!http_is_guarded_for(cf->gen, it->block,
                                 HTTP_POST | HTTP_PATCH | HTTP_DELETE))
            conf_warn_at(cf, it->file, it->line,
                         "anybody can change upstreams through \"api\"");
    return NULL;
}


static const struct conf_type type = {
    .name = "api",
    .size = sizeof(bool),
    .parse = parse,
};

static const struct directive directives[] = {
    CUSTOM(
        "api", IN_LOCATION, ARGS_0 | ARGS_1, type, struct api_conf, may_write,
        bool, "[write=on|off]",
        "Answers with JSON about the server and its upstreams, as the API of "
        "nginx's commercial edition does (/9/http/upstreams and so on). With "
        "write=on, servers of upstreams that have a zone can be added, "
        "changed and removed; allow, deny or auth_basic should say by whom."),
    { .name = NULL },
};

struct module api_module = {
    .name = "http_api",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct api_conf),
    .main_size = sizeof(struct api_main),
    .main_ready = warn,
};
