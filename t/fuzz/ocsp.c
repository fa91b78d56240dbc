/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What OCSP responders may send, up to whether it is believed: whole, and in
 * pieces, which has to come to the same.  Whatever it is, OpenSSL's queue of
 * errors is empty behind it, and nothing that is wrong is taken.
 *
 * The first byte says how long the pieces are and who is believed; or that the
 * rest is a URL, out of which nothing may come that ends a line of a request.
 */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "core/base/check.h"
#include "core/conf/module.h"
#include "core/tls/ocsp.h"
#include "http/h1/ocsp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct module *const weir_modules[] = { NULL };

enum { IS_URL = 0x80, BY = 0x60, STEP = 0x1f };

static struct log_targets nowhere = { .level = LEVEL_EMERG };
static const struct log   quiet = { .targets = &nowhere };

/* An authority, and one of its certificates. */
static const char ca[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBZjCCAQ2gAwIBAgICEAAwCgYIKoZIzj0EAwIwHDENMAsGA1UECgwEV2VpcjEL\n"
      "MAkGA1UEAwwCY2EwHhcNMjAwMTAxMDAwMDAwWhcNNDkxMjMxMjM1OTU5WjAcMQ0w\n"
      "CwYDVQQKDARXZWlyMQswCQYDVQQDDAJjYTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
      "A0IABIcguCAo2jSuVtd6GwrHo2Jf6vDDb9aAr+dDwFvgIlxvN+ebBbt2lQ4Xx6ar\n"
      "f+8u05+qkx8QkM3/YM8XIOEBNRSjPzA9MA8GA1UdEwEB/wQFMAMBAf8wCwYDVR0P\n"
      "BAQDAgEGMB0GA1UdDgQWBBRgIAo/6R5tfpmqVH0UlHJqJF6HszAKBggqhkjOPQQD\n"
      "AgNHADBEAiBPGGEkD1vhGkjoQZHbwscD11SJCqpKJykw5I+8qbvTfwIgbhjfcCMY\n"
      "YYfHN4Gy9PeBkhtvCKDpaHxY1/RXdNmkuKw=\n"
      "-----END CERTIFICATE-----\n";
static const char certificate[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBfTCCASOgAwIBAgICEAIwCgYIKoZIzj0EAwIwHDENMAsGA1UECgwEV2VpcjEL\n"
      "MAkGA1UEAwwCY2EwHhcNMjAwMTAxMDAwMDAwWhcNNDkxMjMxMjM1OTU5WjARMQ8w\n"
      "DQYDVQQDDAZhLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATydIV5dOmw\n"
      "782+IJyOrr98wOJ0hUpzOh6+A7u5X0dMIueTqhlcSSEDwOcb3tRqOCwwfV5Z5K5Y\n"
      "nvI/ZtDPyDuxo2AwXjAJBgNVHRMEAjAAMBEGA1UdEQQKMAiCBmEudGVzdDAdBgNV\n"
      "HQ4EFgQUk+ErUcscutS0LeYawN8BKiTHB9cwHwYDVR0jBBgwFoAUYCAKP+kebX6Z\n"
      "qlR9FJRyaiReh7MwCgYIKoZIzj0EAwIDSAAwRQIgQrchHFqhd7feV7ArSSbw6+3X\n"
      "pNhxA4t5HHQJCCJc4nwCIQCM1Euc/amJFvCfaOgt/CnSiJNpbAGwuNOZ5kW6WnzP\n"
      "nw==\n"
      "-----END CERTIFICATE-----\n";

static struct arena        *kept; /* what question lies in                   */
static struct ocsp_question question;
static struct ocsp_trust    trust;


static X509 *
read_pem(const char *text)
{
    BIO  *in = BIO_new_mem_buf(text, -1);
    X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);

    BIO_free(in);
    CHECK(x != NULL);
    return x;
}


/* Once; these stay. */
static void
begin(void)
{
    X509 *issuer, *x;

    if (kept != NULL)
        return;
    issuer = read_pem(ca);
    x = read_pem(certificate);
    trust.chain = sk_X509_new_null();
    trust.store = X509_STORE_new();
    CHECK(sk_X509_push(trust.chain, issuer) == 1);
    CHECK(X509_STORE_add_cert(trust.store, issuer) == 1);
    kept = arena_new(0);
    CHECK(ocsp_question(kept, x, issuer, &question));
    X509_free(x);
}


static enum parse
feed(struct ocsp_reply *r, str_t in, size_t step)
{
    size_t     have = 0, used = 0;
    enum parse result = PARSE_AGAIN;
    str_t      rest;

    while (result == PARSE_AGAIN && have < in.n) {
        have = have + step < in.n ? have + step : in.n;
        rest = str_from((str_t){ in.p, have }, used);
        result = ocsp_reply_take(r, &rest, &quiet);
        CHECK(rest.p + rest.n == in.p + have);
        used = have - rest.n;
    }
    if (result == PARSE_AGAIN)
        result = ocsp_reply_eof(r, &quiet);
    CHECK(result == PARSE_OK || result == PARSE_BAD);
    CHECK(r->n <= OCSP_REPLY_MAX);
    return result;
}


static void
check_answer(str_t der)
{
    struct ocsp_answer answer = { .status = (enum ocsp_status) 77 };
    bool ok = ocsp_answer_read(der, question.request, &trust, &quiet, &answer);

    CHECK(ERR_peek_error() == 0);
    if (!ok)
        return;
    CHECK(answer.status <= OCSP_UNKNOWN);
    CHECK(answer.until == 0 || answer.until > time(NULL) - 400);
}


static void
check_url(str_t text)
{
    struct arena         *a = arena_new(0);
    struct ocsp_responder to = { .n = 0 };

    if (ocsp_responder_parse(a, text, 0, &to) == NULL) {
        CHECK(to.host.n != 0 && to.target.n != 0 && to.target.p[0] == '/');
        CHECK(to.port != 0 && to.port <= 65535);
        for (size_t i = 0; i < to.host.n; i++)
            CHECK(to.host.p[i] > ' ' && to.host.p[i] <= '~');
        for (size_t i = 0; i < to.target.n; i++)
            CHECK(to.target.p[i] > ' ' && to.target.p[i] <= '~');
        for (size_t i = 0; i < to.n; i++)
            CHECK(to.at[i].sa.sa_family != AF_UNIX);
    }
    arena_free(a);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ocsp_reply whole = { .n = 0 }, pieces = { .n = 0 };
    struct arena     *a;
    str_t             in;
    enum parse        result;

    if (size < 2)
        return 0;
    begin();
    in = (str_t){ (const char *) data + 1, size - 1 };
    if (data[0] & IS_URL) {
        check_url(in);
        return 0;
    }
    a = arena_new(0);
    whole.arena = pieces.arena = a;
    result = feed(&whole, in, in.n);
    CHECK(feed(&pieces, in, (data[0] & STEP) + 1) == result);
    if (result == PARSE_OK) {
        CHECK(whole.n == pieces.n
              && memcmp(whole.body, pieces.body, whole.n) == 0);
        trust.by = (data[0] & BY) >> 5;
        if (trust.by > OCSP_BY_ANYBODY)
            trust.by = OCSP_BY_ISSUER;
        check_answer((str_t){ whole.body, whole.n });
    }
    arena_free(a);
    return 0;
}
