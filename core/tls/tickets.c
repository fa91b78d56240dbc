/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session tickets (RFC 5077 4): a session that the client keeps for us,
 * encrypted by AES in CBC mode and authenticated by HMAC-SHA256.
 *
 * Without key files, the keys are in memory that all workers share: any of them
 * reads the tickets of the others.  Who makes a ticket after a key's time is
 * over puts a new one in front; the last ones are still read.
 */
#include "core/tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <time.h>

#include "core/shm/registry.h"
#include "core/tls/context.h"

enum { TURN_SECONDS = 4 * 3600, KEPT = 4, SMALL = 48, LARGE = 80 };

/* LAYOUT changes with struct shared_keys. */
enum { LAYOUT = 1, ZONE_SIZE = 4 * ZONE_PAGE };

/* Of the process, in memory that its workers share; another binary goes on
 * with them. */
struct shared_keys {
    time_t                made_at; /* keys[0]                                */
    unsigned              n;
    struct tls_ticket_key keys[KEPT]; /* the newest first                    */
};

static struct zone        *zone;
static struct shared_keys *shared;


static bool
init(struct zone *z)
{
    struct shared_keys *keys = zone_alloc(z, sizeof(*keys));

    if (keys == NULL)
        return false;
    *keys = (struct shared_keys){ .n = 0 };
    zone_set_root(z, keys);
    return true;
}


bool
tls_tickets_init(void)
{
    static const struct zone_use use
        = { .name = "tls tickets", .version = LAYOUT, .init = init };

    if (zone == NULL)
        zone = zone_own("(tls tickets)", ZONE_SIZE, &use, &log_start);
    if (zone == NULL)
        return false;
    shared = zone_root(zone);
    return true;
}


/* Keys that a process was changing when it died are given up. */
static void
lock(void)
{
    if (!zone_lock(zone))
        shared->n = 0;
}


bool
tls_ticket_key_read(str_t bytes, struct tls_ticket_key *out)
{
    *out = (struct tls_ticket_key){ .size = 32 };
    if (bytes.n == SMALL) {
        out->size = 16;
        memcpy(out->name, bytes.p, 16);
        memcpy(out->aes, bytes.p + 16, 16);
        memcpy(out->hmac, bytes.p + 32, 16);
        return true;
    }
    if (bytes.n != LARGE)
        return false;
    memcpy(out->name, bytes.p, 16);
    memcpy(out->hmac, bytes.p + 16, 32);
    memcpy(out->aes, bytes.p + 48, 32);
    return true;
}


static bool
fill(struct tls_ticket_key *k)
{
    k->size = sizeof(k->aes);
    return RAND_bytes(k->name, sizeof(k->name)) == 1
           && RAND_priv_bytes(k->hmac, sizeof(k->hmac)) == 1
           && RAND_priv_bytes(k->aes, sizeof(k->aes)) == 1;
}


/* The key for new tickets, made where there is none or its time is over. */
static bool
shared_newest(struct tls_ticket_key *out)
{
    time_t now = time(NULL);
    bool   ok = true;

    lock();
    if (shared->n == 0 || now - shared->made_at >= TURN_SECONDS
        || now < shared->made_at)
    {
        struct tls_ticket_key fresh;

        ok = fill(&fresh);
        if (ok) {
            memmove(shared->keys + 1, shared->keys, (KEPT - 1) * sizeof(fresh));
            shared->keys[0] = fresh;
            shared->made_at = now;
            shared->n += shared->n < KEPT;
        }
        OPENSSL_cleanse(&fresh, sizeof(fresh));
    }
    *out = shared->keys[0];
    zone_unlock(zone);
    return ok;
}


/* The place of the key of that name, -1: there is none. */
static int
find(const struct tls_ticket_key *keys, size_t n, const unsigned char *name)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(keys[i].name, name, sizeof(keys[i].name)) == 0)
            return (int) i;
    return -1;
}


/* Finds a key; its place, or -1.  name is NULL for a new ticket. */
static int
choose(const struct tls_context *c, const unsigned char *name,
       struct tls_ticket_key *out)
{
    int i = 0;

    if (c->ticket_keys.n != 0) {
        if (name != NULL)
            i = find(c->ticket_keys.at, c->ticket_keys.n, name);
        if (i != -1)
            *out = c->ticket_keys.at[i];
        return i;
    }
    if (name == NULL)
        return shared_newest(out) ? 0 : -1;
    lock();
    i = find(shared->keys, shared->n, name);
    if (i != -1)
        *out = shared->keys[i];
    zone_unlock(zone);
    return i;
}


static bool
set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *k)
{
    char       digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, k->hmac, k->size),
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 6),
        OSSL_PARAM_END,
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}


/* As SSL_CTX_set_tlsext_ticket_key_evp_cb has it: 1, 2 for a ticket to be
 * renewed, 0 for no ticket, -1 for an error. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
    const struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct tls_ticket_key     k;
    const EVP_CIPHER         *kind;
    int                       at = choose(c, is_new ? NULL : name, &k), rc = 0;

    if (at == -1)
        return 0;
    kind = k.size == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
    if (is_new) {
        memcpy(name, k.name, sizeof(k.name));
        rc = RAND_bytes(iv, EVP_CIPHER_get_iv_length(kind)) == 1
             && EVP_EncryptInit_ex(cipher, kind, NULL, k.aes, iv) == 1;
    } else {
        rc = EVP_DecryptInit_ex(cipher, kind, NULL, k.aes, iv) == 1;
    }
    if (rc == 0 || !set_mac(mac, &k))
        rc = -1;
    else if (at != 0 || (!is_new && SSL_version(ssl) >= TLS1_3_VERSION))
        rc = 2; /* RFC 8446 C.4: clients use a ticket once                   */
    OPENSSL_cleanse(&k, sizeof(k));
    return rc;
}


void
tls_tickets_use(struct tls_context *c)
{
    if (c->ticket_keys.n == 0 && shared == NULL)
        return; /* OpenSSL's own, of this process */
    (void) SSL_CTX_set_tlsext_ticket_key_evp_cb(c->ssl, on_ticket);
}
