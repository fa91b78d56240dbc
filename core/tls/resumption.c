/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last session of each key; the longest unused one goes for a new one.
 */
#include "core/tls/resumption.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "core/tls/sleep.h"

enum { BUCKETS = 512, KEPT_MAX = 2048 };

struct kept {
    struct list  place; /* the one used last first                           */
    struct kept *next;  /* in the bucket                                     */
    SSL_SESSION *session;
    size_t       n; /* bytes of the key                                  */
    char         key[];
};

/* Of the process. */
static struct kept *buckets[BUCKETS];
static struct list  all = { &all, &all };
static size_t       n_kept;


static struct kept **
find(str_t key)
{
    struct kept **at = &buckets[str_hash(key) % BUCKETS];

    while (*at != NULL && !str_eq((str_t){ (*at)->key, (*at)->n }, key))
        at = &(*at)->next;
    return at;
}


static void
drop(struct kept **at)
{
    struct kept *k = *at;

    *at = k->next;
    list_remove(&k->place);
    SSL_SESSION_free(k->session);
    free(k);
    n_kept--;
}


static void
make_room(void)
{
    struct kept *last;

    if (n_kept < KEPT_MAX)
        return;
    last = list_entry(all.prev, struct kept, place);
    drop(find((str_t){ last->key, last->n }));
}


static void
keep(str_t key, SSL_SESSION *session)
{
    struct kept **at = find(key), *k;

    if (*at != NULL) {
        SSL_SESSION_free((*at)->session);
        (*at)->session = session;
        return;
    }
    make_room();
    k = malloc(sizeof(*k) + key.n);
    if (k == NULL)
        check_memory(sizeof(*k) + key.n);
    k->session = session;
    k->n = key.n;
    memcpy(k->key, key.p, key.n);
    at = &buckets[str_hash(key) % BUCKETS];
    k->next = *at;
    *at = k;
    list_insert(&all, &k->place);
    n_kept++;
}


void
tls_resumption_keep(struct conn *c)
{
    struct tls  *t = c->tls;
    SSL_SESSION *session;

    if (t->key.p == NULL || t->is_kept || !t->is_open || t->is_broken)
        return;
    session = SSL_get1_session(tls_awake(t));
    t->is_kept = session != NULL && SSL_SESSION_is_resumable(session);
    if (t->is_kept)
        keep(t->key, session);
    else
        SSL_SESSION_free(session);
}


void
tls_resume(struct conn *c, str_t key)
{
    struct tls  *t = c->tls;
    const size_t id_n = sizeof(t->context->id);
    char        *own = malloc(id_n + key.n);
    struct kept *k;

    if (own == NULL)
        check_memory(id_n + key.n);
    memcpy(own, t->context->id, id_n);
    memcpy(own + id_n, key.p, key.n);
    t->key = (str_t){ own, id_n + key.n };
    k = *find(t->key);
    if (k == NULL)
        return;
    list_remove(&k->place);
    list_insert(&all, &k->place);
    (void) SSL_set_session(tls_awake(t), k->session);
    ERR_clear_error();
}


void
tls_resumption_drop(struct conn *c)
{
    struct kept **at;

    if (c->tls == NULL || c->tls->key.p == NULL)
        return;
    c->tls->is_kept = true; /* not again */
    at = find(c->tls->key);
    if (*at != NULL)
        drop(at);
}
