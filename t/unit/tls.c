/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS over a socket pair, both ends ours: handshakes in pieces, data both ways
 * through small buffers, ends, refusals, and who holds memory in between.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/os/clock.h"
#include "core/tls/inside.h"
#include "core/tls/tickets.h"
#include "core/conf/module.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

static struct loop       *loop;
static struct arena      *arena;
static struct log_targets nowhere;
static struct log         quiet = { .targets = &nowhere };
static struct generation  generation;

/* The two ends of a connection; what each has read. */
struct end {
    struct conn conn;
    enum step   handshake;
    char       *got;
    size_t      n, room;
    ssize_t     last; /* result of the last read                             */
    int         flushed;
};
static struct end *server, *client;

static struct tls_settings at_server, at_client;
static struct tls_context *chosen; /* for the server; NULL: an alert         */
static struct tls_hello    asked;


/* --- certificates ---------------------------------------------------------------- */

static str_t
der_of(int (*encode)(const void *, unsigned char **), const void *what)
{
    unsigned char *p = NULL;
    int            n = encode(what, &p);
    str_t          s = str_copy(arena, (str_t){ (char *) p, (size_t) n });

    OPENSSL_free(p);
    return s;
}


static int
encode_key(const void *key, unsigned char **out)
{
    return i2d_PrivateKey(key, out);
}


static int
encode_certificate(const void *x, unsigned char **out)
{
    return i2d_X509(x, out);
}


/* A certificate for that name, signed by itself. */
static struct tls_pair
make_pair(EVP_PKEY *key, const char *name, long seconds)
{
    X509           *x = X509_new();
    X509_NAME      *subject = X509_get_subject_name(x);
    struct tls_pair p
        = { .path = STR_INIT("c.pem"), .key_path = STR_INIT("k.pem") };

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), seconds);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    p.chain = der_of(encode_certificate, x);
    p.key = der_of(encode_key, key);
    X509_free(x);
    EVP_PKEY_free(key);
    return p;
}


static struct tls_settings
settings_new(bool is_server)
{
    return (struct tls_settings){
        .is_server = is_server,
        .protocols = TLS_1_2 | TLS_1_3,
        .ciphers = STR_INIT("HIGH:!aNULL:!MD5"),
        .curves = STR_INIT("auto"),
        .depth = 1,
        .session_timeout = 300,
        .has_tickets = true,
        .buffer_size = 16384,
    };
}


static struct tls_context *
context_of(struct tls_settings *s)
{
    static char         why[TLS_WHY_MAX];
    struct tls_context *c;

    tls_settings_seal(s);
    c = tls_context_new(s, why);
    if (c == NULL)
        diag("%s", why);
    return c;
}


/* --- two ends ----------------------------------------------------------------------- */

static struct tls_context *
choose(struct conn *c, const struct tls_hello *hello, enum tls_alert *alert)
{
    (void) c;
    asked = *hello;
    asked.name = str_copy(arena, hello->name);
    *alert = TLS_ALERT_UNRECOGNIZED_NAME;
    return chosen;
}


static str_t
protocols(struct conn *c)
{
    (void) c;
    return STR("\x08http/1.1");
}


static const struct tls_server hooks = { choose, protocols };


static void
read_all(struct end *e)
{
    do {
        if (e->room - e->n < 65536)
            e->got = realloc(e->got, e->room += 1 << 20);
        e->last = conn_read(&e->conn, e->got + e->n, 65536);
        if (e->last > 0)
            e->n += (size_t) e->last;
    } while (e->last > 0);
}


static void
on_read(struct event *ev)
{
    struct end *e = container_of(ev, struct end, conn.event);

    if (e->conn.io->handshake != NULL && e->handshake == STEP_WAIT)
        e->handshake = e->conn.io->handshake(&e->conn);
    if (e->handshake == STEP_NEXT)
        read_all(e);
}


static void
on_flushed(struct conn *c)
{
    container_of(c, struct end, conn)->flushed++;
}


static struct end *
end_new(int fd, bool is_client)
{
    struct end *e = calloc(1, sizeof(*e));

    conn_init(&e->conn, loop, fd, &quiet);
    e->conn.is_client = is_client;
    e->conn.event.on_read = on_read;
    e->conn.on_flushed = on_flushed;
    e->handshake = STEP_WAIT;
    chain_init(&e->conn.out, arena);
    if (!conn_start(&e->conn))
        exit(1);
    return e;
}


static void
end_free(struct end *e)
{
    conn_close(&e->conn);
    free(e->got);
    free(e);
}


static void
open_pair(struct tls_context *of_client, const char *name, int size)
{
    int s[2];

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    if (size != 0) {
        setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        setsockopt(s[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    server = end_new(s[0], true);
    tls_accept(&server->conn, &hooks, STR(""));
    client = end_new(s[1], false);
    if (of_client != NULL)
        ok(tls_connect(&client->conn, of_client, NULL, str_of(name)),
           "connects");
}


static void
close_pair(void)
{
    end_free(client);
    end_free(server);
    loop_turn(loop, 0);
}


static void
turns(int n)
{
    for (int i = 0; i < n; i++)
        loop_turn(loop, 0);
}


static void
shake(void)
{
    for (int i = 0; i < 1000; i++) {
        if (client->handshake == STEP_WAIT)
            client->handshake = client->conn.io->handshake(&client->conn);
        loop_turn(loop, 1);
        if (client->handshake != STEP_WAIT && server->handshake != STEP_WAIT)
            break;
    }
    turns(3);
}


/* Sends n bytes of a pattern from one end to the other. */
static void
transfer(struct end *from, struct end *to, size_t n, const char *what)
{
    char  *bytes = malloc(n);
    size_t before = to->n;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char) (i * 7 + i / 251);
    for (size_t at = 0, part; at < n; at += part) {
        part = at % 5 == 0 ? 40000 : 1 + at % 3000;
        part = part < n - at ? part : n - at;
        chain_add_copy(&from->conn.out, (str_t){ bytes + at, part });
    }
    conn_flush_late(&from->conn);
    for (int i = 0; i < 100000 && to->n - before < n; i++)
        loop_turn(loop, 1);
    turns(2);
    is(to->n - before, n, "%s: all bytes", what);
    ok(memcmp(to->got + before, bytes, n) == 0, "%s: the right ones", what);
    is(from->conn.sent, n, "%s: counted as what they are", what);
    ok(chain_empty(&from->conn.out) && !from->conn.has_unsent,
       "%s: nothing is left", what);
    free(bytes);
}


/* --- tests -------------------------------------------------------------------------------- */

static void
test_both_ways(unsigned protocols_of_client, int buffer)
{
    struct tls_context *cc;

    at_client.protocols = protocols_of_client;
    cc = context_of(&at_client);
    chosen = context_of(&at_server);
    open_pair(cc, "Some.Test", buffer);
    shake();
    is(server->handshake, STEP_NEXT, "the server is through");
    is(client->handshake, STEP_NEXT, "the client is through");
    is_str(asked.name, "Some.Test", "the name");
    is_str(tls_server_name(&server->conn), "Some.Test", "is kept");
    ok(server->conn.tls->in == NULL && server->conn.tls->out == NULL
           && client->conn.tls->in == NULL && client->conn.tls->out == NULL,
       "an idle connection holds no buffers");
    transfer(server, client, 1000, "small");
    client->n = 0;
    server->conn.sent = 0;
    transfer(server, client, 3000000, "down");
    transfer(client, server, 2000000, "up");
    conn_shutdown(&server->conn);
    turns(3);
    is(client->last, 0, "an end is an end");
    client->conn.sent = 0;
    transfer(client, server, 100, "after the other's end");
    close_pair();
    tls_context_put(chosen);
    tls_context_put(cc);
}


/* The client's bytes one by one. */
static void
test_torn(void)
{
    struct tls_context *cc = context_of(&at_client);
    int                 to_client[2];
    char                byte[4096];
    ssize_t             n;

    chosen = context_of(&at_server);
    open_pair(cc, "torn.test", 0);
    /* Between the two stands somebody who is slow. */
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, to_client);
    end_free(client);
    client = end_new(to_client[0], false);
    close(server->conn.event.fd);
    event_forget(loop, &server->conn.event);
    {
        int to_server[2];

        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, to_server);
        server->conn.event.fd = to_server[0];
        server->conn.event.added = false;
        conn_start(&server->conn);
        ok(tls_connect(&client->conn, cc, NULL, STR("torn.test")), "connects");
        for (int i = 0; i < 100000; i++) {
            if (client->handshake == STEP_WAIT)
                client->handshake = client->conn.io->handshake(&client->conn);
            n = read(to_client[1], byte, 1);
            if (n == 1 && write(to_server[1], byte, 1) != 1)
                exit(1);
            loop_turn(loop, 0);
            n = read(to_server[1], byte, sizeof(byte));
            if (n > 0 && write(to_client[1], byte, (size_t) n) != n)
                exit(1);
            if (client->handshake == STEP_NEXT
                && server->handshake == STEP_NEXT)
                break;
        }
        is(server->handshake, STEP_NEXT, "a torn handshake succeeds");
        is_str(asked.name, "torn.test", "its name");
        close_pair();
        close(to_server[1]);
        close(to_client[1]);
    }
    tls_context_put(chosen);
    tls_context_put(cc);
}


static void
test_plain(void)
{
    str_t request = STR("GET / HTTP/1.0\r\n\r\n");

    open_pair(NULL, "", 0);
    client->handshake = STEP_NEXT;
    if (write(client->conn.event.fd, request.p, request.n)
        != (ssize_t) request.n)
        exit(1);
    turns(3);
    is(server->handshake, STEP_NEXT, "no TLS is no failure");
    ok(tls_is_plain(&server->conn), "but known");
    is_bytes(server->got, server->n, request.p, request.n,
             "and what came is read");
    chain_add(&server->conn.out, STR("plain"));
    is(conn_flush(&server->conn, 0), FLUSH_DONE, "the answer");
    turns(2);
    is_bytes(client->got, client->n, "plain", 5, "is plain");
    close_pair();
}


static void
test_refused(void)
{
    struct tls_context *cc = context_of(&at_client);

    chosen = NULL;
    open_pair(cc, "nobody.test", 0);
    shake();
    is(server->handshake, STEP_FAIL, "nobody is there");
    is(client->handshake, STEP_FAIL, "which the client hears");
    close_pair();

    chosen = context_of(&at_server);
    open_pair(NULL, "", 0);
    client->handshake = STEP_NEXT;
    if (write(client->conn.event.fd, "\x16\x03\x01\x00\x05hello", 10) != 10)
        exit(1);
    turns(3);
    is(server->handshake, STEP_FAIL, "garbage fails");
    ok(client->n == 7 && client->got[0] == 21, "with an alert");
    close_pair();

    open_pair(NULL, "", 0);
    client->handshake = STEP_NEXT;
    if (write(client->conn.event.fd, "\x16\x03\x01", 3) != 3)
        exit(1);
    turns(2);
    is(server->handshake, STEP_WAIT, "a piece waits");
    shutdown(client->conn.event.fd, SHUT_WR);
    turns(2);
    is(server->handshake, STEP_FAIL, "until the end");
    close_pair();
    tls_context_put(chosen);
    tls_context_put(cc);
}


/* One more connection, with that session. */
static void
resume(struct tls_context *cc, SSL_SESSION **session, const char *name,
       bool is_resumed, const char *what)
{
    open_pair(cc, name, 0);
    if (*session != NULL)
        SSL_set_session(tls_handle(&client->conn), *session);
    shake();
    is(server->handshake, STEP_NEXT, "%s: a handshake", what);
    transfer(server, client, 10, what);
    is(SSL_session_reused(tls_handle(&server->conn)), is_resumed,
       "%s: resumed or not", what);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(tls_handle(&client->conn));
    close_pair();
}


static void
test_sessions(unsigned protocol)
{
    struct tls_context *cc, *first;
    SSL_SESSION        *session = NULL;

    at_client.protocols = protocol;
    at_server.verify = TLS_VERIFY_OFF;
    cc = context_of(&at_client);
    chosen = first = context_of(&at_server);
    resume(cc, &session, "a.test", false, "new");
    resume(cc, &session, "a.test", true, "again");
    chosen = context_of(&at_server);
    resume(cc, &session, "a.test", true, "at another worker");
    tls_context_put(chosen);
    at_server.verify = TLS_VERIFY_OPTIONAL;
    chosen = context_of(&at_server);
    resume(cc, &session, "a.test", false, "where clients are verified");
    resume(cc, &session, "a.test", true, "there again");
    resume(cc, &session, "A.test", true, "in other letters");
    resume(cc, &session, "b.test", false, "for another name");
    SSL_SESSION_free(session);
    tls_context_put(chosen);
    tls_context_put(first);
    tls_context_put(cc);
    at_server.verify = TLS_VERIFY_OFF;
}


/* A certificate that is renewed and put back, while connections go on. */
static void
test_return(struct tls_settings *s, struct generation *g)
{
    struct zone        *memory = (void *) &generation;
    struct zone_conf    zone = { .name = STR_INIT("S"), .zone = memory };
    struct tls_context *c;
    size_t              depth = s->depth;

    s->zone = &zone;
    tls_settings_seal(s);
    tls_context_leave(s);
    c = tls_context_hold(tls_context_get(s, g, &quiet));
    ok(c->zone == memory, "sessions are shared");
    s->depth = 8;
    tls_settings_seal(s);
    tls_context_leave(s);
    ok(c->zone == NULL, "not when nobody uses the context");
    s->depth = (unsigned) depth;
    tls_settings_seal(s);
    ok(tls_context_get(s, g, &quiet) == c && c->zone == memory,
       "but when somebody does again");
    tls_context_put(c);
}


static void
test_table(void)
{
    struct tls_context *a, *b, *c;
    struct generation   later = { .arena = arena_new(0), .number = 1 };
    struct tls_settings same;

    generation.arena = arena_new(0);
    tls_settings_seal(&at_server);
    at_server.slot = arena_make(generation.arena, struct tls_slot);
    same = at_server;
    same.slot = arena_make(later.arena, struct tls_slot);
    a = tls_context_get(&at_server, &generation, &quiet);
    b = tls_context_get(&at_server, &generation, &quiet);
    ok(a != NULL && a == b, "equal settings share a context");
    is(a->refs, 1, "counted once by a generation");
    tls_context_keep(&same, &later);
    arena_free(generation.arena);
    is(a->refs, 1, "which may go");
    ok(tls_context_get(&same, &later, &quiet) == a, "and it is still there");
    tls_context_hold(a);
    same.depth = 9;
    tls_settings_seal(&same);
    ok(tls_context_get(&same, &later, &quiet) == a, "sealed is not changed");
    tls_context_leave(&same);
    is(a->refs, 1, "left");
    c = tls_context_get(&same, &later, &quiet);
    ok(c != NULL && c != a, "others have their own");
    tls_context_put(a);
    test_return(&same, &later);
    arena_free(later.arena);
    at_server.slot = NULL;
}


static void
refused(struct tls_settings s, const char *text)
{
    char                why[TLS_WHY_MAX] = "";
    struct tls_context *c;

    tls_settings_seal(&s);
    c = tls_context_new(&s, why);
    ok(c == NULL, "refused");
    is_str(str_of(why), text, "for that reason");
    is(ERR_peek_error(), 0, "no error is left behind");
}


static void
test_refusals(struct tls_pair other, struct tls_pair of_another_type)
{
    struct tls_settings s = at_server;
    struct tls_pair     mixed = s.pairs.at[0];
    struct pair         command = { STR_INIT("Nonsense"), STR_INIT("x") };

    mixed.key = other.key;
    s.pairs.at = &mixed;
    s.pairs.n = 1;
    refused(s, "SSL_CTX_use_PrivateKey(\"k.pem\") failed (SSL: "
               "error:05800074:x509 certificate routines::key values "
               "mismatch)");
    mixed.key = of_another_type.key;
    refused(s, "SSL_CTX_use_PrivateKey(\"k.pem\") failed (SSL: "
               "error:03000065:digital envelope routines::different key types "
               "error:05800073:x509 certificate routines::key type mismatch)");
    s = at_server;
    s.ciphers = STR("NOPE");
    refused(s, "SSL_CTX_set_cipher_list(\"NOPE\") failed (SSL: "
               "error:0A0000B9:SSL routines::no cipher match)");
    s = at_server;
    s.commands.list.at = &command;
    s.commands.list.n = 1;
    refused(s, "SSL_CONF_cmd(\"Nonsense\", \"x\") failed: unknown command (SSL:"
               " error:0A000182:SSL routines::unknown cmd name:cmd=Nonsense)");
}


static str_t
hello_bytes(struct tls_context *cc, const char *name)
{
    BIO  *out = BIO_new(BIO_s_mem());
    SSL  *ssl = SSL_new(cc->ssl);
    char *p;
    long  n;
    str_t s;

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_set_tlsext_host_name(ssl, name);
    SSL_set_alpn_protos(ssl, (const unsigned char *) "\x02h2\x08http/1.1", 12);
    SSL_connect(ssl);
    ERR_clear_error();
    n = BIO_get_mem_data(out, &p);
    s = str_copy(arena, (str_t){ p, (size_t) n });
    SSL_free(ssl);
    return s;
}


/* The same message in records of so many bytes. */
static str_t
in_records(str_t hello, size_t size)
{
    char *out = arena_bytes(arena, hello.n * 6), *p = out;
    str_t body = str_from(hello, 5);

    while (body.n != 0) {
        size_t n = body.n < size ? body.n : size;

        *p++ = 22;
        *p++ = 3;
        *p++ = 1;
        *p++ = (char) (n >> 8);
        *p++ = (char) (n & 255);
        memcpy(p, body.p, n);
        p += n;
        body = str_from(body, n);
    }
    return str_span(out, p);
}


static void
test_hello(void)
{
    static char         flat[TLS_HELLO_MAX];
    struct tls_context *cc = context_of(&at_client);
    str_t               whole = hello_bytes(cc, "hello.test");
    const size_t        sizes[] = { 16384, 100, 3, 1 };
    struct tls_hello    h;

    for (size_t i = 0; i < countof(sizes); i++) {
        str_t  s = in_records(whole, sizes[i]);
        size_t n;

        is(tls_hello_parse(s, flat, &h), PARSE_OK, "in records of %zu",
           sizes[i]);
        is_str(h.name, "hello.test", "the name");
        is_str(h.alpn, "\x02h2\x08http/1.1", "the protocols");
        for (n = 0; n < s.n; n++)
            if (tls_hello_parse((str_t){ s.p, n }, flat, &h) != PARSE_AGAIN)
                break;
        is(n, s.n, "a piece is not enough");
    }
    is(tls_hello_parse(STR("GET / HTTP/1.0\r\n"), flat, &h), PARSE_BAD, "http");
    is(tls_hello_parse(STR("\x16\x03\x01\x00\x00"), flat, &h), PARSE_BAD,
       "an empty record");
    is(tls_hello_parse(STR("\x16\x03\x01\x00\x05\x02\x00\x00\x00\x00"), flat,
                       &h),
       PARSE_BAD, "another message");
    is(tls_hello_parse(STR("\x16\x03\x01\x00\x04\x01\xff\xff\xff"), flat, &h),
       PARSE_BAD, "a very long one");
    tls_context_put(cc);
}


int
main(void)
{
    struct tls_pair ec, rsa;

    clock_update();
    arena = arena_new(0);
    ec = make_pair(EVP_EC_gen("P-256"), "ec.test", 86400);
    rsa = make_pair(EVP_RSA_gen(2048), "rsa.test", 86400);
    loop = loop_new(&quiet, 64);
    ok(tls_tickets_init(), "keys for tickets");
    at_server = settings_new(true);
    *vec_push(arena, &at_server.pairs) = ec;
    *vec_push(arena, &at_server.pairs) = rsa;
    at_client = settings_new(false);
    test_both_ways(TLS_1_3, 0);
    test_both_ways(TLS_1_3, 4096);
    test_both_ways(TLS_1_2, 0);
    test_both_ways(TLS_1_2, 4096);
    at_client.protocols = TLS_1_2 | TLS_1_3;
    test_torn();
    test_plain();
    test_refused();
    test_sessions(TLS_1_3);
    test_sessions(TLS_1_2);
    test_table();
    test_refusals(make_pair(EVP_EC_gen("P-256"), "ec.test", 86400), rsa);
    test_hello();
    return done();
}
