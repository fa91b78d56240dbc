/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is asked, what an answer is believed from whom, and when the next
 * question is due.  The answers are made here, by OpenSSL.
 */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "core/conf/module.h"
#include "core/tls/ocsp.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

static struct log_targets nowhere = { .level = LEVEL_EMERG };
static struct log         quiet = { .targets = &nowhere };
static struct arena      *arena;

/* Somebody with a certificate. */
struct party {
    X509     *x;
    EVP_PKEY *key;
};

static struct party root, between, client, delegate, pretender, stranger;
static X509_STORE  *store;
static STACK_OF(X509) * chain;
static struct ocsp_question question;


/* --- certificates ------------------------------------------------------------ */

static void
extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}


/* By whom it is NULL: by itself. */
static struct party
make(const char *name, const struct party *by, const char *constraints,
     const char *usage)
{
    static long  serial = 100;
    struct party p = { X509_new(), EVP_EC_gen("P-256") };
    X509_NAME   *n = X509_get_subject_name(p.x);

    X509_set_version(p.x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(p.x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(p.x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(p.x), 86400);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
                               (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(p.x, by != NULL ? X509_get_subject_name(by->x) : n);
    X509_set_pubkey(p.x, p.key);
    extend(p.x, NID_basic_constraints, constraints);
    if (usage != NULL)
        extend(p.x, NID_ext_key_usage, usage);
    X509_sign(p.x, by != NULL ? by->key : p.key, EVP_sha256());
    return p;
}


static void
make_parties(void)
{
    root = make("root", NULL, "critical,CA:TRUE", NULL);
    between = make("between", &root, "critical,CA:TRUE", NULL);
    client = make("client", &between, "CA:FALSE", NULL);
    delegate = make("delegate", &between, "CA:FALSE", "OCSPSigning");
    pretender = make("pretender", &between, "CA:FALSE", "clientAuth");
    stranger = make("stranger", NULL, "critical,CA:TRUE", NULL);
    store = X509_STORE_new();
    X509_STORE_add_cert(store, root.x);
    chain = sk_X509_new_null();
    sk_X509_push(chain, client.x);
    sk_X509_push(chain, between.x);
    sk_X509_push(chain, root.x);
    ok(ocsp_question(arena, client.x, between.x, &question), "a question");
}


/* --- answers ------------------------------------------------------------------ */

struct reply {
    const struct party *by, *about;
    int                 status;
    long                since, until; /* seconds from now; until 0: none     */
    bool                comes_along;  /* the certificate of by               */
};


static str_t
encode(const struct reply *r)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID    *id = OCSP_cert_to_id(NULL, r->about->x, between.x);
    ASN1_TIME      *since = X509_gmtime_adj(NULL, r->since);
    ASN1_TIME      *until = r->until ? X509_gmtime_adj(NULL, r->until) : NULL;
    OCSP_RESPONSE  *whole;
    unsigned char  *der = NULL;
    int             n;
    str_t           s;

    OCSP_basic_add1_status(basic, id, r->status, OCSP_REVOKED_STATUS_NOSTATUS,
                           since, since, until);
    OCSP_basic_sign(basic, r->by->x, r->by->key, EVP_sha256(), NULL,
                    r->comes_along ? 0 : OCSP_NOCERTS);
    whole = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    n = i2d_OCSP_RESPONSE(whole, &der);
    s = str_copy(arena, (str_t){ (char *) der, (size_t) n });
    OPENSSL_free(der);
    OCSP_RESPONSE_free(whole);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(since);
    ASN1_TIME_free(until);
    return s;
}


/* What is believed; -1: nothing. */
static int
ask(const struct reply *r, int by, time_t *until)
{
    struct ocsp_trust  trust = { .by = by, .chain = chain, .store = store };
    struct ocsp_answer answer = { .until = 0 };
    bool is_good = ocsp_answer_read(encode(r), question.request, &trust, &quiet,
                                    &answer);

    if (ERR_peek_error() != 0)
        ok(false, "an error is left behind");
    if (until != NULL)
        *until = answer.until;
    return is_good ? (int) answer.status : -1;
}


static void
test_status(void)
{
    struct reply r
        = { &between, &client, V_OCSP_CERTSTATUS_GOOD, -60, 3600, false };
    time_t until, now = time(NULL);

    is(ask(&r, OCSP_BY_ISSUER, &until), OCSP_GOOD, "good");
    ok(until >= now + 3590 && until <= now + 3660, "until then");
    r.status = V_OCSP_CERTSTATUS_REVOKED;
    is(ask(&r, OCSP_BY_ISSUER, NULL), OCSP_REVOKED, "revoked");
    r.status = V_OCSP_CERTSTATUS_UNKNOWN;
    is(ask(&r, OCSP_BY_ISSUER, NULL), OCSP_UNKNOWN, "unknown");
    r.status = V_OCSP_CERTSTATUS_GOOD;
    r.until = 0;
    is(ask(&r, OCSP_BY_ISSUER, &until), OCSP_GOOD, "without an end");
    is(until, 0, "which is told");
    r.since = -7200;
    r.until = -3600;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "its time is over");
    r.since = 3600;
    r.until = 7200;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "its time is to come");
    r = (struct reply){ &between, &delegate, V_OCSP_CERTSTATUS_GOOD,
                        -60,      3600,      false };
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "about another one");
}


static void
test_signers(void)
{
    struct reply r
        = { &delegate, &client, V_OCSP_CERTSTATUS_GOOD, -60, 3600, true };

    is(ask(&r, OCSP_BY_ISSUER, NULL), OCSP_GOOD, "by whom the issuer named");
    r.comes_along = false;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "whose certificate is missing");
    r.comes_along = true;
    r.by = &pretender;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "by one that is for something else");
    is(ask(&r, OCSP_BY_CHAIN, NULL), -1, "nor is it by the chain");
    is(ask(&r, OCSP_BY_ANYBODY, NULL), OCSP_GOOD, "but by anybody");
    r.by = &stranger;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "by a stranger");
    r.by = &client;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "by the certificate itself");
    r.comes_along = false;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "which is known from the chain");
    r.by = &root;
    is(ask(&r, OCSP_BY_ISSUER, NULL), -1, "by one above the issuer");
    r.by = &between;
    is(ask(&r, OCSP_BY_CHAIN, NULL), OCSP_GOOD, "by the chain: its issuer");
}


/* What is changed anywhere is not believed, or has not changed what it says. */
static void
test_changed(void)
{
    struct reply r
        = { &between, &client, V_OCSP_CERTSTATUS_REVOKED, -60, 3600, false };
    struct ocsp_trust  trust = { .chain = chain, .store = store };
    str_t              der = encode(&r);
    char              *bytes = arena_bytes(arena, der.n + 1);
    struct ocsp_answer answer;
    unsigned           wrong = 0, n = 0;

    for (size_t i = 0; i < der.n; i++) {
        memcpy(bytes, der.p, der.n);
        bytes[i] = (char) (bytes[i] ^ 1);
        if (ocsp_answer_read((str_t){ bytes, der.n }, question.request, &trust,
                             &quiet, &answer))
            wrong += answer.status != OCSP_REVOKED;
        if (ocsp_answer_read((str_t){ der.p, i }, question.request, &trust,
                             &quiet, &answer))
            wrong++;
        n += ERR_peek_error() != 0;
    }
    is(wrong, 0, "nothing else is believed");
    is(n, 0, "and no error is left behind");
    memcpy(bytes, der.p, der.n);
    bytes[der.n] = 0;
    ok(!ocsp_answer_read((str_t){ bytes, der.n + 1 }, question.request, &trust,
                         &quiet, &answer),
       "nothing follows it");
}


/* --- responders ------------------------------------------------------------------ */

static void
test_urls(void)
{
    struct ocsp_responder to;
    const char           *why;

    ok(ocsp_responder_parse(arena, STR("http://a.test/x?y"), 0, &to) == NULL,
       "a URL");
    is_str(to.host, "a.test", "its host");
    is_str(to.target, "/x?y", "its path");
    is(to.port, 80, "its port");
    is(to.n, 0, "a name");
    ok(ocsp_responder_parse(arena, STR("HTTP://[::1]:81"), 0, &to) == NULL,
       "another one");
    is_str(to.host, "[::1]", "its host");
    is_str(to.target, "/", "its path");
    is(to.port, 81, "its port");
    is(to.n, 1, "an address");
    why = ocsp_responder_parse(arena, STR("https://a/"), 0, &to);
    is_str(str_of(why), "invalid URL prefix in OCSP responder \"https://a/\"",
           "not by https");
    why = ocsp_responder_parse(arena, STR("http://a:b/"), 0, &to);
    is_str(str_of(why), "invalid port in OCSP responder \"a:b/\"", "no port");
    ok(ocsp_responder_parse(arena, STR("http://"), 0, &to) != NULL, "no host");
    ok(ocsp_responder_parse(arena, STR("http://unix:/a"), 0, &to) != NULL,
       "no socket of this machine");
    ok(ocsp_responder_parse(arena, STR("http://a/\r\nX: y"), 0, &to) != NULL,
       "no second line");
    ok(ocsp_responder_parse(arena, STR("http://a b/"), 0, &to) != NULL,
       "no space");
}


static void
test_times(void)
{
    time_t now = 1000000;

    is(ocsp_refresh_at(now, now + 600), now + 300, "half of its time");
    is(ocsp_refresh_at(now, now + 86400 * 7), now + 3600, "once an hour");
    is(ocsp_refresh_at(now, now + 1), now + 2, "not all the time");
    is(ocsp_refresh_at(now, now - 100), now + 2, "nor behind its end");
    is(ocsp_refresh_at(now, 0), now + 3600, "where it has none");
    is(ocsp_retry_after(1), 1, "soon after a failure");
    is(ocsp_retry_after(4), 8, "later after some");
    is(ocsp_retry_after(255), 300, "but not never");
}


int
main(void)
{
    arena = arena_new(0);
    make_parties();
    test_status();
    test_signers();
    test_changed();
    test_urls();
    test_times();
    return done();
}
