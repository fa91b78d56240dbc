/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys come from OpenSSL's provider, whose RSA objects have the default method
 * of the process.  That is replaced by ours, which does the same things with
 * the same functions, elsewhere.  (A method for single keys would make these
 * foreign to the provider, which then knows no RSA key exchange with them.)
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RSA_METHOD; providers have no equal */

#include "core/tls/async.h"

#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "core/event/pool.h"
#include "core/tls/early.h"
#include "core/tls/sleep.h"
#include "core/tls/slot.h"

/* Operations under way in a process, each with a stack, which is kept for the
 * next one: 8 MB.  Where there are more,
 * they are done at once, as without threads: clients wait in any case. */
enum { OPS_MAX = 256 };

typedef int rsa_fn(int n, const unsigned char *from, unsigned char *to,
                   RSA *rsa, int padding);

struct tls_op {
    struct job           job;
    struct post          wake;
    struct conn         *conn; /* NULL: it was closed, and what follows is to be
                                  freed                                      */
    SSL                 *ssl;
    struct tls_context  *context;
    rsa_fn              *run;
    int                  n, padding;
    const unsigned char *from;
    unsigned char       *to;
    RSA                 *rsa;
    int                  result;
    unsigned long        error; /* OpenSSL's, of the thread                  */
    bool                 is_done;
};

/* Of the loop's thread. */
static struct conn *shaking; /* whose handshake may run as a job             */
static unsigned     n_ops;


/* --- an operation ----------------------------------------------------------------- */

/* The connection was closed: the operation fails, and the handshake with it. */
static void
end(struct tls_op *op)
{
    SSL                *ssl = op->ssl;
    struct tls_context *context = op->context;

    (void) SSL_do_handshake(ssl); /* op is gone */
    CHECK(!SSL_waiting_for_async(ssl));
    ERR_clear_error();
    SSL_free(ssl);
    tls_context_put(context);
}


static void
work(struct job *j)
{
    struct tls_op *op = container_of(j, struct tls_op, job);

    op->result = op->run(op->n, op->from, op->to, op->rsa, op->padding);
    if (op->result <= 0)
        op->error = ERR_peek_last_error();
    ERR_clear_error();
}


static void
done(struct job *j)
{
    struct tls_op *op = container_of(j, struct tls_op, job);

    op->is_done = true;
    if (op->conn != NULL)
        post_add(op->conn->loop, &op->wake);
    else
        end(op);
}


static void
go_on(struct post *p)
{
    struct event *e = &container_of(p, struct tls_op, wake)->conn->event;

    e->on_read(e);
}


/* Has it done by a thread.  False: there is none for it. */
static bool
hand_over(struct tls_op *op)
{
    struct conn *c = op->conn;

    if (!pool_submit(c->tls->threads, &op->job))
        return false;
    n_ops++;
    c->tls->op = op;
    CHECK(ASYNC_pause_job() == 1 && op->is_done);
    n_ops--;
    if (op->conn != NULL) {
        post_cancel(&op->wake);
        c->tls->op = NULL;
        c->tls->is_signed = true;
    } else {
        op->result = -1;
    }
    if (op->error != 0)
        ERR_raise(ERR_GET_LIB(op->error), ERR_GET_REASON(op->error));
    return true;
}


static int
perform(rsa_fn *run, int n, const unsigned char *from, unsigned char *to,
        RSA *rsa, int padding)
{
    struct tls_op *op;
    int            result;

    if (shaking == NULL || ASYNC_get_current_job() == NULL || n_ops == OPS_MAX)
        return run(n, from, to, rsa, padding);
    op = malloc(sizeof(*op));
    if (op == NULL)
        check_memory(sizeof(*op));
    *op = (struct tls_op){
        .job = { .work = work, .done = done },
        .wake = { .run = go_on },
        .conn = shaking,
        .run = run,
        .n = n,
        .from = from,
        .to = to,
        .rsa = rsa,
        .padding = padding,
    };
    if (!hand_over(op))
        op->result = run(n, from, to, rsa, padding);
    result = op->result;
    free(op);
    return result;
}


static int
sign(int n, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
    return perform(RSA_meth_get_priv_enc(RSA_PKCS1_OpenSSL()), n, from, to, rsa,
                   padding);
}


static int
decrypt(int n, const unsigned char *from, unsigned char *to, RSA *rsa,
        int padding)
{
    return perform(RSA_meth_get_priv_dec(RSA_PKCS1_OpenSSL()), n, from, to, rsa,
                   padding);
}


/* --- a handshake ------------------------------------------------------------------ */

/* As SSL_CTX_set_cert_cb has it: -1 ends the call of OpenSSL, and the next one
 * comes here again. */
static int
on_certificate(SSL *ssl, void *arg)
{
    struct conn *c = SSL_get_app_data(ssl);
    struct tls  *t = c->tls;

    (void) arg;
    if (t->in_job)
        return 1;
    if (t->server != NULL && !tls_context_name(ssl, t->context))
        return 0;
    if (SSL_session_reused(ssl))
        return 1; /* nothing is signed */
    t->in_job = true;
    return -1;
}


void
tls_async_start(struct conn *c, struct pool *threads)
{
    c->tls->threads = threads;
    if (threads != NULL)
        SSL_set_cert_cb(tls_awake(c->tls), on_certificate, NULL);
}


static int
shake(struct conn *c, const char **what)
{
    struct slot *before = slot_use(slot_of(c->tls->handle));
    int          rc;

    shaking = c;
    rc = tls_early_shake(c->tls, what);
    shaking = NULL;
    (void) slot_use(before);
    return rc;
}


int
tls_async_shake(struct conn *c, const char **what)
{
    struct tls *t = c->tls;
    bool        was_in_job = t->in_job;
    int         rc = shake(c, what);

    if (t->in_job && !was_in_job) {
        SSL_set_mode(tls_awake(t), SSL_MODE_ASYNC);
        rc = shake(c, what);
    }
    if (t->op != NULL || !t->in_job)
        return rc;
    if (rc == -1 && SSL_get_error(tls_awake(t), rc) == SSL_ERROR_WANT_ASYNC_JOB)
    {
        SSL_clear_mode(tls_awake(t),
                       SSL_MODE_ASYNC); /* there is no memory for it */
        return shake(c, what);
    }
    if (rc == 1 || t->is_signed)
        SSL_clear_mode(tls_awake(t), SSL_MODE_ASYNC);
    return rc;
}


bool
tls_async_waits(const struct tls *t)
{
    return t->op != NULL && !t->op->is_done;
}


void
tls_async_leave(struct conn *c)
{
    struct tls    *t = c->tls;
    struct tls_op *op = t->op;

    wire_bio_leave(SSL_get_rbio(tls_awake(t)));
    SSL_set_app_data(tls_awake(t), NULL);
    post_cancel(&op->wake);
    op->conn = NULL;
    op->ssl = tls_awake(t);
    op->context = t->context;
    t->handle = NULL;
    t->context = NULL;
    t->op = NULL;
    if (op->is_done)
        end(op);
}


/* --- the process ------------------------------------------------------------------ */

bool
tls_async_is_possible(void)
{
    return ASYNC_is_capable();
}


void
tls_async_use(void)
{
    static RSA_METHOD *method;

    if (method != NULL)
        return;
    method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    /* One more: that in which it is noticed that there are enough. */
    if (method == NULL || ASYNC_init_thread(OPS_MAX + 1, 0) != 1)
        check_memory(1);
    RSA_meth_set_priv_enc(method, sign);
    RSA_meth_set_priv_dec(method, decrypt);
    RSA_set_default_method(method);
}


void
tls_async_stop(void)
{
    ASYNC_cleanup_thread();
}
