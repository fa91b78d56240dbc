/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes on disk, as the kernel reports them: inotify watches, and mounts.
 * Both descriptors are urgent events of the loop, so changes are known before
 * any request of the same turn is processed.  Where there is something all the
 * time, nobody is woken for a while (is_resting): whoever wants to know then
 * calls watch_drain before he looks.
 */
#pragma once

#include "core/event/loop.h"
#include "core/base/str.h"

struct watch {
    struct event event;  /* inotify                                          */
    struct event mounts; /* an epoll descriptor around mountinfo             */
    int          mountinfo;
    struct loop *loop;
    struct timer rest;
    msec_t       woken_at;
    unsigned     n_soon; /* wakes, one soon after another                    */
    bool         is_resting;
    /* wd changed: mask is inotify's; name is empty if the event is about the
     * watched object itself. */
    void       (*on_change)(struct watch *, int wd, uint32_t mask,
                            str_t name);
    /* Anything may have changed: events were lost, or the mounts changed. */
    void       (*on_lost)(struct watch *);
};

/* The caller has set on_change and on_lost.  False with errno. */
bool watch_open(struct watch *w, struct loop *l);
void watch_close(struct watch *w);

/* Watches the names in a folder, or the bytes of a file; links are not
 * followed.  The wd, or -1 with errno. */
int  watch_folder(struct watch *w, const char *path);
int  watch_file(struct watch *w, const char *path);
/* Only that the folder itself is moved or removed. */
int  watch_place(struct watch *w, const char *path);
void watch_remove(struct watch *w, int wd);

/* Whether the file system of the path changes only through this kernel, which
 * tells of it. */
bool watch_is_told(const char *path);

/* Reads the pending events, without waiting. */
void watch_drain(struct watch *w);
