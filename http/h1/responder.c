/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *     RESOLVE -> CONNECT -> CONNECTING -> READ -> OVER
 *                   ^-----------'  (the next address)
 *
 * A task of its own, with one link that is never used again: responders are
 * asked once an hour.  Whatever ends it goes through finish.
 */
#include "http/responder.h"

#include "core/base/escape.h"
#include "core/net/worker.h"
#include "core/upstream/link.h"
#include "core/upstream/names.h"
#include "http/gateway/gateway.h"
#include "http/h1/ocsp_reply.h"

enum { RESOLVE, CONNECT, CONNECTING, READ, OVER };

enum {
    TRIES = 4,     /* addresses of one name                              */
    GET_MAX = 255, /* of a URL with the question in it                       */
    READ_ONCE = 16384,
};


static struct responder_ask *
ask_of(struct task *t)
{
    return container_of(t, struct responder_ask, task);
}


/* --- the log ------------------------------------------------------------------ */

static void
write_frame(const struct log_frame *frame, struct log_record *l)
{
    const struct responder_ask *a
        = container_of(frame, const struct responder_ask, frame);

    log_part(l, "responder", STR_F, STR_A(a->to->host));
    if (a->peer.n != 0)
        log_part(l, "peer", STR_F, STR_A(a->peer));
    if (a->certificate != NULL)
        log_part_quoted(l, "certificate", "%s", a->certificate);
}


/* --- the end ------------------------------------------------------------------ */

static void
reap(struct post *p)
{
    struct responder_ask *a = container_of(p, struct responder_ask, reap);
    struct generation    *g = a->task.gen;

    arena_free(a->task.arena);
    generation_put(g);
}


static void
drop_link(struct responder_ask *a)
{
    if (a->link != NULL)
        link_discard(a->link);
    a->link = NULL;
}


void
responder_cancel(struct responder_ask *a)
{
    if (a->task.is_ended)
        return;
    drop_link(a);
    timer_stop(&a->deadline);
    task_end(&a->task);
    a->reap.run = reap;
    loop_reap(a->task.loop, &a->reap);
}


static enum step
finish(struct responder_ask *a)
{
    a->state = OVER;
    a->is_over = true;
    responder_cancel(a);
    a->on_done(a);
    return STEP_DONE;
}


static enum step
fail(struct responder_ask *a, const char *why)
{
    log_error(&a->log, "%s", why);
    return finish(a);
}


static void
on_deadline(struct timer *t)
{
    (void) fail(container_of(t, struct responder_ask, deadline),
                "OCSP responder timed out");
}


/* The connection's place is wanted for somebody else. */
static void
on_unwanted(struct conn *c)
{
    struct link *l = container_of(c, struct link, conn);

    (void) finish(ask_of(l->task));
}


static const struct conn_owner spare = { .on_unwanted = on_unwanted };


/* --- what is sent ----------------------------------------------------------------- */

static str_t
host_field(struct responder_ask *a)
{
    const struct ocsp_responder *to = a->to;

    return to->port == 80 ? to->host
                          : arena_printf(a->task.arena, STR_F ":%u",
                                         STR_A(to->host), to->port);
}


/* The question is a part of the URL, as caches like it, where that does not
 * become too long (RFC 5019, 5) and ends with a path. */
static void
add_request(struct responder_ask *a, struct chain *out)
{
    struct arena *m = a->task.arena;
    str_t         text = escape_uri(m, base64_encode(m, a->request, false),
                                    ESCAPE_URI_COMPONENT);
    str_t         target = a->to->target, host = host_field(a);
    bool          ends_with_slash = target.p[target.n - 1] == '/';
    size_t        n = sizeof("http:///") - 1 + host.n + target.n + text.n;

    if (n <= GET_MAX && str_chr(target, '?') == NULL) {
        chain_add(out, arena_printf(m,
                                    "GET " STR_F "%s" STR_F " HTTP/1.1\r\n"
                                    "Host: " STR_F "\r\n"
                                    "Connection: close\r\n\r\n",
                                    STR_A(target), ends_with_slash ? "" : "/",
                                    STR_A(text), STR_A(host)));
        return;
    }
    chain_add(out, arena_printf(m,
                                "POST " STR_F " HTTP/1.1\r\n"
                                "Host: " STR_F "\r\n"
                                "Content-Type: application/ocsp-request\r\n"
                                "Content-Length: %zu\r\n"
                                "Connection: close\r\n\r\n",
                                STR_A(target), STR_A(host), a->request.n));
    chain_add(out, a->request);
}


/* --- what comes --------------------------------------------------------------------- */

static enum step
end(struct responder_ask *a, enum parse result)
{
    if (result == PARSE_OK)
        a->answer = (str_t){ a->reply->body, a->reply->n };
    return finish(a);
}


static enum step
read_answer(struct responder_ask *a)
{
    struct link *l = a->link;
    enum parse   result;
    ssize_t      n;
    str_t        in;

    for (;;) {
        n = link_read(l, READ_ONCE);
        if (n == CONN_AGAIN)
            return STEP_WAIT;
        if (n == CONN_ERROR)
            return finish(a); /* logged */
        if (n == 0)
            return end(a, ocsp_reply_eof(a->reply, &a->log));
        in = buf_str(&l->in);
        result = ocsp_reply_take(a->reply, &in, &a->log);
        if (result != PARSE_AGAIN)
            return end(a, result);
        l->in.read = l->in.write - in.n;
    }
}


/* --- whom to ask ------------------------------------------------------------------------ */

static void
use_addresses(struct responder_ask *a, const struct addr_any *at, size_t n)
{
    a->n = n < TRIES ? n : TRIES;
    a->at = arena_array(a->task.arena, struct addr_any, a->n);
    for (size_t i = 0; i < a->n; i++) {
        a->at[i] = at[i];
        addr_set_port(&a->at[i].sa, a->to->port);
    }
    a->state = CONNECT;
}


/* A name is looked up each time, where that is possible; else it has the
 * addresses that it had when the configuration was read. */
static enum step
resolve(struct responder_ask *a)
{
    const struct resolver_conf  *c = conf_of(&a->task, &http_resolver_module);
    const struct ocsp_responder *to = a->to;
    struct addr_any              literal;

    if (to->n != 0 && (c->resolver == NULL || addr_parse(to->host, &literal))) {
        use_addresses(a, to->at, to->n);
        return STEP_NEXT;
    }
    if (c->resolver == NULL) {
        log_error(&a->log, "no resolver defined to resolve " STR_F,
                  STR_A(to->host));
        return finish(a);
    }
    if (a->lookup.task == NULL)
        (void) resolver_ask(c->resolver, &a->lookup, &a->task, to->host,
                            c->timeout);
    if (!a->lookup.is_done)
        return STEP_WAIT;
    if (a->lookup.code != 0) {
        log_error(&a->log, STR_F " could not be resolved (%d: %s)",
                  STR_A(to->host), a->lookup.code, a->lookup.error);
        return finish(a);
    }
    use_addresses(a, a->lookup.at, a->lookup.n);
    return STEP_NEXT;
}


static enum step
connect_next(struct responder_ask *a)
{
    static const struct link_options options = { .from = NULL };
    static const struct link_kind    kind = { .protocol = NULL };
    const struct addr_any           *at;
    char                             text[ADDR_TEXT];
    size_t                           n;

    if (a->next == a->n)
        return finish(a); /* logged, each */
    at = &a->at[a->next++];
    n = addr_text(text, &at->sa, at->len, true);
    a->peer = str_copy(a->task.arena, (str_t){ text, n });
    a->link = link_new(&a->task, a->peer, &kind);
    if (link_connect(a->link, at, &options, RESPONDER_MS) == STEP_FAIL) {
        drop_link(a);
        return STEP_NEXT;
    }
    if (a->is_spare) {
        conn_set_owner(&a->link->conn, &spare);
        conn_set_use(&a->link->conn, CONN_IDLE);
    }
    a->state = CONNECTING;
    return STEP_NEXT;
}


static enum step
connected(struct responder_ask *a)
{
    struct conn *c = &a->link->conn;
    enum step    s = link_connected(a->link);

    if (s == STEP_WAIT)
        return s;
    if (s == STEP_FAIL) {
        drop_link(a);
        a->state = CONNECT;
        return STEP_NEXT;
    }
    add_request(a, &c->out);
    if (conn_flush(c, 0) == FLUSH_ERROR) {
        conn_log_error(c, c->error, "send() failed");
        return finish(a);
    }
    a->reply = arena_make(a->task.arena, struct ocsp_reply);
    a->reply->arena = a->task.arena;
    a->state = READ;
    return STEP_NEXT;
}


static void
run(struct task *t)
{
    static enum step (*const steps[])(struct responder_ask *)
        = { resolve, connect_next, connected, read_answer };
    struct responder_ask *a = ask_of(t);

    while (a->state != OVER && steps[a->state](a) == STEP_NEXT)
        continue;
}


struct responder_ask *
responder_ask(struct generation *g, struct conf_page *const *conf,
              const struct log *log, const struct ocsp_responder *to,
              str_t request, bool is_spare)
{
    struct arena         *m = arena_new(0);
    struct responder_ask *a = arena_make(m, struct responder_ask);

    a->task.arena = m;
    a->task.loop = worker->loop;
    a->task.log = &a->log;
    a->task.gen = generation_get(g);
    a->task.conf = conf;
    a->task.run = run;
    a->task.kind = FOR_HTTP;
    task_init(&a->task);
    a->log = *log;
    a->log.action = "requesting certificate status";
    a->log.frames = NULL;
    a->frame.write = write_frame;
    log_push(&a->log, &a->frame);
    a->to = ocsp_responder_copy(m, to);
    a->request = str_copy(m, request);
    a->is_spare = is_spare;
    a->deadline.is_idle = is_spare;
    a->deadline.on_timeout = on_deadline;
    timer_set(a->task.loop, &a->deadline, RESPONDER_MS);
    task_wake(&a->task);
    return a;
}
