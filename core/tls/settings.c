/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The identity of settings: equal settings share what is made of them, and
 * what was made of the same ones before a reload is used after it.
 */
#include "core/tls/settings.h"

#include <openssl/evp.h>

#include "core/tls/stapling.h"


static void
mix(EVP_MD_CTX *md, const void *p, size_t n)
{
    CHECK(EVP_DigestUpdate(md, p, n) == 1);
}


/* With its length, so that no two lists of texts are the same bytes. */
static void
mix_text(EVP_MD_CTX *md, str_t s)
{
    uint64_t n = s.n;

    mix(md, &n, sizeof(n));
    mix(md, s.p, s.n);
}


static void
mix_number(EVP_MD_CTX *md, uint64_t n)
{
    mix(md, &n, sizeof(n));
}


static void
mix_lists(EVP_MD_CTX *md, const struct tls_settings *s)
{
    mix_number(md, s->commands.list.n);
    VEC_EACH(&s->commands.list, c) {
        mix_text(md, c->key);
        mix_text(md, c->value);
    }
    mix_number(md, s->pairs.n);
    VEC_EACH(&s->pairs, p) {
        mix_text(md, p->chain);
        mix_text(md, p->key);
    }
    for (size_t i = 0; s->staples != NULL && i < s->staples->n; i++)
        mix(md, s->staples->at[i].key, sizeof(s->staples->at[i].key));
    mix_number(md, s->named.n);
    VEC_EACH(&s->named, it) {
        mix_text(md, expr_text(it->certificate));
        mix_text(md, expr_text(it->key));
        mix_number(md, (uintptr_t) it->key);
    }
    mix_number(md, (uintptr_t) s->pair_cache);
    VEC_EACH(&s->ticket_keys, k)
        mix_text(md, k->bytes);
}


/* Who answers makes a difference to what was answered. */
static void
mix_ocsp(EVP_MD_CTX *md, const struct tls_settings *s)
{
    mix_number(md, s->ocsp);
    if (s->ocsp == TLS_OCSP_OFF || s->ocsp_responder == NULL)
        return;
    mix_text(md, s->ocsp_responder->host);
    mix_number(md, s->ocsp_responder->port);
    mix_text(md, s->ocsp_responder->target);
}


/* Whether clients have to have a certificate makes no difference to one that
 * they have. */
static void
seal_verify(struct tls_settings *s)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    mix_number(md, s->verify != TLS_VERIFY_OFF);
    mix_number(md, s->depth);
    mix_text(md, s->client_ca.bytes);
    mix_text(md, s->trusted.bytes);
    mix_text(md, s->crl.bytes);
    mix_ocsp(md, s);
    CHECK(EVP_DigestFinal_ex(md, s->verify_id, NULL) == 1);
    EVP_MD_CTX_free(md);
}


/* Two files that have the same bytes may be renewed by others. */
static void
seal_verify_files(struct tls_settings *s)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    mix_text(md, s->client_ca.path);
    mix_text(md, s->trusted.path);
    mix_text(md, s->crl.path);
    CHECK(EVP_DigestFinal_ex(md, s->verify_files_id, NULL) == 1);
    EVP_MD_CTX_free(md);
}


void
tls_settings_seal(struct tls_settings *s)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    seal_verify_files(s);
    CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    mix_number(md, s->is_server);
    mix_number(md, s->protocols);
    mix_number(md, s->prefers_server_ciphers);
    mix_number(md, s->verify);
    mix_number(md, s->depth);
    mix_number(md, s->cache);
    mix_number(md, s->cache_size);
    mix_text(md, s->zone != NULL ? s->zone->name : STR_NONE);
    mix_number(md, s->session_timeout);
    mix_number(md, s->has_tickets);
    mix_number(md, s->takes_early_data);
    mix_number(md, s->has_threads);
    mix_number(md, s->buffer_size);
    mix_text(md, s->ciphers);
    mix_text(md, s->curves);
    mix_text(md, s->dhparam.bytes);
    mix_text(md, s->staple.bytes);
    mix_number(md, s->has_certificate_compression);
    mix_text(md, s->client_ca.bytes);
    mix_text(md, s->trusted.bytes);
    mix_text(md, s->crl.bytes);
    if (s->verify != TLS_VERIFY_OFF)
        mix(md, s->verify_files_id, sizeof(s->verify_files_id));
    mix_text(md, s->key_log);
    mix_ocsp(md, s);
    mix_lists(md, s);
    CHECK(EVP_DigestFinal_ex(md, s->id, NULL) == 1);
    EVP_MD_CTX_free(md);
    seal_verify(s);
}
