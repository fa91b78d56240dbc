/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What depends on the request (the name, a certificate with variables) is
 * evaluated once for all its tries.  A connection is reused, and a session
 * resumed, only where that is the same, and the settings are.
 */
#include "http/gateway/tls.h"

#include "core/net/addr.h"
#include "core/tls/cache.h"
#include "core/tls/error.h"
#include "core/tls/resumption.h"
#include "http/gateway/exchange.h"
#include "http/tls.h"


/* --- configuration -------------------------------------------------------------- */

static void
make(struct conf *cf, struct gateway_tls *t, const char *prefix)
{
    char why[TLS_WHY_MAX];

    if (t->is_made)
        return;
    t->is_made = true;
    t->own.has_threads = http_tls_has_threads(cf);
    t->settings = tls_client_settings(cf, prefix, &t->common, &t->own, why);
    if (t->settings == NULL)
        conf_error_bare(cf, NULL, 0, "%s", why);
}


void
gateway_tls_want(struct conf *cf, const struct module *pass,
                 const struct gateway_tls_place *place)
{
    struct gateway_tls_blocks *blocks = conf_main(cf, pass);

    *vec_push(cf->arena, &blocks->list) = cf->block;
    blocks->place = place;
}


const char *
gateway_tls_make(struct conf *cf, void *main)
{
    const struct gateway_tls_blocks *blocks = main;
    const struct gateway_tls_place  *place = blocks->place;

    cf->kind = CONF_HTTP; /* for the variables in names of files */
    VEC_EACH(&blocks->list, b) {
        char *conf = confs_get((*b)->conf, place->module);

        make(cf, (void *) (conf + place->offset), place->prefix);
    }
    cf->kind = CONF_MAIN;
    return NULL;
}


/* --- a request -------------------------------------------------------------------- */

/* Without the port (RFC 6066, 3). */
static str_t
without_port(str_t host)
{
    const char *colon;

    if (host.n != 0 && host.p[0] == '[') {
        colon = str_chr(host, ']');
        return colon != NULL ? str_span(host.p + 1, colon) : host;
    }
    colon = str_chr(host, ':');
    return colon != NULL ? str_span(host.p, colon) : host;
}


void
gateway_tls_begin(struct gateway *g, const struct gateway_tls_place *place,
                  str_t host)
{
    const struct gateway_tls *t
        = (const void *) ((const char *) g->conf + place->offset);
    struct arena *a = g->r->task.arena;
    str_t         name = host;

    if (t->settings == NULL) /* it was not known to be needed */
        return;
    g->secure = arena_make(a, struct gateway_secure);
    g->secure->gateway = g;
    g->secure->settings = t->settings;
    g->secure->sends_name = t->own.sends_name;
    g->secure->verifies = t->own.verifies;
    g->secure->reuses_sessions = t->own.reuses_sessions;
    if (t->own.certificate != NULL)
        g->secure->threads = http_tls_threads(g->r);
    if (t->own.name != NULL)
        name = expr_eval(t->own.name, &g->r->task);
    g->secure->name = without_port(name);
}


static void
put_identity(void *identity)
{
    tls_identity_put(identity);
}


bool
gateway_tls_prepare(struct gateway *g)
{
    struct gateway_secure     *s = g->secure;
    const struct tls_settings *set = s->settings;
    struct task               *t = &g->r->task;
    str_t                      certificate = STR(""), key = STR("");
    char                       why[TLS_WHY_MAX];

    if (s->key.p != NULL)
        return true;
    if (set->named.n != 0) {
        certificate = expr_eval(set->named.at[0].certificate, t);
        key = expr_eval(set->named.at[0].key, t);
    }
    s->key = arena_printf(t->arena, STR_F "\n%d%d\n" STR_F "\n" STR_F,
                          STR_A(s->name), s->sends_name, s->verifies,
                          STR_A(certificate), STR_A(key));
    if (certificate.n == 0)
        return true;
    s->identity = tls_identity_get(set, t->arena, certificate, key, why);
    if (s->identity == NULL) {
        log_error(t->log, "%s", why);
        return false;
    }
    arena_defer(t->arena, put_identity, s->identity);
    return true;
}


static bool
is_address(str_t name)
{
    struct addr_any at;

    return addr_parse(name, &at);
}


bool
gateway_tls_wrap(struct conn *c, void *arg)
{
    const struct gateway_secure *s = arg;
    struct gateway              *g = s->gateway;
    struct task                 *t = &g->r->task;
    struct tls_context *context = tls_context_get(s->settings, t->gen, t->log);
    bool                sends = s->sends_name && !is_address(s->name);

    if (context == NULL
        || !tls_connect(c, context, s->threads, sends ? s->name : STR("")))
        return false;
    if (g->protocol->alpn != NULL
        && SSL_set_alpn_protos(tls_handle(c),
                               (const unsigned char *) g->protocol->alpn,
                               (unsigned) strlen(g->protocol->alpn))
               != 0)
    {
        tls_error_log(t->log, LEVEL_ERROR, 0, "SSL_set_alpn_protos() failed");
        return false;
    }
    if (s->identity != NULL && !tls_identity_use(tls_handle(c), s->identity)) {
        tls_error_log(t->log, LEVEL_ERROR, 0, "SSL_use_PrivateKey() failed");
        return false;
    }
    if (s->reuses_sessions)
        tls_resume(c,
                   str_join3(t->arena, g->pick.peer->name, STR("\n"), s->key));
    return true;
}


bool
gateway_tls_check(const struct exchange *x)
{
    const struct gateway_secure *s = x->gateway->secure;
    const struct log            *log = x->gateway->r->task.log;
    struct conn                 *c = &x->link->conn;
    long                         error;

    if (!s->verifies)
        return true;
    error = tls_verify_result(c);
    if (error != X509_V_OK)
        log_error(log, "upstream SSL certificate verify error: (%ld:%s)", error,
                  X509_verify_cert_error_string(error));
    else if (!tls_peer_is(c, s->name))
        log_error(log, "upstream SSL certificate does not match \"" STR_F "\"",
                  STR_A(s->name));
    else
        return true;
    tls_count_refused(error != X509_V_OK ? error
                                         : X509_V_ERR_HOSTNAME_MISMATCH);
    tls_resumption_drop(c);
    return false;
}


void
gateway_tls_failed(const struct exchange *x)
{
    if (tls_wants_name(&x->link->conn))
        log_error(x->gateway->r->task.log,
                  "the upstream may need a name in the handshake: "
                  "%s_ssl_server_name on",
                  x->gateway->protocol->prefix);
}


const char *
gateway_scheme(const struct gateway *g)
{
    return g->secure != NULL ? g->protocol->secure_scheme : g->protocol->scheme;
}
