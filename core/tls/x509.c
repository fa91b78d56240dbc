/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ones that were used last, in that order.
 */
#include "core/tls/x509.h"

#include <openssl/x509v3.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "core/base/check.h"

enum { KEPT = 16, DER_MAX = 65536 };

struct kept {
    X509  *x; /* NULL: the place is free                                     */
    char  *der;
    size_t n;
};

/* Of the process. */
static struct kept all[KEPT];


static void
to_front(size_t i)
{
    struct kept it = all[i];

    memmove(all + 1, all, i * sizeof(*all));
    all[0] = it;
}


static X509 *
find(str_t der)
{
    for (size_t i = 0; i < KEPT; i++) {
        if (all[i].x == NULL || all[i].n != der.n
            || memcmp(all[i].der, der.p, der.n) != 0)
            continue;
        to_front(i);
        return all[0].x;
    }
    return NULL;
}


void
tls_x509_keep(X509 *x, str_t der)
{
    struct kept *last = &all[KEPT - 1];

    if (der.n > DER_MAX || find(der) != NULL)
        return;
    X509_free(last->x);
    free(last->der);
    last->der = malloc(der.n);
    if (last->der == NULL)
        check_memory(der.n);
    memcpy(last->der, der.p, der.n);
    last->n = der.n;
    last->x = x;
    X509_up_ref(x);
    to_front(KEPT - 1);
}


/* The bytes of the certificate at the beginning; n 0: none is there. */
static str_t
first_of(const unsigned char *at, long n)
{
    const unsigned char *inside = at;
    long                 length;
    int                  tag, class;

    if (ASN1_get_object(&inside, &length, &tag, &class, n) != V_ASN1_CONSTRUCTED
        || tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL)
        return STR("");
    return (str_t){ (const char *) at, (size_t) (inside - at + length) };
}


X509 *
tls_x509_read(const unsigned char **at, long n)
{
    str_t der;
    X509 *x;

    ERR_set_mark();
    der = first_of(*at, n);
    ERR_pop_to_mark();
    x = der.n != 0 ? find(der) : NULL;
    if (x != NULL) {
        X509_up_ref(x);
        *at += der.n;
        return x;
    }
    x = d2i_X509(NULL, at, n);
    if (x != NULL && der.n != 0)
        tls_x509_keep(x, der);
    return x;
}


bool
tls_x509_wants_staple(X509 *x)
{
    enum { STATUS_REQUEST = 5 };
    TLS_FEATURE *features = X509_get_ext_d2i(x, NID_tlsfeature, NULL, NULL);
    bool         is_must = false;

    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
        is_must |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i))
                   == STATUS_REQUEST;
    TLS_FEATURE_free(features);
    return is_must;
}
