/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares certificates with the names of their servers.  Settings are found
 * by name, so in a build without them the rule simply finds nothing.
 */
#include "http/lint/certificate.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "core/tls/expiry.h"
#include "core/tls/x509.h"
#include "http/lint/rules.h"

enum { PEM_MAX = 65536 };


static X509 *
parse(str_t pem)
{
    BIO  *bio = BIO_new_mem_buf(pem.p, (int) pem.n);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    return x;
}


str_t
certificate_expiry(struct arena *a, str_t pem, time_t now)
{
    X509 *x = parse(pem);
    str_t text = x != NULL ? tls_expiry_text(a, x, now) : STR_NONE;

    X509_free(x);
    return text;
}


bool
certificate_wants_staple(str_t pem)
{
    X509 *x = parse(pem);
    bool  wants = x != NULL && tls_x509_wants_staple(x);

    X509_free(x);
    return wants;
}


/* A server name "*.example.com" is only covered by the same name in the
 * certificate. */
static bool
has_wildcard(X509 *x, str_t name)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool           found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

        if (one->type == GEN_DNS
            && str_ieq(
                name,
                (str_t){ (const char *) ASN1_STRING_get0_data(one->d.dNSName),
                         (size_t) ASN1_STRING_length(one->d.dNSName) }))
            found = true;
    }
    GENERAL_NAMES_free(all);
    return found;
}


static bool
is_plain_name(str_t name)
{
    if (str_starts(name, STR("*.")))
        name = str_from(name, 2);
    else if (str_starts(name, STR(".")))
        name = str_from(name, 1);
    return str_chr(name, '.') != NULL && str_chr(name, '*') == NULL
           && str_chr(name, '~') == NULL && str_chr(name, '$') == NULL
           && str_chr(name, '_') == NULL;
}


bool
certificate_covers(struct arena *a, str_t pem, str_t name)
{
    X509 *x;
    bool  is_good;

    if (!is_plain_name(name))
        return true;
    x = parse(pem);
    if (x == NULL)
        return true;
    if (name.p[0] == '*')
        is_good = has_wildcard(x, name);
    else if (name.p[0] == '.')
        is_good = has_wildcard(x, str_join(a, STR("*"), name))
                  && X509_check_host(x, name.p + 1, name.n - 1, 0, NULL) == 1;
    else
        is_good = X509_check_host(x, name.p, name.n, 0, NULL) == 1
                  || X509_check_ip_asc(x, str_z(a, name), 0) == 1;
    X509_free(x);
    return is_good;
}


/* --- the rule ---------------------------------------------------------------------- */

static bool
listens_with_tls(const struct conf_block *b)
{
    const struct setting *s;

    for (s = setting_named(b, "listen"); s != NULL; s = setting_before(s))
        for (unsigned i = 2; i < s->n_args; i++)
            if (str_is(s->args[i], "ssl") || str_is(s->args[i], "quic"))
                return true;
    return false;
}


static str_t
load(struct lint *l, str_t path)
{
    char   *text;
    ssize_t n;
    int     fd;

    if (str_chr(path, '$') != NULL || str_starts(path, STR("data:"))
        || str_starts(path, STR("engine:")) || str_starts(path, STR("store:")))
        return STR("");
    if (path.n != 0 && path.p[0] != '/')
        path = str_join(l->arena, l->gen->paths.conf_prefix, path);
    fd = open(str_z(l->arena, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1)
        return STR("");
    text = arena_bytes(l->arena, PEM_MAX);
    n = read(fd, text, PEM_MAX);
    close(fd);
    return (str_t){ text, n > 0 ? (size_t) n : 0 };
}


static void
check_names(struct lint *l, const struct conf_block *b,
            const struct setting *certificate, str_t pem)
{
    const struct setting *s;
    str_t                 list = STR("");

    for (s = setting_named(b, "server_name"); s != NULL; s = setting_before(s))
        for (unsigned i = s->n_args - 1; i > 0; i--)
            if (!certificate_covers(l->arena, pem, s->args[i]))
                list = list.n == 0
                           ? s->args[i]
                           : str_join3(l->arena, s->args[i], STR(", "), list);
    if (list.n != 0)
        lint_at(l, b, certificate,
                STR("have it made anew with these names, or take them from "
                    "the server"),
                "the certificate does not cover names of the server: " STR_F,
                STR_A(list));
}


static void
check_staple(struct lint *l, const struct conf_block *b,
             const struct setting *certificate, str_t pem)
{
    const struct conf_block *at = NULL;
    const struct setting    *s = lint_in_force(l, b, "ssl_stapling", &at);

    if ((s == NULL || !str_ieq(s->args[1], STR("on")))
        && certificate_wants_staple(pem))
        lint_at(l, b, certificate, STR("add \"ssl_stapling on;\""),
                "clients do not take the certificate (must-staple) without an "
                "OCSP response, and none is sent");
}


static void
check_server(struct lint *l, const struct conf_block *b)
{
    const struct conf_block *at = NULL;
    const struct setting    *s = lint_in_force(l, b, "ssl_certificate", &at);
    str_t                    pem, expiry;

    if (!listens_with_tls(b))
        return;
    for (; s != NULL; s = setting_before(s)) {
        pem = load(l, s->args[1]);
        if (pem.n == 0)
            continue;
        expiry = certificate_expiry(l->arena, pem, time(NULL));
        if (expiry.p != NULL)
            lint_at(l, b, s, STR("have it renewed"),
                    "the certificate is at its end: " STR_F, STR_A(expiry));
        check_names(l, b, s, pem);
        check_staple(l, b, s, pem);
    }
}


void
lint_certificate(struct lint *l)
{
    lint_each_block(l, IN_SERVER, check_server);
}
