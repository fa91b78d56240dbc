/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change is looked at when nothing else has changed for a moment, so that a
 * certificate and its key are seen together.
 */
#include "core/proc/renew.h"

#include "core/os/clock.h"
#include "core/proc/crew.h"
#include "core/proc/handover.h"
#include "core/tls/expiry.h"
#include "core/tls/renewal.h"

enum {
    QUIET_MS = 250,     /* since the last change                              */
    PATIENCE_MS = 5000, /* since the first one                               */
    PAUSE_MS = 100,     /* before the kernel is listened to again: others may be
                           busy in the same folder                           */
    DAY_MS = 24 * 3600 * 1000,
};

#define NEVER ((msec_t) -1)


static void
on_changes(struct awaited *a)
{
    struct renew *r = container_of(a, struct renew, awaited);
    msec_t        now = clock_fresh_ms();

    a->events = 0;
    r->listen_at = now + PAUSE_MS;
    if (!changes_read(&r->changes))
        return;
    if (r->look_at == NEVER || r->look_at < now)
        r->first_at = now;
    r->look_at = now + QUIET_MS;
    if (r->look_at > r->first_at + PATIENCE_MS)
        r->look_at = r->first_at + PATIENCE_MS;
}


void
renew_init(struct renew *r)
{
    *r = (struct renew){ .changes.fd = -1,
                         .listen_at = NEVER,
                         .look_at = NEVER,
                         .poll_at = NEVER,
                         .warn_at = NEVER };
    list_init(&r->awaited.link);
}


static void
unwatch(struct master *m)
{
    await_remove(&m->await, &m->renew.awaited);
    changes_close(&m->renew.changes);
    m->renew.listen_at = NEVER;
}


static void
add_path(const char *path, void *changes)
{
    changes_add(changes, path);
}


/* What leads to the files may be another way than before. */
static void
watch(struct master *m)
{
    struct renew *r = &m->renew;

    unwatch(m);
    if (!changes_open(&r->changes))
        return; /* polling does it */
    tls_renewal_each_path(m->gen, add_path, &r->changes);
    r->awaited = (struct awaited){ .fd = r->changes.fd,
                                   .events = POLLIN,
                                   .on_ready = on_changes };
    if (!await_add(&m->await, &r->awaited))
        changes_close(&r->changes);
}


void
renew_stop(struct master *m)
{
    unwatch(m);
    m->renew.look_at = m->renew.poll_at = m->renew.warn_at = NEVER;
}


void
renew_follow(struct master *m)
{
    renew_stop(m);
    tls_files_inherit(m->gen);
    if (!tls_renewal_is_possible(m->gen))
        return;
    m->renew.warn_at = clock_fresh_ms();
    if (tls_watch_conf_of(m->gen)->is_on)
        m->renew.look_at = m->renew.warn_at;
}


msec_t
renew_next(const struct master *m)
{
    const struct renew *r = &m->renew;
    msec_t              at = r->look_at < r->poll_at ? r->look_at : r->poll_at;

    if (r->listen_at < at)
        at = r->listen_at;
    return at < r->warn_at ? at : r->warn_at;
}


static bool
look(struct master *m)
{
    struct tls_renewal *r = tls_renewal_new(m->gen, &m->log);

    if (r == NULL)
        return false;
    if (tls_renewal_take(m->gen, tls_renewal_fd(r)))
        handover_renew(&m->children, m->gen, tls_renewal_fd(r), &m->log);
    tls_renewal_free(r, &m->log);
    return true;
}


static void
look_again(struct master *m, msec_t now)
{
    struct renew *r = &m->renew;

    if (r->look_at <= now) {
        watch(m); /* first, so that no change comes in between */
        look(m);
    } else if (look(m)) {
        watch(m);
    }
    r->look_at = NEVER;
    r->poll_at = now + tls_watch_conf_of(m->gen)->poll_ms;
}


void
renew_work(struct master *m)
{
    struct renew *r = &m->renew;
    msec_t        now = clock_fresh_ms();

    if (r->listen_at <= now) {
        r->awaited.events = POLLIN;
        r->listen_at = NEVER;
    }
    if (r->look_at <= now || r->poll_at <= now)
        look_again(m, now);
    if (r->warn_at <= now) {
        tls_expiry_warn(m->gen, &m->log);
        r->warn_at = now + DAY_MS;
    }
}
