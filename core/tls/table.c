/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contexts of this process, by the identity of the settings that they were
 * made from.
 */
#include "core/base/number.h"
#include "core/tls/context.h"

enum { LEAST_SLOTS = 64 };

/* Of the process. */
static struct table {
    struct tls_context **slots;
    size_t               n_slots; /* a power of two, or 0                    */
    size_t               n;
} table;


static size_t
slot_of(const uint8_t *id, size_t n_slots)
{
    uint64_t first;

    memcpy(&first, id, sizeof(first));
    return (size_t) first & (n_slots - 1);
}


/* That of the same settings, with the same zone. */
static struct tls_context *
find(const struct tls_settings *s)
{
    uint64_t            serial = s->zone != NULL ? s->zone->serial : 0;
    struct tls_context *c;

    if (table.n_slots == 0)
        return NULL;
    c = table.slots[slot_of(s->id, table.n_slots)];
    while (c != NULL
           && (memcmp(c->id, s->id, sizeof(c->id)) != 0
               || c->zone_serial != serial))
        c = c->next;
    return c;
}


static void
link_in(struct tls_context **slots, size_t n_slots, struct tls_context *c)
{
    size_t i = slot_of(c->id, n_slots);

    c->next = slots[i];
    slots[i] = c;
}


static void
grow(void)
{
    size_t               n = table.n_slots ? table.n_slots * 2 : LEAST_SLOTS;
    struct tls_context **slots = calloc(n, sizeof(*slots)), *c, *next;

    if (slots == NULL)
        check_memory(n * sizeof(*slots));
    for (size_t i = 0; i < table.n_slots; i++)
        for (c = table.slots[i]; c != NULL; c = next) {
            next = c->next;
            link_in(slots, n, c);
        }
    free(table.slots);
    table.slots = slots;
    table.n_slots = n;
}


static void
add(struct tls_context *c)
{
    if (table.n >= table.n_slots)
        grow();
    link_in(table.slots, table.n_slots, c);
    c->is_listed = true;
    table.n++;
}


static void
drop(struct tls_context *c)
{
    struct tls_context **at;

    if (c->is_listed) {
        at = &table.slots[slot_of(c->id, table.n_slots)];
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
        table.n--;
    }
    tls_context_free(c);
}


struct tls_context *
tls_context_hold(struct tls_context *c)
{
    c->refs++;
    return c;
}


void
tls_context_put(struct tls_context *c)
{
    CHECK(c->refs > 0);
    if (--c->refs == 0)
        drop(c);
}


static void
empty(struct tls_slot *slot)
{
    struct tls_context *c = slot->context;

    if (c == NULL)
        return;
    slot->context = NULL;
    if (--c->users == 0)
        c->zone = NULL;
    tls_context_put(c);
}


/* A generation ends, and its zones do after that. */
static void
on_generation_end(void *slot)
{
    empty(slot);
}


/* What a context has of a generation is that of the last one that uses it: those
 * before it may be gone. */
static void
set_owner(struct tls_context *c, const struct tls_settings *s)
{
    c->zone = s->zone != NULL ? s->zone->zone : NULL;
    if (c->named != NULL)
        c->named = s;
}


static void
use(struct tls_context *c, const struct tls_settings *s, struct generation *g)
{
    struct tls_slot *slot = s->slot;

    tls_context_hold(c);
    empty(slot);
    slot->context = c;
    c->users++;
    set_owner(c, s);
    if (!slot->is_tied)
        arena_defer(g->arena, on_generation_end, slot);
    slot->is_tied = true;
}


struct tls_context *
tls_context_get(const struct tls_settings *s, struct generation *g,
                const struct log *log)
{
    struct tls_context *c;
    char                why[TLS_WHY_MAX];

    if (s->slot->context != NULL)
        return s->slot->context;
    c = find(s);
    if (c != NULL) {
        use(c, s, g);
        return c;
    }
    c = tls_context_new(s, why);
    if (c == NULL) {
        log_at(log, LEVEL_CRIT, 0, "%s", why);
        return NULL;
    }
#ifdef SSL_OP_ENABLE_KTLS
    if (SSL_CTX_get_options(c->ssl) & SSL_OP_ENABLE_KTLS)
        log_at(log, LEVEL_NOTICE, 0,
               "kTLS is not in use: records are encrypted by the worker");
#endif
    add(c);
    use(c, s, g);
    tls_context_put(c); /* the slot's alone */
    return c;
}


void
tls_context_keep(const struct tls_settings *s, struct generation *g)
{
    struct tls_context *c = find(s);

    if (c != NULL && s->slot->context != c)
        use(c, s, g);
}


void
tls_context_leave(const struct tls_settings *s)
{
    empty(s->slot);
}


static bool
same_id(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, sizeof(((struct tls_context *) 0)->id)) == 0;
}


bool
tls_context_verifies(const struct tls_context *c, const struct tls_settings *s)
{
    if (same_id(c->verify_id, s->verify_id))
        return true;
    return same_id(c->verify_files_id, s->verify_files_id)
           && (same_id(c->verify_id, s->first_verify_id)
               || same_id(c->first_verify_id, s->first_verify_id));
}
