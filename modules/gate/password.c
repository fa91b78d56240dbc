/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The password schemes.  Each hashes the given password with the salt of the
 * entry and compares the result with the entry.  A NUL ends a password, as in
 * crypt().
 */
#include "modules/gate/password.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "core/base/escape.h"

enum { MD5_SIZE = 16, APR1_SALT = 8, APR1_ROUNDS = 1000 };


static bool
is_same(str_t a, str_t b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}


/* --- $apr1$ ------------------------------------------------------------------ */

struct md5 {
    EVP_MD_CTX   *ctx;
    unsigned char sum[MD5_SIZE];
};


static void
md5_start(struct md5 *m)
{
    EVP_DigestInit_ex(m->ctx, EVP_md5(), NULL);
}


static void
md5_add(struct md5 *m, str_t s)
{
    EVP_DigestUpdate(m->ctx, s.p, s.n);
}


static str_t
md5_end(struct md5 *m)
{
    EVP_DigestFinal_ex(m->ctx, m->sum, NULL);
    return (str_t){ (const char *) m->sum, sizeof(m->sum) };
}


/* n digits of crypt's base 64, the lowest bits first. */
static char *
put_digits(char *out, unsigned long bits, unsigned n)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz";

    for (; n != 0; n--, bits >>= 6)
        *out++ = digits[bits & 63];
    return out;
}


/* The digest as 22 digits, with its bytes in the order of this scheme. */
static str_t
apr1_digits(struct arena *a, const unsigned char *sum)
{
    char    *text = arena_bytes(a, 22), *out = text;
    unsigned i, last;

    for (i = 0; i < 5; i++) {
        last = i == 4 ? 5 : i + 12;
        out = put_digits(out,
                         (unsigned long) sum[i] << 16
                             | (unsigned long) sum[i + 6] << 8 | sum[last],
                         4);
    }
    out = put_digits(out, sum[11], 2);
    return str_span(text, out);
}


/* The first digest, which includes the password's length. */
static void
apr1_first(struct md5 *m, str_t given, str_t salt)
{
    char   other[MD5_SIZE];
    size_t left;

    md5_start(m);
    md5_add(m, given);
    md5_add(m, salt);
    md5_add(m, given);
    memcpy(other, md5_end(m).p, MD5_SIZE);

    md5_start(m);
    md5_add(m, given);
    md5_add(m, STR("$apr1$"));
    md5_add(m, salt);
    for (left = given.n; left > MD5_SIZE; left -= MD5_SIZE)
        md5_add(m, (str_t){ other, MD5_SIZE });
    md5_add(m, (str_t){ other, left });
    for (left = given.n; left != 0; left >>= 1)
        md5_add(m, left & 1 ? (str_t){ "", 1 } : (str_t){ given.p, 1 });
    md5_end(m);
}


static void
apr1_round(struct md5 *m, unsigned i, str_t given, str_t salt)
{
    str_t sum = { (const char *) m->sum, MD5_SIZE };

    md5_start(m);
    md5_add(m, i & 1 ? given : sum);
    if (i % 3 != 0)
        md5_add(m, salt);
    if (i % 7 != 0)
        md5_add(m, given);
    md5_add(m, i & 1 ? sum : given);
    md5_end(m);
}


static enum password
check_apr1(struct arena *a, str_t given, str_t stored)
{
    struct md5 m = { .ctx = EVP_MD_CTX_new() };
    str_t      rest = str_from(stored, 6), salt = str_cut(&rest, '$'), made;
    unsigned   i;

    if (m.ctx == NULL)
        return PASSWORD_ERROR;
    if (salt.n > APR1_SALT)
        salt.n = APR1_SALT;
    apr1_first(&m, given, salt);
    for (i = 0; i < APR1_ROUNDS; i++)
        apr1_round(&m, i, given, salt);
    EVP_MD_CTX_free(m.ctx);
    made = str_join3(a, STR("$apr1$"), salt, STR("$"));
    made = str_join(a, made, apr1_digits(a, m.sum));
    return is_same(made, stored) ? PASSWORD_RIGHT : PASSWORD_WRONG;
}


/* --- the others ----------------------------------------------------------- */

static enum password
check_sha(struct arena *a, str_t given, str_t stored)
{
    unsigned char sum[SHA_DIGEST_LENGTH];
    str_t         made;

    if (!EVP_Digest(given.p, given.n, sum, NULL, EVP_sha1(), NULL))
        return PASSWORD_ERROR;
    made = base64_encode(a, (str_t){ (const char *) sum, sizeof(sum) }, false);
    return is_same(made, str_from(stored, STR("{SHA}").n)) ? PASSWORD_RIGHT
                                                           : PASSWORD_WRONG;
}


/* The entry is the digest of password and salt, followed by the salt. */
static enum password
check_ssha(struct arena *a, str_t given, str_t stored)
{
    unsigned char sum[SHA_DIGEST_LENGTH];
    bool          is_ok;
    str_t         salted;

    stored = base64_decode(a, str_from(stored, STR("{SSHA}").n), false, &is_ok);
    if (!is_ok || stored.n < sizeof(sum))
        return PASSWORD_WRONG;
    salted = str_join(a, given, str_from(stored, sizeof(sum)));
    if (!EVP_Digest(salted.p, salted.n, sum, NULL, EVP_sha1(), NULL))
        return PASSWORD_ERROR;
    return CRYPTO_memcmp(sum, stored.p, sizeof(sum)) == 0 ? PASSWORD_RIGHT
                                                          : PASSWORD_WRONG;
}


/* For a setting that libxcrypt does not know it returns NULL or a text that
 * starts with "*". */
static enum password
check_crypt(struct arena *a, str_t given, str_t stored)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    enum password      is = PASSWORD_WRONG;
    const char        *made;

    if (data == NULL)
        return PASSWORD_ERROR;
    made = crypt_r(str_z(a, given), str_z(a, stored), data);
    if (made == NULL && errno == ENOMEM)
        is = PASSWORD_ERROR;
    else if (made != NULL && made[0] != '*' && is_same(str_of(made), stored))
        is = PASSWORD_RIGHT;
    OPENSSL_cleanse(data, sizeof(*data));
    free(data);
    return is;
}


enum password
password_check(struct arena *a, str_t given, str_t stored)
{
    const char *end = str_chr(given, '\0');

    if (end != NULL)
        given.n = (size_t) (end - given.p);
    if (str_starts(stored, STR("$apr1$")))
        return check_apr1(a, given, stored);
    if (str_starts(stored, STR("{PLAIN}")))
        return is_same(given, str_from(stored, STR("{PLAIN}").n))
                   ? PASSWORD_RIGHT
                   : PASSWORD_WRONG;
    if (str_starts(stored, STR("{SSHA}")))
        return check_ssha(a, given, stored);
    if (str_starts(stored, STR("{SHA}")))
        return check_sha(a, given, stored);
    return check_crypt(a, given, stored);
}


str_t
password_find(str_t lines, str_t user)
{
    str_t line;

    while (lines.p != NULL) {
        line = str_cut(&lines, '\n');
        if (line.n <= user.n || line.p[0] == '#' || line.p[user.n] != ':'
            || !str_starts(line, user))
            continue;
        line = str_from(line, user.n + 1);
        line = str_cut(&line, ':');
        return str_cut(&line, '\r');
    }
    return STR_NONE;
}
