/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * It has a connection without a descriptor, and is never run.
 */
#include "modules/gateway/health_request.h"

#include "core/net/worker.h"
#include "http/codec.h"
#include "http/main.h"


static void
enter(struct http_request *r)
{
    (void) r;
}


static const struct http_codec nobody = { .enter = enter };


static void
end_request(void *arg)
{
    struct health_request *own = arg;

    task_end(&own->request.task);
}


static void
fill_conn(struct health_request *own, const struct generation *gen,
          const struct http_server *server)
{
    struct conn *c = &own->conn.conn;

    own->log = (struct log){ .targets = gen->log };
    c->loop = worker->loop;
    c->event.fd = -1;
    c->log = own->log;
    c->peer.sa.sa_family = AF_UNIX;
    own->conn.server = server;
    VEC_EACH(&gen->listeners, l)
        if ((*l)->accept == http_accept)
            own->conn.address = ((const struct http_socket *) (*l)->owner)->own;
}


static void
fill_request(struct health_request *own, struct arena *a,
             struct generation *gen, str_t uri)
{
    struct http_request *r = &own->request;

    r->task.arena = a;
    r->task.loop = worker->loop;
    r->task.conn = &own->conn.conn;
    r->task.peer = &own->conn.conn.peer;
    r->task.gen = gen;
    http_request_init(r);
    http_request_init_log(r, &own->log);
    r->scheme = STR("http");
    r->started_at = clock_ms();
    r->started_seconds = clock_seconds();
    r->method = HTTP_GET;
    r->method_name = STR("GET");
    r->version = HTTP_11;
    r->protocol = STR("HTTP/1.1");
    r->target = r->uri = uri;
    r->is_uri_as_sent = true;
    r->line = str_join3(a, STR("GET "), uri, STR(" HTTP/1.1"));
    r->is_internal = true;
    r->codec = &nobody;
}


void
health_request_begin(struct health_request *own, struct arena *a,
                     struct generation          *gen,
                     const struct http_location *location,
                     const struct http_server *server, str_t uri)
{
    fill_conn(own, gen, server);
    fill_request(own, a, gen, uri);
    own->request.server = server;
    http_enter(&own->request, location);
    arena_defer(a, end_request, own);
}


void
health_request_peer(struct health_request *own, struct health_probe *p)
{
    struct peer *peer = arena_make(p->task.arena, struct peer);

    peer->name = p->name;
    own->gateway->pick.peer = peer;
}
