/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables of the connection: addresses, counters, the PROXY header, the
 * measurements of TCP.
 */
#include <netinet/tcp.h>

#include "core/base/check.h"
#include "core/net/accept.h"
#include "core/os/clock.h"
#include "http/conn.h"
#include "http/variables.h"


static str_t
address_text(struct task *t, const struct sockaddr *sa, socklen_t len)
{
    char *p = arena_bytes(t->arena, ADDR_TEXT);

    return (str_t){ p, addr_text(p, sa, len, false) };
}


static str_t
port_text(struct task *t, unsigned port)
{
    return port ? arena_number(t->arena, port) : STR("");
}


str_t
http_var_remote_addr(struct task *t, uintptr_t arg)
{
    (void) arg;
    return address_text(t, &t->peer->sa, sizeof(*t->peer));
}


str_t
http_var_remote_bytes(struct task *t, uintptr_t arg)
{
    (void) arg;
    return str_copy(t->arena, addr_bytes(&t->peer->sa));
}


str_t
http_var_remote_port(struct task *t, uintptr_t arg)
{
    (void) arg;
    return port_text(t, addr_port(&t->peer->sa));
}


/* The address at which the connection was accepted; the kernel is only asked
 * if the listener is a wildcard.  NULL: it does not know. */
static const struct addr_any *
local_address(const struct task *t, struct addr_any *room)
{
    const struct port *p = t->conn->port;

    if (p != NULL && !addr_is_wildcard(&p->addr.sa))
        return &p->addr;
    return conn_local(t->conn, room) ? room : NULL;
}


/* Kept for the connection's other requests: where the listener is a wildcard,
 * the kernel is asked once. */
str_t
http_var_server_addr(struct task *t, uintptr_t arg)
{
    struct http_conn      *h = http_conn_of(http_of(t));
    struct addr_any room   UNSET;
    const struct addr_any *at;
    str_t                  text;

    (void) arg;
    if (h->server_addr != NULL)
        return str_of(h->server_addr);
    at = local_address(t, &room);
    if (at == NULL)
        return STR_NONE;
    text = address_text(t, &at->sa, at->len);
    if (h->conn.event.fd != -1) /* one that will be freed */
        h->server_addr = strndup(text.p, text.n);
    return text;
}


str_t
http_var_server_port(struct task *t, uintptr_t arg)
{
    const struct port *p = t->conn->port;
    struct addr_any at UNSET;

    (void) arg;
    if (p != NULL)
        return port_text(t, addr_port(&p->addr.sa));
    return conn_local(t->conn, &at) ? port_text(t, addr_port(&at.sa))
                                    : STR_NONE;
}


str_t
http_var_connection(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_number(t->arena, t->conn->log.serial);
}


str_t
http_var_connection_requests(struct task *t, uintptr_t arg)
{
    (void) arg;
    return arena_number(t->arena, http_of(t)->number);
}


str_t
http_var_connection_time(struct task *t, uintptr_t arg)
{
    msec_t ms = clock_ms() - http_conn_of(http_of(t))->opened_at;

    (void) arg;
    return arena_printf(t->arena, "%llu.%03u", (unsigned long long) ms / 1000,
                        (unsigned) (ms % 1000));
}


str_t
http_var_proxy_addr(struct task *t, uintptr_t arg)
{
    const struct proxy_protocol *pp = http_conn_of(http_of(t))->proxy;

    if (pp == NULL)
        return STR_NONE;
    return arg ? pp->dst_addr : pp->src_addr;
}


str_t
http_var_proxy_port(struct task *t, uintptr_t arg)
{
    const struct proxy_protocol *pp = http_conn_of(http_of(t))->proxy;

    if (pp == NULL)
        return STR_NONE;
    return port_text(t, arg ? pp->dst_port : pp->src_port);
}


enum { TLV_SSL = 0x20, TLV_SSL_HEAD = 5 }; /* flags, verify result   */

struct tlv_name {
    const char *name;
    unsigned    type;
};

static const struct tlv_name tlv_names[] = {
    { "alpn", 0x01 },   { "authority", 0x02 }, { "unique_id", 0x05 },
    { "ssl", TLV_SSL }, { "netns", 0x30 },     { NULL, 0 },
};

/* Types inside of TLV_SSL, after its head. */
static const struct tlv_name ssl_tlv_names[] = {
    { "version", 0x21 }, { "cn", 0x22 },      { "cipher", 0x23 },
    { "sig_alg", 0x24 }, { "key_alg", 0x25 }, { NULL, 0 },
};


static str_t
find_tlv(struct task *t, str_t tlvs, unsigned type)
{
    str_t found;

    switch (proxy_protocol_tlv(tlvs, type, &found)) {
    case PARSE_OK:
        return found;
    case PARSE_BAD:
        log_error(t->log, "broken PROXY protocol TLV");
        break;
    case PARSE_END:
    case PARSE_AGAIN:
        break;
    }
    return STR_NONE;
}


/* Looks up a TLV by a number, "0x01", or by one of names. */
static str_t
tlv_named(struct task *t, str_t tlvs, const struct tlv_name *names, str_t name)
{
    uint64_t type;

    if (str_starts(name, STR("0x"))) {
        if (number_hex(str_from(name, 2), UINT32_MAX, &type))
            return find_tlv(t, tlvs, (unsigned) type);
        log_error(t->log, "invalid PROXY protocol TLV \"" STR_F "\"",
                  STR_A(name));
        return STR_NONE;
    }
    for (; names->name != NULL; names++)
        if (str_eq(name, str_of(names->name)))
            return find_tlv(t, tlvs, names->type);
    log_error(t->log, "unknown PROXY protocol TLV \"" STR_F "\"", STR_A(name));
    return STR_NONE;
}


str_t
http_var_proxy_tlv(struct task *t, uintptr_t arg)
{
    const struct proxy_protocol *pp = http_conn_of(http_of(t))->proxy;
    str_t                        name = *(const str_t *) arg, ssl;
    const unsigned char         *p;

    if (pp == NULL)
        return STR_NONE;
    if (!str_starts(name, STR("ssl_")))
        return tlv_named(t, pp->tlvs, tlv_names, name);
    ssl = find_tlv(t, pp->tlvs, TLV_SSL);
    if (ssl.n < TLV_SSL_HEAD)
        return STR_NONE;
    p = (const unsigned char *) ssl.p;
    if (str_is(name, "ssl_verify"))
        return arena_number(t->arena, (unsigned) p[1] << 24
                                          | (unsigned) p[2] << 16
                                          | (unsigned) p[3] << 8 | p[4]);
    return tlv_named(t, str_from(ssl, TLV_SSL_HEAD), ssl_tlv_names,
                     str_from(name, sizeof("ssl_") - 1));
}


str_t
http_var_tcpinfo(struct task *t, uintptr_t arg)
{
    struct tcp_info ti;
    socklen_t       len = sizeof(ti);
    unsigned        n = 0;

    memset(&ti, 0, sizeof(ti));
    if (getsockopt(t->conn->event.fd, IPPROTO_TCP, TCP_INFO, &ti, &len) == -1)
        return STR_NONE;
    switch ((enum tcpinfo) arg) {
    case TCPINFO_RTT:
        n = ti.tcpi_rtt;
        break;
    case TCPINFO_RTTVAR:
        n = ti.tcpi_rttvar;
        break;
    case TCPINFO_CWND:
        n = ti.tcpi_snd_cwnd;
        break;
    case TCPINFO_SPACE:
        n = ti.tcpi_rcv_space;
        break;
    }
    return arena_number(t->arena, n);
}
