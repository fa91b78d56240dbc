/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The io of a TLS connection.
 *
 * Records that OpenSSL writes are gathered between wire_enter and wire_leave,
 * which sends them (wire.c); what the socket does not take is kept with the
 * connection, at most WIRE_ENOUGH bytes and what a handshake needs.  Of the
 * chain that send() is given, bytes go only as the records that hold them do
 * (t->owed): so whoever waits for the chain to be empty waits for the socket.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/tls/async.h"
#include "core/tls/early.h"
#include "core/tls/error.h"
#include "core/tls/inside.h"
#include "core/tls/resumption.h"
#include "core/tls/sleep.h"
#include "core/tls/slot.h"
#include "core/tls/tls.h"

enum {
    HELD_MAX = 16384, /* more is sent before anything is added               */
    RECORD_MAX = 16384,
};

/* Of the process: text that is gathered, as much as is sent with one call. */
static char plain[WIRE_ENOUGH];


/* --- failures ------------------------------------------------------------------------ */

/* A call has failed: the connection is of no use any more. */
static void
break_off(struct conn *c)
{
    c->tls->is_broken = true;
    if (c->error == 0)
        c->error = EPROTO;
    ERR_clear_error();
}


/* Why a call has failed; what clients may send is not worth more than info. */
static void
log_failure(struct conn *c, int what, const char *text)
{
    enum log_level level = c->is_client ? LEVEL_INFO : LEVEL_ERROR;

    if (what == SSL_ERROR_SYSCALL && c->error != 0) {
        ERR_clear_error();
        conn_log_error(c, c->error, text);
        return;
    }
    if (tls_error_is_ours())
        level = LEVEL_ALERT;
    tls_error_log(c->lines, level, 0, text);
}


/* --- the handshake -------------------------------------------------------------------- */

static void
attach(struct conn *c, struct tls_context *context)
{
    struct tls *t = c->tls;
    BIO        *b = wire_bio_new(c);

    t->context = tls_context_hold(context);
    t->handle = slot_ssl_new(context->ssl);
    if (t->handle == NULL)
        check_memory(1);
    SSL_set_app_data(tls_awake(t), c);
    SSL_set_bio(tls_awake(t), b, b);
}


/* Instead of a handshake. */
static void
send_alert(struct conn *c, enum tls_alert alert)
{
    const char record[] = { 21, 3, 3, 0, 2, 2, (char) alert };

    wire_alert(c, record, sizeof(record));
}


/* No session is resumed for another name than that which it was made for,
 * where clients are verified. */
static void
bind_session(struct tls *t)
{
    unsigned char id[32];
    char          name[256];
    uint64_t      digest;

    if (t->context->verify == TLS_VERIFY_OFF)
        return;
    memcpy(id, t->context->id, sizeof(id));
    CHECK(t->name.n <= sizeof(name));
    str_lower_to(name, t->name);
    digest = str_mix(str_mix(0, (str_t){ (char *) id, sizeof(id) }),
                     (str_t){ name, t->name.n });
    memcpy(id, &digest, sizeof(digest));
    SSL_set_session_id_context(tls_awake(t), id, sizeof(id));
}


/* The server is known, or nobody is there. */
static enum step
begin(struct conn *c, const struct tls_hello *hello)
{
    struct tls         *t = c->tls;
    enum tls_alert      alert = TLS_ALERT_INTERNAL_ERROR;
    struct tls_context *context;
    char               *name;

    context = t->server->choose(c, hello, &alert);
    if (context == NULL) {
        tls_count_failure();
        send_alert(c, alert);
        break_off(c);
        return STEP_FAIL;
    }
    if (hello->name.p != NULL) {
        name = malloc(hello->name.n);
        if (name == NULL)
            check_memory(hello->name.n);
        memcpy(name, hello->name.p, hello->name.n);
        t->name = (str_t){ name, hello->name.n };
    }
    attach(c, context);
    bind_session(t);
    SSL_set_accept_state(tls_awake(t));
    if (t->server->threads != NULL)
        tls_async_start(c, t->server->threads(c));
    tls_early_start(t, hello->has_early);
    t->awaits_status = hello->wants_status && t->server->status != NULL;
    return STEP_NEXT;
}


/* SSLv2 or TLS; any other first byte is taken for one of plain text. */
static bool
is_tls(char first)
{
    return first == 22 || ((unsigned char) first & 0x80);
}


/* Waits for the ClientHello. */
static enum step
read_hello(struct conn *c)
{
    static char      flat[TLS_HELLO_MAX];
    struct tls      *t = c->tls;
    struct tls_hello hello = { STR_NONE, STR_NONE, false, false };
    enum parse       parsed = PARSE_AGAIN;
    ssize_t          n = 1;

    if (t->in_n == 0)
        n = c->event.readable ? wire_receive(c) : CONN_AGAIN;
    for (;;) {
        if (n == CONN_AGAIN) {
            wire_drop_in(t);
            return STEP_WAIT;
        }
        if (n <= 0) {
            if (t->in_n != 0)
                tls_count_failure();
            conn_log_error(c, n == 0 ? 0 : c->error,
                           "peer closed connection in SSL handshake");
            break_off(c);
            return STEP_FAIL;
        }
        if (!is_tls(t->in->data[t->in_at])) {
            t->is_plain = c->event.readable = true;
            return STEP_NEXT;
        }
        parsed = tls_hello_parse((str_t){ t->in->data + t->in_at, t->in_n },
                                 flat, &hello);
        if (parsed != PARSE_AGAIN || t->in_at + t->in_n == WIRE_IN)
            break;
        n = c->event.readable ? wire_receive(c) : CONN_AGAIN;
    }
    return begin(c, &hello);
}


/* Alerts of servers that have no certificate for whom sends no name. */
static bool
refuses_nameless(void)
{
    unsigned long code = ERR_peek_error();

    return ERR_GET_LIB(code) == ERR_LIB_SSL
           && (ERR_GET_REASON(code) == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE
               || ERR_GET_REASON(code) == SSL_R_TLSV1_UNRECOGNIZED_NAME);
}


/* The handshake has not succeeded so far; text: the call that says so. */
static enum step
not_yet(struct conn *c, int rc, const char *text)
{
    struct tls *t = c->tls;
    int         what = SSL_get_error(tls_awake(t), rc);

    if (what == SSL_ERROR_WANT_READ || tls_async_waits(t)) {
        ERR_clear_error();
        if (wire_leave(c, WIRE_NOW))
            return STEP_WAIT;
        conn_log_error(c, c->error, "send() failed");
        break_off(c);
        return STEP_FAIL;
    }
    if (t->server != NULL)
        tls_count_failure();
    else if (!t->sent_name)
        t->wants_name = refuses_nameless();
    if (what == SSL_ERROR_ZERO_RETURN || ERR_peek_error() == 0)
        conn_log_error(c, what == SSL_ERROR_SYSCALL ? c->error : 0,
                       "peer closed connection in SSL handshake");
    else
        log_failure(c, what, text);
    break_off(c);
    (void) wire_leave(c, WIRE_NOW);
    return STEP_FAIL;
}


/* Behind the handshake: what is left to be checked. */
static enum step
check_client(struct conn *c)
{
    struct tls *t = c->tls;
    enum step   s = STEP_NEXT;

    if (c->has_unsent)
        conn_flush_late(c);
    if (t->server != NULL && t->server->check != NULL)
        s = t->server->check(c);
    if (s == STEP_NEXT && (t->in_n != 0 || t->has_ahead))
        c->event.readable = true;
    return s;
}


static enum step
shake(struct conn *c)
{
    struct tls *t = c->tls;
    const char *what;
    enum step   s;
    int         rc;

    if (t->is_broken)
        return STEP_FAIL;
    if (t->is_open)
        return check_client(c);
    if (t->server != NULL)
        c->log.action = "SSL handshaking";
    if (t->handle == NULL) {
        s = t->is_plain ? STEP_NEXT : read_hello(c);
        if (s != STEP_NEXT || t->is_plain)
            return s;
    }
    if (tls_async_waits(t)
        || (t->awaits_status && t->server->status(c) == STEP_WAIT))
        return STEP_WAIT;
    t->awaits_status = false;
    wire_enter();
    rc = tls_async_shake(c, &what);
    if (rc != 1)
        return not_yet(c, rc, what);
    ERR_clear_error();
    t->is_open = true;
    sleep_watch(c);
    if (t->server != NULL)
        tls_count_success(t);
    /* What is left of it goes with the first response, or at the end of the turn:
     * a ticket that waited longer would also hold up the kernel's ACK, without
     * which many clients do not send their request (Nagle). */
    if (!wire_leave(c, c->is_client ? WIRE_LATER : WIRE_NOW)) {
        conn_log_error(c, c->error, "send() failed");
        break_off(c);
        return STEP_FAIL;
    }
    return check_client(c);
}


/* Whether the handshake waits for somebody else than the client. */
static bool
waits_for_others(const struct tls *t)
{
    return t->is_open || t->awaits_status || tls_async_waits(t);
}


/* A client that has gone is not waited with. */
static enum step
handshake_tls(struct conn *c)
{
    struct tls *t = c->tls;
    enum step   s = shake(c);

    if (s != STEP_WAIT || t->server == NULL || !c->event.hangup
        || !waits_for_others(t))
        return s;
    if (!t->is_open)
        tls_count_failure();
    conn_log_error(c, 0, "peer closed connection in SSL handshake");
    break_off(c);
    return STEP_FAIL;
}


/* --- reading ------------------------------------------------------------------------------ */

/* What was read before it was known that the connection is plain. */
static ssize_t
read_rest(struct conn *c, char *out, size_t n)
{
    struct tls *t = c->tls;

    if (t->in_n == 0)
        return conn_plain.read(c, out, n);
    if (n > t->in_n)
        n = t->in_n;
    memcpy(out, t->in->data + t->in_at, n);
    t->in_at += (uint32_t) n;
    t->in_n -= (uint32_t) n;
    wire_drop_in(t);
    c->event.readable = true;
    return (ssize_t) n;
}


/* Why nothing could be read. */
static ssize_t
read_failed(struct conn *c, int what)
{
    switch (what) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        ERR_clear_error();
        return CONN_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        ERR_clear_error();
        c->event.readable = true;
        return 0;
    default:
        log_failure(c, what, "SSL_read() failed");
        break_off(c);
        return CONN_ERROR;
    }
}


static ssize_t
read_tls(struct conn *c, char *out, size_t n)
{
    struct tls *t = c->tls;
    size_t      got = 0;
    ssize_t     result;
    int         rc = 1, what = SSL_ERROR_NONE;
    bool        has_more;
    SSL        *ssl;

    if (t->is_plain)
        return read_rest(c, out, n);
    if (t->is_broken || !t->is_open)
        return t->is_broken ? CONN_ERROR : CONN_AGAIN;
    ssl = tls_awake(t);
    wire_enter();
    do {
        rc = tls_early_read(t, out + got,
                            n - got < INT_MAX ? (int) (n - got) : INT_MAX);
        if (rc > 0)
            got += (size_t) rc;
        has_more = SSL_pending(ssl) != 0;
    } while (rc > 0 && got < n && (has_more || (t->in_n != 0 && !t->is_early)));
    if (rc <= 0)
        what = SSL_get_error(ssl, rc);
    if (got == 0) {
        result = read_failed(c, what);
    } else {
        result = (ssize_t) got;
        tls_resumption_keep(c);
        wire_note_rest(c, has_more);
        if (rc <= 0 && what != SSL_ERROR_WANT_READ)
            c->event.readable = true;
    }
    ERR_clear_error();
    if (!wire_leave(c, WIRE_NEW) && result > 0)
        c->event.readable = true;
    return result;
}


static enum probe
probe_tls(struct conn *c)
{
    struct tls *t = c->tls;
    enum probe  found = PROBE_QUIET;
    int         rc, what;

    if (t->is_plain)
        return t->in_n != 0 ? PROBE_INPUT : conn_plain.probe(c);
    if (t->is_broken)
        return PROBE_END;
    if (!t->is_open)
        return t->in_n != 0 ? PROBE_INPUT : conn_plain.probe(c);
    c->event.readable = true; /* the loop may not have told so far */
    wire_enter();
    rc = tls_early_peek(t);
    what = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(tls_awake(t), rc);
    if (rc > 0) {
        c->event.readable = true;
        found = PROBE_INPUT;
    } else if (what != SSL_ERROR_WANT_READ) {
        found = PROBE_END;
    }
    ERR_clear_error();
    return wire_leave(c, WIRE_NEW) ? found : PROBE_END;
}


/* --- writing --------------------------------------------------------------------------- */

/* A place in a chain. */
struct cursor {
    const struct piece *p;
    size_t              at; /* within it                                     */
};


static void
forward(struct cursor *k, size_t n)
{
    while (k->p != NULL && n >= k->p->n - k->at) {
        n -= k->p->n - k->at;
        k->p = k->p->next;
        k->at = 0;
    }
    k->at += n;
}


/* Reads from a file piece; 0: it cannot be read (logged). */
static size_t
read_piece(struct conn *c, const struct cursor *k, char *out, size_t n)
{
    off_t   at = k->p->at + (off_t) k->at;
    ssize_t got;

    do {
        got = pread(k->p->file->fd, out, n, at);
    } while (got == -1 && errno == EINTR);
    if (got > 0)
        return (size_t) got;
    if (got == 0)
        log_at(c->lines, LEVEL_ALERT, 0,
               "file was truncated at %lld while sending", (long long) at);
    else
        log_at(c->lines, LEVEL_CRIT, errno, "pread() failed");
    c->error = EIO;
    return 0;
}


/* The next n bytes, or fewer at the end, where a file ends early, and of a
 * piece of memory that has whole records; p is NULL where a file could not be
 * read. */
static str_t
gather(struct conn *c, struct cursor *k, size_t n)
{
    size_t have = 0, part, rest = k->p->n - k->at;
    str_t  s;

    if (k->p->p != NULL && (rest >= RECORD_MAX || k->p->next == NULL)) {
        if (k->p->next != NULL)
            rest -= rest % RECORD_MAX;
        s = (str_t){ k->p->p + k->at, rest < n ? rest : n };
        forward(k, s.n);
        return s;
    }
    if (n > sizeof(plain))
        n = sizeof(plain);
    while (have < n && k->p != NULL) {
        rest = k->p->n - k->at;
        part = rest < n - have ? rest : n - have;
        if (part != 0 && k->p->p == NULL) {
            part = read_piece(c, k, plain + have, part);
            if (part == 0)
                return STR_NONE;
        } else if (part != 0) {
            memcpy(plain + have, k->p->p + k->at, part);
        }
        have += part;
        forward(k, part);
    }
    return (str_t){ plain, have };
}


/* Encrypts s as records of at most that many bytes; false: the connection is
 * broken (logged). */
static bool
encrypt_text(struct conn *c, str_t s, size_t most)
{
    struct tls *t = c->tls;
    size_t      n;
    int         rc;

    while (s.n != 0) {
        n = most < RECORD_MAX && s.n > most ? most : s.n;
        rc = tls_early_write(t, s.p, n);
        if (rc <= 0) {
            log_failure(c, SSL_get_error(tls_awake(t), rc),
                        "SSL_write() failed");
            break_off(c);
            return false;
        }
        t->owed += (uint32_t) rc;
        s = str_from(s, (size_t) rc);
    }
    return true;
}


/* Encrypts from the chain, behind what is owed, at most limit bytes; false as
 * there. */
static bool
encrypt(struct conn *c, const struct chain *out, size_t limit)
{
    struct tls   *t = c->tls;
    size_t        most = t->context->buffer_size;
    struct cursor k = { out->head, 0 };
    str_t         s;

    forward(&k, t->owed);
    if (most == 0 || most > RECORD_MAX)
        most = RECORD_MAX;
    while (k.p != NULL && limit != 0 && wire_made(t) < WIRE_ENOUGH) {
        s = gather(c, &k, limit < WIRE_ENOUGH ? limit : WIRE_ENOUGH);
        if (s.n == 0)
            return s.p != NULL;
        if (!encrypt_text(c, s, most))
            return false;
        limit -= s.n;
    }
    return true;
}


/* Takes off the chain what is owed no more. */
static ssize_t
settle(struct tls *t, struct chain *out, size_t limit)
{
    size_t n = t->owed > t->out_n ? t->owed - t->out_n : 0;

    if (n > limit)
        n = limit;
    chain_skip(out, n);
    t->owed -= (uint32_t) n;
    if (n == 0 && t->out_n != 0)
        return CONN_AGAIN;
    return (ssize_t) n;
}


/* close_notify, as the next record. */
static void
end_text(struct tls *t)
{
    if (SSL_get_shutdown(tls_awake(t)) & SSL_SENT_SHUTDOWN)
        return;
    (void) SSL_shutdown(tls_awake(t)); /* not before the handshake is over */
    ERR_clear_error();
}


static ssize_t
send_tls(struct conn *c, struct chain *out, size_t limit)
{
    struct tls *t = c->tls;
    bool        is_good = true;

    if (t->is_plain)
        return conn_plain.send(c, out, limit);
    if (t->is_broken)
        return CONN_ERROR;
    if (t->handle == NULL)
        return 0;
    CHECK(t->owed <= out->n);
    wire_enter();
    if (t->is_open && wire_made(t) <= HELD_MAX && limit > t->owed)
        is_good = encrypt(c, out, limit - t->owed);
    if (is_good && t->ends && t->owed == out->n)
        end_text(t);
    if (!wire_leave(c, WIRE_NOW)) {
        conn_log_error(c, c->error, "send() failed");
        is_good = false;
    }
    return is_good ? settle(t, out, limit) : CONN_ERROR;
}


static void
dropped_tls(struct conn *c)
{
    c->tls->owed = 0;
}


static size_t
unread_tls(const struct conn *c)
{
    return c->tls->out_n + conn_plain.unread(c);
}


/* --- the end ------------------------------------------------------------------------------ */

/* close_notify, where that makes sense. */
static void
say_goodbye(struct conn *c)
{
    struct tls *t = c->tls;

    if (!t->is_open || t->is_broken || t->owed != 0 || c->error != 0
        || (SSL_get_shutdown(tls_awake(t)) & SSL_SENT_SHUTDOWN))
        return;
    wire_enter();
    end_text(t);
    c->event.writable = true; /* who closes does not watch any more */
    if (!wire_leave(c, WIRE_NOW))
        t->is_broken = true;
}


static void
shutdown_tls(struct conn *c)
{
    say_goodbye(c);
    if (c->tls->out == NULL)
        conn_plain.shutdown(c);
}


static void
close_tls(struct conn *c)
{
    struct tls *t = c->tls;

    if (t->server != NULL && !t->is_plain && !t->is_open && !t->is_broken)
        tls_count_timeout();
    say_goodbye(c);
    tls_resumption_keep(c);
    if (t->op != NULL)
        tls_async_leave(c);
    if (t->handle != NULL) {
        /* What was cut off in some other way is no reason to forget it. */
        SSL_set_shutdown(tls_awake(t),
                         SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        sleep_leave(c);
        SSL_free(t->handle);
        tls_context_put(t->context);
    }
    if (t->in != NULL)
        block_put(t->in);
    if (t->out != NULL)
        block_put(t->out);
    free((char *) (uintptr_t) t->name.p);
    free((char *) (uintptr_t) t->key.p);
    free(t);
    c->tls = NULL;
    c->has_unsent = false;
    conn_plain.close(c);
}


const struct conn_io conn_tls = {
    .name = "tls",
    .handshake = handshake_tls,
    .read = read_tls,
    .probe = probe_tls,
    .dropped = dropped_tls,
    .unread = unread_tls,
    .send = send_tls,
    .shutdown = shutdown_tls,
    .close = close_tls,
};


/* --- the beginning -------------------------------------------------------------------------- */

static struct tls *
new_tls(struct conn *c)
{
    struct tls *t = calloc(1, sizeof(*t));

    if (t == NULL)
        check_memory(sizeof(*t));
    c->tls = t;
    c->io = &conn_tls;
    return t;
}


void
tls_accept(struct conn *c, const struct tls_server *server, str_t early)
{
    struct tls *t = new_tls(c);

    t->server = server;
    if (early.n == 0)
        return;
    CHECK(early.n < WIRE_IN);
    t->in = block_new(WIRE_IN);
    memcpy(t->in->data, early.p, early.n);
    t->in_n = (uint32_t) early.n;
}


bool
tls_connect(struct conn *c, struct tls_context *context, struct pool *threads,
            str_t name)
{
    struct tls *t = new_tls(c);
    char        text[256];

    attach(c, context);
    tls_async_start(c, threads);
    SSL_set_connect_state(tls_awake(t));
    if (name.n == 0 || name.n >= sizeof(text))
        return true;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    t->sent_name = true;
    if (SSL_set_tlsext_host_name(tls_awake(t), text) == 1)
        return true;
    tls_error_log(c->lines, LEVEL_ERROR, 0,
                  "SSL_set_tlsext_host_name() failed");
    return false;
}


void
tls_end_after(struct conn *c)
{
    if (c->tls != NULL)
        c->tls->ends = true;
}


bool
tls_is_early(const struct conn *c)
{
    return c->tls != NULL && c->tls->is_early;
}


bool
tls_wants_name(const struct conn *c)
{
    return c->tls != NULL && c->tls->wants_name;
}


bool
tls_is_plain(const struct conn *c)
{
    return c->tls != NULL && c->tls->is_plain;
}


str_t
tls_server_name(const struct conn *c)
{
    return c->tls != NULL ? c->tls->name : STR_NONE;
}


struct tls_context *
tls_context_of(const struct conn *c)
{
    return c->tls != NULL ? c->tls->context : NULL;
}
