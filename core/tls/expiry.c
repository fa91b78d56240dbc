/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much is left of a certificate.
 */
#include "core/tls/expiry.h"

#include <openssl/err.h>

#include "core/tls/renewal.h"

enum { DAY = 86400 };


/* Seconds from one to the other; false: these are no times. */
static bool
seconds_between(const ASN1_TIME *from, const ASN1_TIME *to, long *out)
{
    int days, seconds;

    if (ASN1_TIME_diff(&days, &seconds, from, to) != 1)
        return false;
    *out = (long) days * DAY + seconds;
    return true;
}


str_t
tls_expiry_text(struct arena *a, const X509 *x, time_t now)
{
    const ASN1_TIME *from = X509_get0_notBefore(x), *to = X509_get0_notAfter(x);
    ASN1_TIME       *at = ASN1_TIME_set(NULL, now);
    long             life, left, enough = (long) TLS_EXPIRY_DAYS * DAY;
    struct tm        end;
    char             date[16];
    bool             is_time;

    is_time = at != NULL && seconds_between(from, to, &life)
              && seconds_between(at, to, &left) && ASN1_TIME_to_tm(to, &end)
              && strftime(date, sizeof(date), "%Y-%m-%d", &end) != 0;
    ASN1_TIME_free(at);
    if (!is_time)
        return STR_NONE;
    if (life / 3 < enough)
        enough = life / 3;
    if (left < 0)
        return arena_printf(a, "it has expired on %s", date);
    return left < enough ? arena_printf(a, "it expires on %s", date) : STR_NONE;
}


static void
warn(struct arena *a, const struct tls_pair *p, const struct log *log)
{
    const unsigned char *at = (const unsigned char *) p->chain.p;
    const unsigned char *end = at + p->chain.n;
    time_t               now = time(NULL);
    unsigned             number = 0;
    X509                *x;
    str_t                text;

    while (at < end && (x = d2i_X509(NULL, &at, end - at)) != NULL) {
        text = tls_expiry_text(a, x, now);
        X509_free(x);
        number++;
        if (text.p != NULL && number == 1)
            log_warn(log, "certificate \"" STR_F "\" is at its end: " STR_F,
                     STR_A(p->path), STR_A(text));
        else if (text.p != NULL)
            log_warn(log,
                     "certificate %u in \"" STR_F "\" is at its end: " STR_F,
                     number, STR_A(p->path), STR_A(text));
    }
    ERR_clear_error();
}


void
tls_expiry_warn(const struct generation *g, const struct log *log)
{
    const struct tls_files *f = g->main[tls_module.slot];
    struct arena           *a = arena_new(0);

    VEC_EACH(&f->units, u) {
        if (u->pair != NULL)
            warn(a, u->pair, log);
        arena_reset(a);
    }
    arena_free(a);
}
