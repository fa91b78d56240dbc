/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's word about changes on disk: inotify watches, and mounts.  Both
 * descriptors are urgent events of the loop, so that what has changed is known
 * before any request of the same turn is looked at.
 */
#pragma once

#include "core/event/loop.h"
#include "core/base/str.h"

struct watch {
    struct event event;  /* inotify                                          */
    struct event mounts; /* an epoll descriptor around mountinfo             */
    int          mountinfo;
    struct loop *loop;
    /* Something happened to the watched wd: mask as inotify's; name is empty
     * for the watched thing itself. */
    void       (*on_change)(struct watch *, int wd, uint32_t mask,
                            str_t name);
    /* Everything may have changed: events were lost, or mounts differ. */
    void       (*on_lost)(struct watch *);
};

/* on_change and on_lost are set.  False with errno. */
bool watch_open(struct watch *w, struct loop *l);
void watch_close(struct watch *w);

/* Watches a folder for changes of its names, or a file for changes of its
 * bytes; the path is not followed.  The wd, or -1 with errno. */
int  watch_folder(struct watch *w, const char *path);
int  watch_file(struct watch *w, const char *path);
void watch_remove(struct watch *w, int wd);

/* Reads what has come, without waiting. */
void watch_drain(struct watch *w);
