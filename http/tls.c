/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings are made when the whole configuration has been read, for each
 * distinct set of them once; a server without any of its own shares those of
 * the http block.
 */
#include "http/tls.h"

#include "core/conf/error_log.h"
#include "core/tls/async.h"
#include "core/tls/stapling.h"
#include "core/upstream/names.h"
#include "http/gateway/gateway.h"
#include "http/main.h"
#include "http/ocsp.h"


static struct http_tls_conf *
conf_at(const struct http_server *s)
{
    return confs_get(s->conf, &http_tls_module);
}


/* --- configuration -------------------------------------------------------------- */

struct http_tls_main {
    http_staples_t staples; /* first those that clients wait for             */
    size_t         n_must;  /* of these                                      */
    bool           has_threads; /* ssl_async, of anything                    */
};


bool
http_tls_has_threads(struct conf *cf)
{
    const struct http_tls_main *m = conf_main(cf, &http_tls_module);

    return m->has_threads;
}


const http_staples_t *
http_tls_staples(const struct generation *g)
{
    const struct http_tls_main *m = generation_main(g, http_tls_module.slot);

    return &m->staples;
}


/* What clients wait for is asked for first. */
static void
note_staples(struct conf *cf, const struct tls_settings *s,
             const struct http_server *server)
{
    struct http_tls_main *m = conf_main(cf, &http_tls_module);

    for (size_t i = 0; s->staples != NULL && i < s->staples->n; i++) {
        struct http_staple *at = vec_push(cf->arena, &m->staples);

        if (s->staples->at[i].is_must) {
            *at = m->staples.at[m->n_must];
            at = &m->staples.at[m->n_must++];
        }
        *at = (struct http_staple){ &s->staples->at[i], server };
    }
}


static void
make_settings(struct conf *cf, struct http_server *s)
{
    struct http_tls_conf       *c = conf_at(s);
    const struct http_tls_main *main = conf_main(cf, &http_tls_module);
    const struct resolver_conf *resolver;
    char                        why[TLS_WHY_MAX];

    if (c->is_made)
        return;
    c->is_made = true;
    if (c->own.certificates.list.n == 0)
        return;
    c->own.has_threads = main->has_threads;
    resolver = confs_get(s->conf, &http_resolver_module);
    c->settings = tls_server_settings(cf, &c->common, &c->own,
                                      resolver->resolver != NULL, why);
    if (c->settings == NULL)
        conf_error_bare(cf, s->block->file, s->block->line, "%s", why);
    else
        note_staples(cf, c->settings, s);
}


static void
lacks_certificate(struct conf *cf, const struct http_server *s)
{
    conf_error_bare(cf, NULL, 0,
                    "no \"ssl_certificate\" is defined for the "
                    "\"listen ... ssl\" directive in %s:%u",
                    s->block->file, s->block->line);
}


/* The default server needs a certificate, which others may use, too; where it
 * refuses whom it does not know, each of the others has its own. */
static void
check_address(struct conf *cf, const struct http_address *a)
{
    const struct http_tls_conf *c = conf_at(a->fallback);

    if (c->own.certificates.list.n != 0)
        return;
    if (!c->own.rejects) {
        lacks_certificate(cf, a->fallback);
        return;
    }
    VEC_EACH(&a->servers, s) {
        c = conf_at(*s);
        if (c->own.certificates.list.n == 0 && !c->own.rejects)
            lacks_certificate(cf, *s);
    }
}


static const char *
make_all(struct conf *cf, void *main)
{
    struct http_main *m = conf_main(cf, &http_module);

    (void) main;
    if (!m->is_there)
        return NULL;
    cf->kind = CONF_HTTP; /* for the variables in names of files */
    VEC_EACH(&m->servers, s)
        make_settings(cf, *s);
    cf->kind = CONF_MAIN;
    VEC_EACH(&m->addresses, a)
        if ((*a)->has_ssl)
            check_address(cf, *a);
    return NULL;
}


static const char *
parse_async(struct conf *cf, void *field)
{
    static const char *const words[] = { "off", "threads", NULL };
    struct thread_pool     **out = field;
    str_t                    word = cf->args[1], name = STR("default");
    struct http_tls_main    *main;

    *out = NULL;
    if (str_is(word, "off"))
        return NULL;
    if (!str_is(word, "threads") && !conf_param(word, "threads", &name)) {
        conf_suggest(cf, word, words);
        return conf_error(
            cf, "invalid value \"" STR_F "\" in \"" STR_F "\" directive",
            STR_A(word), STR_A(cf->args[0]));
    }
    if (!tls_async_is_possible()) {
        conf_warn(cf,
                  "\"" STR_F "\" is not supported on this platform, ignored",
                  STR_A(cf->args[0]));
        return NULL;
    }
    main = conf_main(cf, &http_tls_module);
    main->has_threads = true;
    *out = thread_pool_use(cf, name);
    return NULL;
}


static const struct conf_type async_type = {
    .name = "threads",
    .size = sizeof(struct thread_pool *),
    .parse = parse_async,
    .unset = "off",
};

static const struct directive rows[] = {
    { "ssl_async", IN_HTTP | IN_SERVER, ARGS_1, &async_type,
      FIELD(struct http_tls_conf, threads, struct thread_pool *), NULL, NULL,
      "off | threads[=pool]",
      "Whether what a handshake needs an RSA key for, which takes the time of a "
      "hundred small requests or more, is done by threads, while the worker "
      "serves others: threads names the pool of thread_pool, default unless "
      "said. So are keys of ssl_certificate and, towards upstreams, those of "
      "proxy_ssl_certificate, grpc_ssl_certificate and uwsgi_ssl_certificate. "
      "Where 256 handshakes of a worker wait for that, or the pool's "
      "queue is full, the worker does it itself, as for all other kinds of "
      "keys, which take little time." },
    FLAG("ssl_early_data", IN_HTTP | IN_SERVER, struct http_tls_conf,
         own.takes_early_data, "off",
         "Accepts requests that clients with a session send before the "
         "handshake is over (TLS 1.3). The same bytes are accepted once, but a "
         "client may ask again in a new handshake: where that matters, look at "
         "$ssl_early_data, or pass it on in the header Early-Data, and answer "
         "425."),
    { .name = NULL },
};


/* What the responders say is in force over generations. */
static bool
adopt(struct worker *w, struct generation *g)
{
    const struct http_tls_main *m = generation_main(g, http_tls_module.slot);

    if (m != NULL && m->has_threads)
        tls_async_use();
    http_stapling_start(w, g);
    return true;
}


static void
stop(struct worker *w)
{
    tls_async_stop();
    http_stapling_stop(w);
}


static const struct template templates[] = {
    { tls_rows, "ssl", FIELD(struct http_tls_conf, common, struct tls_conf),
      IN_HTTP | IN_SERVER },
    { tls_server_rows, "ssl",
      FIELD(struct http_tls_conf, own, struct tls_server_conf),
      IN_HTTP | IN_SERVER },
    { .rows = NULL },
};

struct module http_tls_module = {
    .name = "http_ssl",
    .serves = FOR_HTTP,
    .directives = rows,
    .templates = templates,
    .variables = http_tls_variables,
    .conf_size = sizeof(struct http_tls_conf),
    .main_size = sizeof(struct http_tls_main),
    .main_ready = make_all,
    .process_stop = stop,
    .adopt = adopt,
};


/* --- the handshake ------------------------------------------------------------------ */

/* A name as hosts are compared: in lower case, without a dot at the end.  0:
 * it cannot be the name of a server. */
static size_t
host_of(char *out, size_t room, str_t name)
{
    if (name.n != 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > room)
        return 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char) name.p[i];

        if (c <= ' ' || c == 127 || c == '/' || c == '\\' || c == ':')
            return 0;
    }
    str_lower_to(out, name);
    return name.n;
}


const struct http_server *
http_tls_server(const struct http_address *a, str_t name)
{
    char   host[256];
    size_t n = host_of(host, sizeof(host), name);

    if (n == 0)
        return http_default_server(a);
    return http_server_named(a, (str_t){ host, n });
}


struct tls_settings *
http_tls_settings(const struct http_conn *h)
{
    struct tls_settings *s = conf_at(h->server)->settings;

    return s != NULL ? s : conf_at(http_default_server(h->address))->settings;
}


/* Whether a part of a path that is this leads to another folder. */
static bool
leads_elsewhere(str_t name)
{
    return str_is(name, ".") || str_is(name, "..")
           || (name.n != 0 && memchr(name.p, '/', name.n) != NULL);
}


static struct tls_context *
choose(struct conn *c, const struct tls_hello *hello, enum tls_alert *alert)
{
    struct http_conn           *h = http_conn_of_conn(c);
    const struct http_server   *s;
    const struct http_tls_conf *own;
    const struct tls_settings  *settings;

    (void) http_conn_rebind(h);
    s = http_tls_server(h->address, hello->name);
    own = conf_at(s);
    h->server = s;
    c->log.targets = error_log_targets(s->conf);
    if (own->own.rejects) {
        log_info(&c->log, "handshake rejected");
        *alert = TLS_ALERT_UNRECOGNIZED_NAME;
        return NULL;
    }
    settings = http_tls_settings(h);
    if (settings == NULL)
        return NULL;
    if (settings->named.n != 0 && leads_elsewhere(hello->name))
        return NULL;
    return tls_context_get(settings, h->address->gen, &c->log);
}


static str_t
protocols(struct conn *c)
{
    return http_protocol_names(http_conn_of_conn(c));
}


static struct pool *
threads(struct conn *c)
{
    const struct http_conn *h = http_conn_of_conn(c);
    struct thread_pool     *own = conf_at(h->server)->threads;

    return own != NULL ? thread_pool_open(h->address->gen, own) : NULL;
}


struct pool *
http_tls_threads(const struct http_request *r)
{
    const struct http_tls_conf *c = conf_at(r->server);

    return c->threads != NULL ? thread_pool_open(r->task.gen, c->threads)
                              : NULL;
}


/* A request that is none, for the variables that there are by now. */
static void
with_task(struct conn *c, void (*use)(struct task *, void *arg), void *arg)
{
    struct http_conn    *h = http_conn_of_conn(c);
    struct arena        *a = arena_new(0);
    struct http_request *r = arena_make(a, struct http_request);

    r->task.arena = a;
    r->task.loop = c->loop;
    r->task.log = &c->log;
    r->task.conn = c;
    r->task.peer = &c->peer;
    r->task.gen = h->address->gen;
    http_request_init(r);
    r->server = h->server;
    r->task.conf = h->server->conf;
    use(&r->task, arg);
    task_end(&r->task);
    arena_free(a);
}


static const struct tls_server server = { .choose = choose,
                                          .protocols = protocols,
                                          .status = http_stapling_await,
                                          .check = http_ocsp_check,
                                          .threads = threads,
                                          .with_task = with_task };


void
http_tls_accept(struct http_conn *h)
{
    tls_accept(&h->conn, &server, STR(""));
}


/* --- requests ----------------------------------------------------------------------- */
static bool
same_host(str_t name, str_t host)
{
    char   text[256];
    size_t n = host_of(text, sizeof(text), name);

    return n == host.n && memcmp(text, host.p, n) == 0;
}


/* A server that has no certificate, and so no settings, is reached under those of
 * the default server; whether it wants to know who is there is still its own
 * matter. */
unsigned
http_tls_check_server(const struct http_request *r, str_t host)
{
    const struct tls_context   *was = tls_context_of(r->task.conn);
    const struct http_tls_conf *asked = conf_at(r->server);
    str_t                       name = tls_server_name(r->task.conn);

    if (was == NULL || asked->own.verify == TLS_VERIFY_OFF)
        return 0;
    if ((asked->settings == NULL || tls_context_verifies(was, asked->settings))
        && (name.p == NULL || same_host(name, host)))
        return 0;
    /* Nobody has said whom he means, nor who he is. */
    if (name.p == NULL
        && SSL_get0_peer_certificate(tls_ssl(r->task.conn)) == NULL)
        return 0;
    log_info(r->task.log,
             "client attempted to request the server name different from the "
             "one that was negotiated");
    return 421;
}


/* Errors that optional_no_ca forgives: nobody is known who vouches for it. */
static bool
is_unknown_issuer(long error)
{
    return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
           || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
           || error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
           || error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}


unsigned
http_tls_check(const struct http_request *r)
{
    const struct conn *c = r->task.conn;
    const unsigned     verify = conf_at(r->server)->own.verify;
    SSL               *ssl = tls_ssl(c);
    long               error;

    if (tls_is_plain(c)) {
        log_info(r->task.log, "client sent plain HTTP request to HTTPS port");
        return 497;
    }
    if (ssl == NULL || verify == TLS_VERIFY_OFF)
        return 0;
    error = tls_verify_result(c);
    if (error != X509_V_OK
        && (verify != TLS_VERIFY_OPTIONAL_NO_CA || !is_unknown_issuer(error)))
    {
        log_info(r->task.log, "client SSL certificate verify error: (%ld:%s)",
                 error, X509_verify_cert_error_string(error));
        tls_count_refused(error);
        SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), SSL_get_session(ssl));
        return 495;
    }
    if (verify == TLS_VERIFY_ON && SSL_get0_peer_certificate(ssl) == NULL) {
        log_info(r->task.log, "client sent no required SSL certificate");
        tls_count_refused(X509_V_OK);
        SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), SSL_get_session(ssl));
        return 496;
    }
    if (tls_refusal(c) != NULL) {
        log_info(r->task.log, "client SSL certificate verify error: %s",
                 tls_refusal(c));
        tls_count_refused(X509_V_ERR_CERT_REVOKED);
        SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), SSL_get_session(ssl));
        return 495;
    }
    return 0;
}
