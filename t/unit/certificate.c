/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates made on the spot: what names they cover, and when they end. */
#include "http/lint/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/base/check.h"
#include "core/conf/module.h"
#include "t/unit/tap.h"

enum { DAY = 86400 };

static const time_t now = 1700000000;

struct module *const weir_modules[] = { NULL };


/* A certificate with these names that ends at that time, as PEM. */
static str_t
make(struct arena *a, const char *names, const char *common, time_t end)
{
    EVP_PKEY       *key = EVP_EC_gen("P-256");
    X509           *x = X509_new();
    X509_NAME      *subject = X509_get_subject_name(x);
    X509_EXTENSION *e;
    BIO            *bio = BIO_new(BIO_s_mem());
    char           *text;
    str_t           pem;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    ASN1_TIME_set(X509_getm_notBefore(x), now - 100 * DAY);
    ASN1_TIME_set(X509_getm_notAfter(x), end);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *) common, -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    if (names != NULL) {
        e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    X509_sign(x, key, EVP_sha256());
    PEM_write_bio_X509(bio, x);
    pem.n = (size_t) BIO_get_mem_data(bio, &text);
    pem = str_copy(a, (str_t){ text, pem.n });
    BIO_free(bio);
    X509_free(x);
    EVP_PKEY_free(key);
    return pem;
}


static void
test_names(struct arena *a)
{
    static const struct {
        const char *name;
        bool        is_covered;
    } rows[] = {
        { "example.com", true },
        { "EXAMPLE.com", true },
        { "www.example.com", false },
        { "a.wild.org", true },
        { "a.b.wild.org", false },
        { "wild.org", false },
        { "*.wild.org", true },
        { "*.example.com", false },
        { ".wild.org", false },
        { ".both.net", true },
        { "192.0.2.1", true },
        { "192.0.2.2", false },
        { "other.com", false },
        { "common.com", false },
        /* what no certificate can hold */
        { "", true },
        { "_", true },
        { "localhost", true },
        { "~^a\\.b$", true },
        { "www.example.*", true },
        { "$hostname", true },
    };
    str_t pem = make(a,
                     "DNS:example.com,DNS:*.wild.org,DNS:*.both.net,"
                     "DNS:both.net,IP:192.0.2.1",
                     "common.com", now + 90 * DAY);

    for (size_t i = 0; i < countof(rows); i++)
        ok(certificate_covers(a, pem, str_of(rows[i].name))
               == rows[i].is_covered,
           "names: \"%s\" %s covered", rows[i].name,
           rows[i].is_covered ? "is" : "is not");
    pem = make(a, NULL, "common.com", now + 90 * DAY);
    ok(certificate_covers(a, pem, STR("common.com")),
       "names: the common name where there are no others");
    ok(!certificate_covers(a, pem, STR("example.com")),
       "names: and no other one");
}


static void
test_end(struct arena *a)
{
    static const struct {
        long        seconds;
        const char *says;
    } rows[] = {
        { 90 * DAY, NULL },
        { 14 * DAY, NULL },
        { 14 * DAY - 1, "it expires on 2023-11-28" },
        { DAY, "it expires on 2023-11-15" },
        { 1, "it expires on 2023-11-14" },
        { -1, "it has expired on 2023-11-14" },
        { -400 * DAY / 10, "it has expired on 2023-10-05" },
    };
    str_t pem, says;

    for (size_t i = 0; i < countof(rows); i++) {
        pem = make(a, "DNS:a.b", "a.b", now + rows[i].seconds);
        says = certificate_expiry(a, pem, now);
        ok(rows[i].says ? str_eq(says, str_of(rows[i].says)) : says.p == NULL,
           "end: in %ld seconds: " STR_F, rows[i].seconds, STR_A(says));
    }
}


static void
test_rubbish(struct arena *a)
{
    static const char *const rows[]
        = { "", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" };

    for (size_t i = 0; i < countof(rows); i++) {
        str_t pem = str_of(rows[i]);

        ok(certificate_covers(a, pem, STR("a.b")), "rubbish %zu: names", i);
        ok(certificate_expiry(a, pem, now).p == NULL, "rubbish %zu: end", i);
    }
}


int
main(void)
{
    struct arena *a = arena_new(0);

    test_names(a);
    test_end(a);
    test_rubbish(a);
    arena_free(a);
    return done();
}
