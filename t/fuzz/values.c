/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values that modules judge or rewrite by their configuration: User-Agent
 * (browser), Referer (referer), and of upstreams Location and Refresh
 * (proxy_redirect) and Set-Cookie (proxy_cookie_path and its kin).  The first
 * byte says which.  A verdict does not depend on what has no meaning; what no
 * rule fits stays as it is, and what one has rewritten the same rules leave
 * alone.
 */
#include "core/base/check.h"
#include "core/expr/variable.h"
#include "core/net/conn.h"
#include "core/net/worker.h"
#include "http/codec.h"
#include "http/main.h"
#include "modules/gateway/proxy.h"

#include "modules.c" /* all of this build */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UPSTREAM "http://127.0.0.1:9/x/"

static const char text[]
    = "error_log /dev/null emerg;\n"
      "events { }\n"
      "http {\n"
      "  map $modern_browser$ancient_browser$msie$invalid_referer $used {\n"
      "    default 1; }\n"
      "  modern_browser gecko 1.9; modern_browser msie 5.5;\n"
      "  modern_browser opera 9.0.1; modern_browser safari 413;\n"
      "  modern_browser konqueror 3.0.11; ancient_browser Lynx netscape4;\n"
      "  server {\n"
      "    listen unix:/nosuch/sock; server_name a.test *.b.test ~^re(.+)$;\n"
      "    location /names { valid_referers server_names *.c.test d.*\n"
      "                      e.test/path e.test.*/p; }\n"
      "    location /all { modern_browser opera 7; modern_browser unlisted;\n"
      "                    valid_referers none blocked ~^[^/]*goo(.)\\1; }\n"
      "    location /default { proxy_pass " UPSTREAM ";\n"
      "                        proxy_cookie_path /a/ /b/;\n"
      "                        proxy_cookie_path ~^/c(.*) /d$1;\n"
      "                        proxy_cookie_domain up.test here.test;\n"
      "                        proxy_cookie_domain ~\\.x$ y;\n"
      "                        proxy_cookie_flags ~^s secure samesite=lax;\n"
      "                        proxy_cookie_flags n nosecure nohttponly; }\n"
      "    location /rules { proxy_pass " UPSTREAM ";\n"
      "                      proxy_redirect http://$host/ /h/;\n"
      "                      proxy_redirect ~*^http://([^/]*)/(.*)$ /r/$2;\n"
      "                      proxy_redirect default;\n"
      "                      proxy_redirect / /e/; }\n"
      "  }\n"
      "}\n";

static struct log_targets quiet_targets = { .level = LEVEL_EMERG };
static struct log         quiet = { .targets = &quiet_targets };
static struct worker      self;
static struct generation *gen;


static void
set_up(void)
{
    struct conf_paths paths = { .conf_file = STR("/nosuch/x.conf"),
                                .conf_prefix = STR("/nosuch/"),
                                .prefix = STR("/nosuch/"),
                                .error_log = STR("stderr") };

    modules_init();
    worker = &self;
    gen = generation_read_text(&paths, STR("x"), str_of(text), &quiet);
    CHECK(gen != NULL);
    log_to_stderr = false;
}


static void
enter(struct http_request *r)
{
    (void) r;
}


/* A request that has come to a location; name NULL: without the field. */
static struct http_request *
request(struct arena *a, str_t uri, const char *name, str_t value)
{
    static const struct http_codec codec = { .enter = enter };
    struct http_request           *r = arena_make(a, struct http_request);
    struct conn                   *c = arena_make(a, struct conn);

    c->event.fd = -1;
    c->log = quiet;
    r->task.arena = a;
    r->task.log = &c->log;
    r->task.conn = c;
    r->task.peer = &c->peer;
    r->task.gen = gen;
    http_request_init(r);
    r->codec = &codec;
    r->method = HTTP_GET;
    r->host = STR("h.test");
    r->scheme = STR("http");
    r->uri = uri;
    r->server = http_main_of(gen)->servers.at[0];
    if (name != NULL)
        fields_add(a, &r->in, str_of(name), value);
    http_enter(r, r->server->root);
    CHECK(http_find_location(r) == HTTP_FOUND);
    return r;
}


static str_t
variable(struct http_request *r, str_t name)
{
    const struct var *v = var_find(gen, CONF_HTTP, name);

    CHECK(v != NULL);
    return var_get(&r->task, v);
}


/* --- browsers --------------------------------------------------------------- */

static bool
is_modern(struct arena *a, str_t where, str_t agent)
{
    struct http_request *r = request(a, where, "User-Agent", agent);
    str_t                modern = variable(r, STR("modern_browser"));
    str_t                ancient = variable(r, STR("ancient_browser"));
    str_t                msie = variable(r, STR("msie"));

    CHECK(modern.n + ancient.n == 1);
    CHECK(msie.n == 0 || str_find(agent, STR("MSIE ")) != NULL);
    return modern.n != 0;
}


static void
check_agent(struct arena *a, str_t agent)
{
    (void) is_modern(a, STR("/all"), agent);
    /* One that is ancient stays so whatever else it says that it is. */
    if (!is_modern(a, STR("/names"), agent))
        CHECK(!is_modern(a, STR("/names"), str_join(a, agent, STR(" Lynx"))));
}


/* --- referers --------------------------------------------------------------- */

static bool
is_valid(struct arena *a, str_t where, const char *name, str_t referer)
{
    str_t is
        = variable(request(a, where, name, referer), STR("invalid_referer"));

    CHECK(is.n == 0 || str_is(is, "1"));
    return is.n == 0;
}


/* The same with its scheme and host in capitals. */
static str_t
in_capitals(struct arena *a, str_t referer)
{
    char    *p = str_z(a, referer);
    unsigned slashes = 0;

    for (size_t i = 0; i < referer.n && slashes < 3; i++) {
        slashes += p[i] == '/';
        if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char) (p[i] - 'a' + 'A');
    }
    return (str_t){ p, referer.n };
}


static void
check_referer(struct arena *a, str_t referer)
{
    bool  is = is_valid(a, STR("/names"), "Referer", referer);
    str_t longer = str_join(a, referer, STR("z"));

    CHECK(is == is_valid(a, STR("/names"), "Referer", in_capitals(a, referer)));
    CHECK(!is || str_istarts(referer, STR("http")));
    /* A path may go on. */
    if (is && str_chr(str_from(referer, STR("https://").n), '/'))
        CHECK(is_valid(a, STR("/names"), "Referer", longer));
    if (!str_istarts(referer, STR("http")))
        CHECK(is_valid(a, STR("/all"), "Referer", referer));
    (void) is_valid(a, STR("/all"), "Referer", referer);
    CHECK(is_valid(a, STR("/all"), NULL, STR("")));
    CHECK(!is_valid(a, STR("/names"), NULL, STR("")));
}


/* --- fields of upstreams ---------------------------------------------------- */

static bool
rewrite(struct arena *a, str_t where, enum field_id id, str_t *value)
{
    struct http_request     *r = request(a, where, NULL, STR(""));
    struct gateway          *g = arena_make(a, struct gateway);
    struct proxy_state      *s = arena_make(a, struct proxy_state);
    const struct proxy_conf *conf = conf_of(&r->task, &proxy_module);
    str_t                    before = *value;
    bool                     is_new;

    s->target = conf_of(&r->task, &proxy_pass_module);
    g->r = r;
    g->conf = &conf->gateway;
    g->data = s;
    is_new = proxy_rewrite(g, id, value);
    CHECK(is_new || (value->p == before.p && value->n == before.n));
    return is_new;
}


static void
check_location(struct arena *a, str_t value)
{
    str_t refresh = str_join(a, STR("5; URL="), value), out = value;
    bool  is_new = rewrite(a, STR("/default"), FIELD_LOCATION, &out);

    CHECK(is_new == str_starts(value, STR(UPSTREAM)));
    if (is_new)
        CHECK(str_eq(out, str_join(a, STR("/default"),
                                   str_from(value, STR(UPSTREAM).n))));
    CHECK(is_new == rewrite(a, STR("/default"), FIELD_REFRESH, &refresh));
    CHECK(str_eq(refresh, str_join(a, STR("5; URL="), out)));

    out = value;
    is_new = rewrite(a, STR("/rules"), FIELD_LOCATION, &out);
    CHECK(is_new || !str_starts(value, STR("/")));
    CHECK(is_new || !str_starts(value, STR(UPSTREAM)));
    CHECK(!is_new || str_starts(out, STR("/h/")) || str_starts(out, STR("/r/"))
          || str_starts(out, STR("/e/")) || str_starts(out, STR("/rules")));
    out = value;
    (void) rewrite(a, STR("/rules"), FIELD_REFRESH, &out);
}


/* Of a Set-Cookie field what is before the attributes, without blanks. */
static str_t
first_part(struct arena *a, str_t field)
{
    str_t  part = str_cut(&field, ';');
    char  *p = arena_bytes(a, part.n);
    size_t n = 0;

    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] != ' ' && part.p[i] != '\t')
            p[n++] = part.p[i];
    return (str_t){ p, n };
}


static void
check_cookie(struct arena *a, str_t value)
{
    str_t once = value, twice;

    /* No line of a head has a break in it. */
    if (!rewrite(a, STR("/default"), FIELD_SET_COOKIE, &once)
        || field_has_break(value))
        return;
    CHECK(str_chr(first_part(a, value), '='));
    CHECK(str_eq(first_part(a, value), first_part(a, once)));
    twice = once;
    (void) rewrite(a, STR("/default"), FIELD_SET_COOKIE, &twice);
    CHECK(str_eq(twice, once));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         in = { (const char *) data + 1, size - 1 };

    if (gen == NULL)
        set_up();
    if (size != 0) {
        switch (data[0] % 4) {
        case 0:
            check_agent(a, in);
            break;
        case 1:
            check_referer(a, in);
            break;
        case 2:
            check_location(a, in);
            break;
        default:
            check_cookie(a, in);
            break;
        }
    }
    arena_free(a);
    return 0;
}
