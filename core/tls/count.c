/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted of TLS (core/net/counters.h).
 */
#include <openssl/err.h>

#include "core/net/counters.h"
#include "core/tls/sleep.h"


void
tls_count_failure(void)
{
    unsigned long code = ERR_peek_last_error();
    int           why = ERR_GET_REASON(code);

    counter_add(TLS_FAILED, 1);
    if (code == 0 || ERR_GET_LIB(code) != ERR_LIB_SSL)
        return;
    if (why == SSL_R_UNSUPPORTED_PROTOCOL || why == SSL_R_VERSION_TOO_LOW
        || why == SSL_R_NO_PROTOCOLS_AVAILABLE)
        counter_add(TLS_NO_PROTOCOL, 1);
    else if (why == SSL_R_NO_SHARED_CIPHER)
        counter_add(TLS_NO_CIPHER, 1);
    else if ((why >= SSL_R_SSLV3_ALERT_BAD_CERTIFICATE
              && why <= SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN)
             || why == SSL_R_TLSV1_ALERT_UNKNOWN_CA)
        counter_add(TLS_REJECTED, 1);
}


void
tls_count_success(struct tls *t)
{
    counter_add(TLS_SHAKEN, 1);
    if (SSL_session_reused(tls_awake(t)))
        counter_add(TLS_REUSED, 1);
}


void
tls_count_timeout(void)
{
    counter_add(TLS_FAILED, 1);
    counter_add(TLS_TIMED_OUT, 1);
}


void
tls_count_refused(long error)
{
    switch (error) {
    case X509_V_OK:
        counter_add(TLS_NO_CERT, 1);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        counter_add(TLS_EXPIRED_CERT, 1);
        break;
    case X509_V_ERR_CERT_REVOKED:
        counter_add(TLS_REVOKED_CERT, 1);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        counter_add(TLS_WRONG_NAME, 1);
        break;
    default:
        counter_add(TLS_OTHER_CERT, 1);
        break;
    }
}
