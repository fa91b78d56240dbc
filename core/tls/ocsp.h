/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status of a certificate, as its authority tells (OCSP, RFC 6960): whom to
 * ask, the question, and whether an answer can be believed.  Nothing here waits
 * or sends; bytes come from whoever does (http/responder.h).
 */
#pragma once

#include <openssl/ssl.h>
#include <time.h>

#include "core/log/log.h"
#include "core/net/addr.h"

/* Who is asked, by HTTP. */
struct ocsp_responder {
    str_t            host;   /* a name or an address, IPv6 in brackets       */
    str_t            target; /* "/path"                                      */
    unsigned         port;
    struct addr_any *at;     /* n 0: the host has to be looked up            */
    size_t           n;
};

enum { OCSP_URL_MAX = 2048 };

/* Of a URL, which is "http:" only, and may come from a client: what follows
 * from it can be sent as it is.  flags: 0, or ENDPOINT_RESOLVE.  NULL, or what
 * is wrong with it, in nginx's words, in a: "host not found in OCSP responder
 * "ocsp.example.com"". */
const char *ocsp_responder_parse(struct arena *a, str_t url, unsigned flags,
                                 struct ocsp_responder *out);
/* In place of its addresses; copies them to a. */
void ocsp_responder_set(struct arena *a, struct ocsp_responder *to,
                        const struct addr_any *at, size_t n);
/* A copy with all that belongs to it. */
struct ocsp_responder *ocsp_responder_copy(struct arena                *a,
                                           const struct ocsp_responder *to);
/* The URL of the first responder that a certificate names, in a; STR_NONE:
 * it names none. */
str_t ocsp_responder_url(struct arena *a, X509 *x);

/* A question about one certificate; x was issued by issuer. */
struct ocsp_question {
    str_t   request; /* DER                                                  */
    uint8_t id[32];  /* of the certificate: a digest                         */
};
/* False: OpenSSL's queue says why. */
bool ocsp_question(struct arena *a, X509 *x, X509 *issuer,
                   struct ocsp_question *out);

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };
struct ocsp_answer {
    enum ocsp_status status;
    time_t           until; /* when there is to be a newer one; 0: any time  */
};
/* Who may have signed an answer. */
struct ocsp_trust {
    enum {
        OCSP_BY_ISSUER,  /* of the certificate, or whom it has named for it; as
                            far as store says who that is                    */
        OCSP_BY_CHAIN,   /* or anybody in chain                              */
        OCSP_BY_ANYBODY, /* whose certificate comes along                    */
    } by;
    STACK_OF(X509) *chain; /* certificates that may be needed                */
    X509_STORE     *store; /* of authorities                                 */
};
/* False: der is no answer to that request which is in force now and can be
 * believed; logged. */
bool ocsp_answer_read(str_t der, str_t request, const struct ocsp_trust *trust,
                      const struct log *log, struct ocsp_answer *out);

/* When an answer is to be replaced by a newer one: early enough to try again a
 * few times before it ends. */
time_t ocsp_refresh_at(time_t now, time_t until);
/* After how many seconds to ask again, after so many failures in a row. */
time_t ocsp_retry_after(unsigned failures);
