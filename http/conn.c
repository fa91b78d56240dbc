/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections of clients: accepted, opened stage by stage, handed over to a
 * version of HTTP, and in the end freed.
 */
#include "http/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "core/conf/error_log.h"
#include "core/net/accept.h"
#include "core/net/counters.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "http/main.h"
#include "http/ocsp.h"
#include "http/settings.h"
#include "http/tls.h"


const void *
http_conn_conf(const struct http_conn *h, const struct module *m)
{
    return confs_get(h->server->conf, m);
}


/* --- which generation ----------------------------------------------------------- */

static void
bind_to(struct http_conn *h, const struct http_address *a)
{
    h->address = a;
    h->server = http_tls_server(a, tls_server_name(&h->conn));
    generation_get(a->gen)->connections++;
    h->conn.log.targets = error_log_targets(h->server->conf);
}


bool
http_conn_rebind(struct http_conn *h)
{
    const struct listener     *l = h->conn.port->listener;
    const struct http_address *a;
    struct generation         *before = h->address->gen;

    if (before == worker->gen)
        return true;
    if (l == NULL)
        return false;
    a = http_address_of(l->owner, &h->conn);
    if (a->has_proxy_protocol && !h->has_proxy_header)
        return false;
    if (h->conn.tls != NULL ? !a->has_ssl : a->has_ssl && h->protocol != 0)
        return false;
    bind_to(h, a);
    before->connections--;
    generation_put(before);
    return true;
}


/* --- closing ---------------------------------------------------------------------- */

static void
reap(struct post *p)
{
    struct http_conn *h = container_of(p, struct http_conn, later);

    if (h->protocol != 0)
        http_protocol_of(h)->free(h);
    if (h->arena != NULL)
        arena_free(h->arena);
    free(h->server_addr);
    port_put(h->conn.port);
    h->address->gen->connections--;
    generation_put(h->address->gen);
    free(h);
}


void
http_conn_close(struct http_conn *h)
{
    if (h->is_closed)
        return;
    h->is_closed = true;
    counter_add(CONNS_ACTIVE, -1);
    post_cancel(&h->later);
    http_ocsp_cancel(h);
    conn_close(&h->conn);
    h->later.run = reap;
    loop_reap(h->conn.loop, &h->later);
}


void
http_conn_timed_out(struct http_conn *h)
{
    const struct http_keep_conf *c = http_conn_conf(h, &http_keep_module);

    if (c->reset_timedout_connection)
        conn_reset_on_close(&h->conn);
    http_conn_close(h);
}


/* --- opening: the stages ------------------------------------------------------------ */

/* The header is in h->proxy, unless it names no client. */
static enum step
take_proxy_header(struct http_conn *h, char *bytes,
                  const struct proxy_protocol *found, size_t n)
{
    struct proxy_protocol *pp;

    if (conn_read(&h->conn, bytes, n) != (ssize_t) n)
        return STEP_FAIL;
    h->has_proxy_header = true;
    if (found->src_addr.p != NULL) {
        pp = arena_make(h->arena, struct proxy_protocol);
        *pp = *found;
        h->proxy = pp;
    }
    return http_conn_rebind(h) ? STEP_NEXT : STEP_FAIL;
}


/* What has come of something that is no header, up to the end of a line. */
static str_t
first_line(str_t in)
{
    enum { SHOWN = 107 };

    for (size_t i = 0; i < in.n; i++)
        if (i == SHOWN || in.p[i] == '\r' || in.p[i] == '\n')
            return (str_t){ in.p, i };
    return in;
}


static enum step
read_proxy_header(struct http_conn *h)
{
    char                  bytes[PROXY_PROTOCOL_MAX] UNSET;
    struct proxy_protocol found;
    size_t                used;
    ssize_t               n;

    if (!h->address->has_proxy_protocol)
        return STEP_NEXT;
    h->conn.log.action = "reading PROXY protocol";
    n = conn_peek(&h->conn, bytes, sizeof(bytes));
    if (n == CONN_AGAIN)
        return STEP_WAIT;
    if (n <= 0)
        return STEP_FAIL;
    if (h->arena == NULL)
        h->arena = arena_new(512);
    switch (proxy_protocol_parse(h->arena, (str_t){ bytes, (size_t) n }, &found,
                                 &used))
    {
    case PARSE_OK:
        return take_proxy_header(h, bytes, &found, used);
    case PARSE_AGAIN:
        if ((size_t) n == sizeof(bytes))
            break;
        h->conn.event.readable = false; /* as far as it is new */
        return h->conn.event.hangup ? STEP_FAIL : STEP_WAIT;
    case PARSE_END:
    case PARSE_BAD:
        break;
    }
    log_error(&h->conn.log, "broken header: \"" STR_F "\"",
              STR_A(first_line((str_t){ bytes, (size_t) n })));
    return STEP_FAIL;
}


/* The io is the plain one so far.  A dry run pretends to have shaken hands. */
static enum step
shake_hands(struct http_conn *h)
{
    struct conn *c = &h->conn;
    enum step    step;

    h->is_secure = h->address->has_ssl;
    if (!h->is_secure || worker->trace != NULL)
        return STEP_NEXT;
    if (c->tls == NULL)
        http_tls_accept(h);
    step = c->io->handshake(c);
    h->is_secure = tls_ssl(c) != NULL;
    return step;
}


/* In this order.  Each is called until it says STEP_NEXT; STEP_FAIL: has been
 * logged where it is worth a line. */
static enum step (*const stages[])(struct http_conn *)
    = { read_proxy_header, shake_hands, http_protocol_find };


/* --- opening: the driver -------------------------------------------------------------- */

static void on_readable(struct event *e);
static void on_writable(struct event *e);


/* A client that is slow already is one of the first that go. */
static void
wait_for_more(struct http_conn *h)
{
    if (h->conn.use == CONN_HEAD || h->conn.use == CONN_NEW)
        return;
    conn_set_use(&h->conn, CONN_HEAD);
    pace_start(&h->pace);
}


static void
start(struct http_conn *h)
{
    h->conn.event.on_write = conn_on_writable;
    h->conn.log.action = "waiting for request";
    h->pace = (struct pace){ 0 };
    http_protocol_of(h)->start(h);
}


static void
go_on(struct http_conn *h)
{
    for (; h->stage < countof(stages); h->stage++) {
        switch (stages[h->stage](h)) {
        case STEP_WAIT:
            wait_for_more(h);
            return;
        case STEP_FAIL:
            http_conn_close(h);
            return;
        case STEP_NEXT:
        case STEP_ACCEPT:
        case STEP_DONE:
            break;
        }
    }
    start(h);
}


static void
on_readable(struct event *e)
{
    go_on(container_of(e, struct http_conn, conn.event));
}


/* A handshake may wait for room. */
static void
on_writable(struct event *e)
{
    go_on(container_of(e, struct http_conn, conn.event));
}


static void
on_timeout(struct timer *t)
{
    struct http_conn *h = container_of(t, struct http_conn, conn.read_timer);

    log_at(&h->conn.log, LEVEL_INFO, ETIMEDOUT, "client timed out");
    http_conn_timed_out(h);
}


static void
on_unwanted(struct conn *c)
{
    http_conn_close(http_conn_of_conn(c));
}


static struct pace *
pace(struct conn *c)
{
    return &http_conn_of_conn(c)->pace;
}


static void
on_slow(struct conn *c)
{
    log_info(&c->log, "slow client closed to make room");
    http_conn_timed_out(http_conn_of_conn(c));
}


const struct generation *
http_conn_generation(const struct conn *c)
{
    return container_of(c, const struct http_conn, conn)->address->gen;
}


static const struct conn_owner opening = { .on_unwanted = on_unwanted,
                                           .on_cut = on_unwanted,
                                           .generation = http_conn_generation,
                                           .pace = pace,
                                           .on_slow = on_slow };


/* --- accepting ------------------------------------------------------------------------ */

/* Before there is a request: who it is, and where it came to. */
static void
write_frame(const struct log_frame *frame, struct log_record *l)
{
    const struct http_conn *h = container_of(frame, struct http_conn, frame);
    char                    peer[ADDR_TEXT];
    size_t n = addr_text(peer, &h->conn.peer.sa, sizeof(h->conn.peer), false);

    log_part(l, "client", "%.*s", (int) n, peer);
    log_part(l, "server", STR_F, STR_A(h->address->text));
}


static void
watch(struct post *p)
{
    struct http_conn *h = container_of(p, struct http_conn, later);

    if (!conn_start(&h->conn))
        h->conn.owner->on_cut(&h->conn);
}


static struct http_conn *
make(struct port *p, struct loop *loop, int fd, const struct addr_any *peer)
{
    size_t            size = http_protocols_conn_size();
    struct http_conn *h = calloc(1, size);
    struct log        log = worker->log;

    if (h == NULL)
        check_memory(size);
    log.frames = NULL;
    log.serial = counters_next_connection();
    log.debug = worker->n_debug != 0 && worker_debugs(&peer->sa);
    conn_init(&h->conn, loop, fd, &log);
    h->conn.port = p;
    p->refs++;
    conn_set_peer(&h->conn, &peer->sa, peer->len);
    h->conn.event.on_read = on_readable;
    h->conn.event.on_write = on_writable;
    h->conn.read_timer.on_timeout = on_timeout;
    h->frame.write = write_frame;
    log_push(&h->conn.log, &h->frame);
    h->opened_at = clock_ms();
    return h;
}


/* Most clients have sent their request by now: it is read, and where that is
 * possible answered, before the connection is watched.  Only one that is still
 * there behind all else of the turn, the writes too, is worth a system call.  With
 * TLS it has to be watched in any case, and the first read would mostly be in
 * vain. */
void
http_accept(struct port *p, struct loop *loop, int fd,
            const struct addr_any *peer)
{
    struct http_conn            *h = make(p, loop, fd, peer);
    const struct http_head_conf *c;

    bind_to(h, http_address_of(p->listener->owner, &h->conn));
    conn_set_owner(&h->conn, &opening);
    counter_add(CONNS_ACCEPTED, 1);
    counter_add(CONNS_HANDLED, 1);
    counter_add(CONNS_ACTIVE, 1);
    c = http_conn_conf(h, &http_head_module);
    timer_set(loop, &h->conn.read_timer, c->client_header_timeout);
    h->later.run = watch;
    h->conn.event.readable = !h->address->has_ssl || worker->trace != NULL;
    go_on(h);
    if (!h->is_closed)
        post_add_late(loop, &h->later);
}
