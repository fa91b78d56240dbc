/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates and keys that variables have ("data:" and PEM), which clients may
 * be able to influence: loaded, and taken from the cache.  What is loaded can be
 * used, what is not says why in one line without the key, and OpenSSL's queue of
 * errors is empty behind it.
 *
 * The first byte says whether there is a password; a NUL ends the certificate,
 * and without one its text is that of the key, too.
 */
#include <openssl/err.h>

#include "core/base/check.h"
#include "core/conf/module.h"
#include "core/tls/cache.h"
#include "core/tls/context.h"
#include "core/tls/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct module *const weir_modules[] = { NULL };

enum { SHOWN_MOST = 16 }; /* bytes of a key, by chance                       */

static struct tls_settings settings = { .folder = STR_INIT("/nowhere/") };


static void
begin(void)
{
    static str_t       args[] = { STR_INIT("cache"), STR_INIT("max=2") };
    static struct conf cf = { .args = args, .n_args = 2 };

    if (cf.arena != NULL)
        return;
    cf.arena = arena_new(0);
    tls_init();
    CHECK(conf_tls_pair_cache.parse(&cf, &settings.pair_cache) == NULL);
    *vec_push(cf.arena, &settings.passwords.list) = STR("secret");
}


/* Nothing of a line of the key that is longer than words are. */
static void
check_why(const char *why, str_t key)
{
    str_t text = { why, strnlen(why, TLS_WHY_MAX) }, line;

    CHECK(text.n != 0 && text.n < TLS_WHY_MAX);
    while (key.n != 0) {
        line = str_cut(&key, '\n');
        CHECK(line.n <= SHOWN_MOST || str_starts(line, STR("-----"))
              || str_starts(line, STR("data:"))
              || str_find(text, line) == NULL);
    }
}


static void
check_pair(const struct tls_pair *p)
{
    const unsigned char *at = (const unsigned char *) p->key.p;
    STACK_OF(X509) *above = sk_X509_new_null();
    X509     *x = tls_chain_read(p->chain, above);
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long) p->key.n);

    CHECK(x != NULL && key != NULL && X509_check_private_key(x, key) == 1);
    CHECK(str_is(p->path, "data:...") && str_is(p->key_path, "data:..."));
    EVP_PKEY_free(key);
    X509_free(x);
    sk_X509_pop_free(above, X509_free);
}


static void
check(struct arena *a, str_t certificate, str_t key,
      const struct texts *passwords)
{
    char                 why[TLS_WHY_MAX] = "";
    struct tls_pair      p = { .unit = 0 };
    struct tls_identity *first, *second;
    bool ok = tls_pair_load(a, settings.folder, certificate, key, passwords, &p,
                            why);

    CHECK(ERR_peek_error() == 0);
    if (ok)
        check_pair(&p);
    else
        check_why(why, key);
    if (ok && passwords->list.n == 0) /* or else it is not the cache's */
        passwords = &settings.passwords;
    if (passwords != &settings.passwords)
        return;
    first = tls_identity_get(&settings, a, certificate, key, why);
    CHECK((first != NULL) == ok && ERR_peek_error() == 0);
    if (first == NULL)
        return;
    second = tls_identity_get(&settings, a, certificate, key, why);
    CHECK(second == first);
    tls_identity_put(first);
    tls_identity_put(second);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct texts none;
    struct arena             *a;
    str_t                     certificate, key;

    begin();
    if (size == 0)
        return 0;
    a = arena_new(0);
    key = (str_t){ (const char *) data + 1, size - 1 };
    certificate = str_cut(&key, '\0');
    if (key.p == NULL)
        key = certificate;
    check(a, str_join(a, STR("data:"), certificate),
          str_join(a, STR("data:"), key),
          data[0] % 2 != 0 ? &settings.passwords : &none);
    arena_free(a);
    return 0;
}
