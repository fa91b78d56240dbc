/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question over HTTP/1.  A connection that is not kept is closed as soon as
 * enough of the response has come.
 */
#include "modules/gateway/health_http.h"

#include "core/tls/error.h"
#include "http/h1/response.h"

enum {
    READ_ONCE = 16384,
    READS = 32, /* in one turn                                               */
    HEAD_MAX = 65536,
    KEPT_FIELDS = 256,
    DRAIN_MAX = 1 << 20, /* of a body that nobody looks at, so that the
                            connection can be kept                           */
};

struct reading {
    struct h1_response   h1;
    struct health_answer answer;
    char                *body; /* HEALTH_BODY_MAX bytes, where it is wanted  */
    uint64_t             head_bytes, body_bytes;
    bool                 has_head, is_checked;
};


static const struct health_question *
question_of(const struct health_probe *p)
{
    return health_data(p->health);
}


void
health_http_connect(struct health_probe *p, struct link_options *o)
{
    const struct health_question *q = question_of(p);

    if (q->secure == NULL)
        return;
    o->wrap = gateway_tls_wrap;
    o->arg = q->secure;
}


/* --- what comes ------------------------------------------------------------------ */

static bool
is_kept(const struct health_probe *p)
{
    return health_check_of(p->health)->keepalive_time != 0;
}


static void
take_body(struct reading *r, str_t data)
{
    size_t room = HEALTH_BODY_MAX - r->answer.body.n;

    r->body_bytes += data.n;
    if (r->body == NULL)
        return;
    if (data.n > room)
        data.n = room;
    memcpy(r->body + r->answer.body.n, data.p, data.n);
    r->answer.body.n += data.n;
}


static enum step
judge(struct health_probe *p, struct reading *r)
{
    const struct health_question *q = question_of(p);
    const char                   *doing = NULL;
    str_t                         why;

    r->answer.body.p = r->body;
    why = health_match_refuses(p->task.arena, q->match, &r->answer, &doing);
    if (why.n == 0 && health_match_wants_request(q->match))
        why = q->require(p, &r->answer, &doing);
    p->doing = doing;
    r->is_checked = true;
    return why.n == 0 ? STEP_DONE : probe_blame(p, doing, STR_F, STR_A(why));
}


/* The head is there: whether there is more to be read. */
static enum step
after_head(struct health_probe *p, struct reading *r)
{
    if (health_match_wants_body(question_of(p)->match)) {
        r->body = arena_bytes(p->task.arena, HEALTH_BODY_MAX);
        return STEP_NEXT;
    }
    if (is_kept(p) && r->h1.is_reusable)
        return STEP_NEXT;
    return judge(p, r);
}


/* Most checks look at the status alone. */
static void
keep_field(struct health_probe *p, struct reading *r)
{
    struct arena *a = p->task.arena;

    if (r->answer.fields.list.n < KEPT_FIELDS
        && health_match_wants_fields(question_of(p)->match))
        (void) fields_add(a, &r->answer.fields, str_copy(a, r->h1.field.name),
                          str_copy(a, r->h1.field.value));
}


static enum step
on_event(struct health_probe *p, struct reading *r, enum h1_event event)
{
    switch (event) {
    case H1_SAW_STATUS:
        r->answer.status = r->h1.status.status;
        r->answer.reason = str_copy(p->task.arena, r->h1.status.reason);
        return STEP_NEXT;
    case H1_SAW_NAMED:
        keep_field(p, r);
        return STEP_NEXT;
    case H1_SAW_INTERIM:
        memset(&r->answer.fields, 0, sizeof(r->answer.fields));
        return STEP_NEXT;
    case H1_SAW_HEAD:
        r->has_head = true;
        return after_head(p, r);
    case H1_SAW_DATA:
        take_body(r, r->h1.data);
        if (r->body_bytes >= (r->body != NULL ? HEALTH_BODY_MAX : DRAIN_MAX))
            return judge(p, r);
        return STEP_NEXT;
    case H1_SAW_END:
        p->is_reusable = r->h1.is_reusable;
        return judge(p, r);
    case H1_SAW_TRAILER:
        return STEP_NEXT;
    case H1_WANTS_MORE:
        return STEP_WAIT;
    case H1_SAW_HEADLESS:
    case H1_SAW_BROKEN:
        break;
    }
    return probe_blame(p, "reading response header from upstream",
                       "the response is invalid");
}


static enum step
take(struct health_probe *p, struct reading *r)
{
    struct buf *in = &p->link->in;
    str_t       rest = buf_str(in);
    size_t      before = rest.n;
    enum step   s;

    do {
        s = on_event(p, r, h1_response_next(&r->h1, &rest));
    } while (s == STEP_NEXT);
    in->read = in->write - rest.n;
    if (!r->has_head)
        r->head_bytes += before - rest.n;
    if (s == STEP_WAIT && !r->has_head && r->head_bytes + rest.n > HEAD_MAX)
        return probe_blame(p, "reading response header from upstream",
                           "the header is too big");
    return s;
}


static enum step
closed(struct health_probe *p, struct reading *r)
{
    if (r->has_head && h1_response_eof(&r->h1) == H1_SAW_END)
        return judge(p, r);
    return probe_blame(p,
                       r->has_head ? "reading upstream"
                                   : "reading response header from upstream",
                       "the connection was closed");
}


static enum step
read_answer(struct health_probe *p)
{
    struct reading *r = p->state;

    for (unsigned i = 0; i < READS; i++) {
        ssize_t   n = link_read(p->link, READ_ONCE);
        enum step s;

        if (n == CONN_AGAIN)
            return STEP_WAIT;
        if (n == CONN_ERROR)
            return probe_blame(p, "reading response header from upstream",
                               "recv() failed (%d: %s)", p->link->conn.error,
                               strerror(p->link->conn.error));
        if (n == 0)
            return closed(p, r);
        s = take(p, r);
        if (s != STEP_WAIT)
            return s;
    }
    post_add_next(p->task.loop, &p->task.wake);
    return STEP_WAIT;
}


/* --- what is sent ----------------------------------------------------------------- */

enum step
health_http_certified(struct health_probe *p, const struct gateway_secure *s)
{
    long error;

    if (!s->verifies)
        return STEP_NEXT;
    error = tls_verify_result(&p->link->conn);
    if (error != X509_V_OK)
        return probe_blame(p, "SSL handshaking to upstream",
                           "certificate verify error: (%ld:%s)", error,
                           X509_verify_cert_error_string(error));
    if (!tls_peer_is(&p->link->conn, s->name))
        return probe_blame(p, "SSL handshaking to upstream",
                           "the certificate does not match \"" STR_F "\"",
                           STR_A(s->name));
    return STEP_NEXT;
}


enum step
health_http_run(struct health_probe *p, bool is_first)
{
    const struct health_question *q = question_of(p);
    struct conn                  *c = &p->link->conn;
    struct reading               *r;

    if (!is_first)
        return read_answer(p);
    if (q->secure != NULL && health_http_certified(p, q->secure) == STEP_FAIL)
        return STEP_FAIL;
    r = arena_make(p->task.arena, struct reading);
    r->h1.has_no_body = q->is_head;
    p->state = r;
    p->doing = "sending request to upstream";
    chain_add(&c->out, q->text);
    if (conn_flush(c, 0) == FLUSH_ERROR)
        return probe_blame(p, p->doing, "send() failed (%d: %s)", c->error,
                           strerror(c->error));
    p->doing = "reading response header from upstream";
    return read_answer(p);
}


str_t
health_http_status(const struct health_probe *p)
{
    const struct reading *r = p->state;

    return r == NULL || r->answer.status == 0
               ? STR("")
               : arena_printf(p->task.arena, "%u " STR_F, r->answer.status,
                              STR_A(r->answer.reason));
}
