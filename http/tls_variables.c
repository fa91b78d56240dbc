/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * $ssl_...: the handshake and the client's certificate.  On a connection
 * without TLS they are not set.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "core/base/escape.h"
#include "core/expr/variable.h"
#include "http/tls.h"


/* --- helpers ------------------------------------------------------------------- */

static SSL *
ssl_of(struct task *t)
{
    return t->conn != NULL ? tls_ssl(t->conn) : NULL;
}


static str_t
copy_of(struct task *t, const char *text)
{
    return text != NULL ? str_copy(t->arena, str_of(text)) : STR_NONE;
}


/* What was written to a BIO, which is freed. */
static str_t
text_of(struct task *t, BIO *b)
{
    char *p = NULL;
    long  n = BIO_get_mem_data(b, &p);
    str_t s = str_copy(t->arena, (str_t){ p, n > 0 ? (size_t) n : 0 });

    BIO_free(b);
    ERR_clear_error();
    return s;
}


static BIO *
bio_new(void)
{
    BIO *b = BIO_new(BIO_s_mem());

    if (b == NULL)
        check_memory(sizeof(b));
    return b;
}


/* Adds a word to a list that colons separate. */
static void
add_word(struct task *t, str_t *list, str_t word)
{
    *list = list->n == 0 ? word : str_join3(t->arena, *list, STR(":"), word);
}


/* --- the handshake ---------------------------------------------------------------- */

static str_t
protocol(struct task *t, uintptr_t arg)
{
    SSL *ssl = ssl_of(t);

    (void) arg;
    return ssl != NULL ? copy_of(t, SSL_get_version(ssl)) : STR_NONE;
}


static str_t
cipher(struct task *t, uintptr_t arg)
{
    SSL *ssl = ssl_of(t);

    (void) arg;
    return ssl != NULL ? copy_of(t, SSL_get_cipher_name(ssl)) : STR_NONE;
}


/* The most of a list that a client has sent. */
enum { LIST_MAX = 256 };


static str_t
ciphers(struct task *t, uintptr_t arg)
{
    SSL                 *ssl = ssl_of(t);
    const unsigned char *raw;
    size_t               n, i;
    str_t                list = STR("");

    (void) arg;
    if (ssl == NULL)
        return STR_NONE;
    n = SSL_get0_raw_cipherlist(ssl, NULL);
    if (n != 2)
        return STR_NONE;
    n = SSL_get0_raw_cipherlist(ssl, &raw);
    for (i = 0; i + 1 < n && i < (size_t) LIST_MAX * 2; i += 2) {
        const SSL_CIPHER *known = SSL_CIPHER_find(ssl, raw + i);

        add_word(t, &list,
                 known != NULL ? str_of(SSL_CIPHER_get_name(known))
                               : arena_printf(t->arena, "0x%02x%02x", raw[i],
                                              raw[i + 1]));
    }
    return list;
}


static str_t
group_name(struct task *t, int nid)
{
    if (nid & TLSEXT_nid_unknown)
        return arena_printf(t->arena, "0x%04x", (unsigned) nid & 0xffff);
    return copy_of(t, OBJ_nid2sn(nid));
}


static str_t
curve(struct task *t, uintptr_t arg)
{
    SSL *ssl = ssl_of(t);
    int  nid = ssl != NULL ? (int) SSL_get_negotiated_group(ssl) : NID_undef;

    (void) arg;
    return nid != NID_undef ? group_name(t, nid) : STR_NONE;
}


static str_t
curves(struct task *t, uintptr_t arg)
{
    SSL  *ssl = ssl_of(t);
    int   n = ssl != NULL ? (int) SSL_get1_groups(ssl, NULL) : 0, *all;
    str_t list = STR("");

    (void) arg;
    if (n <= 0)
        return STR_NONE;
    all = arena_array(t->arena, int, (size_t) n);
    n = (int) SSL_get1_groups(ssl, all);
    for (int i = 0; i < n && i < LIST_MAX; i++)
        add_word(t, &list, group_name(t, all[i]));
    return list;
}


static str_t
session_id(struct task *t, uintptr_t arg)
{
    SSL                 *ssl = ssl_of(t);
    SSL_SESSION         *session = ssl != NULL ? SSL_get0_session(ssl) : NULL;
    const unsigned char *id;
    unsigned             n;

    (void) arg;
    if (session == NULL)
        return STR_NONE;
    id = SSL_SESSION_get_id(session, &n);
    return hex_encode(t->arena, (str_t){ (const char *) id, n });
}


static str_t
session_reused(struct task *t, uintptr_t arg)
{
    SSL *ssl = ssl_of(t);

    (void) arg;
    if (ssl == NULL)
        return STR_NONE;
    return SSL_session_reused(ssl) ? STR("r") : STR(".");
}


static str_t
early_data(struct task *t, uintptr_t arg)
{
    (void) arg;
    if (ssl_of(t) == NULL)
        return STR_NONE;
    return tls_is_early(t->conn) ? STR("1") : STR("");
}


/* What is never so in this build: OpenSSL has no Encrypted Client Hello. */
static str_t
nothing(struct task *t, uintptr_t arg)
{
    (void) arg;
    return ssl_of(t) != NULL ? STR("") : STR_NONE;
}


static str_t
server_name(struct task *t, uintptr_t arg)
{
    str_t name = tls_server_name(t->conn);

    (void) arg;
    return name.p != NULL ? str_copy(t->arena, name) : STR_NONE;
}


static str_t
alpn_protocol(struct task *t, uintptr_t arg)
{
    SSL                 *ssl = ssl_of(t);
    const unsigned char *p = NULL;
    unsigned             n = 0;

    (void) arg;
    if (ssl != NULL)
        SSL_get0_alpn_selected(ssl, &p, &n);
    return n != 0 ? str_copy(t->arena, (str_t){ (const char *) p, n })
                  : STR_NONE;
}


/* Of no use before OpenSSL 3.5, which does not tell. */
static str_t
sigalg(struct task *t, uintptr_t is_clients)
{
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
    SSL        *ssl = ssl_of(t);
    const char *name = NULL;

    if (ssl != NULL && is_clients)
        SSL_get0_peer_signature_name(ssl, &name);
    else if (ssl != NULL)
        SSL_get0_signature_name(ssl, &name);
    return copy_of(t, name);
#else
    (void) is_clients;
    return ssl_of(t) != NULL ? STR("") : STR_NONE;
#endif
}


static str_t
sigalgs(struct task *t, uintptr_t arg)
{
    SSL          *ssl = ssl_of(t);
    unsigned char s, h;
    str_t         list = STR("");
    int n = ssl != NULL ? SSL_get_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL)
                        : 0;

    (void) arg;
    if (n <= 0)
        return STR_NONE;
    for (int i = 0; i < n && i < LIST_MAX; i++) {
        (void) SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &s, &h);
        add_word(t, &list, arena_printf(t->arena, "0x%02x%02x", h, s));
    }
    return list;
}


/* --- the client's certificate ------------------------------------------------------ */

static X509 *
peer_of(struct task *t)
{
    SSL *ssl = ssl_of(t);

    return ssl != NULL ? SSL_get0_peer_certificate(ssl) : NULL;
}


static str_t
raw_cert(struct task *t, uintptr_t arg)
{
    X509 *x = peer_of(t);
    BIO  *b;

    (void) arg;
    if (x == NULL)
        return STR_NONE;
    b = bio_new();
    (void) PEM_write_bio_X509(b, x);
    return text_of(t, b);
}


/* Without the last line break, and a tab behind the others. */
static str_t
tabbed_cert(struct task *t, uintptr_t arg)
{
    str_t  pem = raw_cert(t, arg);
    size_t n = 0;
    char  *out;

    if (pem.n == 0)
        return pem;
    out = arena_bytes(t->arena, pem.n * 2);
    for (size_t i = 0; i + 1 < pem.n; i++) {
        out[n++] = pem.p[i];
        if (pem.p[i] == '\n')
            out[n++] = '\t';
    }
    return (str_t){ out, n };
}


static str_t
escaped_cert(struct task *t, uintptr_t arg)
{
    str_t pem = raw_cert(t, arg);

    return pem.n != 0 ? escape_uri(t->arena, pem, ESCAPE_URI_COMPONENT) : pem;
}


enum { OF_SUBJECT, OF_ISSUER };


static X509_NAME *
name_of(struct task *t, uintptr_t whose)
{
    X509 *x = peer_of(t);

    if (x == NULL)
        return NULL;
    return whose == OF_SUBJECT ? X509_get_subject_name(x)
                               : X509_get_issuer_name(x);
}


static str_t
dn(struct task *t, uintptr_t whose)
{
    X509_NAME *name = name_of(t, whose);
    BIO       *b;

    if (name == NULL)
        return STR_NONE;
    b = bio_new();
    (void) X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253);
    return text_of(t, b);
}


static str_t
dn_legacy(struct task *t, uintptr_t whose)
{
    X509_NAME *name = name_of(t, whose);
    char      *text = name != NULL ? X509_NAME_oneline(name, NULL, 0) : NULL;
    str_t      s = copy_of(t, text);

    OPENSSL_free(text);
    return s;
}


static str_t
serial(struct task *t, uintptr_t arg)
{
    X509 *x = peer_of(t);
    BIO  *b;

    (void) arg;
    if (x == NULL)
        return STR_NONE;
    b = bio_new();
    (void) i2a_ASN1_INTEGER(b, X509_get0_serialNumber(x));
    return text_of(t, b);
}


static str_t
fingerprint(struct task *t, uintptr_t arg)
{
    X509         *x = peer_of(t);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned      n = 0;

    (void) arg;
    if (x == NULL || X509_digest(x, EVP_sha1(), digest, &n) != 1) {
        ERR_clear_error();
        return STR_NONE;
    }
    return hex_encode(t->arena, (str_t){ (char *) digest, n });
}


static str_t
verify(struct task *t, uintptr_t arg)
{
    long error;

    (void) arg;
    if (ssl_of(t) == NULL)
        return STR_NONE;
    if (peer_of(t) == NULL)
        return STR("NONE");
    error = tls_verify_result(t->conn);
    if (error == X509_V_OK)
        return tls_refusal(t->conn) == NULL
                   ? STR("SUCCESS")
                   : str_join(t->arena, STR("FAILED:"),
                              str_of(tls_refusal(t->conn)));
    return arena_printf(t->arena, "FAILED:%s",
                        X509_verify_cert_error_string(error));
}


enum { STARTS, ENDS };


static str_t
validity(struct task *t, uintptr_t which)
{
    X509 *x = peer_of(t);
    BIO  *b;

    if (x == NULL)
        return STR_NONE;
    b = bio_new();
    (void) ASN1_TIME_print(b, which == STARTS ? X509_get0_notBefore(x)
                                              : X509_get0_notAfter(x));
    return text_of(t, b);
}


static str_t
days_left(struct task *t, uintptr_t arg)
{
    X509 *x = peer_of(t);
    int   days = 0, seconds = 0;

    (void) arg;
    if (x == NULL
        || ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) != 1)
    {
        ERR_clear_error();
        return STR_NONE;
    }
    if (days < 0 || seconds < 0)
        days = 0;
    return arena_printf(t->arena, "%d", days);
}


#define ROW(name, get, arg, says) \
    { \
        name, get, arg, VAR_CHANGEABLE, NULL, says \
    }
const struct variable http_tls_variables[] = {
    ROW("ssl_protocol", protocol, 0, "the version of TLS"),
    ROW("ssl_cipher", cipher, 0, "the cipher in use"),
    ROW("ssl_ciphers", ciphers, 0,
        "the ciphers that the client offers, with colons between them; "
        "unknown ones in hexadecimal. Of new sessions only"),
    ROW("ssl_curve", curve, 0, "the group of the key exchange"),
    ROW("ssl_curves", curves, 0,
        "the groups that the client offers, with colons between them; unknown "
        "ones in hexadecimal. Of new sessions only"),
    ROW("ssl_sigalg", sigalg, 0,
        "the signature algorithm of the server (from OpenSSL 3.5 on)"),
    ROW("ssl_client_sigalg", sigalg, 1,
        "the signature algorithm of the client (from OpenSSL 3.5 on)"),
    ROW("ssl_sigalgs", sigalgs, 0,
        "the signature algorithms that the client offers, in hexadecimal, with "
        "colons between them"),
    ROW("ssl_session_id", session_id, 0, "the session's id, in hexadecimal"),
    ROW("ssl_session_reused", session_reused, 0,
        "\"r\" where a session was resumed, else \".\""),
    ROW("ssl_early_data", early_data, 0,
        "\"1\" as long as the handshake is not over, of a request in early "
        "data; else empty"),
    ROW("ssl_ech_status", nothing, 0,
        "what came of an Encrypted Client Hello, which this build does not "
        "have: empty"),
    ROW("ssl_ech_outer_server_name", nothing, 0,
        "the name outside of an Encrypted Client Hello: empty"),
    ROW("ssl_server_name", server_name, 0,
        "the name of the server that the client has sent (SNI)"),
    ROW("ssl_alpn_protocol", alpn_protocol, 0, "the protocol chosen by ALPN"),
    ROW("ssl_client_cert", tabbed_cert, 0,
        "the client's certificate in PEM, with a tab before each line but the "
        "first"),
    ROW("ssl_client_raw_cert", raw_cert, 0, "the client's certificate in PEM"),
    ROW("ssl_client_escaped_cert", escaped_cert, 0,
        "the client's certificate in PEM, escaped as in a URL"),
    ROW("ssl_client_s_dn", dn, OF_SUBJECT,
        "the subject of the client's certificate, as in RFC 2253"),
    ROW("ssl_client_i_dn", dn, OF_ISSUER,
        "the issuer of the client's certificate, as in RFC 2253"),
    ROW("ssl_client_s_dn_legacy", dn_legacy, OF_SUBJECT,
        "the subject of the client's certificate, with slashes"),
    ROW("ssl_client_i_dn_legacy", dn_legacy, OF_ISSUER,
        "the issuer of the client's certificate, with slashes"),
    ROW("ssl_client_serial", serial, 0,
        "the serial number of the client's certificate, in hexadecimal"),
    ROW("ssl_client_fingerprint", fingerprint, 0,
        "the SHA-1 digest of the client's certificate"),
    ROW("ssl_client_verify", verify, 0,
        "SUCCESS, FAILED:reason, or NONE without a certificate"),
    ROW("ssl_client_v_start", validity, STARTS,
        "since when the client's certificate is valid"),
    ROW("ssl_client_v_end", validity, ENDS,
        "until when the client's certificate is valid"),
    ROW("ssl_client_v_remain", days_left, 0,
        "for how many days the client's certificate is still valid"),
    { .name = NULL },
};
