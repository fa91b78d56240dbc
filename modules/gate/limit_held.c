/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The word of an entry: the number that is held, whether that is in doubt, and
 * the generation.  It is the sum of what all processes in the list hold of it
 * (core/shm/held.h), but for those that are busy with it.
 *
 * When one of them has died, it is taken from the list, and what it held is
 * counted again as that sum.  Until then the word is in doubt, so that nobody
 * changes it without the lock.
 */
#include "modules/gate/limit_held.h"

#include "core/os/clock.h"
#include "modules/gate/limit_inside.h"

#define ONE (UINT64_C(1) << LIMIT_CONN_TAG)
#define DOUBT (UINT64_C(1) << 63)


static unsigned
number_in(uint64_t word)
{
    return (unsigned) ((word & ~DOUBT) >> LIMIT_CONN_TAG);
}


unsigned
limit_held(const struct limit_entry *e)
{
    return number_in(e->word);
}


/* --- when processes have died ----------------------------------------------- */

/* Who was in the middle of a change has either made it before the word was in
 * doubt, and then is seen to be busy, as his swap was a release and this is an
 * acquire; or his swap fails. */
static void
count_again(struct table *t, struct limit_entry *e)
{
    unsigned object = limit_number(t, e) - 1;
    uint64_t word
        = atomic_fetch_or_explicit(&e->word, DOUBT, memory_order_acq_rel);
    uint64_t sum;

    held_settle(&t->held, object);
    sum = held_sum(&t->held, object, (uint32_t) word);
    atomic_store_explicit(&e->word, sum * ONE | (uint32_t) word,
                          memory_order_release);
}


/* Whether it is in the sum: not, if the entry has no key. */
static bool
counts(const struct holder *it, unsigned object, uint64_t word)
{
    return (word & 1) == 0
           && (holder_is_busy(it, object)
               || holder_count(it, object, (uint32_t) word) != 0);
}


static void
take_back(struct zone *z, struct table *t, struct holder *it)
{
    held_unlink(&t->held, it);
    for (uint32_t i = 0; i < t->used; i++)
        if (counts(it, i, t->entries[i].word))
            count_again(t, &t->entries[i]);
    held_free(z, it);
}


/* Who has died with the lock may have been in the middle of that. */
static void
count_all(struct table *t)
{
    for (uint32_t i = 0; i < t->used; i++) {
        uint64_t word = t->entries[i].word;

        if ((word & 1) == 0
            && word >> LIMIT_CONN_TAG != held_sum(&t->held, i, (uint32_t) word))
            count_again(t, &t->entries[i]);
    }
}


void
limit_sweep(struct zone *z, struct table *t, bool is_whole)
{
    struct holder *it;

    if (!is_whole)
        count_all(t);
    while ((it = held_find_dead(&t->held)) != NULL)
        take_back(z, t, it);
    t->swept_at = clock_ms() / 1000;
}


/* --- holding ---------------------------------------------------------------- */

enum change { CHANGED, REFUSED, UNSURE };


/* One more, or less.  REFUSED: there are as many as there may be, or the entry
 * has another key. */
static enum change
change(struct limit_entry *e, uint64_t word, uint64_t most, int by)
{
    uint32_t generation = (uint32_t) word;
    uint64_t step = by > 0 ? ONE : 0 - ONE;

    do {
        if ((uint32_t) word != generation)
            return by > 0 ? UNSURE : REFUSED;
        if ((word & DOUBT) != 0)
            return UNSURE;
        if (by > 0 ? number_in(word) >= most : number_in(word) == 0)
            return REFUSED;
    } while (!limit_swap(e, &word, word + step));
    return CHANGED;
}


/* The same, noted by the process.  UNSURE: it has no room for that, too. */
static enum change
note(const struct table *t, struct holder *mine, struct limit_entry *e,
     uint64_t word, uint64_t most, int by)
{
    unsigned    object = limit_number(t, e) - 1;
    enum change is;

    if (!holder_begin(mine, object))
        return UNSURE;
    is = change(e, word, most, by);
    holder_end(mine, object, (uint32_t) word, is == CHANGED ? by : 0);
    return is;
}


/* With the lock, no word is in doubt.  Where the zone has no room, it is not
 * noted. */
static enum change
note_locked(struct zone *z, const struct table *t, struct holder *mine,
            struct limit_entry *e, uint64_t word, uint64_t most, int by)
{
    if (mine == NULL || !holder_grow(z, mine, limit_number(t, e) - 1))
        return change(e, word, most, by);
    return note(t, mine, e, word, most, by);
}


/* Only the lock tells that somebody has died who held some. */
static bool
hold_locked(struct zone *z, struct holder **mine, struct limit_key *key,
            uint64_t most, struct limit_hold *out, struct limit_entry *lost)
{
    struct table       *t = limit_table(z);
    struct limit_entry *e;
    bool                is_held;

    limit_lock(z);
    *mine = held_take(z, &t->held);
    e = limit_find(z, key);
    if (e == NULL)
        e = limit_add(z, key, lost);
    *out = (struct limit_hold){ e, (uint32_t) e->word };
    is_held = note_locked(z, t, *mine, e, e->word, most, 1) == CHANGED;
    limit_unlock(z);
    return is_held;
}


bool
limit_hold(struct zone *z, struct holder **mine, struct limit_key *key,
           uint64_t most, struct limit_hold *out, struct limit_entry *lost)
{
    struct limit_entry *e;
    uint64_t            word;

    lost->n = 0;
    e = holder_is_own(*mine) ? limit_peek(z, key, &word) : NULL;
    if (e == NULL || note(limit_table(z), *mine, e, word, most, 1) != CHANGED)
        return hold_locked(z, mine, key, most, out, lost);
    *out = (struct limit_hold){ e, (uint32_t) word };
    return true;
}


void
limit_give_back(struct zone *z, struct holder **mine,
                const struct limit_hold *hold)
{
    struct table *t = limit_table(z);
    uint64_t      word
        = atomic_load_explicit(&hold->entry->word, memory_order_relaxed);

    if ((uint32_t) word != hold->generation
        || (holder_is_own(*mine)
            && note(t, *mine, hold->entry, word, 0, -1) != UNSURE))
        return;
    limit_lock(z);
    *mine = held_take(z, &t->held);
    word = hold->entry->word;
    if ((uint32_t) word == hold->generation)
        note_locked(z, t, *mine, hold->entry, word, 0, -1);
    limit_unlock(z);
}
