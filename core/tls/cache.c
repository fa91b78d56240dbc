/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last ones that were used.  An entry is trusted for the valid time; then
 * its files are looked at, and read again if they have changed.
 */
#include "core/tls/cache.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/list.h"
#include "core/base/number.h"
#include "core/os/clock.h"
#include "core/tls/context.h"
#include "core/tls/error.h"
#include "core/tls/files.h"
#include "core/tls/renewal.h"

enum { ID = 32, BUCKETS = 256 };

struct tls_identity {
    X509 *x;
    STACK_OF(X509) * above;
    EVP_PKEY *key;
    unsigned  refs;
};

struct entry {
    struct list          link; /* the one used last first                    */
    struct entry        *next; /* in its bucket                              */
    struct tls_identity *identity;
    struct arena        *arena; /* that this lies in                         */
    str_t                paths[2];
    struct tls_mark      marks[2];
    msec_t               checked_at, used_at;
    uint8_t              id[ID]; /* of the names: there may be keys in these */
};

struct tls_pair_cache {
    uint64_t      max;
    msec_t        inactive, valid;
    uint64_t      n; /* in this process                                      */
    struct list   entries;
    struct entry *buckets[BUCKETS];
};


/* --- identities ------------------------------------------------------------------ */

void
tls_identity_put(struct tls_identity *i)
{
    if (--i->refs != 0)
        return;
    X509_free(i->x);
    sk_X509_pop_free(i->above, X509_free);
    EVP_PKEY_free(i->key);
    free(i);
}


bool
tls_identity_use(SSL *ssl, const struct tls_identity *i)
{
    return SSL_use_certificate(ssl, i->x) == 1
           && SSL_set1_chain(ssl, i->above) == 1
           && SSL_use_PrivateKey(ssl, i->key) == 1;
}


static struct tls_identity *
new_identity(const struct tls_pair *p)
{
    const unsigned char *at = (const unsigned char *) p->key.p;
    struct tls_identity *i = calloc(1, sizeof(*i));

    if (i == NULL)
        check_memory(sizeof(*i));
    i->refs = 1;
    i->above = sk_X509_new_null();
    if (i->above == NULL)
        check_memory(sizeof(i->above));
    i->x = tls_chain_read(p->chain, i->above);
    i->key = d2i_AutoPrivateKey(NULL, &at, (long) p->key.n);
    if (i->x != NULL && i->key != NULL)
        return i;
    tls_identity_put(i);
    return NULL;
}


/* --- the cache -------------------------------------------------------------------- */

static struct entry **
bucket_of(struct tls_pair_cache *c, const uint8_t *id)
{
    return &c->buckets[id[0] % BUCKETS];
}


static struct entry *
find(struct tls_pair_cache *c, const uint8_t *id)
{
    struct entry *e = *bucket_of(c, id);

    while (e != NULL && memcmp(e->id, id, ID) != 0)
        e = e->next;
    return e;
}


static void
drop(struct tls_pair_cache *c, struct entry *e)
{
    struct entry **at = bucket_of(c, e->id);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_remove(&e->link);
    c->n--;
    tls_identity_put(e->identity);
    arena_free(e->arena);
}


static struct entry *
last(struct tls_pair_cache *c)
{
    return list_empty(&c->entries)
               ? NULL
               : list_entry(c->entries.prev, struct entry, link);
}


static void
drop_unused(struct tls_pair_cache *c, msec_t now)
{
    struct entry *e;

    while ((e = last(c)) != NULL && now - e->used_at > c->inactive)
        drop(c, e);
}


/* The generation ends. */
static void
drop_all(void *arg)
{
    struct tls_pair_cache *c = arg;

    while (last(c) != NULL)
        drop(c, last(c));
}


static void
add(struct tls_pair_cache *c, const uint8_t *id, const struct tls_pair *p,
    const struct tls_mark marks[2], struct tls_identity *i)
{
    struct arena *a = arena_new(512);
    struct entry *e = arena_make(a, struct entry);

    if (c->n >= c->max)
        drop(c, last(c));
    e->arena = a;
    e->paths[0] = str_copy(a, p->path);
    e->paths[1] = str_copy(a, p->key_path);
    memcpy(e->marks, marks, sizeof(e->marks));
    memcpy(e->id, id, ID);
    e->checked_at = e->used_at = clock_ms();
    e->identity = i;
    i->refs++;
    e->next = *bucket_of(c, id);
    *bucket_of(c, id) = e;
    list_insert(&c->entries, &e->link);
    c->n++;
}


static bool
is_fresh(const struct tls_pair_cache *c, struct entry *e, msec_t now)
{
    if (now - e->checked_at <= c->valid)
        return true;
    e->checked_at = now;
    return tls_mark_is(&e->marks[0], e->paths[0])
           && tls_mark_is(&e->marks[1], e->paths[1]);
}


static struct tls_identity *
take(struct tls_pair_cache *c, const uint8_t *id)
{
    msec_t        now = clock_ms();
    struct entry *e;

    drop_unused(c, now);
    e = find(c, id);
    if (e == NULL)
        return NULL;
    if (!is_fresh(c, e, now)) {
        drop(c, e);
        return NULL;
    }
    e->used_at = now;
    list_remove(&e->link);
    list_insert(&c->entries, &e->link);
    e->identity->refs++;
    return e->identity;
}


/* Of the names, and of the passwords that the key is tried with. */
static void
identify(uint8_t id[ID], const struct tls_settings *s, str_t certificate,
         str_t key)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    struct {
        size_t      n;
        const void *passwords;
    } head = { certificate.n, s->passwords.list.at };

    CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
          && EVP_DigestUpdate(md, &head, sizeof(head)) == 1
          && EVP_DigestUpdate(md, certificate.p, certificate.n) == 1
          && EVP_DigestUpdate(md, key.p, key.n) == 1
          && EVP_DigestFinal_ex(md, id, NULL) == 1);
    EVP_MD_CTX_free(md);
}


struct tls_identity *
tls_identity_get(const struct tls_settings *s, struct arena *a,
                 str_t certificate, str_t key, char *why)
{
    struct tls_identity *i = NULL;
    struct tls_mark      marks[2];
    struct tls_pair      p = { .unit = 0 };
    uint8_t              id[ID];
    char                 reasons[TLS_ERROR_TEXT];

    if (s->pair_cache != NULL) {
        identify(id, s, certificate, key);
        i = take(s->pair_cache, id);
    }
    if (i != NULL)
        return i;
    tls_pair_marks(a, s->folder, certificate, key, marks);
    if (!tls_pair_load(a, s->folder, certificate, key, &s->passwords, &p, why))
        return NULL;
    i = new_identity(&p);
    if (i == NULL)
        snprintf(why, TLS_WHY_MAX, "d2i_X509(\"" STR_F "\") failed%s",
                 STR_A(p.path), tls_error_text(reasons, sizeof(reasons)));
    else if (s->pair_cache != NULL)
        add(s->pair_cache, id, &p, marks, i);
    ERR_clear_error();
    return i;
}


/* --- configuration ----------------------------------------------------------------- */

static bool
parse_word(struct tls_pair_cache *c, str_t word)
{
    str_t value;

    if (conf_param(word, "max", &value))
        return number_parse(value, INT32_MAX, &c->max) && c->max != 0;
    if (conf_param(word, "inactive", &value))
        return number_time(value, false, &c->inactive);
    if (conf_param(word, "valid", &value))
        return number_time(value, false, &c->valid);
    return false;
}


static const char *
parse_cache(struct conf *cf, void *field)
{
    struct tls_pair_cache **out = field, *c;

    *out = NULL;
    if (cf->n_args == 2 && str_is(cf->args[1], "off"))
        return NULL;
    c = arena_make(cf->arena, struct tls_pair_cache);
    c->inactive = 10000;
    c->valid = 60000;
    list_init(&c->entries);
    for (unsigned i = 1; i < cf->n_args; i++)
        if (!parse_word(c, cf->args[i]))
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
    if (c->max == 0)
        return conf_error(cf, "\"" STR_F "\" must have the \"max\" parameter",
                          STR_A(cf->args[0]));
    arena_defer(cf->arena, drop_all, c);
    *out = c;
    return NULL;
}


const struct conf_type conf_tls_pair_cache = {
    .name = "certificate cache",
    .size = sizeof(struct tls_pair_cache *),
    .parse = parse_cache,
    .syntax = "off | max=number [inactive=time] [valid=time]",
};
