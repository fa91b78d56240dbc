/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssl_stapling: which certificates it can be done for, and sending.
 */
#include "core/tls/stapling.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "core/tls/files.h"


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


/* Among the certificates of a PEM file. */
static bool
file_has_issuer(const struct tls_file *f, X509 *x)
{
    BIO  *in = BIO_new_mem_buf(f->bytes.n ? f->bytes.p : "", (int) f->bytes.n);
    X509 *other;
    bool  found = false;

    while (!found
           && (other = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)) != NULL) {
        found = is_issuer(other, x);
        X509_free(other);
    }
    BIO_free(in);
    ERR_clear_error();
    return found;
}


static bool
chain_has_issuer(const unsigned char *at, const unsigned char *end, X509 *x)
{
    bool  found = false;
    X509 *other;

    while (!found && (other = next_of(&at, end)) != NULL) {
        found = is_issuer(other, x);
        X509_free(other);
    }
    ERR_clear_error();
    return found;
}


static bool
names_responder(X509 *x)
{
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(x);
    bool has_one = urls != NULL && sk_OPENSSL_STRING_num(urls) > 0;

    X509_email_free(urls);
    return has_one;
}


static bool
check_pair(struct conf *cf, const struct tls_settings *s,
           const struct tls_pair *p, char *why)
{
    const unsigned char *at = (const unsigned char *) p->chain.p;
    const unsigned char *end = at + p->chain.n;
    X509                *x = next_of(&at, end);
    bool                 ok = true;

    if (x == NULL)
        return true; /* which is told elsewhere */
    if (!chain_has_issuer(at, end, x) && !file_has_issuer(&s->trusted, x)) {
        if (tls_note_once(cf, p->path))
            conf_warn_bare(cf,
                           "\"ssl_stapling\" ignored, issuer certificate not "
                           "found for certificate \"" STR_F "\"",
                           STR_A(p->path));
    } else if (!names_responder(x)) {
        if (tls_note_once(cf, p->path))
            conf_warn_bare(cf,
                           "\"ssl_stapling\" ignored, no OCSP responder URL in "
                           "the certificate \"" STR_F "\"",
                           STR_A(p->path));
    } else {
        snprintf(why, TLS_WHY_MAX,
                 "\"ssl_stapling\" without \"ssl_stapling_file\" is not "
                 "supported by this build for the certificate \"" STR_F
                 "\", which names an OCSP responder",
                 STR_A(p->path));
        ok = false;
    }
    X509_free(x);
    return ok;
}


bool
tls_stapling_check(struct conf *cf, const struct tls_settings *s, char *why)
{
    if (s->staple.bytes.p != NULL)
        return true;
    VEC_EACH(&s->pairs, p)
        if (!check_pair(cf, s, p, why))
            return false;
    return true;
}


/* --- responses -------------------------------------------------------------------- */

bool
tls_stapling_is_response(str_t der)
{
    const unsigned char *at = (const unsigned char *) der.p;
    OCSP_RESPONSE       *r = d2i_OCSP_RESPONSE(NULL, &at, (long) der.n);

    OCSP_RESPONSE_free(r);
    return r != NULL;
}


static int
on_status(SSL *ssl, void *arg)
{
    const struct tls_context *c = arg;
    unsigned char            *p = OPENSSL_memdup(c->staple.p, c->staple.n);

    if (p == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, p, (int) c->staple.n) == 1)
        return SSL_TLSEXT_ERR_OK;
    OPENSSL_free(p);
    return SSL_TLSEXT_ERR_NOACK;
}


void
tls_stapling_use(struct tls_context *c, str_t der)
{
    c->staple = str_copy(c->arena, der);
    SSL_CTX_set_tlsext_status_cb(c->ssl, on_status);
    SSL_CTX_set_tlsext_status_arg(c->ssl, c);
}
