/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Around OpenSSL's parser of OCSP.  Its queue of errors is empty behind each
 * function here, but for ocsp_question that has failed.
 */
#include "core/tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "core/base/check.h"
#include "core/tls/error.h"


/* --- responders ------------------------------------------------------------- */

enum { HOST_MAX = 255 };


/* Visible ASCII, as a URL has: nothing ends a line of a request. */
static bool
is_url_text(str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}


/* Of what follows the scheme; NULL, or an error. */
static const char *
parse(struct arena *a, str_t text, unsigned flags, struct ocsp_responder *out)
{
    struct endpoint e;
    const char     *error;

    if (text.n > OCSP_URL_MAX || !is_url_text(text))
        return "invalid URL";
    if (str_starts(text, STR("unix:")))
        return "invalid host";
    error = endpoint_parse(a, text, 80, ENDPOINT_URI | flags, &e);
    if (error != NULL)
        return error;
    if (e.host.n > HOST_MAX)
        return "invalid host";
    *out = (struct ocsp_responder){
        .host = e.host, .target = e.uri, .port = e.port, .at = e.at, .n = e.n
    };
    if (e.uri.n == 0 || e.uri.p[0] != '/')
        out->target = str_join(a, STR("/"), e.uri);
    return NULL;
}


const char *
ocsp_responder_parse(struct arena *a, str_t url, unsigned flags,
                     struct ocsp_responder *out)
{
    static const str_t scheme = STR_INIT("http://");
    const char        *error = "invalid URL prefix";

    url = str_copy(a, url);
    if (str_istarts(url, scheme)) {
        url = str_from(url, scheme.n);
        error = parse(a, url, flags, out);
    }
    if (error == NULL)
        return NULL;
    return arena_printf(a, "%s in OCSP responder \"" STR_F "\"", error,
                        STR_A(url))
        .p;
}


void
ocsp_responder_set(struct arena *a, struct ocsp_responder *to,
                   const struct addr_any *at, size_t n)
{
    to->at = arena_array(a, struct addr_any, n);
    to->n = n;
    for (size_t i = 0; i < n; i++)
        to->at[i] = at[i];
}


struct ocsp_responder *
ocsp_responder_copy(struct arena *a, const struct ocsp_responder *to)
{
    struct ocsp_responder *out = arena_make(a, struct ocsp_responder);

    out->host = str_copy(a, to->host);
    out->target = str_copy(a, to->target);
    out->port = to->port;
    ocsp_responder_set(a, out, to->at, to->n);
    return out;
}


str_t
ocsp_responder_url(struct arena *a, X509 *x)
{
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(x);
    str_t url = STR_NONE;

    if (urls != NULL && sk_OPENSSL_STRING_num(urls) > 0)
        url = str_copy(a, str_of(sk_OPENSSL_STRING_value(urls, 0)));
    X509_email_free(urls);
    ERR_clear_error();
    return url;
}


/* --- questions -------------------------------------------------------------- */

static void
digest_of(OCSP_CERTID *id, uint8_t *out)
{
    unsigned char *der = NULL;
    int            n = i2d_OCSP_CERTID(id, &der);

    if (n <= 0)
        check_memory(1);
    CHECK(EVP_Digest(der, (size_t) n, out, NULL, EVP_sha256(), NULL) == 1);
    OPENSSL_free(der);
}


bool
ocsp_question(struct arena *a, X509 *x, X509 *issuer, struct ocsp_question *out)
{
    OCSP_CERTID   *id = OCSP_cert_to_id(NULL, x, issuer);
    OCSP_REQUEST  *r = OCSP_REQUEST_new();
    unsigned char *der = NULL;
    int            n = 0;

    if (id != NULL && r != NULL && OCSP_request_add0_id(r, id) != NULL) {
        digest_of(id, out->id);
        id = NULL; /* the request's */
        n = i2d_OCSP_REQUEST(r, &der);
    }
    if (n > 0)
        out->request = str_copy(a, (str_t){ (char *) der, (size_t) n });
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(r);
    return n > 0;
}


/* --- answers ---------------------------------------------------------------- */

/* Logs what has failed with OpenSSL's reasons; false, to be returned. */
static bool
refuse(const struct log *log, const char *text)
{
    tls_error_log(log, LEVEL_ERROR, 0, text);
    return false;
}


static bool
read_status(OCSP_BASICRESP *basic, OCSP_CERTID *id, const struct log *log,
            struct ocsp_answer *out)
{
    enum { SLACK = 300 }; /* seconds that clocks may differ by               */
    ASN1_GENERALIZEDTIME *since, *until = NULL;
    struct tm             tm;
    int                   status;

    if (OCSP_resp_find_status(basic, id, &status, NULL, NULL, &since, &until)
        != 1)
        return refuse(log, "certificate status not found in the OCSP response");
    if (OCSP_check_validity(since, until, SLACK, -1) != 1)
        return refuse(log, "OCSP_check_validity() failed");
    out->until = 0;
    if (until != NULL) {
        if (ASN1_TIME_to_tm(until, &tm) != 1)
            return refuse(log, "invalid nextUpdate time in certificate status");
        out->until = timegm(&tm);
    }
    out->status = status == V_OCSP_CERTSTATUS_GOOD      ? OCSP_GOOD
                  : status == V_OCSP_CERTSTATUS_REVOKED ? OCSP_REVOKED
                                                        : OCSP_UNKNOWN;
    return true;
}


static bool
read_basic(OCSP_BASICRESP *basic, str_t request, const struct ocsp_trust *trust,
           const struct log *log, struct ocsp_answer *out)
{
    static const unsigned long flags[] = {
        [OCSP_BY_CHAIN] = OCSP_TRUSTOTHER, [OCSP_BY_ANYBODY] = OCSP_NOVERIFY
    };
    const unsigned char *at = (const unsigned char *) request.p;
    OCSP_REQUEST        *r = NULL;
    bool                 ok;

    if (OCSP_basic_verify(basic, trust->chain, trust->store, flags[trust->by])
        != 1)
        return refuse(log, "OCSP_basic_verify() failed");
    r = d2i_OCSP_REQUEST(NULL, &at, (long) request.n);
    CHECK(r != NULL); /* it is ours */
    ok = read_status(basic, OCSP_onereq_get0_id(OCSP_request_onereq_get0(r, 0)),
                     log, out);
    OCSP_REQUEST_free(r);
    return ok;
}


bool
ocsp_answer_read(str_t der, str_t request, const struct ocsp_trust *trust,
                 const struct log *log, struct ocsp_answer *out)
{
    const unsigned char *at = (const unsigned char *) der.p;
    OCSP_RESPONSE       *r = d2i_OCSP_RESPONSE(NULL, &at, (long) der.n);
    OCSP_BASICRESP      *basic = NULL;
    bool                 ok = false;
    int                  status;

    if (r == NULL)
        return refuse(log, "d2i_OCSP_RESPONSE() failed");
    status = OCSP_response_status(r);
    if (at != (const unsigned char *) der.p + der.n)
        log_error(log, "OCSP responder sent invalid response");
    else if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        log_error(log, "OCSP response not successful (%d: %s)", status,
                  OCSP_response_status_str(status));
    else if ((basic = OCSP_response_get1_basic(r)) == NULL)
        refuse(log, "OCSP_response_get1_basic() failed");
    else
        ok = read_basic(basic, request, trust, log, out);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(r);
    ERR_clear_error();
    return ok;
}


/* --- when to ask ------------------------------------------------------------ */

enum {
    LEAST = 2, /* seconds between two questions with good answers            */
    MOST = 3600,
    RETRY_FIRST = 1, /* after a failure, then twice as long each time        */
    RETRY_MOST = 300,
};


time_t
ocsp_refresh_at(time_t now, time_t until)
{
    time_t wait = until == 0 ? MOST : (until - now) / 2;

    if (wait < LEAST)
        wait = LEAST;
    return now + (wait < MOST ? wait : MOST);
}


time_t
ocsp_retry_after(unsigned failures)
{
    time_t wait = RETRY_FIRST;

    while (failures-- > 1 && wait < RETRY_MOST)
        wait *= 2;
    return wait < RETRY_MOST ? wait : RETRY_MOST;
}
