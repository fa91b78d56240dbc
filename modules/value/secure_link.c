/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secure_link: $secure_link is "1" if the request has the right MD5 hash, "0"
 * if it does but the link has expired, else empty.  In the older form
 * (secure_link_secret) it is the rest of the URI after the hash.
 *
 *     secure_link $arg_md5,$arg_expires;
 *     secure_link_md5 "$secure_link_expires$uri$remote_addr secret";
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/base/check.h"
#include "modules/module.h"

enum { MD5_SIZE = 16, SUM_DIGITS = 24 };

struct secure_link_conf {
    struct expr *link;
    struct expr *md5;
    str_t        secret; /* p NULL: none                                     */
};

struct secure_link_state {
    str_t expires; /* as received                                            */
};

extern struct module secure_link_module;


static void
md5_of(str_t a, str_t b, unsigned char *sum)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    CHECK(ctx != NULL);
    EVP_DigestInit_ex(ctx, EVP_md5(), NULL);
    EVP_DigestUpdate(ctx, a.p, a.n);
    EVP_DigestUpdate(ctx, b.p, b.n);
    EVP_DigestFinal_ex(ctx, sum, NULL);
    EVP_MD_CTX_free(ctx);
}


static bool
is_sum_hex(str_t hex, const unsigned char *sum)
{
    unsigned differ = 0;
    int      byte;

    for (size_t i = 0; i < MD5_SIZE; i++) {
        byte = number_hex_byte(hex.p + 2 * i);
        if (byte == -1)
            return false;
        differ |= sum[i] ^ (unsigned) byte;
    }
    return differ == 0;
}


/* Checks "/prefix/HASH/link", whose hash is that of the link and the
 * secret. */
static str_t
link_of_secret(struct http_request *r, str_t secret)
{
    unsigned char sum[MD5_SIZE];
    str_t         link = r->target, hex;

    if (link.n < 2)
        return STR_NONE;
    link = str_from(link, 1);
    str_cut(&link, '/');
    hex = str_cut(&link, '/');
    if (hex.n != sizeof(sum) * 2 || link.n == 0)
        return STR_NONE;
    md5_of(link, secret, sum);
    return is_sum_hex(hex, sum) ? link : STR_NONE;
}


static str_t
secure_link(struct task *t, uintptr_t arg)
{
    const struct secure_link_conf *c = conf_of(t, &secure_link_module);
    struct secure_link_state      *state;
    unsigned char                  sum[MD5_SIZE];
    uint64_t                       expires = 0;
    str_t                          given, rest;
    bool                           is_ok;

    (void) arg;
    if (c->secret.p != NULL)
        return link_of_secret(http_of(t), c->secret);
    if (c->link == NULL || c->md5 == NULL)
        return STR_NONE;
    rest = expr_eval(c->link, t);
    given = str_cut(&rest, ',');
    if (rest.p != NULL) {
        if (!number_parse(rest, INT64_MAX, &expires) || expires == 0)
            return STR_NONE;
        state = http_state_of(http_of(t), &secure_link_module);
        state->expires = rest;
    }
    if (given.n > SUM_DIGITS)
        return STR_NONE;
    given = base64_decode(t->arena, given, true, &is_ok);
    if (!is_ok || given.n != sizeof(sum))
        return STR_NONE;
    md5_of(expr_eval(c->md5, t), STR(""), sum);
    if (CRYPTO_memcmp(given.p, sum, sizeof(sum)) != 0)
        return STR_NONE;
    return expires != 0 && expires < (uint64_t) clock_seconds() ? STR("0")
                                                                : STR("1");
}


/* Only set after $secure_link has been read. */
static str_t
secure_link_expires(struct task *t, uintptr_t arg)
{
    const struct secure_link_state *state
        = http_state_if(http_of(t), &secure_link_module);

    (void) arg;
    return state ? state->expires : STR_NONE;
}


/* --- reading ------------------------------------------------------------------ */

/* A block can only use one of the two forms. */
static const char *
check_mix(struct conf *cf, void *conf)
{
    const struct secure_link_conf *c = conf;

    if (c->secret.p == NULL || (c->link == NULL && c->md5 == NULL))
        return NULL;
    return conf_error(cf, "\"secure_link_secret\" cannot be mixed with "
                          "\"secure_link\" and \"secure_link_md5\"");
}


/* An inner block that sets one form does not inherit the other one. */
static void
inherit_link(struct conf *cf, void *field, const void *outer)
{
    const struct secure_link_conf *c
        = container_of(field, struct secure_link_conf, link);

    (void) cf;
    if (c->secret.p == NULL)
        *(struct expr **) field = *(struct expr *const *) outer;
}


static void
inherit_md5(struct conf *cf, void *field, const void *outer)
{
    const struct secure_link_conf *c
        = container_of(field, struct secure_link_conf, md5);

    (void) cf;
    if (c->secret.p == NULL)
        *(struct expr **) field = *(struct expr *const *) outer;
}


static void
inherit_secret(struct conf *cf, void *field, const void *outer)
{
    const struct secure_link_conf *c
        = container_of(field, struct secure_link_conf, secret);

    (void) cf;
    if (c->link == NULL && c->md5 == NULL)
        *(str_t *) field = *(const str_t *) outer;
}


static const char *
parse_expr(struct conf *cf, void *field)
{
    return conf_expr.parse(cf, field);
}


static const char *
parse_secret(struct conf *cf, void *field)
{
    return conf_text.parse(cf, field);
}


static const struct conf_type link_type = {
    .name = "expression",
    .size = sizeof(struct expr *),
    .parse = parse_expr,
    .inherit = inherit_link,
};

static const struct conf_type md5_type = {
    .name = "expression",
    .size = sizeof(struct expr *),
    .parse = parse_expr,
    .inherit = inherit_md5,
};

static const struct conf_type secret_type = {
    .name = "text",
    .size = sizeof(str_t),
    .parse = parse_secret,
    .inherit = inherit_secret,
};

/* secure_link_secret comes last, because its inherit function reads the
 * others */
static const struct directive directives[] = {
    CUSTOM("secure_link", IN_WEB, ARGS_1, link_type, struct secure_link_conf,
           link, struct expr *, "expression",
           "Where to find the MD5 hash of a link and, after a comma, the time "
           "when the link expires. $secure_link tells whether the hash is "
           "right."),
    CUSTOM("secure_link_md5", IN_WEB, ARGS_1, md5_type, struct secure_link_conf,
           md5, struct expr *, "expression",
           "The text whose MD5 hash, in base64url, a link must have."),
    CUSTOM("secure_link_secret", IN_WEB, ARGS_1, secret_type,
           struct secure_link_conf, secret, str_t, "word",
           "The word of the older form /prefix/HASH/rest: HASH is the MD5 of "
           "rest and word in hexadecimal. Not together with secure_link."),
    { .name = NULL },
};

static const struct variable variables[] = {
    { "secure_link", secure_link, 0, 0, NULL,
      "\"1\" where the link is right, \"0\" where it ran out, else "
      "empty; with secure_link_secret the rest of the URI" },
    { "secure_link_expires", secure_link_expires, 0, 0, NULL,
      "the time when the link expires, as received" },
    { .name = NULL },
};

struct module secure_link_module = {
    .name = "secure_link",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct secure_link_conf),
    .state_size = sizeof(struct secure_link_state),
    .ready = check_mix,
};
