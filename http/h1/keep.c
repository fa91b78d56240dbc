/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a connection is kept behind a request: as its location's settings
 * say.
 */
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "http/h1/conn.h"
#include "http/server.h"
#include "http/settings.h"


static bool
is_msie6(str_t agent)
{
    const char *msie = str_find(agent, STR("MSIE "));

    return msie != NULL && agent.p + agent.n - msie >= 7 && msie[6] == '.'
           && msie[5] >= '4' && msie[5] <= '6'
           && (msie[5] != '6' || str_find(agent, STR("SV1")) == NULL)
           && str_find(agent, STR("Opera")) == NULL;
}


static bool
is_safari(str_t agent)
{
    return str_find(agent, STR("Safari/")) != NULL
           && str_find(agent, STR("Mac OS X")) != NULL
           && str_find(agent, STR("Chrome/")) == NULL;
}


/* The browser is looked for last: most requests need not be searched for it. */
static bool
is_disabled(const struct http_request *r, const struct http_keep_conf *c)
{
    bool by_msie6 = (c->keepalive_disable & KEEPALIVE_DISABLE_MSIE6)
                    && r->method == HTTP_POST;
    bool  by_safari = c->keepalive_disable & KEEPALIVE_DISABLE_SAFARI;
    str_t agent;

    if (!by_msie6 && !by_safari)
        return false;
    agent = fields_value(&r->in, FIELD_USER_AGENT);
    if (agent.p == NULL)
        return false;
    return (by_msie6 && is_msie6(agent)) || (by_safari && is_safari(agent));
}


static bool
ends_connection(const struct http_request *r, const struct http_keep_conf *c)
{
    const struct http_conn *h = http_conn_of(r);

    return c->keepalive_timeout.timeout == 0
           || r->number >= c->keepalive_requests
           || clock_ms() - h->opened_at > c->keepalive_time
           || worker->is_exiting || is_disabled(r, c);
}


/* The server's settings about keeping the connection apply until a location is
 * found, which has its own. */
void
h1_enter(struct http_request *r)
{
    r->task.conn->nopush = send_conf(&r->task)->tcp_nopush;
    if (r->is_ended_by_server) {
        r->is_ended_by_server = false;
        r->keeps_alive = true;
    }
    if (!r->keeps_alive || !ends_connection(r, keep_conf(&r->task)))
        return;
    r->keeps_alive = false;
    r->is_ended_by_server = r->location == r->server->root;
}
