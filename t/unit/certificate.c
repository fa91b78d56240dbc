/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates made on the spot: what names they cover, and when they end.
 * And the rules on directives that this build may lack, with rows that stand
 * in for them.
 */
#include "http/lint/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/conf/types.h"
#include "http/lint/rules.h"
#include "t/unit/tap.h"

enum { DAY = 86400 };

static const time_t now = 1700000000;

/* --- rows in place of the real ones ---------------------------------------- */

struct toy_conf {
    struct texts list;
};

static const struct conf_opener http_opener = { .inside = IN_HTTP };
static const struct conf_opener server_opener = { .inside = IN_SERVER };
static const struct conf_opener location_opener = { .inside = IN_LOCATION };

#define WORDS(n) \
    { \
        n, IN_WEB | ROW_MANY, ARGS_ANY, &conf_texts, \
            FIELD(struct toy_conf, list, struct texts), NULL, NULL, NULL, NULL \
    }

static const struct directive toy_rows[] = {
    BLOCK("http", IN_MAIN, ARGS_0, &http_opener, NULL, NULL),
    BLOCK("server", IN_HTTP, ARGS_0, &server_opener, NULL, NULL),
    BLOCK("location", IN_SERVER, ARGS_1, &location_opener, NULL, NULL),
    WORDS("listen"),
    WORDS("server_name"),
    WORDS("ssl_certificate"),
    WORDS("limit_req"),
    WORDS("limit_conn"),
    WORDS("return"),
    WORDS("break"),
    { NULL },
};

static const struct lint_rule rules[] = {
    { "certificate", lint_certificate },
    { "limit-after-return", lint_limit_after_return },
    { NULL, NULL },
};

static struct module toy_module = {
    .name = "toy",
    .serves = FOR_HTTP,
    .directives = toy_rows,
    .conf_size = sizeof(struct toy_conf),
    .lint = rules,
};

struct module *const weir_modules[] = { &toy_module, NULL };

static const struct log_targets no_targets = { .level = LEVEL_STDERR };
static struct log               quiet = { .targets = &no_targets };

/* --- certificates ------------------------------------------------------------ */


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
        is(certificate_covers(a, pem, str_of(rows[i].name)), rows[i].is_covered,
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

    pem = make(a, "DNS:a.b", "a.b", now - 95 * DAY);
    is_same(certificate_expiry(a, pem, now - 97 * DAY).p, NULL,
            "two of five days are left");
    says = certificate_expiry(a, pem, now - 96 * DAY);
    ok(str_eq(says, STR("it expires on 2023-08-11")),
       "less than a third: " STR_F, STR_A(says));
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
        is_same(certificate_expiry(a, pem, now).p, NULL, "rubbish %zu: end", i);
    }
}


/* --- the rules ------------------------------------------------------------------ */

/* What the rules say of a server: "name:line message|...". */
static str_t
said(struct arena *a, const char *server)
{
    struct conf_paths  paths = { .prefix = STR("/p/"),
                                 .conf_file = STR("/p/x.conf"),
                                 .conf_prefix = STR("/p/"),
                                 .lints = true };
    str_t              text, all = STR("");
    struct generation *g;
    struct lint        l;

    text = arena_printf(a, "http {\nserver { %s }\n}\n", server);
    g = generation_read_text(&paths, STR("x"), text, &quiet);
    if (g == NULL)
        return STR("invalid");
    lint_run(&l, g, a);
    VEC_EACH(&l.findings, f)
        all = arena_printf(a, STR_F "%s:%u " STR_F "|", STR_A(all),
                           f->rule->name, f->line, STR_A(f->message));
    generation_put(g);
    return all;
}


static void
test_limits(struct arena *a)
{
    static const struct {
        const char *server;
        bool        is_found;
    } rows[] = {
        { "location / { limit_req zone=a; return 200; }", true },
        { "location / { return 301 /x; limit_conn a 1; }", true },
        { "location / { limit_req zone=a; }", false },
        { "location / { limit_req zone=a; break; return 200; }", false },
        { "limit_req zone=a; location / { return 200; }", false },
        { "location / { # weir:ignore limit-after-return\n"
          "limit_req zone=a; return 200; }",
          false },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        str_t got = said(a, rows[i].server);

        ok(rows[i].is_found ? str_starts(got, STR("limit-after-return:2 "))
                            : got.n == 0,
           "limits %zu: " STR_F, i, STR_A(got));
    }
}


static str_t
write_file(struct arena *a, str_t text)
{
    char path[] = "/tmp/weir-certificate-XXXXXX";
    int  fd = mkstemp(path);

    is(write(fd, text.p, text.n), (ssize_t) text.n, "a file is written");
    close(fd);
    return str_copy(a, str_of(path));
}


static void
test_servers(struct arena *a)
{
    str_t good = write_file(
        a, make(a, "DNS:a.b,DNS:*.a.b", "a.b", time(NULL) + 90 * DAY));
    str_t old = write_file(a, make(a, "DNS:a.b", "a.b", time(NULL) - DAY));
    str_t got;

#define SAID(listen, names, path) \
    (got = said(a, arena_printf(a, \
                                "listen %s;\nserver_name %s;\n" \
                                "ssl_certificate %s;", \
                                listen, names, path) \
                       .p))
    SAID("1 ssl", "a.b x.a.b", good.p);
    is_str(got, "", "a certificate that covers its names");
    SAID("1 ssl", "a.b c.d e.f", good.p);
    is_str(got,
           "certificate:4 the certificate does not cover names of the server: "
           "c.d, e.f|",
           "one that does not");
    SAID("1", "c.d", good.p);
    is_str(got, "", "a server without TLS");
    SAID("1 ssl", "a.b", old.p);
    ok(str_starts(got, STR("certificate:4 the certificate is at its end: it "
                           "has expired on ")),
       "one that has expired: " STR_F, STR_A(got));
    SAID("1 ssl", "c.d", "/nosuch/file");
    is_str(got, "", "one that is not there");
    SAID("1 ssl", "c.d", "$ssl_server_name.pem");
    is_str(got, "", "one that is chosen later");
    unlink(good.p);
    unlink(old.p);
}


int
main(void)
{
    struct arena *a = arena_new(0);

    modules_init();
    log_to_stderr = false;
    test_limits(a);
    test_servers(a);
    test_names(a);
    test_end(a);
    test_rubbish(a);
    arena_free(a);
    return done();
}
