/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One try: its life, and the reports of the decoder about it.
 */
#include "http/gateway/exchange.h"

#include "core/os/clock.h"

enum { USUAL_FIELDS = 12 };


static struct exchange *
make(struct gateway *g, str_t name)
{
    struct arena    *a = g->r->task.arena;
    struct exchange *x = arena_make(a, struct exchange);

    x->gateway = g;
    x->name = str_copy(a, name);
    x->started_at = clock_ms();
    x->connect_ms = x->header_ms = x->response_ms = -1;
    x->queue_ms = g->queue_ms;
    x->length = -1;
    chain_init(&x->body, a);
    if (g->protocol->state_size)
        x->state = arena_zalloc(a, g->protocol->state_size);
    g->x = g->r->exchanges->used = x;
    return x;
}


struct exchange *
exchange_new(struct gateway *g, str_t name)
{
    struct exchange      *x = make(g, name);
    struct exchange_list *list = g->r->exchanges;

    gateway_cache_forget(g);
    x->is_first_of_run = !list->last || list->last->gateway != g;
    if (list->last)
        list->last->next = x;
    else
        list->first = x;
    list->last = x;
    return x;
}


struct exchange *
gateway_answer(struct gateway *g)
{
    struct exchange *x = make(g, STR(""));

    x->is_stored = true;
    return x;
}


enum step
exchange_answered(struct exchange *x)
{
    x->has_head = x->is_complete = x->is_request_sent = true;
    x->status = x->code;
    x->gateway->state = GATEWAY_RESPOND;
    return STEP_NEXT;
}


/* Whether the connection can be used for another exchange.  What was answered
 * last may have to go out first. */
static bool
leaves_clean(const struct exchange *x)
{
    return x->is_complete && x->is_reusable && x->is_request_sent
           && conn_flush(&x->link->conn, 0) == FLUSH_DONE;
}


/* To the balancer.  Only what has ended well tells how long the peer takes. */
static void
report(const struct exchange *x)
{
    x->gateway->pick.result = (struct pick_result){
        .header_ms = x->header_ms,
        .response_ms = x->is_complete && !x->is_upgrade ? x->response_ms : -1,
        .sent = x->sent,
        .received = x->received,
        .status = x->code,
    };
}


void
exchange_end(struct exchange *x)
{
    if (x->response_ms == -1)
        x->response_ms = (int64_t) (clock_ms() - x->started_at);
    if (!x->link)
        return;
    x->sent = link_sent(x->link);
    x->received = link_received(x->link);
    uplink_release(x, leaves_clean(x));
    report(x);
}


void
exchange_status(struct exchange *x, unsigned status, str_t reason)
{
    x->code = status;
    x->reason = str_copy(x->gateway->r->task.arena, reason);
}


/* Makes copies with a NUL behind each, in one allocation.  Mostly both are parts
 * of a line, which is copied as a whole. */
static void
copy_pair(struct arena *a, str_t *name, str_t *value)
{
    size_t apart = (uintptr_t) value->p - (uintptr_t) name->p;
    bool   is_line = apart == name->n + 1 || apart == name->n + 2;
    char  *p;

    if (!is_line)
        apart = name->n + 1;
    p = arena_bytes(a, apart + value->n + 1);
    memcpy(p, name->p, is_line ? apart + value->n : name->n);
    if (!is_line && value->n != 0)
        memcpy(p + apart, value->p, value->n);
    p[name->n] = '\0';
    p[apart + value->n] = '\0';
    name->p = p;
    value->p = p + apart;
}


/* Adds a copy; NULL: too many fields. */
static struct field *
add_copy(struct exchange *x, struct fields *to, enum field_id id, str_t name,
         str_t value)
{
    struct arena *a = x->gateway->r->task.arena;

    if (to->list.n >= FIELDS_MAX) {
        log_error(x->gateway->r->task.log, "upstream sent too many %s lines",
                  to == &x->fields ? "header" : "trailer");
        return NULL;
    }
    if (to->list.room == 0)
        vec_reserve(a, &to->list, USUAL_FIELDS);
    copy_pair(a, &name, &value);
    return fields_add_known(a, to, id, name, value);
}


/* Fields of which a response may have only one. */
static const uint64_t singles
    = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_CONTENT_TYPE)
      | FIELD_BIT(FIELD_DATE) | FIELD_BIT(FIELD_SERVER)
      | FIELD_BIT(FIELD_LAST_MODIFIED) | FIELD_BIT(FIELD_ETAG)
      | FIELD_BIT(FIELD_EXPIRES) | FIELD_BIT(FIELD_LOCATION)
      | FIELD_BIT(FIELD_REFRESH) | GATEWAY_ORDERS;


bool
exchange_field(struct exchange *x, str_t name, str_t value)
{
    return exchange_field_known(x, field_id(name), name, value);
}


bool
exchange_field_known(struct exchange *x, enum field_id id, str_t name,
                     str_t value)
{
    struct field       *f = add_copy(x, &x->fields, id, name, value);
    const struct field *first;

    if (!f)
        return false;
    if (!(singles & FIELD_BIT(id)))
        return true;
    first = fields_get(&x->fields, id);
    if (first == f)
        return true;
    f->is_hidden = true;
    log_warn(x->gateway->r->task.log,
             "upstream sent duplicate header line: \"" STR_F ": " STR_F
             "\", previous value: \"" STR_F ": " STR_F "\", ignored",
             STR_A(f->name), STR_A(f->value), STR_A(first->name),
             STR_A(first->value));
    return true;
}


struct field *
exchange_find(const struct exchange *x, enum field_id id)
{
    return fields_get(&x->fields, id);
}


bool
exchange_trailer(struct exchange *x, str_t name, str_t value)
{
    struct arena *a = x->gateway->r->task.arena;

    return add_copy(x, fields_want(a, &x->trailers), field_id(name), name,
                    value)
           != NULL;
}


struct fields *
exchange_trailers(const struct exchange *x)
{
    return x->trailers;
}


void
exchange_length(struct exchange *x, int64_t length)
{
    x->length = length;
}


bool
exchange_has_length(const struct exchange *x)
{
    return x->length >= 0;
}


void
exchange_body(struct exchange *x, str_t data)
{
    struct link *u = x->link;

    x->body_bytes += (int64_t) data.n;
    u->in.start = chain_add_packed(&x->body, u->block, data);
}


void
exchange_chain(struct exchange *x, struct chain *data)
{
    x->body_bytes += (int64_t) data->n;
    chain_move(&x->body, data);
}


void
exchange_skip(struct exchange *x, size_t n)
{
    x->skipped += n;
}


struct chain *
exchange_out(const struct exchange *x)
{
    return &x->link->conn.out;
}


void
exchange_reusable(struct exchange *x, bool is_reusable)
{
    x->is_reusable = is_reusable;
}


void
exchange_idle_limit(struct exchange *x, msec_t most)
{
    if (x->link != NULL)
        x->link->idle_limit = most;
}


void
exchange_doubtful(struct exchange *x)
{
    if (x->link != NULL)
        x->link->is_doubtful = true;
}


bool
exchange_stray(struct exchange *x)
{
    x->is_stray = x->link != NULL && x->link->was_idle;
    return x->is_stray;
}


void
exchange_unseen(struct exchange *x)
{
    x->is_unseen = true;
}


void
exchange_moved(struct exchange *x)
{
    x->is_unseen = x->is_moved = true;
}


void
exchange_forget(struct exchange *x)
{
    struct exchange_list *list = x->gateway->r->exchanges;
    struct exchange     **at = &list->first, *before = NULL;

    while (*at != x) {
        before = *at;
        at = &before->next;
    }
    *at = NULL;
    list->last = before;
}


void
exchange_upgrade(struct exchange *x)
{
    x->is_upgrade = true;
}


void
exchange_headless(struct exchange *x)
{
    x->is_headless = true;
}


struct http_request *
exchange_request(const struct exchange *x)
{
    return x->gateway->r;
}


struct gateway *
exchange_gateway(const struct exchange *x)
{
    return x->gateway;
}


void *
exchange_state(const struct exchange *x)
{
    return x->state;
}


bool
exchange_has_link(const struct exchange *x)
{
    return x->link != NULL;
}


void *
exchange_link_state(const struct exchange *x)
{
    return x->link->state;
}
