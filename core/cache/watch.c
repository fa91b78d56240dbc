/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify, and changes of the mount table.  The descriptor of the mount table
 * is always readable and reports changes only by POLLPRI, so it has an epoll
 * descriptor of its own around it.
 */
#include "core/cache/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/os/clock.h"

/* ROUNDS is for more events than the kernel's queue holds by default. */
enum { EVENTS_BYTES = 16 * 1024, ROUNDS = 64 };

enum {
    SOON_MS = 100, /* behind the wake before                                 */
    SOON_MAX = 8,  /* wakes that come so soon one after another, then ...    */
    REST_MS = 500, /* ... none for so long                                   */
};

static const uint32_t folder_mask = IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK
                                    | IN_CREATE | IN_DELETE | IN_MOVED_FROM
                                    | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF
                                    | IN_MOVE_SELF;
static const uint32_t file_mask = IN_DONT_FOLLOW | IN_MODIFY | IN_CLOSE_WRITE
                                  | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;


static void
handle(struct watch *w, const char *at, size_t n)
{
    const struct inotify_event *e;
    str_t                       name;

    while (n >= sizeof(*e)) {
        e = (const struct inotify_event *) (const void *) at;
        if (e->mask & IN_Q_OVERFLOW) {
            w->on_lost(w);
        } else {
            name = e->len ? str_of(e->name) : STR("");
            w->on_change(w, e->wd, e->mask, name);
        }
        at += sizeof(*e) + e->len;
        n -= sizeof(*e) + e->len;
    }
}


void
watch_drain(struct watch *w)
{
    _Alignas(struct inotify_event) char events[EVENTS_BYTES] UNSET;
    unsigned                            rounds = 0;
    ssize_t                             n;

    for (;;) {
        if (rounds++ == ROUNDS) { /* changes come faster than they are read */
            w->on_lost(w);
            break;
        }
        n = read(w->event.fd, events, sizeof(events));
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        handle(w, events, (size_t) n);
        /* If the buffer was not filled, everything has been read. */
        if ((size_t) n < sizeof(events) - sizeof(struct inotify_event) - 256)
            break;
    }
    w->event.readable = false;
}


/* In a folder on the way to what is served, such as /tmp, others may be busy;
 * the kernel cannot be asked for some names of it only. */
static void
on_events(struct event *e)
{
    struct watch *w = container_of(e, struct watch, event);
    msec_t        now = clock_ms();

    watch_drain(w);
    w->n_soon = now - w->woken_at < SOON_MS ? w->n_soon + 1 : 0;
    w->woken_at = now;
    if (w->n_soon < SOON_MAX)
        return;
    event_remove(w->loop, &w->event);
    w->is_resting = true;
    timer_set(w->loop, &w->rest, REST_MS);
}


static void
on_rested(struct timer *t)
{
    struct watch *w = container_of(t, struct watch, rest);

    w->n_soon = 0;
    w->is_resting = !event_add(w->loop, &w->event);
    if (w->is_resting)
        timer_set(w->loop, t, REST_MS);
    watch_drain(w);
}


static void
on_mounts(struct event *e)
{
    struct watch      *w = container_of(e, struct watch, mounts);
    struct epoll_event got;

    while (epoll_wait(e->fd, &got, 1, 0) == -1 && errno == EINTR)
        continue;
    e->readable = e->hangup = false;
    w->on_lost(w);
}


static bool
watch_mounts(struct watch *w)
{
    struct epoll_event ev = { .events = EPOLLPRI | EPOLLET };

    w->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (w->mountinfo == -1)
        return false;
    w->mounts.fd = epoll_create1(EPOLL_CLOEXEC);
    if (w->mounts.fd == -1)
        return false;
    if (epoll_ctl(w->mounts.fd, EPOLL_CTL_ADD, w->mountinfo, &ev) == -1)
        return false;
    w->mounts.is_urgent = true;
    w->mounts.on_read = on_mounts;
    return event_add(w->loop, &w->mounts);
}


bool
watch_open(struct watch *w, struct loop *l)
{
    int errnum;

    w->loop = l;
    w->mounts.fd = w->mountinfo = -1;
    w->event.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->event.fd == -1)
        return false;
    w->event.is_urgent = true;
    w->event.on_read = on_events;
    w->rest.is_idle = true;
    w->rest.on_timeout = on_rested;
    if (event_add(l, &w->event) && watch_mounts(w))
        return true;
    errnum = errno;
    watch_close(w);
    errno = errnum;
    return false;
}


static void
shut(struct watch *w, struct event *e)
{
    if (e->fd == -1)
        return;
    event_remove(w->loop, e);
    close(e->fd);
    e->fd = -1;
}


void
watch_close(struct watch *w)
{
    timer_stop(&w->rest);
    shut(w, &w->event);
    shut(w, &w->mounts);
    if (w->mountinfo != -1)
        close(w->mountinfo);
    w->mountinfo = -1;
}


int
watch_folder(struct watch *w, const char *path)
{
    return inotify_add_watch(w->event.fd, path, folder_mask);
}


int
watch_file(struct watch *w, const char *path)
{
    return inotify_add_watch(w->event.fd, path, file_mask);
}


int
watch_place(struct watch *w, const char *path)
{
    return inotify_add_watch(w->event.fd, path,
                             IN_ONLYDIR | IN_DELETE_SELF | IN_MOVE_SELF);
}


void
watch_remove(struct watch *w, int wd)
{
    inotify_rm_watch(w->event.fd, wd);
}


bool
watch_is_told(const char *path)
{
    struct statfs fs;

    if (statfs(path, &fs) == -1)
        return false;
    switch ((unsigned long) fs.f_type) {
    case EXT4_SUPER_MAGIC: /* and ext2, ext3 */
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case EROFS_SUPER_MAGIC_V1:
    case SQUASHFS_MAGIC:
    case ISOFS_SUPER_MAGIC:
    case 0x2fc12fc1: /* zfs */
        return true;
    }
    return false;
}
