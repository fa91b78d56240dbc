/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of slots of one size, found by the hash of a key and compared by the
 * key.  A slot that is being written when its process dies is empty for the next
 * one (hash 0).  Without the memory, in a unit test or when the table is full of
 * names in use, each process asks for itself.
 */
#include "core/upstream/answers.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "core/os/clock.h"
#include "core/shm/registry.h"

/* Changes with struct table and what is in it. */
enum { LAYOUT = 1 };

enum {
    SLOTS = 1024,
    KEY_MAX = 512,
    ASKING_MS = 40000, /* no question takes longer                           */
    KEPT_MS = 3600 * 1000, /* after its end, before another name may have its
                              place                                          */
};

struct slot {
    struct answer answer;
    msec_t        asked_at, used_at;
    pid_t         asking; /* 0: nobody                                       */
    size_t        key_n;
    char          key[KEY_MAX];
};

struct table {
    uint64_t    hash[SLOTS]; /* of the keys; 0: free                         */
    struct slot at[SLOTS];
};

static struct zone *zone;
static void        *root; /* struct table */


static bool
init(struct zone *z)
{
    return zone_make_object(z, sizeof(struct table));
}


bool
answers_share(const struct log *log)
{
    static const struct zone_use use
        = { .name = "names", .version = LAYOUT, .init = init };

    zone = zone_own_object("(names)", sizeof(struct table), &use, log, &root);
    return zone != NULL;
}


static uint64_t
hash_of(str_t key)
{
    uint64_t hash = str_mix(1, key);

    return hash != 0 ? hash : 1;
}


static unsigned
find(const struct table *t, str_t key, uint64_t hash)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (t->hash[i] == hash
            && str_eq((str_t){ t->at[i].key, t->at[i].key_n }, key))
            return i;
    return SLOTS;
}


/* A free slot, or that of the name that nobody has wanted for longest. */
static unsigned
find_room(const struct table *t, msec_t now)
{
    unsigned best = SLOTS;

    for (unsigned i = 0; i < SLOTS; i++) {
        if (t->hash[i] == 0)
            return i;
        if (t->at[i].used_at + KEPT_MS < now
            && (best == SLOTS || t->at[i].used_at < t->at[best].used_at))
            best = i;
    }
    return best;
}


static struct slot *
get(struct table *t, str_t key)
{
    msec_t       now = clock_ms();
    uint64_t     hash = hash_of(key);
    unsigned     i = find(t, key, hash);
    struct slot *s;

    if (i == SLOTS) {
        i = find_room(t, now);
        if (i == SLOTS || key.n > KEY_MAX)
            return NULL;
        s = &t->at[i];
        t->hash[i] = 0;
        IN_ORDER();
        memset(s, 0, sizeof(*s));
        memcpy(s->key, key.p, key.n);
        s->key_n = key.n;
        IN_ORDER();
        t->hash[i] = hash;
    }
    s = &t->at[i];
    s->used_at = now;
    return s;
}


static bool
is_alive(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}


static enum turn
turn_of(struct slot *s, msec_t have, struct answer *out)
{
    msec_t now = clock_ms();

    *out = s->answer;
    if (out->n > ANSWER_MAX)
        out->n = 0;
    if (out->at > have && out->until > now)
        return TURN_TAKE;
    if (s->asking != 0 && s->asked_at + ASKING_MS > now && is_alive(s->asking))
        return TURN_WAIT;
    if (s->asked_at != 0 && s->asked_at + ANSWER_PAUSE_MS > now) {
        out->until = s->asked_at + ANSWER_PAUSE_MS;
        return TURN_LATER;
    }
    s->asked_at = now;
    s->asking = getpid();
    return TURN_ASK;
}


/* Where its process has died, a slot may be half written. */
static struct table *
lock(void)
{
    if (zone == NULL)
        return NULL;
    (void) zone_lock(zone);
    return root;
}


enum turn
answers_turn(str_t key, msec_t have, struct answer *out)
{
    struct table *t = lock();
    struct slot  *s = t != NULL ? get(t, key) : NULL;
    enum turn     turn = TURN_ASK;

    out->n = 0;
    out->at = out->until = 0;
    if (s != NULL)
        turn = turn_of(s, have, out);
    if (t != NULL)
        zone_unlock(zone);
    return turn;
}


void
answers_put(str_t key, struct answer *a)
{
    struct table *t = lock();
    struct slot  *s = t != NULL ? get(t, key) : NULL;

    a->at = clock_ms();
    if (s != NULL) {
        if (s->answer.at >= a->at)
            a->at = s->answer.at + 1; /* an answer of its own moment */
        s->answer.at = 0;
        IN_ORDER();
        s->answer.n = a->n;
        s->answer.until = a->until;
        memcpy(s->answer.found, a->found, a->n * sizeof(a->found[0]));
        IN_ORDER();
        s->answer.at = a->at;
        s->asking = 0;
    }
    if (t != NULL)
        zone_unlock(zone);
}


void
answers_fail(str_t key)
{
    struct table *t = lock();
    struct slot  *s = t != NULL ? get(t, key) : NULL;

    if (s != NULL)
        s->asking = 0;
    if (t != NULL)
        zone_unlock(zone);
}
