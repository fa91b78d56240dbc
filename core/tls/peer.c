/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the peer's certificate behind a handshake.
 *
 * A session has the client's certificate, but not those above it, without which
 * nobody can ask about it when it is resumed.  So they go into the session,
 * where they will be needed.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "core/tls/inside.h"
#include "core/tls/note.h"


bool
tls_peer_is(const struct conn *c, str_t name)
{
    X509 *peer = SSL_get0_peer_certificate(tls_ssl(c));
    char  text[256];
    bool  is_it;

    if (peer == NULL || name.n == 0 || name.n >= sizeof(text))
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    is_it = X509_check_host(peer, text, name.n, 0, NULL) == 1
            || X509_check_ip_asc(peer, text, 0) == 1;
    ERR_clear_error();
    return is_it;
}


long
tls_verify_result(const struct conn *c)
{
    SSL  *ssl = tls_ssl(c);
    X509 *peer;
    long  rc = SSL_get_verify_result(ssl);

    if (rc != X509_V_OK || !SSL_session_reused(ssl))
        return rc;
    peer = SSL_get0_peer_certificate(ssl);
    if (peer != NULL && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0)
        return X509_V_ERR_CERT_HAS_EXPIRED;
    return rc;
}


void
tls_refuse(struct conn *c, const char *why)
{
    c->tls->refusal = why;
}


const char *
tls_refusal(const struct conn *c)
{
    return c->tls != NULL ? c->tls->refusal : NULL;
}


void
tls_peer_remember(SSL *ssl, const STACK_OF(X509) * chain)
{
    unsigned char der[TLS_NOTES_MAX], *p = der;
    SSL_SESSION  *session = SSL_get_session(ssl);
    int           n;

    for (int i = 1; i < sk_X509_num(chain) - 1; i++) {
        n = i2d_X509(sk_X509_value(chain, i), NULL);
        if (n <= 0 || (size_t) n > (size_t) (der + sizeof(der) - p))
            break;
        (void) i2d_X509(sk_X509_value(chain, i), &p);
    }
    if (session != NULL && p != der)
        (void) tls_note_set(session, TLS_NOTE_CHAIN,
                            (str_t){ (char *) der, (size_t) (p - der) });
}


STACK_OF(X509) * tls_peer_between(SSL *ssl)
{
    STACK_OF(X509) *between = sk_X509_new_null();
    str_t der = tls_note_get(SSL_get_session(ssl), TLS_NOTE_CHAIN);
    const unsigned char *at = (const unsigned char *) der.p;
    const unsigned char *last = at + der.n;
    X509                *x;

    if (between == NULL)
        check_memory(1);
    while (at < last) {
        x = d2i_X509(NULL, &at, last - at);
        if (x == NULL || sk_X509_push(between, x) == 0)
            break;
    }
    ERR_clear_error();
    return between;
}
