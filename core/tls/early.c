/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSSL has other functions for early data than for the rest; which ones are
 * right at a time is known here.  t->offers_early: SSL_read_early_data is to be
 * called until it says that there is no more; t->is_early: the connection is
 * open already, and its handshake is not over.
 */
#include "core/tls/early.h"

#include "core/os/clock.h"
#include "core/tls/note.h"
#include "core/tls/replay.h"
#include "core/tls/sleep.h"
#include "core/tls/slot.h"

enum { EARLY_MAX = 16384, RANDOM = 32 };


/* --- which early data is accepted ------------------------------------------------ */

/* As SSL_CTX_set_allow_early_data_cb has it: everything else fits already, the
 * age of the session too. */
static int
on_offer(SSL *ssl, void *arg)
{
    str_t         ours = tls_replay_instance();
    unsigned char random[RANDOM];
    str_t         maker = tls_note_get(SSL_get0_session(ssl), TLS_NOTE_MAKER);

    (void) arg;
    if (maker.n == 0 || !str_eq(maker, ours)
        || SSL_get_client_random(ssl, random, RANDOM) != RANDOM)
        return 0;
    return tls_replay_is_first((str_t){ (char *) random, RANDOM },
                               clock_fresh_ms());
}


/* A session is about to be put into a ticket, or a cache.  Where there is no room
 * for the note, it is good for all but early data. */
static int
on_ticket(SSL *ssl, void *arg)
{
    str_t ours = tls_replay_instance();

    (void) arg;
    if (ours.n != 0 && SSL_version(ssl) >= TLS1_3_VERSION)
        (void) tls_note_set(SSL_get0_session(ssl), TLS_NOTE_MAKER, ours);
    return 1;
}


void
tls_early_use(SSL_CTX *ssl)
{
    SSL_CTX_set_max_early_data(ssl, EARLY_MAX);
    /* OpenSSL's own way, sessions that serve once, knows one process only. */
    SSL_CTX_set_options(ssl, SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_allow_early_data_cb(ssl, on_offer, NULL);
    SSL_CTX_set_session_ticket_cb(ssl, on_ticket, NULL, NULL);
}


/* --- while the handshake goes on -------------------------------------------------- */

void
tls_early_start(struct tls *t, bool is_offered)
{
    t->offers_early = is_offered && SSL_get_max_early_data(tls_awake(t)) != 0;
}


int
tls_early_shake(struct tls *t, const char **what)
{
    size_t n;

    *what = "SSL_read_early_data() failed";
    if (t->offers_early)
        switch (SSL_read_early_data(tls_awake(t), &t->ahead, 1, &n)) {
        case SSL_READ_EARLY_DATA_SUCCESS:
            t->has_ahead = t->is_early = true;
            return 1;
        case SSL_READ_EARLY_DATA_FINISH:
            t->offers_early = false;
            break;
        default:
            return -1;
        }
    *what = "SSL_do_handshake() failed";
    return SSL_do_handshake(tls_awake(t));
}


static int
read_either(struct tls *t, char *out, int n)
{
    size_t got;
    int    rc;

    if (t->offers_early)
        switch (SSL_read_early_data(tls_awake(t), out, (size_t) n, &got)) {
        case SSL_READ_EARLY_DATA_SUCCESS:
            return (int) got;
        case SSL_READ_EARLY_DATA_FINISH:
            t->offers_early = false;
            break;
        default:
            return -1;
        }
    rc = SSL_read(tls_awake(t), out, n);
    t->is_early = !SSL_is_init_finished(tls_awake(t));
    return rc;
}


/* The handshake may end with it. */
static int
read_early(struct tls *t, char *out, int n)
{
    struct slot *before = slot_use(slot_of(t->handle));
    int          rc = read_either(t, out, n);

    (void) slot_use(before);
    return rc;
}


int
tls_early_read(struct tls *t, char *out, int n)
{
    if (t->has_ahead) {
        t->has_ahead = false;
        *out = t->ahead;
        return 1;
    }
    return t->is_early ? read_early(t, out, n) : SSL_read(tls_awake(t), out, n);
}


int
tls_early_peek(struct tls *t)
{
    char byte;
    int  rc;

    if (t->has_ahead)
        return 1;
    if (!t->is_early)
        return SSL_peek(tls_awake(t), &byte, 1);
    rc = read_early(t, &t->ahead, 1);
    t->has_ahead = rc > 0;
    return rc;
}


int
tls_early_write(struct tls *t, const char *p, size_t n)
{
    size_t written;

    if (!t->is_early)
        return SSL_write(tls_awake(t), p, (int) n);
    return SSL_write_early_data(tls_awake(t), p, n, &written) == 1
               ? (int) written
               : -1;
}
