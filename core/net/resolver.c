/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the cache are names that are known, or being asked for, with the
 * lookups that wait.  An entry belongs to the table; the query of c-ares holds
 * a pointer to it, and so it stays while the query runs.
 */
#include "core/net/resolver.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/os/clock.h"

enum { BUCKETS = 256, ENTRIES_MAX = 8192, SOCKETS_MAX = 32 };

/* A socket of c-ares. */
struct watch {
    struct event     event; /* fd -1: free                                   */
    struct resolver *owner;
};

struct entry {
    struct entry    *next;
    struct resolver *owner;
    str_t            name;    /* lower case; behind this struct              */
    struct list      waiting; /* of struct lookup                            */
    bool             is_asking;
    msec_t           until; /* what is known holds                         */
    size_t           n;
    struct addr_any *at; /* malloc                                      */
};

struct resolver {
    struct resolver_options options;
    struct arena           *arena;
    /* The worker's: */
    struct loop  *loop;
    ares_channel  channel;
    struct timer  timer;
    struct watch  sockets[SOCKETS_MAX];
    struct entry *buckets[BUCKETS];
    size_t        entries;
    unsigned      turn; /* where the next answer starts            */
    bool          is_open, is_closing, failed;
};


/* --- the channel ---------------------------------------------------------- */

static void
arm(struct resolver *rs)
{
    struct timeval  room;
    struct timeval *left = ares_timeout(rs->channel, NULL, &room);

    if (left)
        timer_set(rs->loop, &rs->timer,
                  (msec_t) left->tv_sec * 1000 + (msec_t) left->tv_usec / 1000
                      + 1);
    else
        timer_stop(&rs->timer);
}


static void
on_timer(struct timer *t)
{
    struct resolver *rs = container_of(t, struct resolver, timer);

    ares_process_fd(rs->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(rs);
}


/* The event tells of new bytes only once: all have to be read, and the next
 * are to be told of. */
static void
on_read(struct event *e)
{
    struct watch *w = container_of(e, struct watch, event);
    int           left = 0;

    e->readable = false;
    do {
        int fd = e->fd;

        e->readable = false;
        ares_process_fd(w->owner->channel, fd, ARES_SOCKET_BAD);
        if (e->fd != fd)
            break;
    } while (ioctl(e->fd, FIONREAD, &left) == 0 && left > 0);
    arm(w->owner);
}


static void
on_write(struct event *e)
{
    struct watch *w = container_of(e, struct watch, event);

    e->writable = false;
    e->writable = false;
    if (e->fd != -1)
        ares_process_fd(w->owner->channel, ARES_SOCKET_BAD, e->fd);
}


static struct watch *
find_watch(struct resolver *rs, int fd)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (rs->sockets[i].event.fd == fd)
            return &rs->sockets[i];
    }
    return NULL;
}


static void
on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    struct resolver *rs = data;
    struct watch    *w = find_watch(rs, fd);

    if (rs->is_closing)
        return;
    if (w && !readable && !writable) {
        event_remove(rs->loop, &w->event);
        w->event.fd = -1;
        return;
    }
    if (w || (!readable && !writable))
        return;
    w = find_watch(rs, -1);
    if (!w)
        return; /* c-ares will time out */
    memset(&w->event, 0, sizeof(w->event));
    w->event.fd = fd;
    w->event.on_read = on_read;
    w->event.on_write = on_write;
    if (!event_add(rs->loop, &w->event))
        w->event.fd = -1;
}


/* "1.2.3.4:53,[::1]:5353" for c-ares. */
static str_t
server_list(struct resolver *rs)
{
    str_t all = STR("");

    for (size_t i = 0; i < rs->options.n; i++) {
        const struct addr_any *a = &rs->options.servers[i];
        char                   text[ADDR_TEXT];
        size_t                 n = addr_text(text, &a->sa, a->len, true);

        all = str_join3(rs->arena, all, i ? STR(",") : STR(""),
                        (str_t){ text, n });
    }
    return all;
}


static void
close_resolver(void *arg)
{
    struct resolver *rs = arg;

    if (!rs->is_open)
        return;
    rs->is_closing = true; /* the loop may be gone already */
    ares_destroy(rs->channel);
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry *e = rs->buckets[i];

        while (e) {
            struct entry *next = e->next;

            free(e->at);
            free(e);
            e = next;
        }
    }
}


static bool
open_channel(struct resolver *rs, struct task *t)
{
    struct ares_options o = { 0 };
    char                no_files[] = "b";
    int                 rc;

    rs->loop = t->loop;
    rs->timer.on_timeout = on_timer;
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        rs->sockets[i].event.fd = -1;
        rs->sockets[i].owner = rs;
    }
    o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    o.sock_state_cb = on_socket;
    o.sock_state_cb_data = rs;
    o.lookups = no_files;
    rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc == ARES_SUCCESS)
        rc = ares_init_options(&rs->channel, &o,
                               ARES_OPT_FLAGS | ARES_OPT_SOCK_STATE_CB
                                   | ARES_OPT_LOOKUPS);
    if (rc == ARES_SUCCESS) {
        rs->is_open = true;
        rc = ares_set_servers_ports_csv(rs->channel, server_list(rs).p);
    }
    if (rc == ARES_SUCCESS)
        return true;
    log_at(t->log, LEVEL_ALERT, 0, "resolver: %s", ares_strerror(rc));
    rs->failed = true;
    return false;
}


/* --- the cache ------------------------------------------------------------ */

static struct entry **
place_of(struct resolver *rs, str_t name)
{
    struct entry **at = &rs->buckets[str_hash(name) % BUCKETS];

    while (*at && !str_eq((*at)->name, name))
        at = &(*at)->next;
    return at;
}


/* Makes room by what does not hold any more. */
static void
purge(struct resolver *rs)
{
    msec_t now = clock_ms();

    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry **at = &rs->buckets[i];

        while (*at) {
            struct entry *e = *at;

            if (e->is_asking || (e->until > now && rs->entries < ENTRIES_MAX)) {
                at = &e->next;
                continue;
            }
            *at = e->next;
            rs->entries--;
            free(e->at);
            free(e);
        }
    }
}


static struct entry *
get_entry(struct resolver *rs, str_t name)
{
    struct entry **at = place_of(rs, name);
    struct entry  *e = *at;

    if (e)
        return e;
    if (rs->entries >= ENTRIES_MAX) {
        purge(rs);
        at = place_of(rs, name);
    }
    e = calloc(1, sizeof(*e) + name.n + 1);
    if (!e)
        check_memory(sizeof(*e) + name.n + 1);
    memcpy(e + 1, name.p, name.n);
    e->name = (str_t){ (char *) (e + 1), name.n };
    e->owner = rs;
    list_init(&e->waiting);
    *at = e;
    rs->entries++;
    return e;
}


/* --- answers -------------------------------------------------------------- */

static void
set_error(struct lookup *l, int status)
{
    static const struct {
        int         status, code;
        const char *text;
    } errors[] = {
        { ARES_EFORMERR, 1, "Format error" },
        { ARES_ESERVFAIL, 2, "Server failure" },
        { ARES_ENOTFOUND, 3, "Host not found" },
        { ARES_ENODATA, 3, "Host not found" },
        { ARES_ENOTIMP, 4, "Unimplemented" },
        { ARES_EREFUSED, 5, "Operation refused" },
        { ARES_ETIMEOUT, ETIMEDOUT, "Operation timed out" },
    };

    l->code = 2;
    l->error = "Server failure";
    for (size_t i = 0; i < countof(errors); i++) {
        if (errors[i].status == status) {
            l->code = errors[i].code;
            l->error = errors[i].text;
        }
    }
}


/* Each answer starts with another address, so that all get their share. */
static void
give(struct lookup *l, struct entry *e)
{
    unsigned turn = e->owner->turn++;

    l->is_done = true;
    l->n = e->n;
    l->at = arena_array(l->task->arena, struct addr_any, e->n);
    for (size_t i = 0; i < e->n; i++)
        l->at[i] = e->at[(i + turn) % e->n];
}


static void
keep(struct entry *e, const struct ares_addrinfo *found)
{
    const struct ares_addrinfo_node *n;
    uint64_t ttl = UINT32_MAX, valid = e->owner->options.valid_sec;
    size_t   count = 0;

    for (n = found->nodes; n; n = n->ai_next)
        count++;
    free(e->at);
    e->n = 0;
    e->at = calloc(count + 1, sizeof(*e->at));
    if (!e->at)
        check_memory(count * sizeof(*e->at));
    for (n = found->nodes; n; n = n->ai_next) {
        struct addr_any *a = &e->at[e->n];

        if (n->ai_addrlen > sizeof(a->un))
            continue;
        memcpy(&a->sa, n->ai_addr, n->ai_addrlen);
        a->len = n->ai_addrlen;
        if (n->ai_ttl >= 0 && (uint64_t) n->ai_ttl < ttl)
            ttl = (uint64_t) n->ai_ttl;
        e->n++;
    }
    e->until = clock_ms() + (valid ? valid : ttl) * 1000;
}


static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct entry *e = arg;
    struct list  *link;

    (void) timeouts;
    e->is_asking = false;
    if (status == ARES_SUCCESS) {
        keep(e, found);
        ares_freeaddrinfo(found);
    }
    if (status == ARES_SUCCESS && e->n == 0)
        status = ARES_ENOTFOUND;
    while ((link = list_pop(&e->waiting)) != NULL) {
        struct lookup *l = list_entry(link, struct lookup, link);

        timer_stop(&l->timer);
        wait_end(&l->wait);
        if (status == ARES_SUCCESS)
            give(l, e);
        else
            set_error(l, status);
        l->is_done = true;
        task_wake(l->task);
    }
}


/* --- questions ------------------------------------------------------------ */

static void
leave(struct lookup *l)
{
    timer_stop(&l->timer);
    list_remove(&l->link);
}


static void
cancel(struct wait *w)
{
    leave(container_of(w, struct lookup, wait));
}


static void
on_timeout(struct timer *t)
{
    struct lookup *l = container_of(t, struct lookup, timer);

    leave(l);
    wait_end(&l->wait);
    set_error(l, ARES_ETIMEOUT);
    l->is_done = true;
    task_wake(l->task);
}


static void
send_query(struct resolver *rs, struct entry *e)
{
    const struct resolver_options *o = &rs->options;
    struct ares_addrinfo_hints     hints = {
            .ai_flags = ARES_AI_NOSORT,
            .ai_family = o->no_ipv6   ? AF_INET
                         : o->no_ipv4 ? AF_INET6
                                      : AF_UNSPEC,
            .ai_socktype = SOCK_STREAM,
    };

    e->is_asking = true;
    ares_getaddrinfo(rs->channel, e->name.p, NULL, &hints, on_answer, e);
    arm(rs);
}


bool
resolver_ask(struct resolver *rs, struct lookup *l, struct task *t, str_t name,
             msec_t timeout_ms)
{
    char         *lower = arena_bytes(t->arena, name.n + 1);
    struct entry *e;

    l->task = t;
    if (rs->failed || (!rs->is_open && !open_channel(rs, t))) {
        set_error(l, ARES_ESERVFAIL);
        l->is_done = true;
        return true;
    }
    str_lower_to(lower, name);
    e = get_entry(rs, (str_t){ lower, name.n });
    if (!e->is_asking && e->n && e->until > clock_ms()) {
        give(l, e);
        return true;
    }
    wait_start(t, &l->wait, cancel);
    list_append(&e->waiting, &l->link);
    l->timer.on_timeout = on_timeout;
    timer_set(rs->loop, &l->timer, timeout_ms);
    if (!e->is_asking)
        send_query(rs, e);
    return l->is_done;
}


struct resolver *
resolver_new(struct arena *a, const struct resolver_options *o)
{
    struct resolver *rs = arena_make(a, struct resolver);

    rs->options = *o;
    rs->arena = a;
    arena_defer(a, close_resolver, rs);
    return rs;
}
