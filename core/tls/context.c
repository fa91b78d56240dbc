/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings to SSL_CTX.  The same code runs in the master, which only wants to
 * know whether it can be made, and in workers.
 */
#include "core/tls/context.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "core/tls/early.h"
#include "core/tls/cache.h"
#include "core/tls/error.h"
#include "core/tls/files.h"
#include "core/tls/inside.h"
#include "core/tls/key_log.h"
#include "core/tls/kept.h"
#include "core/tls/random.h"
#include "core/tls/stapling.h"
#include "core/tls/tickets.h"
#include "core/tls/x509.h"


/* --- messages ---------------------------------------------------------------- */

/* Puts a message with OpenSSL's reasons into why; false, to be returned. */
__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *fmt, ...)
{
    va_list args;
    char    reasons[TLS_ERROR_TEXT];
    int     n;

    va_start(args, fmt);
    n = vsnprintf(why, TLS_WHY_MAX, fmt, args);
    va_end(args);
    tls_error_text(reasons, sizeof(reasons));
    ERR_clear_error();
    if (n >= 0 && n < TLS_WHY_MAX)
        snprintf(why + n, (size_t) (TLS_WHY_MAX - n), "%s", reasons);
    return false;
}


static BIO *
bio_of(str_t s)
{
    BIO *b = BIO_new_mem_buf(s.n != 0 ? s.p : "", (int) s.n);

    if (b == NULL)
        check_memory(s.n);
    return b;
}


/* Whether reading PEM ended as it does at the end of a file; the queue is
 * empty then. */
static bool
ended_well(void)
{
    unsigned long code = ERR_peek_last_error();

    if (code != 0
        && (ERR_GET_LIB(code) != ERR_LIB_PEM
            || ERR_GET_REASON(code) != PEM_R_NO_START_LINE))
        return false;
    ERR_clear_error();
    return true;
}


/* --- certificates and keys ------------------------------------------------------ */

X509 *
tls_chain_read(str_t der, STACK_OF(X509) * above)
{
    const unsigned char *at = (const unsigned char *) der.p;
    const unsigned char *end = at + der.n;
    X509                *first = NULL, *x;

    while (at < end) {
        x = tls_x509_read(&at, end - at);
        if (x == NULL)
            break;
        if (first == NULL)
            first = x;
        else if (sk_X509_push(above, x) == 0)
            check_memory(sizeof(x));
    }
    return first;
}


static bool
use_certificate(SSL_CTX *ssl, const struct tls_pair *p, char *why)
{
    STACK_OF(X509) *above = sk_X509_new_null();
    X509 *x = above != NULL ? tls_chain_read(p->chain, above) : NULL;

    if (SSL_CTX_use_certificate(ssl, x) != 1) {
        X509_free(x);
        sk_X509_pop_free(above, X509_free);
        return refuse(why, "SSL_CTX_use_certificate(\"" STR_F "\") failed",
                      STR_A(p->path));
    }
    X509_free(x);
    if (SSL_CTX_set0_chain(ssl, above) != 1) {
        sk_X509_pop_free(above, X509_free);
        return refuse(why, "SSL_CTX_set0_chain(\"" STR_F "\") failed",
                      STR_A(p->path));
    }
    return true;
}


static bool
use_key(SSL_CTX *ssl, const struct tls_pair *p, char *why)
{
    const unsigned char *at = (const unsigned char *) p->key.p;
    EVP_PKEY            *key = d2i_AutoPrivateKey(NULL, &at, (long) p->key.n);
    X509 *x = SSL_CTX_get0_certificate(ssl); /* the last one that was set */
    bool  ok = key != NULL && X509_check_private_key(x, key) == 1
              && SSL_CTX_use_PrivateKey(ssl, key) == 1;

    EVP_PKEY_free(key);
    return ok
           || refuse(why, "SSL_CTX_use_PrivateKey(\"" STR_F "\") failed",
                     STR_A(p->key_path));
}


/* --- certificates whose names have variables ---------------------------------------- */

struct naming {
    SSL                       *ssl;
    const struct tls_settings *settings;
    bool                       is_good;
};


static void
load_named(struct task *t, void *arg)
{
    struct naming             *n = arg;
    const struct tls_settings *s = n->settings;
    char                       why[TLS_WHY_MAX];

    VEC_EACH(&s->named, it) {
        struct tls_identity *i = tls_identity_get(s, t->arena,
                                                  expr_eval(it->certificate, t),
                                                  expr_eval(it->key, t), why);
        bool                 ok;

        if (i == NULL) {
            log_error(t->log, "%s", why);
            return;
        }
        ok = tls_identity_use(n->ssl, i);
        tls_identity_put(i);
        if (!ok) {
            tls_error_log(t->log, LEVEL_ERROR, 0,
                          "SSL_use_PrivateKey() failed");
            return;
        }
    }
    n->is_good = true;
}


bool
tls_context_name(SSL *ssl, struct tls_context *c)
{
    struct conn  *conn = SSL_get_app_data(ssl);
    struct naming n = { .ssl = ssl, .settings = c->named };

    if (c->named == NULL)
        return true;
    conn->tls->server->with_task(conn, load_named, &n);
    ERR_clear_error();
    return n.is_good;
}


/* As SSL_CTX_set_cert_cb has it: 0: the handshake fails. */
static int
on_certificate(SSL *ssl, void *arg)
{
    return tls_context_name(ssl, arg);
}


/* --- who is trusted ----------------------------------------------------------------- */

/* Adds the certificates of a file to those trusted, and to the names that are
 * sent to clients. */
static bool
trust(SSL_CTX *ssl, const struct tls_file *f, STACK_OF(X509_NAME) * names,
      char *why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    BIO        *in = bio_of(f->bytes);
    unsigned    n = 0;
    bool        ok = true;
    X509       *x;

    while (ok && (x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)) != NULL) {
        X509_NAME *name = NULL;

        n++;
        ok = X509_STORE_add_cert(store, x) == 1;
        if (ok && names != NULL
            && sk_X509_NAME_find(names, X509_get_subject_name(x)) < 0)
        {
            name = X509_NAME_dup(X509_get_subject_name(x));
            ok = name != NULL && sk_X509_NAME_push(names, name) > 0;
        }
        X509_free(x);
    }
    BIO_free(in);
    if (!ok || n == 0 || !ended_well())
        return refuse(why,
                      "SSL_CTX_load_verify_locations(\"" STR_F "\") failed",
                      STR_A(f->path));
    return true;
}


static bool
use_client_ca(SSL_CTX *ssl, const struct tls_settings *s, char *why)
{
    STACK_OF(X509_NAME) * names;

    if (s->client_ca.bytes.p == NULL)
        return true;
    names = sk_X509_NAME_new_null();
    if (names == NULL)
        check_memory(sizeof(names));
    if (!trust(ssl, &s->client_ca, names, why)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return false;
    }
    SSL_CTX_set_client_CA_list(ssl, names);
    return true;
}


static bool
use_crl(SSL_CTX *ssl, const struct tls_file *f, char *why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    unsigned    n = 0;
    bool        ok = true;
    BIO        *in;
    X509_CRL   *crl;

    if (f->bytes.p == NULL)
        return true;
    in = bio_of(f->bytes);
    while (ok && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL)) != NULL) {
        n++;
        ok = X509_STORE_add_crl(store, crl) == 1;
        X509_CRL_free(crl);
    }
    BIO_free(in);
    if (!ok || n == 0 || !ended_well())
        return refuse(why, "X509_LOOKUP_load_file(\"" STR_F "\") failed",
                      STR_A(f->path));
    X509_STORE_set_flags(store,
                         X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}


/* The result is judged when the handshake is over: who is refused gets an
 * answer, not an alert.  The last call is for the client's own certificate. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
    SSL                      *ssl = X509_STORE_CTX_get_ex_data(store,
                                                               SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (ok && c->has_ocsp && X509_STORE_CTX_get_error_depth(store) == 0)
        tls_peer_remember(ssl, X509_STORE_CTX_get0_chain(store));
    return 1;
}


static bool
use_trust(SSL_CTX *ssl, const struct tls_settings *s, char *why)
{
    if (!use_client_ca(ssl, s, why))
        return false;
    if (s->trusted.bytes.p != NULL && !trust(ssl, &s->trusted, NULL, why))
        return false;
    if (!use_crl(ssl, &s->crl, why))
        return false;
    SSL_CTX_set_verify_depth(ssl, (int) s->depth);
    if (s->verify != TLS_VERIFY_OFF)
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
    return true;
}


/* --- ciphers, curves, commands -------------------------------------------------------- */

static bool
use_dhparam(SSL_CTX *ssl, const struct tls_file *f, char *why)
{
    EVP_PKEY *key;
    BIO      *in;

    if (f->bytes.p == NULL)
        return true;
    in = bio_of(f->bytes);
    key = PEM_read_bio_Parameters(in, NULL);
    BIO_free(in);
    if (key == NULL)
        return refuse(why, "PEM_read_bio_DHparams(\"" STR_F "\") failed",
                      STR_A(f->path));
    if (SSL_CTX_set0_tmp_dh_pkey(ssl, key) != 1) {
        EVP_PKEY_free(key);
        return refuse(why, "SSL_CTX_set_tmp_dh(\"" STR_F "\") failed",
                      STR_A(f->path));
    }
    return true;
}


static bool
run_command(SSL_CONF_CTX *cc, const struct pair *p, char *why)
{
    int kind = SSL_CONF_cmd_value_type(cc, p->key.p);

    if (kind == SSL_CONF_TYPE_FILE || kind == SSL_CONF_TYPE_DIR)
        return refuse(why,
                      "SSL_CONF_cmd(\"" STR_F "\", \"" STR_F "\") failed: "
                      "files are named by other directives",
                      STR_A(p->key), STR_A(p->value));
    switch (SSL_CONF_cmd(cc, p->key.p, p->value.p)) {
    case -2:
        return refuse(why,
                      "SSL_CONF_cmd(\"" STR_F "\", \"" STR_F "\") failed: "
                      "unknown command",
                      STR_A(p->key), STR_A(p->value));
    case 1:
    case 2:
        return true;
    default:
        return refuse(why, "SSL_CONF_cmd(\"" STR_F "\", \"" STR_F "\") failed",
                      STR_A(p->key), STR_A(p->value));
    }
}


static bool
run_commands(SSL_CTX *ssl, const struct tls_settings *s, char *why)
{
    SSL_CONF_CTX *cc;
    bool          ok = true;

    if (s->commands.list.n == 0)
        return true;
    cc = SSL_CONF_CTX_new();
    if (cc == NULL)
        check_memory(sizeof(cc));
    SSL_CONF_CTX_set_flags(
        cc, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CERTIFICATE
                | SSL_CONF_FLAG_SHOW_ERRORS
                | (s->is_server ? SSL_CONF_FLAG_SERVER : SSL_CONF_FLAG_CLIENT));
    SSL_CONF_CTX_set_ssl_ctx(cc, ssl);
    VEC_EACH(&s->commands.list, p)
        ok = ok && run_command(cc, p, why);
    if (ok && SSL_CONF_CTX_finish(cc) != 1)
        ok = refuse(why, "SSL_CONF_finish() failed");
    SSL_CONF_CTX_free(cc);
    return ok;
}


static bool
use_ciphers(SSL_CTX *ssl, const struct tls_settings *s, char *why)
{
    if (s->ciphers.n != 0 && SSL_CTX_set_cipher_list(ssl, s->ciphers.p) != 1)
        return refuse(why, "SSL_CTX_set_cipher_list(\"" STR_F "\") failed",
                      STR_A(s->ciphers));
    if (s->prefers_server_ciphers)
        SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (s->curves.n != 0 && !str_is(s->curves, "auto")
        && SSL_CTX_set1_groups_list(ssl, s->curves.p) != 1)
        return refuse(why, "SSL_CTX_set1_curves_list(\"" STR_F "\") failed",
                      STR_A(s->curves));
    return use_dhparam(ssl, &s->dhparam, why);
}


/* Each one by itself, as there may be holes. */
static void
use_protocols(SSL_CTX *ssl, unsigned protocols)
{
    SSL_CTX_set_min_proto_version(ssl, 0);
    SSL_CTX_set_max_proto_version(ssl, 0);
    SSL_CTX_set_options(ssl,
                        ((protocols & TLS_SSL3) ? 0 : SSL_OP_NO_SSLv3)
                            | ((protocols & TLS_1_0) ? 0 : SSL_OP_NO_TLSv1)
                            | ((protocols & TLS_1_1) ? 0 : SSL_OP_NO_TLSv1_1)
                            | ((protocols & TLS_1_2) ? 0 : SSL_OP_NO_TLSv1_2)
                            | ((protocols & TLS_1_3) ? 0 : SSL_OP_NO_TLSv1_3));
}


/* --- sessions --------------------------------------------------------------------------- */

enum { TLS_SESSION_MAX = 8192 }; /* bytes of one that is shared              */


/* A session was made.  Clients with TLS 1.3 have it in their ticket. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    static char               der[TLS_SESSION_MAX];
    const struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct conn        *conn = SSL_get_app_data(ssl);
    unsigned char            *p = (unsigned char *) der;
    const unsigned char      *id;
    unsigned                  id_n;
    int                       n;

    if (c->zone == NULL)
        return 0;
    if (SSL_version(ssl) >= TLS1_3_VERSION
        && !(SSL_get_options(ssl) & SSL_OP_NO_TICKET))
        return 0;
    n = i2d_SSL_SESSION(session, NULL);
    id = SSL_SESSION_get_id(session, &id_n);
    if (n > TLS_SESSION_MAX)
        n = 0;
    if (n > 0)
        (void) i2d_SSL_SESSION(session, &p);
    if (n <= 0
        || !tls_kept_put(c->zone, (str_t){ (const char *) id, id_n },
                         (str_t){ der, (size_t) n },
                         time(NULL) + SSL_SESSION_get_timeout(session)))
        log_warn(conn->lines,
                 "could not allocate new session in SSL session shared cache "
                 "\"" STR_F "\"",
                 STR_A(zone_name(c->zone)));
    OPENSSL_cleanse(der, sizeof(der));
    ERR_clear_error();
    return 0;
}


static SSL_SESSION *
on_session_wanted(SSL *ssl, const unsigned char *id, int id_n, int *copies)
{
    static char               der[TLS_SESSION_MAX];
    const struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const unsigned char      *p = (unsigned char *) der;
    SSL_SESSION              *session;
    size_t                    n;

    *copies = 0;
    if (c->zone == NULL)
        return NULL;
    n = tls_kept_get(c->zone, (str_t){ (const char *) id, (size_t) id_n },
                     time(NULL), der, sizeof(der));
    if (n == 0)
        return NULL;
    session = d2i_SSL_SESSION(NULL, &p, (long) n);
    OPENSSL_cleanse(der, n);
    ERR_clear_error();
    return session;
}


static void
on_session_bad(SSL_CTX *ssl, SSL_SESSION *session)
{
    const struct tls_context *c = SSL_CTX_get_app_data(ssl);
    const unsigned char      *id;
    unsigned                  n;

    id = SSL_SESSION_get_id(session, &n);
    if (c->zone != NULL)
        tls_kept_drop(c->zone, (str_t){ (const char *) id, n });
}


static void
share_sessions(SSL_CTX *ssl)
{
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER
                                            | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, on_session);
    SSL_CTX_sess_set_get_cb(ssl, on_session_wanted);
    SSL_CTX_sess_set_remove_cb(ssl, on_session_bad);
}


static void
use_sessions(struct tls_context *c, const struct tls_settings *s)
{
    static const char shared_id[] = "weir";

    SSL_CTX_set_timeout(c->ssl, (long) s->session_timeout);
    /* Who has checked his client resumes nothing that another has checked. */
    if (s->verify != TLS_VERIFY_OFF)
        SSL_CTX_set_session_id_context(c->ssl, s->id, sizeof(s->id));
    else
        SSL_CTX_set_session_id_context(
            c->ssl, (const unsigned char *) shared_id, sizeof(shared_id) - 1);
    switch ((enum tls_cache) s->cache) {
    case TLS_CACHE_OFF:
        SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
        break;
    case TLS_CACHE_NONE:
        SSL_CTX_set_session_cache_mode(
            c->ssl, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_AUTO_CLEAR
                        | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        break;
    case TLS_CACHE_BUILTIN:
        SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_SERVER);
        if (s->cache_size != 0)
            SSL_CTX_sess_set_cache_size(c->ssl, (long) s->cache_size);
        break;
    case TLS_CACHE_SHARED:
        share_sessions(c->ssl);
        break;
    }
    SSL_CTX_set_num_tickets(c->ssl, 1);
    if (!s->has_tickets)
        SSL_CTX_set_options(c->ssl, SSL_OP_NO_TICKET);
    else
        tls_tickets_use(c);
}


static bool
use_ticket_keys(struct tls_context *c, const struct tls_settings *s, char *why)
{
    VEC_EACH(&s->ticket_keys, f)
        if (!tls_ticket_key_read(f->bytes, vec_push(c->arena, &c->ticket_keys)))
            return refuse(why, "\"" STR_F "\" must be 48 or 80 bytes",
                          STR_A(f->path));
    return true;
}


/* A client is told that its name was understood. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
    (void) ssl;
    (void) alert;
    (void) arg;
    return SSL_TLSEXT_ERR_OK;
}


/* The first protocol of ours that the client knows, too. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
        const unsigned char *in, unsigned n, void *arg)
{
    struct conn   *c = SSL_get_app_data(ssl);
    str_t          ours = c->tls->server->protocols(c);
    unsigned char *found;

    (void) arg;
    if (ours.n == 0)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&found, out_n, (const unsigned char *) ours.p,
                              (unsigned) ours.n, in, n)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}


/* Where OpenSSL has it (3.2), it sends what was compressed before, which holds no
 * extension of a connection: never where there is an OCSP response to be sent (such
 * settings are refused, rows.c), nor where handshakes load certificates. */
static void
use_certificate_compression(SSL_CTX *ssl, const struct tls_settings *s)
{
#ifdef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
    if (!s->has_certificate_compression || s->named.n != 0 || s->staples != NULL
        || s->staple.bytes.p != NULL)
        SSL_CTX_set_options(ssl, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
                                     | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
    else if (SSL_CTX_compress_certs(ssl, 0) != 1)
        ERR_clear_error(); /* it knows no way of compressing */
#else
    (void) ssl;
    (void) s;
#endif
}


/* --- the whole ------------------------------------------------------------------------------ */

static bool
fill(struct tls_context *c, const struct tls_settings *s, char *why)
{
    SSL_CTX_set_app_data(c->ssl, c);
    SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                    | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    use_protocols(c->ssl, s->protocols);
    if (s->key_log.n != 0)
        tls_key_log_use(c, s->key_log);
    for (size_t i = 0; i < s->pairs.n; i++) {
        if (!use_certificate(c->ssl, &s->pairs.at[i], why)
            || !use_key(c->ssl, &s->pairs.at[i], why))
            return false;
        if (s->staples != NULL)
            tls_stapling_use(c, &s->staples->at[i]);
    }
    use_certificate_compression(c->ssl, s);
    if (s->named.n != 0 && s->is_server) {
        c->named = s;
        SSL_CTX_set_cert_cb(c->ssl, on_certificate, c);
    }
    if (!use_ciphers(c->ssl, s, why) || !use_trust(c->ssl, s, why)
        || !use_ticket_keys(c, s, why))
        return false;
    if (s->is_server) {
        use_sessions(c, s);
        SSL_CTX_set_tlsext_servername_callback(c->ssl, on_name);
        SSL_CTX_set_alpn_select_cb(c->ssl, on_alpn, NULL);
        if (s->takes_early_data)
            tls_early_use(c->ssl);
        if (s->staple.bytes.p != NULL)
            tls_stapling_use_file(c, s->staple.bytes);
    }
    return run_commands(c->ssl, s, why);
}


void
tls_init(void)
{
    static bool            is_done;
    OPENSSL_INIT_SETTINGS *o;

    if (is_done)
        return;
    is_done = true;
    o = OPENSSL_INIT_new();
    if (o != NULL)
        OPENSSL_INIT_set_config_appname(o, "nginx");
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, o);
    OPENSSL_INIT_free(o);
    tls_random_init();
    ERR_clear_error();
}


static void
wipe_keys(void *arg)
{
    struct tls_context *c = arg;

    VEC_EACH(&c->ticket_keys, k)
        OPENSSL_cleanse(k, sizeof(*k));
}


struct tls_context *
tls_context_new(const struct tls_settings *s, char *why)
{
    struct arena       *a = arena_new(512);
    struct tls_context *c = arena_make(a, struct tls_context);

    tls_init();
    ERR_clear_error();
    c->arena = a;
    arena_defer(a, wipe_keys, c);
    c->refs = 1;
    c->buffer_size = s->buffer_size;
    c->verify = s->verify;
    c->has_ocsp = s->ocsp != TLS_OCSP_OFF;
    if (s->zone != NULL) {
        c->zone = s->zone->zone;
        c->zone_serial = s->zone->serial;
    }
    memcpy(c->id, s->id, sizeof(c->id));
    memcpy(c->verify_id, s->verify_id, sizeof(c->verify_id));
    memcpy(c->first_verify_id, s->first_verify_id, sizeof(c->first_verify_id));
    memcpy(c->verify_files_id, s->verify_files_id, sizeof(c->verify_files_id));
    c->ssl = SSL_CTX_new(TLS_method());
    if (c->ssl == NULL)
        refuse(why, "SSL_CTX_new() failed");
    else if (fill(c, s, why))
        return c;
    tls_context_free(c);
    return NULL;
}


/* Of the process that reads configurations: for settings without certificates,
 * the last ones that were checked. */
static struct tls_context *probe;


bool
tls_context_check(const struct tls_settings *s, char *why)
{
    struct tls_settings bare = *s;

    bare.pairs = (tls_pairs_t){ 0 };
    bare.staples = NULL;
    tls_settings_seal(&bare);
    if (probe == NULL || memcmp(probe->id, bare.id, sizeof(bare.id)) != 0) {
        if (probe != NULL)
            tls_context_free(probe);
        probe = tls_context_new(&bare, why);
        if (probe == NULL)
            return false;
    }
    VEC_EACH(&s->pairs, p)
        if (!use_certificate(probe->ssl, p, why))
            return false;
    return true;
}


void
tls_context_free(struct tls_context *c)
{
    SSL_CTX_free(c->ssl);
    arena_free(c->arena);
}
