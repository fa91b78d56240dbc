/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is slow.  Heads stand in the order in which they began.  All others are
 * a ring: who was looked at goes to its end.
 */
#include "core/net/pressure.h"

#include "core/os/clock.h"

enum {
    LOOKS = 256,  /* at connections, in one call                             */
    REST_MS = 10, /* after looking in vain                                   */
    CHANCES = 2,
    SINCE_MASK = (1 << 30) - 1,
};

static bool   is_pressing;
static msec_t vain_at; /* the last time that nobody was found              */
static bool   vain_soon;


void
pace_start(struct pace *p)
{
    uint32_t now = clock_ms() & SINCE_MASK;

    p->since = now != 0 ? now : 1;
}


static uint32_t
age_of(const struct pace *p)
{
    return (uint32_t) (clock_ms() - p->since) & SINCE_MASK;
}


/* What the peer has sent and what it has taken.  What went out may wait in the
 * kernel for long: a big socket buffer hides how fast the peer reads. */
static uint32_t
moved_by(struct conn *c)
{
    uint64_t n = c->received + c->sent;

    return (uint32_t) (c->out.n != 0 ? n - c->io->unread(c) : n);
}


static void
measure(struct pace *p, uint32_t moved, unsigned chances)
{
    pace_start(p);
    p->moved = moved;
    p->chances = chances & 3;
}


/* More than what three windows ask for proves enough, however long ago the
 * measuring began. */
static bool
is_fast(const struct pace *p, uint32_t moved, uint32_t ms)
{
    enum { MOST = PACE_WINDOW * (CHANCES + 1) };

    return (int32_t) (moved - p->moved)
           >= (int32_t) ((ms < MOST ? ms : MOST) * PACE_FLOOR / 1000);
}


static bool
is_slow(struct conn *c, struct pace *p)
{
    uint32_t moved, ms = age_of(p);

    if (p->since == 0) {
        measure(p, moved_by(c), p->chances);
        return false;
    }
    if (ms < PACE_WINDOW)
        return false;
    moved = moved_by(c);
    if (is_fast(p, moved, ms)) {
        measure(p, moved, CHANCES);
        return false;
    }
    if (p->chances == 0)
        return true;
    measure(p, moved, p->chances - 1u);
    return false;
}


/* True when it is gone. */
static bool
close_slow(struct conn *c)
{
    size_t before = conns.active;

    conn_set_use(c, CONN_BUSY); /* is not asked again at once */
    c->owner->on_slow(c);
    return conns.active < before;
}


static size_t
press_heads(size_t n, bool *soon)
{
    struct list *heads = &conns.of[CONN_HEAD];
    size_t       gone = 0;

    while (gone < n && !list_empty(heads)) {
        struct conn *c = container_of(heads->next, struct conn, link);

        if (age_of(c->owner->pace(c)) < PACE_WINDOW) {
            *soon = true;
            break;
        }
        gone += close_slow(c);
    }
    return gone;
}


static size_t
press_others(size_t n, bool *soon)
{
    struct list *ring = &conns.of[CONN_BUSY];
    size_t       looks = conns.active < LOOKS ? conns.active : LOOKS;
    size_t       gone = 0;

    while (gone < n && looks-- > 0 && !list_empty(ring)) {
        struct conn *c = container_of(ring->next, struct conn, link);
        struct pace *p = c->owner->pace != NULL ? c->owner->pace(c) : NULL;

        list_remove(&c->link);
        list_append(ring, &c->link);
        if (p == NULL)
            continue;
        if (is_slow(c, p))
            gone += close_slow(c);
        else
            *soon = true;
    }
    return gone;
}


size_t
conns_press(size_t n, bool *soon)
{
    size_t gone;

    *soon = vain_soon;
    if (is_pressing || clock_ms() < vain_at + REST_MS)
        return 0;
    is_pressing = true;
    *soon = false;
    gone = press_heads(n, soon);
    gone += press_others(n - gone, soon);
    is_pressing = false;
    if (gone == 0)
        vain_at = clock_ms();
    vain_soon = *soon;
    if (gone != 0 && conns.on_pressed != NULL)
        conns.on_pressed(conns.arg, gone);
    return gone;
}
