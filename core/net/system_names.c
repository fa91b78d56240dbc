/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One state for the process.  A change is looked at when nothing else has
 * changed for a moment: whoever writes such a file may not do it at once.
 */
#include "core/net/system_names.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include "core/net/worker.h"
#include "core/os/changes.h"

enum {
    FILE_MAX = 16 << 20,
    QUIET_MS = 100,
    TIMEOUT_MAX_MS = 30000,
};

static const char resolv_conf[] = "/etc/resolv.conf", hosts[] = "/etc/hosts";

static struct {
    struct list        watches;
    struct arena      *arena; /* of what was read; NULL: nothing so far      */
    struct resolv_conf conf;
    str_t              hosts;
    struct resolver   *resolver;
    bool               has_ipv6;
    struct changes     changes;
    struct event       event;
    struct timer       quiet;
} own;


/* --- reading ------------------------------------------------------------------ */

/* What cannot be read is empty. */
static str_t
read_file(struct arena *a, const char *path)
{
    int    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t n = 0, room = 4096;
    char  *text = arena_bytes(a, room);

    while (fd != -1 && n < FILE_MAX) {
        ssize_t got = read(fd, text + n, room - n);

        if (got <= 0)
            break;
        n += (size_t) got;
        if (n == room) {
            text = arena_grow(a, text, n, room * 2);
            room *= 2;
        }
    }
    if (fd != -1)
        close(fd);
    return (str_t){ text, n };
}


/* As for getaddrinfo's AI_ADDRCONFIG, loopback does not count. */
static bool
look_for_ipv6(void)
{
    struct ifaddrs *all;
    bool            has = false;

    if (getifaddrs(&all) != 0)
        return true;
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
        if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET6
            && !(i->ifa_flags & IFF_LOOPBACK))
            has = true;
    freeifaddrs(all);
    return has;
}


static void
read_all(void)
{
    struct resolver_options o;

    own.arena = arena_new(0);
    own.has_ipv6 = look_for_ipv6();
    own.hosts = read_file(own.arena, hosts);
    resolv_conf_read(read_file(own.arena, resolv_conf), &own.conf);
    o = (struct resolver_options){ .servers = own.conf.servers,
                                   .n = own.conf.n_servers,
                                   .no_ipv6 = !own.has_ipv6,
                                   .is_ordered = !own.conf.rotates };
    own.resolver = resolver_new(own.arena, &o);
}


/* --- changes ------------------------------------------------------------------ */

static void listen_for_changes(void);


static void
stop_listening(void)
{
    if (own.changes.fd == -1)
        return;
    event_remove(worker->loop, &own.event);
    changes_close(&own.changes);
}


/* Lookups at the servers before go on: the resolver keeps what they need. */
static void
on_quiet(struct timer *t)
{
    (void) t;
    stop_listening();
    listen_for_changes();
    arena_free(own.arena);
    read_all();
    log_at(&worker->log, LEVEL_NOTICE, 0,
           "the system looks names up in another way now");
    LIST_EACH(&own.watches, l) {
        struct system_watch *w = list_entry(l, struct system_watch, link);

        w->on_change(w);
    }
}


static void
on_event(struct event *e)
{
    e->readable = false;
    if (changes_read(&own.changes))
        timer_set(worker->loop, &own.quiet, QUIET_MS);
}


static void
listen_for_changes(void)
{
    if (!changes_open(&own.changes))
        return;
    changes_add(&own.changes, resolv_conf);
    changes_add(&own.changes, hosts);
    own.event = (struct event){ .fd = own.changes.fd, .on_read = on_event };
    if (!event_add(worker->loop, &own.event))
        changes_close(&own.changes);
}


void
system_names_watch(struct system_watch *w)
{
    if (own.watches.next == NULL)
        list_init(&own.watches);
    if (own.arena == NULL) {
        own.quiet.on_timeout = on_quiet;
        own.quiet.is_idle = true;
        listen_for_changes();
        read_all();
    }
    list_append(&own.watches, &w->link);
}


void
system_names_leave(struct system_watch *w)
{
    list_remove(&w->link);
    if (!list_empty(&own.watches))
        return;
    if (worker->loop != NULL) {
        timer_stop(&own.quiet);
        stop_listening();
    } else {
        changes_close(&own.changes);
    }
    arena_free(own.arena);
    own.arena = NULL;
}


/* --- asking -------------------------------------------------------------------- */

size_t
system_names_hosts(str_t name, struct addr_any out[HOSTS_ADDRESSES_MAX])
{
    size_t n = hosts_find(own.hosts, name, out), kept = 0;

    for (size_t i = 0; i < n; i++)
        if (own.has_ipv6 || out[i].sa.sa_family == AF_INET)
            out[kept++] = out[i];
    return kept;
}


struct resolver *
system_names_resolver(void)
{
    return own.resolver;
}


size_t
system_names_search(struct arena *a, str_t name, str_t **out)
{
    return resolv_conf_names(a, &own.conf, name, out);
}


msec_t
system_names_timeout(void)
{
    msec_t ms = (msec_t) own.conf.timeout * own.conf.attempts * 1000
                * own.conf.n_servers;

    return ms < TIMEOUT_MAX_MS ? ms : TIMEOUT_MAX_MS;
}
