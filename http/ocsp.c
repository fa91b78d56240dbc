/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One certificate of the chain after the other: out of the cache, or by asking.
 * The first one that is not good ends it, and is remembered with the connection
 * (tls_refuse).  Of all handshakes of a server that want to know the same at a
 * time, the first one asks; the last one that waits for the answer may cancel
 * it.
 */
#include "http/ocsp.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "core/tls/error.h"
#include "core/tls/kept.h"
#include "core/tls/tls.h"
#include "http/main.h"
#include "http/responder.h"
#include "http/tls.h"

enum { UNNAMED = 3600 }; /* seconds that an answer is kept which has no end  */

/* A question that is under way, in the arena of its ask. */
struct asking {
    struct list               link; /* of all in the process                 */
    struct list               waiters;
    const struct http_server *server;
    struct responder_ask     *ask;
    char                      id[TLS_KEPT_ID];
};

struct http_ocsp {
    struct http_conn          *h;
    struct arena              *arena;
    const struct tls_settings *settings;
    STACK_OF(X509) * chain;         /* the client's first, to the trusted  */
    int                   at;       /* which of them                       */
    int                   end;      /* behind the last one to be checked   */
    struct ocsp_question  question; /* about it                         */
    struct responder_ask *ask;      /* under way, or just over; or NULL    */
    struct asking        *asking;   /* the same, until it is over          */
    struct list           link;     /* of its waiters                      */
    struct post           wake;
};

static struct list all_asking = { &all_asking, &all_asking };


/* --- whom it is about --------------------------------------------------------- */

/* Of a resumed session, the chain is built again. */
static STACK_OF(X509) * build_chain(SSL *ssl)
{
    X509_STORE_CTX *v = X509_STORE_CTX_new();
    X509_STORE     *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    STACK_OF(X509) *between = tls_peer_between(ssl), *chain = NULL;

    if (v == NULL)
        check_memory(1);
    if (X509_STORE_CTX_init(v, store, SSL_get0_peer_certificate(ssl), between)
            == 1
        && X509_STORE_CTX_set_default(v, "ssl_client") == 1
        && X509_verify_cert(v) == 1)
        chain = X509_STORE_CTX_get1_chain(v);
    X509_STORE_CTX_free(v);
    sk_X509_pop_free(between, X509_free);
    return chain;
}


static STACK_OF(X509) * chain_of(SSL *ssl)
{
    STACK_OF(X509) *verified = SSL_get0_verified_chain(ssl);

    return verified != NULL ? X509_chain_up_ref(verified) : build_chain(ssl);
}


/* Who was waiting goes. */
static void
leave(struct http_ocsp *o)
{
    struct asking *a = o->asking;

    list_remove(&o->link);
    o->asking = NULL;
    if (!list_empty(&a->waiters))
        return;
    list_remove(&a->link);
    responder_cancel(a->ask);
}


static void
end(struct http_ocsp *o)
{
    o->h->ocsp = NULL;
    post_cancel(&o->wake);
    if (o->asking != NULL)
        leave(o);
    sk_X509_pop_free(o->chain, X509_free);
    arena_free(o->arena);
}


void
http_ocsp_cancel(struct http_conn *h)
{
    if (h->ocsp != NULL)
        end(h->ocsp);
}


static enum step
refuse(struct http_ocsp *o, const char *why)
{
    tls_refuse(&o->h->conn, why);
    end(o);
    return STEP_NEXT;
}


static enum step
has_failed(struct http_ocsp *o)
{
    return refuse(o, "certificate status request failed");
}


/* --- the cache ------------------------------------------------------------------ */

/* Of the certificate, and of all that the answer depends on: as it was when the
 * handshake began, as authorities may be renewed meanwhile. */
static str_t
id_of(const struct http_ocsp *o, char *out)
{
    uint8_t both[64];

    memcpy(both, o->question.id, 32);
    memcpy(both + 32, tls_context_of(&o->h->conn)->verify_id, 32);
    CHECK(EVP_Digest(both, sizeof(both), (unsigned char *) out, NULL,
                     EVP_sha256(), NULL)
          == 1);
    return (str_t){ out, TLS_KEPT_ID };
}


static struct zone *
cache_of(const struct http_ocsp *o)
{
    return o->settings->statuses != NULL ? o->settings->statuses->zone : NULL;
}


static bool
find_kept(const struct http_ocsp *o, enum ocsp_status *status)
{
    struct zone *z = cache_of(o);
    char         id[TLS_KEPT_ID], byte;

    if (z == NULL
        || tls_kept_get(z, id_of(o, id), time(NULL), &byte, sizeof(byte)) != 1)
        return false;
    *status = (unsigned char) byte;
    return true;
}


/* What is unknown may become known any time. */
static void
keep(const struct http_ocsp *o, const struct ocsp_answer *a)
{
    struct zone *z = cache_of(o);
    char         id[TLS_KEPT_ID], byte = (char) a->status;

    if (z != NULL && a->status != OCSP_UNKNOWN)
        (void) tls_kept_put(z, id_of(o, id), (str_t){ &byte, sizeof(byte) },
                            a->until != 0 ? a->until : time(NULL) + UNNAMED);
}


/* --- one after the other -------------------------------------------------------- */

static enum step
take_status(struct http_ocsp *o, enum ocsp_status status)
{
    switch (status) {
    case OCSP_GOOD:
        o->at++;
        return STEP_WAIT;
    case OCSP_REVOKED:
        return refuse(o, "certificate revoked");
    case OCSP_UNKNOWN:
        break;
    }
    return refuse(o, "certificate status unknown");
}


static void
go_on(struct post *p)
{
    struct http_ocsp *o = container_of(p, struct http_ocsp, wake);
    struct event     *e = &o->h->conn.event;

    e->on_read(e);
}


/* The answer is looked at when each connection has its turn, which is in this
 * one of the loop. */
static void
on_done(struct responder_ask *a)
{
    struct asking *it = a->owner;
    struct list   *l;

    list_remove(&it->link);
    while ((l = list_pop(&it->waiters)) != NULL) {
        struct http_ocsp *o = container_of(l, struct http_ocsp, link);

        o->asking = NULL;
        post_add(a->task.loop, &o->wake);
    }
}


/* ... if somebody has asked already; with its id. */
static struct asking *
find_asking(const struct http_ocsp *o, const char *id)
{
    LIST_EACH(&all_asking, l) {
        struct asking *a = container_of(l, struct asking, link);

        if (a->server == o->h->server && memcmp(a->id, id, sizeof(a->id)) == 0)
            return a;
    }
    return NULL;
}


static struct asking *
ask(struct http_ocsp *o, const struct ocsp_responder *to, const char *id)
{
    struct http_conn     *h = o->h;
    struct responder_ask *by = responder_ask(h->address->gen, h->server->conf,
                                             &h->conn.log, to,
                                             o->question.request, false);
    struct asking        *a = arena_make(by->task.arena, struct asking);

    by->owner = a;
    by->on_done = on_done;
    a->ask = by;
    a->server = h->server;
    memcpy(a->id, id, sizeof(a->id));
    list_init(&a->waiters);
    list_append(&all_asking, &a->link);
    return a;
}


static void
wait_for(struct http_ocsp *o, struct asking *a)
{
    o->asking = a;
    o->ask = a->ask;
    list_append(&a->waiters, &o->link);
}


static const struct ocsp_responder *
find_responder(struct http_ocsp *o)
{
    const struct log      *log = &o->h->conn.log;
    struct ocsp_responder *found;
    const char            *error;
    str_t                  url;

    if (o->settings->ocsp_responder != NULL)
        return o->settings->ocsp_responder;
    url = ocsp_responder_url(o->arena, sk_X509_value(o->chain, o->at));
    if (url.n == 0) {
        log_error(log, "no OCSP responder URL in certificate");
        return NULL;
    }
    found = arena_make(o->arena, struct ocsp_responder);
    error = ocsp_responder_parse(o->arena, url, 0, found);
    if (error == NULL)
        return found;
    log_error(log, "%s in certificate", error);
    return NULL;
}


/* Asks about the certificate, unless that is known already. */
static enum step
check_next(struct http_ocsp *o)
{
    struct http_conn            *h = o->h;
    const struct ocsp_responder *to;
    enum ocsp_status             status;
    struct asking               *a;
    char                         id[TLS_KEPT_ID];

    if (!ocsp_question(o->arena, sk_X509_value(o->chain, o->at),
                       sk_X509_value(o->chain, o->at + 1), &o->question))
    {
        tls_error_log(&h->conn.log, LEVEL_ERROR, 0, "OCSP_cert_to_id() failed");
        return has_failed(o);
    }
    if (find_kept(o, &status))
        return take_status(o, status);
    (void) id_of(o, id);
    a = find_asking(o, id);
    if (a == NULL) {
        to = find_responder(o);
        if (to == NULL)
            return has_failed(o);
        a = ask(o, to, id);
    }
    wait_for(o, a);
    return STEP_WAIT;
}


/* What was asked has an answer, or has failed (logged). */
static enum step
take_answer(struct http_ocsp *o)
{
    SSL                  *ssl = tls_ssl(&o->h->conn);
    struct responder_ask *a = o->ask;
    struct ocsp_answer    answer;
    struct ocsp_trust     trust = {
            .by = OCSP_BY_ISSUER,
            .chain = sk_X509_dup(o->chain),
            .store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)),
    };
    bool is_good;

    if (trust.chain == NULL)
        check_memory(1);
    o->ask = NULL;
    is_good = a->answer.p != NULL
              && ocsp_answer_read(a->answer, o->question.request, &trust,
                                  &a->log, &answer);
    sk_X509_free(trust.chain);
    if (!is_good)
        return has_failed(o);
    keep(o, &answer);
    return take_status(o, answer.status);
}


static struct http_ocsp *
begin(struct http_conn *h, const struct tls_settings *s)
{
    struct arena     *a = arena_new(512);
    struct http_ocsp *o = arena_make(a, struct http_ocsp);

    o->arena = a;
    o->h = h;
    o->settings = s;
    o->wake.run = go_on;
    o->chain = chain_of(tls_ssl(&h->conn));
    if (o->chain != NULL)
        o->end = sk_X509_num(o->chain) - 1;
    if (s->ocsp == TLS_OCSP_LEAF && o->end > 1)
        o->end = 1;
    h->ocsp = o;
    return o;
}


enum step
http_ocsp_check(struct conn *c)
{
    struct http_conn          *h = http_conn_of_conn(c);
    const struct tls_settings *s = http_tls_settings(h);
    struct http_ocsp          *o = h->ocsp;
    SSL                       *ssl = tls_ssl(c);
    enum step                  step = STEP_WAIT;

    if (o == NULL) {
        if (s->ocsp == TLS_OCSP_OFF || s->verify == TLS_VERIFY_OFF
            || SSL_get0_peer_certificate(ssl) == NULL
            || tls_verify_result(c) != X509_V_OK)
            return STEP_NEXT;
        o = begin(h, s);
        if (o->chain == NULL) {
            tls_error_log(&c->log, LEVEL_ERROR, 0, "X509_verify_cert() failed");
            return has_failed(o);
        }
    }
    while (step == STEP_WAIT) {
        if (o->ask != NULL && !o->ask->is_over)
            return STEP_WAIT;
        if (o->ask != NULL)
            step = take_answer(o);
        else if (o->at < o->end)
            step = check_next(o);
        else
            break;
    }
    if (step == STEP_WAIT)
        end(o);
    return STEP_NEXT;
}
