/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssl_stapling: which certificates it can be done for, what there is for them,
 * and sending.
 */
#include "core/tls/stapling.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "core/shm/registry.h"
#include "core/tls/error.h"
#include "core/tls/files.h"
#include "core/tls/kept.h"
#include "core/tls/x509.h"

/* Sparse: memory that no response needs is never touched. */
enum { ZONE_SIZE = 8 << 20 };

static struct zone *zone;

void (*tls_stapling_renewed)(void);


bool
tls_stapling_init(void)
{
    if (zone == NULL)
        zone = zone_own("(ssl stapling)", ZONE_SIZE, &tls_kept_staples,
                        &log_start);
    return zone != NULL;
}


/* --- configuration ---------------------------------------------------------- */

static X509 *
next_of(const unsigned char **at, const unsigned char *end)
{
    return *at < end ? d2i_X509(NULL, at, end - *at) : NULL;
}


static bool
is_issuer(X509 *who, X509 *of)
{
    return X509_check_issued(who, of) == X509_V_OK;
}


/* Among the certificates of a PEM file; NULL: it is not there. */
static X509 *
issuer_in_file(const struct tls_file *f, X509 *x)
{
    BIO  *in = BIO_new_mem_buf(f->bytes.n ? f->bytes.p : "", (int) f->bytes.n);
    X509 *other;

    while ((other = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)) != NULL
           && !is_issuer(other, x))
        X509_free(other);
    BIO_free(in);
    ERR_clear_error();
    return other;
}


/* Of the process that reads certificates: the issuer that was found last.  Most
 * have the same one, and decoding it takes longer than all else here. */
static struct {
    X509          *x;
    unsigned char *der;
    size_t         n;
} last;


static void
keep_issuer(X509 *x)
{
    int n;

    if (x == last.x)
        return;
    X509_free(last.x);
    OPENSSL_free(last.der);
    last.der = NULL;
    n = i2d_X509(x, &last.der);
    last.n = n > 0 ? (size_t) n : 0;
    last.x = last.n != 0 && X509_up_ref(x) == 1 ? x : NULL;
}


static X509 *
next_known(const unsigned char **at, const unsigned char *end)
{
    if (last.x == NULL || (size_t) (end - *at) < last.n
        || memcmp(*at, last.der, last.n) != 0 || X509_up_ref(last.x) != 1)
        return next_of(at, end);
    *at += last.n;
    return last.x;
}


static X509 *
issuer_in_chain(const unsigned char *at, const unsigned char *end, X509 *x)
{
    X509 *other;

    while ((other = next_known(&at, end)) != NULL && !is_issuer(other, x))
        X509_free(other);
    if (other != NULL)
        keep_issuer(other);
    ERR_clear_error();
    return other;
}


static str_t
der_of(struct arena *a, X509 *x)
{
    unsigned char *der = NULL;
    int            n = i2d_X509(x, &der);
    str_t          s = STR_NONE;

    if (n > 0)
        s = str_copy(a, (str_t){ (char *) der, (size_t) n });
    OPENSSL_free(der);
    ERR_clear_error();
    return s;
}


/* Of the question, and of whose answer counts. */
static void
set_key(struct tls_staple *st, str_t url)
{
    EVP_MD_CTX                *md = EVP_MD_CTX_new();
    const struct tls_settings *s = st->settings;
    bool                       is_loose = s->staples->is_loose;

    CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    CHECK(EVP_DigestUpdate(md, st->question.id, sizeof(st->question.id)) == 1);
    CHECK(EVP_DigestUpdate(md, &is_loose, sizeof(is_loose)) == 1);
    CHECK(EVP_DigestUpdate(md, url.p, url.n) == 1);
    if (!is_loose) {
        CHECK(EVP_DigestUpdate(md, s->trusted.bytes.p, s->trusted.bytes.n)
              == 1);
        CHECK(EVP_DigestUpdate(md, s->client_ca.bytes.p, s->client_ca.bytes.n)
              == 1);
    }
    CHECK(EVP_DigestFinal_ex(md, st->key, NULL) == 1);
    EVP_MD_CTX_free(md);
}


/* Where the configuration is read (cf), something is told of what is ignored. */
__attribute__((format(printf, 3, 4))) static void
ignore(struct conf *cf, const struct tls_pair *p, const char *fmt, ...)
{
    va_list args;
    str_t   why;

    if (cf == NULL || !tls_note_once(cf, p->path))
        return;
    va_start(args, fmt);
    why = arena_vprintf(cf->arena, fmt, args);
    va_end(args);
    conf_warn_bare(cf, "\"ssl_stapling\" ignored, " STR_F " \"" STR_F "\"",
                   STR_A(why), STR_A(p->path));
}


/* A name is not looked up in a process that serves: it has the addresses that it
 * had. */
static void
take_addresses(struct arena *a, struct ocsp_responder *to,
               const struct ocsp_responder *before)
{
    if (before != NULL && to->n == 0 && str_eq(to->host, before->host))
        ocsp_responder_set(a, to, before->at, before->n);
}


/* Whom to ask; NULL: nobody, which was told. */
static const struct ocsp_responder *
find_responder(struct arena *a, struct conf *cf, const struct tls_staple *st,
               const struct ocsp_responder *before, str_t url)
{
    const struct tls_staples *all = st->settings->staples;
    unsigned flags = cf != NULL && !all->has_resolver ? ENDPOINT_RESOLVE : 0;
    struct ocsp_responder *found;
    const char            *error;

    if (url.n == 0) {
        ignore(cf, st->pair, "no OCSP responder URL in the certificate");
        return NULL;
    }
    found = arena_make(a, struct ocsp_responder);
    error = ocsp_responder_parse(a, url, flags, found);
    if (error == NULL) {
        take_addresses(a, found, before);
        return found;
    }
    ignore(cf, st->pair, "%s in the certificate", error);
    return NULL;
}


/* Sets all that follows from the certificate; nothing is left of what followed
 * from the one before, whose arena goes. */
static void
prepare(struct arena *a, struct conf *cf, struct tls_staple *st)
{
    const struct ocsp_responder *before = st->responder;
    const struct tls_pair       *p = st->pair;
    const unsigned char         *at = (const unsigned char *) p->chain.p;
    const unsigned char         *end = at + p->chain.n;
    const struct ocsp_responder *to = NULL;
    str_t                        url = st->settings->staples->responder;
    X509                        *x = next_of(&at, end), *issuer;

    *st = (struct tls_staple){ .pair = p, .settings = st->settings };
    if (x == NULL)
        return; /* it is told elsewhere */
    issuer = issuer_in_chain(at, end, x);
    if (issuer == NULL)
        issuer = issuer_in_file(&st->settings->trusted, x);
    if (url.n == 0)
        url = ocsp_responder_url(a, x);
    if (issuer == NULL)
        ignore(cf, p, "issuer certificate not found for certificate");
    else
        to = find_responder(a, cf, st, before, url);
    if (to != NULL && ocsp_question(a, x, issuer, &st->question)) {
        st->responder = to;
        st->issuer = der_of(a, issuer);
        st->is_must = tls_x509_wants_staple(x);
        set_key(st, url);
    }
    X509_free(issuer);
    X509_free(x);
    ERR_clear_error();
}


static void
prepare_all(struct arena *a, struct conf *cf, struct tls_settings *s)
{
    for (size_t i = 0; i < s->pairs.n; i++) {
        struct tls_staple *st = &s->staples->at[i];

        st->pair = &s->pairs.at[i];
        st->settings = s;
        prepare(a, cf, st);
    }
}


void
tls_stapling_prepare(struct conf *cf, struct tls_settings *s, str_t responder,
                     bool is_loose, bool has_resolver)
{
    struct tls_staples *all = arena_make(cf->arena, struct tls_staples);

    *all = (struct tls_staples){
        .at = arena_array(cf->arena, struct tls_staple, s->pairs.n),
        .n = s->pairs.n,
        .responder = responder,
        .is_loose = is_loose,
        .has_resolver = has_resolver,
    };
    s->staples = all;
    prepare_all(cf->arena, cf, s);
}


static void
free_own(void *arg)
{
    struct tls_staples *all = arg;

    arena_free(all->own);
}


void
tls_stapling_renew(struct tls_settings *s, struct generation *g)
{
    struct tls_staples *all = s->staples;
    struct arena       *before;

    if (all == NULL)
        return;
    before = all->own;
    all->own = arena_new(512);
    prepare_all(all->own, NULL, s);
    if (before != NULL)
        arena_free(before);
    else
        arena_defer(g->arena, free_own, all);
    if (tls_stapling_renewed != NULL)
        tls_stapling_renewed();
}


/* --- what there is ------------------------------------------------------------ */

/* In the zone, each certificate has a response, a claim, and how often in a row
 * there was no good one. */
enum what { RESPONSE, CLAIM, FAILURES };


static str_t
id_of(const uint8_t *key, enum what what, char *out)
{
    memcpy(out, key, TLS_KEPT_ID);
    out[0] = (char) (out[0] ^ what);
    return (str_t){ out, TLS_KEPT_ID };
}


/* Once it was there, or has failed, nobody waits any more: there are questions
 * enough before its time is over. */
static bool
is_awaited(struct tls_staple *st, time_t now)
{
    static char der[TLS_KEPT_MAX];
    char        id[TLS_KEPT_ID];

    if (!st->is_must || st->is_settled)
        return false;
    st->is_settled = tls_kept_get(zone, id_of(st->key, RESPONSE, id), now, der,
                                  sizeof(der))
                         != 0
                     || tls_kept_get(zone, id_of(st->key, FAILURES, id), now,
                                     der, sizeof(der))
                            != 0;
    return !st->is_settled;
}


bool
tls_staples_are_awaited(struct tls_staples *all, time_t now)
{
    for (size_t i = 0; zone != NULL && i < all->n; i++)
        if (is_awaited(&all->at[i], now))
            return true;
    return false;
}


bool
tls_staple_claim(const struct tls_staple *st, time_t now, time_t seconds,
                 time_t *until)
{
    enum { NEVER = 86400 };
    char id[TLS_KEPT_ID];

    *until = now + NEVER;
    if (zone == NULL || st->responder == NULL)
        return false;
    *until = now + seconds;
    return tls_kept_claim(zone, id_of(st->key, CLAIM, id), now, until);
}


static void
add_file(X509_STORE *store, const struct tls_file *f)
{
    BIO  *in = BIO_new_mem_buf(f->bytes.n ? f->bytes.p : "", (int) f->bytes.n);
    X509 *x;

    while ((x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)) != NULL) {
        (void) X509_STORE_add_cert(store, x);
        X509_free(x);
    }
    BIO_free(in);
}


static void
add_chain(STACK_OF(X509) * chain, str_t der)
{
    const unsigned char *at = (const unsigned char *) der.p;
    const unsigned char *end = at + der.n;
    X509                *x;

    while ((x = next_of(&at, end)) != NULL)
        if (sk_X509_push(chain, x) == 0)
            check_memory(sizeof(x));
}


static bool
read_response(const struct tls_staple *st, str_t der, const struct log *log,
              struct ocsp_answer *out)
{
    struct ocsp_trust trust = { .chain = sk_X509_new_null(),
                                .store = X509_STORE_new(),
                                .by = st->settings->staples->is_loose
                                          ? OCSP_BY_ANYBODY
                                          : OCSP_BY_CHAIN };
    bool              ok;

    if (trust.chain == NULL || trust.store == NULL)
        check_memory(1);
    add_chain(trust.chain, st->issuer);
    add_chain(trust.chain, st->pair->chain);
    add_file(trust.store, &st->settings->trusted);
    add_file(trust.store, &st->settings->client_ca);
    ERR_clear_error();
    ok = ocsp_answer_read(der, st->question.request, &trust, log, out);
    X509_STORE_free(trust.store);
    sk_X509_pop_free(trust.chain, X509_free);
    return ok;
}


static bool
keep(const struct tls_staple *st, str_t der, time_t now, const struct log *log,
     struct ocsp_answer *answer)
{
    enum { UNNAMED = 86400 }; /* where it does not say how long it is good   */
    char id[TLS_KEPT_ID];

    if (der.p == NULL || !read_response(st, der, log, answer))
        return false;
    if (answer->status != OCSP_GOOD) {
        log_error(log, "certificate status \"%s\" in the OCSP response",
                  answer->status == OCSP_REVOKED ? "revoked" : "unknown");
        return false;
    }
    if (!tls_kept_put(zone, id_of(st->key, RESPONSE, id), der,
                      answer->until != 0 ? answer->until : now + UNNAMED))
    {
        log_error(log, "no room for the OCSP response");
        return false;
    }
    return true;
}


/* One more in a row. */
static unsigned
count_failure(const struct tls_staple *st, time_t now)
{
    char    id[TLS_KEPT_ID];
    uint8_t n = 0;

    (void) tls_kept_get(zone, id_of(st->key, FAILURES, id), now, (char *) &n,
                        sizeof(n));
    n += n != UINT8_MAX;
    (void) tls_kept_put(zone, (str_t){ id, sizeof(id) },
                        (str_t){ (char *) &n, sizeof(n) },
                        now + 2 * ocsp_retry_after(UINT8_MAX));
    return n;
}


time_t
tls_staple_take(const struct tls_staple *st, str_t der, time_t now,
                const struct log *log)
{
    struct ocsp_answer answer;
    time_t             next;
    char               id[TLS_KEPT_ID];

    if (keep(st, der, now, log, &answer)) {
        tls_kept_drop(zone, id_of(st->key, FAILURES, id));
        next = ocsp_refresh_at(now, answer.until);
    } else {
        next = now + ocsp_retry_after(count_failure(st, now));
    }
    (void) tls_kept_put(zone, id_of(st->key, CLAIM, id), STR(""), next);
    return next;
}


/* --- responses -------------------------------------------------------------------- */

bool
tls_stapling_check(const struct tls_settings *s, char *why)
{
    const unsigned char *at = (const unsigned char *) s->staple.bytes.p;
    char                 reasons[TLS_ERROR_TEXT];
    OCSP_RESPONSE       *r;

    if (at == NULL)
        return true;
    r = d2i_OCSP_RESPONSE(NULL, &at, (long) s->staple.bytes.n);
    if (r == NULL)
        snprintf(
            why, TLS_WHY_MAX, "d2i_OCSP_RESPONSE_bio(\"" STR_F "\") failed%s",
            STR_A(s->staple.path), tls_error_text(reasons, sizeof(reasons)));
    ERR_clear_error();
    OCSP_RESPONSE_free(r);
    return r != NULL;
}


static int
send_response(SSL *ssl, const char *der, size_t n)
{
    unsigned char *p = OPENSSL_memdup(der, n);

    if (p == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, p, (int) n) == 1)
        return SSL_TLSEXT_ERR_OK;
    OPENSSL_free(p);
    return SSL_TLSEXT_ERR_NOACK;
}


static int
on_status_file(SSL *ssl, void *arg)
{
    const struct tls_context *c = arg;

    return send_response(ssl, c->staple.p, c->staple.n);
}


void
tls_stapling_use_file(struct tls_context *c, str_t der)
{
    c->staple = str_copy(c->arena, der);
    SSL_CTX_set_tlsext_status_cb(c->ssl, on_status_file);
    SSL_CTX_set_tlsext_status_arg(c->ssl, c);
}


/* For the certificate that was chosen for the client. */
static int
on_status(SSL *ssl, void *arg)
{
    static char               der[TLS_KEPT_MAX];
    const struct tls_context *c = arg;
    const X509               *x = SSL_get_certificate(ssl);
    char                      id[TLS_KEPT_ID];
    size_t                    n = 0;

    VEC_EACH(&c->staples, it)
        if (it->x == x && zone != NULL)
            n = tls_kept_get(zone, id_of(it->key, RESPONSE, id), time(NULL),
                             der, sizeof(der));
    return n != 0 ? send_response(ssl, der, n) : SSL_TLSEXT_ERR_NOACK;
}


void
tls_stapling_use(struct tls_context *c, const struct tls_staple *st)
{
    struct tls_context_staple *it;

    if (st->responder == NULL)
        return;
    it = vec_push(c->arena, &c->staples);
    it->x = SSL_CTX_get0_certificate(c->ssl);
    memcpy(it->key, st->key, sizeof(it->key));
    SSL_CTX_set_tlsext_status_cb(c->ssl, on_status);
    SSL_CTX_set_tlsext_status_arg(c->ssl, c);
}
