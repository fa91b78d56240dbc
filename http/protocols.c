/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The versions of HTTP in this build.  Nothing else outside of their folders
 * includes anything of theirs.
 */
#include "core/net/worker.h"
#include "core/tls/tls.h"
#include "http/conn.h"
#include "http/h1/h1.h"
#include "http/h2/h2.h"

enum { NONE, H1, H2 };

static const struct http_protocol *const protocols[]
    = { [H1] = &h1_protocol, [H2] = &h2_protocol };


/* On one port: a connection of HTTP/2 begins with what no request of HTTP/1
 * begins with. */
static enum step
look_for_preface(struct http_conn *h)
{
    char    bytes[H2_PREFACE] UNSET;
    ssize_t n = conn_peek(&h->conn, bytes, sizeof(bytes));

    if (n == CONN_AGAIN) {
        if (h->conn.use != CONN_NEW)
            conn_set_use(&h->conn, CONN_NEW);
        return STEP_WAIT;
    }
    if (n <= 0 || !h2_is_preface((str_t){ bytes, (size_t) n }))
        return STEP_NEXT;
    if (n == H2_PREFACE) {
        h->protocol = H2;
    } else if (!h->conn.event.hangup) {
        h->conn.event.readable = false; /* as far as it is new */
        return STEP_WAIT;
    }
    return STEP_NEXT;
}


static bool
has_chosen_h2(SSL *ssl)
{
    const unsigned char *p;
    unsigned             n;

    SSL_get0_alpn_selected(ssl, &p, &n);
    return n == 2 && memcmp(p, "h2", 2) == 0;
}


enum step
http_protocol_find(struct http_conn *h)
{
    SSL      *ssl = tls_ssl(&h->conn);
    enum step step = STEP_NEXT;

    h->protocol = H1;
    if (ssl != NULL)
        h->protocol = has_chosen_h2(ssl) ? H2 : H1;
    else if (h->conn.tls == NULL && worker->trace == NULL && h2_is_on(h))
        step = look_for_preface(h);
    if (step == STEP_WAIT)
        h->protocol = NONE;
    return step;
}


str_t
http_protocol_names(const struct http_conn *h)
{
    static const char names[] = "\x02h2\x08http/1.1\x08http/1.0\x08http/0.9";
    str_t             all = { names, sizeof(names) - 1 };

    return h2_is_on(h) ? all : str_from(all, sizeof("\x02h2") - 1);
}


const struct http_protocol *
http_protocol_of(const struct http_conn *h)
{
    return protocols[h->protocol];
}


size_t
http_protocols_conn_size(void)
{
    size_t most = 0;

    for (size_t i = NONE + 1; i < countof(protocols); i++)
        if (protocols[i]->conn_size > most)
            most = protocols[i]->conn_size;
    return most;
}
