/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each thread has a piece of what the generator of OpenSSL has made for it, and
 * hands it out from its end.  What was handed out is wiped at once, so nobody
 * gets a number twice, and none can be found later.  A child begins without
 * any: a fork calls forget, as the child of a thread is that thread.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD; a provider of our own would
                                       be the other way                      */

#include "core/tls/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/check.h"

#ifdef OPENSSL_NO_DEPRECATED_3_0


void
tls_random_init(void)
{
}

#else

enum {
    PIECE = 4096, /* bytes                                                   */
    MANY = 128,   /* ... that are not worth being handed out                 */
};

static _Thread_local struct {
    unsigned char bytes[PIECE];
    size_t        left;
} piece;


static void
forget(void)
{
    OPENSSL_cleanse(piece.bytes, sizeof(piece.bytes));
    piece.left = 0;
}


static bool
generate(unsigned char *out, size_t n)
{
    EVP_RAND_CTX *from = RAND_get0_private(NULL);

    return from != NULL && EVP_RAND_generate(from, out, n, 0, 0, NULL, 0) == 1;
}


static int
give(unsigned char *out, int count)
{
    size_t n = count > 0 ? (size_t) count : 0;

    if (n > MANY)
        return generate(out, n);
    if (piece.left < n) {
        piece.left = 0;
        if (!generate(piece.bytes, PIECE))
            return 0;
        piece.left = PIECE;
    }
    piece.left -= n;
    memcpy(out, piece.bytes + piece.left, n);
    OPENSSL_cleanse(piece.bytes + piece.left, n);
    return 1;
}


static int
is_ready(void)
{
    return RAND_get0_private(NULL) != NULL;
}


void
tls_random_init(void)
{
    static const RAND_METHOD method
        = { .bytes = give, .pseudorand = give, .status = is_ready };

    if (RAND_get_rand_method() != RAND_OpenSSL())
        return;
    CHECK(pthread_atfork(NULL, NULL, forget) == 0);
    CHECK(RAND_set_rand_method(&method) == 1);
}

#endif
