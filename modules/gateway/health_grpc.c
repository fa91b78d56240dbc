/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question is a stream of a session that lives as long as the connection.
 * What comes on the stream is gathered, and judged when it has ended.
 */
#include "modules/gateway/health_grpc.h"

#include "modules/gateway/grpc.h"
#include "modules/gateway/grpc_health.h"
#include "modules/gateway/health_http.h"
#include "modules/gateway/health_request.h"

enum {
    READ_ONCE = 16384,
    READS = 32, /* in one turn                                               */
    HEAD_MAX = 16384,
    ANSWER_MAX = 65536, /* head, message and trailers                        */
    UNSENT_MAX = 65536, /* before more is made                               */
    RECORD = 4,
    NAME_N = 2, /* bytes of the length of a trailer's name                   */
};

static const str_t check_uri = STR_INIT("/grpc.health.v1.Health/Check");

/* The kind's data. */
struct question {
    struct health_request     request;
    struct grpc_state         state;
    struct h2peer_fields      head;
    str_t                     body;
    const struct health_grpc *detail;
};

/* The state of a link. */
struct own_link {
    struct h2peer_session *session;
};

/* The state of a probe. */
struct reading {
    struct h2peer_stream stream; /* first */
    str_t                unsent; /* of the question's body                   */
    char                *text;   /* that has come; ANSWER_MAX bytes          */
    size_t               n;
    unsigned             http;    /* its status                               */
    str_t                status;  /* grpc-status                              */
    str_t                message; /* the body, whole                         */
};


static struct h2peer_session *
session_of(const struct health_probe *p)
{
    return ((struct own_link *) p->link->state)->session;
}


/* --- the question ------------------------------------------------------------- */

/* What the location would send, for a client that asks for Check. */
static bool
fill(struct question *q)
{
    struct http_request *r = &q->request.request;
    struct gateway      *g = q->request.gateway;

    r->method = HTTP_POST;
    r->method_name = STR("POST");
    q->body = grpc_health_question(r->task.arena, q->detail->service);
    r->content_length = (int64_t) q->body.n;
    fields_add_id(r->task.arena, &r->in, FIELD_CONTENT_TYPE,
                  STR("application/grpc"));
    fields_add_id(r->task.arena, &r->in, FIELD_TE, STR("trailers"));
    g->uri = check_uri;
    q->head.arena = r->task.arena;
    return grpc_list_fields(g, &q->head)
           && h2peer_fields_too_long(&q->head) == NULL
           && (g->secure == NULL || gateway_tls_prepare(g));
}


static void *
begin(struct health *h, struct arena *a)
{
    const struct health_grpc *detail = health_check_of(h)->detail;
    const struct grpc_target *to
        = confs_get(detail->location->conf, &grpc_pass_module);
    const struct grpc_conf *conf
        = confs_get(detail->location->conf, &grpc_module);
    struct question *q = arena_make(a, struct question);
    struct gateway  *g;

    q->detail = detail;
    health_request_begin(&q->request, a, health_generation(h), detail->location,
                         detail->server, check_uri);
    q->request.request.host = to->to.group->name;
    q->state = (struct grpc_state){ .target = to, .host = to->host };
    g = q->request.gateway
        = gateway_new(&q->request.request, &grpc_protocol, &conf->gateway, 0);
    g->group = to->to.group;
    g->data = &q->state;
    if (to->to.is_secure)
        gateway_tls_begin(g, &grpc_tls_place, to->host);
    if (fill(q))
        return q;
    log_error(q->request.request.task.log,
              "no health check of upstream \"" STR_F
              "\": the request cannot be made",
              STR_A(health_group(h)->name));
    return NULL;
}


static void
connect_as(struct health_probe *p, struct link_options *o)
{
    struct question *q = health_data(p->health);

    health_request_peer(&q->request, p);
    if (q->request.gateway->secure == NULL)
        return;
    o->wrap = gateway_tls_wrap;
    o->arg = q->request.gateway->secure;
}


/* --- what comes --------------------------------------------------------------- */

static void
take_field(struct reading *r, str_t name, str_t value)
{
    if (str_is(name, "grpc-status"))
        r->status = value;
}


/* False: it is no head. */
static bool
take_head(struct reading *r, str_t *in)
{
    struct h1_response h1 = { .has_no_body = true };

    while (in->n != 0 && in->p[0] != 'R') {
        switch (h1_response_next(&h1, in)) {
        case H1_SAW_STATUS:
            r->http = h1.status.status;
            break;
        case H1_SAW_NAMED:
            take_field(r, h1.field.name, h1.field.value);
            break;
        case H1_SAW_INTERIM:
            break;
        case H1_SAW_HEAD:
            return true;
        case H1_SAW_DATA:
        case H1_SAW_END:
        case H1_SAW_HEADLESS:
        case H1_SAW_TRAILER:
        case H1_SAW_BROKEN:
        case H1_WANTS_MORE:
            return false;
        }
    }
    return false;
}


/* Data, whose records become one message at the beginning of the text, or a
 * trailer.  False: it is not whole. */
static bool
take_record(struct reading *r, str_t *in)
{
    bool   is_data = in->p[0] == 'D';
    size_t n, name_n;
    str_t  part;

    if (in->n < RECORD)
        return false;
    n = h2peer_number(in->p + 1, RECORD - 1);
    *in = str_from(*in, RECORD);
    if (n > in->n)
        return false;
    part = (str_t){ in->p, n };
    *in = str_from(*in, n);
    if (is_data) {
        memmove(r->text + r->message.n, part.p, n);
        r->message.n += n;
        return true;
    }
    name_n = n >= NAME_N ? h2peer_number(part.p, NAME_N) : n;
    if (n < NAME_N || name_n > n - NAME_N)
        return false;
    part = str_from(part, NAME_N);
    take_field(r, (str_t){ part.p, name_n }, str_from(part, name_n));
    return true;
}


static enum step
blame_fault(struct health_probe *p, str_t record)
{
    enum h2peer_fault fault
        = record.n > 1 ? (enum h2peer_fault)(unsigned char) record.p[1]
                       : H2PEER_FAULT_PROTOCOL;

    if (record.n >= 6
        && (fault == H2PEER_FAULT_RESET || fault == H2PEER_FAULT_REFUSED))
        return probe_blame(p, "reading response header from upstream",
                           "upstream rejected request with error %u",
                           (unsigned) h2peer_number(record.p + 2, 4));
    return probe_blame(p, "reading response header from upstream",
                       "the response is invalid");
}


/* --- the verdict -------------------------------------------------------------- */

static enum step
judge(struct health_probe *p, struct reading *r)
{
    const struct question *q = health_data(p->health);
    uint64_t               status, serving;

    p->doing = "checking status code";
    if (r->http != 200)
        return probe_blame(p, p->doing, "%u", r->http);
    p->doing = "checking grpc status";
    if (!number_parse(r->status, UINT32_MAX, &status))
        return probe_blame(p, p->doing, "it is missing");
    if (status != 0)
        return status == q->detail->status
                   ? STEP_DONE
                   : probe_blame(p, p->doing, "%u", (unsigned) status);
    p->doing = "checking grpc health";
    r->message.p = r->text;
    if (!grpc_health_answer(r->message, &serving))
        return probe_blame(p, p->doing, "the message is invalid");
    return serving == GRPC_SERVING
               ? STEP_DONE
               : probe_blame(p, p->doing, "%s", grpc_health_name(serving));
}


/* The stream has ended: reads what came on it. */
static enum step
read_answer(struct health_probe *p, struct reading *r)
{
    str_t in = { r->text, r->n };

    if (!take_head(r, &in))
        return in.n != 0 && in.p[0] == 'R'
                   ? blame_fault(p, in)
                   : probe_blame(p, "reading response header from upstream",
                                 "the connection was closed");
    while (in.n != 0 && (in.p[0] == 'D' || in.p[0] == 'T'))
        if (!take_record(r, &in))
            return blame_fault(p, STR(""));
    if (in.n == 0)
        return probe_blame(p, "reading upstream", "the connection was closed");
    if (in.p[0] == 'R')
        return blame_fault(p, in);
    p->is_reusable = h2peer_has_room(session_of(p));
    return judge(p, r);
}


/* --- the connection ----------------------------------------------------------- */

/* Where the peer does not read, answers to it wait in the session, which has an
 * end to that. */
static void
give(struct h2peer_session *from, struct chain *out)
{
    str_t s;

    while (out->n < UNSENT_MAX && (s = h2peer_give(from)).n != 0)
        chain_add_copy(out, s);
}


static bool
flush(struct health_probe *p, struct chain *out)
{
    give(session_of(p), out);
    return conn_flush(&p->link->conn, 0) != FLUSH_ERROR;
}


/* Moves what has come on the stream.  False: it is too much. */
static bool
gather(struct reading *r)
{
    r->n += h2peer_read(&r->stream, r->text + r->n, ANSWER_MAX - r->n);
    return r->n < ANSWER_MAX;
}


static enum step
finish(struct health_probe *p, struct reading *r)
{
    enum step s = read_answer(p, r);

    h2peer_leave(&r->stream);
    (void) flush(p, &p->link->conn.out);
    return s;
}


/* STEP_NEXT: the stream has ended, or the connection. */
static enum step
read_once(struct health_probe *p, struct reading *r)
{
    struct link *l = p->link;
    ssize_t      n = link_read(l, READ_ONCE);
    bool         is_over = n <= 0;
    str_t        in;

    if (n == CONN_AGAIN)
        return STEP_WAIT;
    if (!is_over) {
        in = buf_str(&l->in);
        l->in.read = l->in.write;
        is_over = !h2peer_take(session_of(p), in);
    }
    if (is_over)
        h2peer_end(session_of(p));
    else if (!flush(p, &l->conn.out))
        return probe_blame(p, p->doing, "send() failed (%d: %s)", l->conn.error,
                           strerror(l->conn.error));
    if (!gather(r))
        return probe_blame(p, "reading upstream", "the response is too big");
    return r->stream.is_ended || r->stream.session == NULL ? STEP_NEXT
                                                           : STEP_ACCEPT;
}


static enum step
read_all(struct health_probe *p)
{
    struct reading *r = p->state;

    for (unsigned i = 0; i < READS; i++) {
        enum step s = read_once(p, r);

        if (s == STEP_NEXT)
            return finish(p, r);
        if (s != STEP_ACCEPT)
            return s;
    }
    post_add_next(p->task.loop, &p->task.wake);
    return STEP_WAIT;
}


/* Nobody waits for it: what comes is looked at when the task runs. */
static void
on_input(struct h2peer_stream *t)
{
    (void) t;
}


static size_t
on_body(struct h2peer_stream *t, char *out, size_t n, bool *last)
{
    struct reading *r = container_of(t, struct reading, stream);

    if (n > r->unsent.n)
        n = r->unsent.n;
    memcpy(out, r->unsent.p, n);
    r->unsent = str_from(r->unsent, n);
    *last = r->unsent.n == 0;
    return n;
}


static void
leave(void *arg)
{
    struct reading *r = arg;

    h2peer_leave(&r->stream);
}


static enum step
ask(struct health_probe *p)
{
    const struct question *q = health_data(p->health);
    struct own_link       *own = p->link->state;
    struct reading        *r = arena_make(p->task.arena, struct reading);

    if (own->session == NULL)
        own->session = h2peer_session_new();
    r->text = arena_bytes(p->task.arena, ANSWER_MAX);
    r->unsent = q->body;
    r->stream.head_max = r->stream.field_max = HEAD_MAX;
    r->stream.on_input = on_input;
    r->stream.on_body = on_body;
    p->state = r;
    if (own->session == NULL
        || !h2peer_open(own->session, &r->stream, q->head.list.at,
                        q->head.list.n, true))
        return probe_blame(p, p->doing, "the request cannot be sent");
    arena_defer(p->task.arena, leave, r);
    return flush(p, &p->link->conn.out)
               ? STEP_NEXT
               : probe_blame(p, p->doing, "send() failed (%d: %s)",
                             p->link->conn.error,
                             strerror(p->link->conn.error));
}


static enum step
run(struct health_probe *p, bool is_first)
{
    const struct question *q = health_data(p->health);
    const struct gateway  *g = q->request.gateway;

    if (is_first) {
        if (g->secure != NULL
            && health_http_certified(p, g->secure) == STEP_FAIL)
            return STEP_FAIL;
        p->doing = "sending request to upstream";
        if (ask(p) == STEP_FAIL)
            return STEP_FAIL;
        p->doing = "reading response header from upstream";
    }
    return read_all(p);
}


/* Between two questions. */
static bool
on_idle(struct link *l, str_t in, struct chain *out)
{
    struct own_link *own = l->state;

    if (own->session == NULL || !h2peer_take(own->session, in))
        return false;
    give(own->session, out);
    return h2peer_has_room(own->session);
}


static void
end(struct link *l)
{
    struct own_link *own = l->state;

    h2peer_session_free(own->session);
    own->session = NULL;
}


static const struct link_protocol own_protocol
    = { .state_size = sizeof(struct own_link), .on_idle = on_idle, .end = end };

static const struct health_kind kind = {
    .name = "grpc",
    .protocol = &own_protocol,
    .begin = begin,
    .connect = connect_as,
    .run = run,
};


static void
target(const struct http_location *l, struct health_target *out)
{
    const struct grpc_target *to = confs_get(l->conf, &grpc_pass_module);
    const struct grpc_conf   *conf = confs_get(l->conf, &grpc_module);

    out->group = to->to.group;
    out->address = to->to.address;
    out->connect_timeout = conf->gateway.connect_timeout;
    out->timeout = conf->gateway.read_timeout;
}


const struct health_way health_grpc_way
    = { .type = "grpc", .kind = &kind, .target = target };
